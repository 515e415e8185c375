"""What layers of images do beyond the properties of all layers: draws, single images, whole numbers, bad input."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.testing import check_layer

FIRST = "channels_first"
RANDOM = {
    "flip": lambda **k: layers.RandomFlip(**k),
    "rotation": lambda **k: layers.RandomRotation(0.3, **k),
    "zoom": lambda **k: layers.RandomZoom(0.3, 0.5, **k),
    "translation": lambda **k: layers.RandomTranslation(0.3, 0.2, **k),
    "crop": lambda **k: layers.RandomCrop(4, 3, **k),
    "contrast": lambda **k: layers.RandomContrast(0.9, value_range=(-9, 9), **k),
    "brightness": lambda **k: layers.RandomBrightness(0.5, value_range=(-9, 9), **k),
}
random_layers = pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM)


def images(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@random_layers
def test_identity_outside_of_training_and_random_by_hand(make):
    x = images(6, 5, 7, 2)
    layer = make(seed=3)
    np.testing.assert_array_equal(layer(x, training=False), x)
    np.testing.assert_array_equal(layer.transform_images(x, None, training=False), x)
    called = make(seed=3)(x)  # a call by hand is one in training
    np.testing.assert_array_equal(called, make(seed=3)(x, training=True))
    np.testing.assert_array_equal(called, make(seed=3)(x, training=None))
    assert called.shape != x.shape or (called != x).any()


@random_layers
def test_seeds_decide_not_threads(make):
    x = images(6, 5, 7, 2)
    layer = make(seed=3)
    first, second = layer(x), layer(x)
    assert (first != second).any()
    keras.config.set_num_threads(1)
    try:
        again = make(seed=3)
        np.testing.assert_array_equal(again(x), first)
        np.testing.assert_array_equal(again(x), second)
    finally:
        keras.config.set_num_threads(None)


@random_layers
def test_one_image_and_channels_first(make):
    x = images(5, 7, 2)
    y = make(seed=3)(x)
    assert y.ndim == 3
    np.testing.assert_array_equal(make(seed=3)(x[None])[0], y)
    turned = make(seed=3, data_format=FIRST)(np.moveaxis(x, -1, 0))
    np.testing.assert_allclose(np.moveaxis(turned, 0, -1), y, atol=1e-6)
    layer = make(seed=3)
    y, cache = layer.forward(x, training=True)
    _, cache_of_batch = make(seed=3).forward(x[None], training=True)
    dy = images(*y.shape, seed=1)
    np.testing.assert_array_equal(layer.backward(dy, cache), layer.backward(dy[None], cache_of_batch)[0])


@random_layers
@pytest.mark.parametrize("rank", [2, 5])
def test_other_ranks_are_refused(make, rank):
    layer = make()
    with pytest.raises(ValueError, match=rf"{layer.label} takes a batch of images \(N, H, W, C\) or one image"):
        layer(np.zeros((3,) * rank))
    with pytest.raises(ValueError, match="takes a batch of images"):
        layer(np.zeros((3,) * rank), training=False)


@random_layers
def test_bytes_become_floats_in_training(make):
    x = np.random.default_rng(0).integers(0, 8, (3, 5, 7, 2)).astype("uint8")
    y = make(seed=1)(x)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, make(seed=1)(x.astype("float32")))


def test_images_differ_within_a_batch_but_crops_do_not():
    x = np.repeat(images(1, 9, 8, 1), 64, axis=0)
    for name, make in RANDOM.items():
        y = make(seed=1)(x)
        kinds = len(np.unique(y.reshape(64, -1), axis=0))
        assert kinds == {"flip": 2, "crop": 1}.get(name, 64)


def test_draws_have_the_ranges_of_their_factors():
    x = np.zeros((4000, 10, 20, 1), "float32")
    both = layers.RandomFlip(seed=0).get_random_transformation(x)["flips"]
    assert both.shape == (4000, 1, 1, 1) and 0.45 < both.mean() < 0.55

    def check(values, low, high):
        assert low <= values.min() < low + 0.01 * (high - low) and high - 0.01 * (high - low) < values.max() <= high
        assert abs(values.mean() - (low + high) / 2) < 0.03 * (high - low)

    check(layers.RandomRotation((-0.25, 0.5), seed=0).get_random_transformation(x)["angle"], -90, 180)
    zoom = layers.RandomZoom(0.5, (0.1, 0.9), seed=0).get_random_transformation(x)
    check(zoom["height_zoom"], 0.5, 1.5)
    check(zoom["width_zoom"], 1.1, 1.9)
    zoom = layers.RandomZoom((-0.5, 0.2), seed=0).get_random_transformation(x)
    np.testing.assert_array_equal(zoom["height_zoom"], zoom["width_zoom"])
    shift = layers.RandomTranslation((-0.5, 0.2), 0.1, seed=0).get_random_transformation(x)["translations"]
    check(shift[:, 0], -2, 2)
    check(shift[:, 1], -5, 2)
    check(layers.RandomContrast(0.5, seed=0).get_random_transformation(x)["contrast_factor"], 1.0, 1.5)
    check(layers.RandomContrast((0.2, 0.5), seed=0).get_random_transformation(x)["contrast_factor"], 0.8, 1.5)
    check(layers.RandomBrightness((0.1, -0.2), seed=0).get_random_transformation(x)["rgb_delta"], -51, 25.5)
    crop = layers.RandomCrop(8, 19, seed=0)
    places = {crop.get_random_transformation(x) for _ in range(200)}
    assert places == {(top, left) for top in range(3) for left in range(2)}


def test_a_seed_may_be_given_to_one_draw():
    x, layer = images(6, 5, 7, 2), layers.RandomRotation(0.3, seed=1)
    a, b = (layer.get_random_transformation(x, seed=5) for _ in range(2))
    np.testing.assert_array_equal(a["angle"], b["angle"])
    np.testing.assert_array_equal(layer(x), layers.RandomRotation(0.3, seed=1)(x))  # the layer's own stream stood still


def test_gradients_of_random_crops():
    for layer, shape in (
        (layers.RandomCrop(3, 4, seed=1), (6, 7, 2)),
        (layers.RandomCrop(7, 4, seed=1), (5, 6, 2)),
        (layers.RandomCrop(5, 6, data_format=FIRST), (1, 10, 4)),
    ):
        x, probe = images(2, *shape), images(2, *shape, seed=2)
        place = layer.get_random_transformation(x)
        y, cache = layer.transform(x, place)
        dy = images(*y.shape, seed=1)
        change = layer.transform_images(probe, place)  # cuts are linear
        np.testing.assert_allclose((change * dy).sum(), (layer.backward(dy, cache) * probe).sum(), rtol=1e-4)


def test_in_a_model():
    """Random in fit, and nothing in predict; the layers behind see the declared sizes."""
    model = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Rescaling(1 / 255),
            layers.Resizing(9, 8),
            layers.RandomFlip("horizontal", seed=1),
            layers.RandomRotation(0.1, seed=2),
            layers.CenterCrop(6, 8),
            layers.UpSampling2D(interpolation="bilinear"),
            layers.Conv2D(2, 3),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).integers(0, 256, (7, 12, 10, 3)).astype("uint8")
    model.fit(x, np.zeros(7, "float32"), batch_size=3, verbose=0)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x, verbose=0))
    assert model.predict(x, verbose=0).shape == (7, 1)


def test_frames_of_images():
    x = np.arange(1.0, 25).reshape(1, 4, 6, 1)
    np.testing.assert_array_equal(layers.CenterCrop(3, 3)(x), x[:, 0:3, 1:4])
    wide = layers.Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=-1.0)(x)
    assert (wide[:, 0] < 7).all()  # a border went into the first row
    np.testing.assert_array_equal(
        layers.Resizing(2, 2, crop_to_aspect_ratio=True)(x), layers.Resizing(2, 2)(x[:, :, 1:5])
    )
    assert layers.Resizing(3, 2, dtype="float64")(x.astype("int16")).dtype == np.int16
    assert layers.Resizing(3, 2, dtype="float64")(x).dtype == np.float64


def test_up_sampling_by_one_returns_no_read_only_view():
    x = images(2, 3, 4, 2)
    assert layers.UpSampling2D(1)(x).flags.writeable


def test_constructed_like_keras_files():
    layer = layers.RandomFlip(bounding_box_format="xyxy")
    assert layer.get_config()["bounding_box_format"] == "xyxy"
    assert "bounding_box_format" not in layers.Resizing(2, 3).get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.UpSampling1D(0), "size must be a whole number above 0, got 0"),
        (lambda: layers.UpSampling1D(2.5), "size must be a whole number"),
        (lambda: layers.UpSampling2D((2, 0)), "size must be one whole number of at least 1 or 2 of them"),
        (lambda: layers.UpSampling2D(interpolation="bilinar"), "Did you mean 'bilinear'"),
        (lambda: layers.UpSampling3D((2, 2)), "or 3 of them"),
        (lambda: layers.UpSampling2D(data_format="last"), "data_format"),
        (lambda: layers.Resizing(0, 3), "height must be a whole number above 0"),
        (lambda: layers.Resizing(2, 3, "area"), "interpolation must be one of"),
        (lambda: layers.Resizing(2, 3, fill_mode="reflect"), "fill_mode must be one of 'constant'"),
        (lambda: layers.Resizing(2, 3, fill_value="a"), "fill_value must be a number"),
        (lambda: layers.Resizing(2, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "only one of"),
        (lambda: layers.CenterCrop(3, -1), "width must be a whole number above 0"),
        (lambda: layers.RandomCrop(3, 0), "width must be a whole number above 0"),
        (lambda: layers.RandomFlip("horizntal"), "Did you mean 'horizontal'"),
        (lambda: layers.RandomRotation(1.5), "factor must lie between -1 and 1, got 1.5"),
        (lambda: layers.RandomRotation((1.5, 2)), "factor must lie between -1 and 1"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "a number from -1 to 1, or a pair of them"),
        (lambda: layers.RandomRotation(float("nan")), "factor must be a number"),
        (lambda: layers.RandomRotation(0.1, fill_mode="mirror"), "fill_mode must be one of"),
        (lambda: layers.RandomRotation(0.1, interpolation="bicubic"), "interpolation must be one of"),
        (lambda: layers.RandomZoom(-1.0), "height_factor must be above -1 and up to 1, got -1.0"),
        (lambda: layers.RandomZoom(0.1, (0.1, 1.1)), "width_factor must be above -1"),
        (lambda: layers.RandomZoom("a"), "height_factor must be a number"),
        (lambda: layers.RandomTranslation(0.1, -1.1), "width_factor must be from -1 to 1, got -1.1"),
        (lambda: layers.RandomContrast(1.5), "factor must lie between 0 and 1"),
        (lambda: layers.RandomContrast(0.5, value_range=3), "value_range must be a pair of numbers, got 3"),
        (lambda: layers.RandomBrightness(-2), "factor must lie between -1 and 1"),
        (lambda: layers.RandomBrightness(0.5, (0, 1, 2)), "value_range must be a pair"),
        (lambda: layers.RandomBrightness(0.5, ("a", 1)), "value_range must be a number"),
        (lambda: layers.RandomFlip(sed=1), "Did you mean 'seed'"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_bad_input():
    with pytest.raises(ValueError, match=r"takes a batch of images \(N, C, H, W\)"):
        layers.Resizing(2, 3, data_format=FIRST)(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="takes a batch of images"):
        layers.CenterCrop(2, 3).compute_output_shape((None, 4))
    with pytest.raises(ValueError, match="up_sampling2d"):
        layers.UpSampling2D()(np.zeros((3, 4, 5)))
    for layer in (layers.Resizing(2, 3), layers.CenterCrop(2, 3), layers.RandomCrop(2, 3)):
        with pytest.raises(ValueError, match=r"images must have pixels, got shape \(2, 0, 4, 3\)"):
            layer(np.zeros((2, 0, 4, 3)))
    with pytest.raises(TypeError, match="computes with numbers"):
        layers.RandomFlip()(np.array([[[["a"]]]]))


def test_the_checker_takes_random_layers():
    check_layer(layers.RandomRotation(0.3, "constant", seed=1), (None, 6, 5, 2))

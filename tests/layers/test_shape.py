"""Merging, embeddings, masks, noise and functions as layers: what the tables of cases do not show."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.activations import differentiable
from nnlite.core.variable import Variable

RNG = np.random.default_rng(0)


# ---- gradients by rows ----


def test_rows_add_up_and_are_forgotten():
    v = Variable(np.zeros((6, 2)))
    v.accumulate_rows(np.array([1, 4, 1]), np.ones((3, 2)))
    expected = np.zeros((6, 2))
    expected[[1, 4]] = [[2, 2], [1, 1]]
    np.testing.assert_array_equal(v.grad_to_read(), expected)
    v.accumulate_rows(np.array([5]), np.full((1, 2), 3.0))
    expected[5] = 3
    np.testing.assert_array_equal(v.grad_to_read(), expected)
    v.zero_grad()
    v.accumulate_rows(np.array([0]), np.ones((1, 2)))
    np.testing.assert_array_equal(v.grad_to_read(), np.eye(6)[:, :1] * [[1, 1]])
    v.zero_grad()
    np.testing.assert_array_equal(v.grad, 0)
    v.grad[3] = 7  # by hand, between two gradients by rows
    v.zero_grad()
    v.accumulate_rows(np.array([0]), np.ones((1, 2)))
    assert v.grad[3].tolist() == [0, 0]
    v.accumulate(np.ones((6, 2)))
    assert v.grad.sum() == 14
    v.zero_grad()
    v.accumulate_rows(np.array([2]), np.ones((1, 2)))
    assert v.grad.sum() == 2


def test_the_work_grows_with_the_rows_touched():
    layer = layers.Embedding(2_000_000, 4)
    x = RNG.integers(0, 2_000_000, (8, 16))
    y, cache = layer.forward(x)
    layer.backward(np.ones_like(y), cache)
    gradient = layer.embeddings.grad_to_read()
    assert gradient.sum() == y.size
    import time

    took = []
    for _ in range(5):
        layer.zero_grad()
        _, cache = layer.forward(x)
        begin = time.perf_counter()
        layer.backward(np.ones_like(y), cache)
        took.append(time.perf_counter() - begin)
    assert layer.embeddings.grad_to_read() is gradient and gradient.sum() == y.size
    assert min(took) < 0.005  # filling 32 MB with zeros takes longer


# ---- embeddings and masks ----


@pytest.mark.parametrize(("value", "dtype"), [(-1, "int64"), (7, "int32"), (255, "uint8"), (9, "float32")])
def test_a_number_outside_the_embeddings_is_named(value, dtype):
    layer = layers.Embedding(7, 2, name="words")
    x = np.zeros((2, 3), dtype)
    x[1, 2] = value
    with pytest.raises(ValueError, match=rf"Embedding 'words': the input holds {value}(\.0)? at \[1, 2\], .* 0 to 6"):
        layer(x)


def test_weights_to_start_with():
    table = RNG.normal(size=(4, 3)).astype("float32")
    np.testing.assert_array_equal(layers.Embedding(4, 3, weights=[table])(np.array([2, 0])), table[[2, 0]])
    np.testing.assert_array_equal(layers.Embedding(4, 3, weights=table)(np.array([1])), table[[1]])


def test_masks_reach_the_layers_behind():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3), layers.Dense(1)])
    padded, short = np.array([[3, 5, 0, 0]]), np.array([[3, 5]])
    np.testing.assert_allclose(model(padded), model(short), rtol=1e-6)
    masked = keras.Sequential([layers.Masking(-1.0), layers.GRU(3)])
    x = RNG.normal(size=(2, 3, 4)).astype("float32")
    long = np.concatenate([x, np.full((2, 2, 4), -1, "float32")], axis=1)
    np.testing.assert_allclose(masked(long), masked(x), rtol=1e-6)
    model.compile("adam", "mse")
    model.fit(padded, np.ones((1, 1)), verbose=0)


# ---- merging ----


def test_functions_in_lower_case():
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    for name in ("add", "subtract", "multiply", "average", "maximum", "minimum"):
        class_ = getattr(layers, name.capitalize())
        np.testing.assert_array_equal(getattr(layers, name)([a, b]), class_()([a, b]))
    np.testing.assert_array_equal(layers.concatenate([a, b], axis=0), np.concatenate([a, b]).astype("float32"))
    np.testing.assert_allclose(layers.dot([a, b], axes=1)[:, 0], (a * b).sum(1), rtol=1e-5)


def test_masks_of_merged_inputs():
    a, b = np.ones((1, 3, 2)), np.ones((1, 3, 2))
    m, n = np.array([[True, False, False]]), np.array([[False, True, False]])
    assert layers.Add().compute_mask([a, b], [m, n]).tolist() == [[True, True, False]]
    assert layers.Add().compute_mask([a, b], [m, None]) is None
    assert layers.Concatenate(axis=1).compute_mask([a, b], [m, None]).tolist() == [
        [True, False, False, True, True, True]
    ]


ONE, TWO = np.ones((2, 3)), np.ones((2, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: layers.Add()([ONE, TWO]),
            ValueError,
            r"input 1 of shape .* does not go .* axis 1: sizes 4 and 3",
        ),
        (lambda: layers.Add()([ONE]), ValueError, "at least 2 inputs|takes a list"),
        (lambda: layers.Subtract()([ONE, ONE, ONE]), ValueError, "takes at least 2 inputs, got 3|takes 2 inputs"),
        (lambda: layers.Multiply()(ONE), ValueError, "takes a list of inputs"),
        (lambda: layers.Concatenate(axis=0)([ONE, TWO]), ValueError, "along axis 1; only axis 0 may differ"),
        (lambda: layers.Concatenate()([ONE, np.ones((2, 3, 1))]), ValueError, "as many axes"),
        (lambda: layers.Concatenate(axis=5)([ONE, ONE]), ValueError, "axis 5 does not exist"),
        (lambda: layers.Dot(1)([ONE, TWO]), ValueError, "different sizes, 3 and 4"),
        (lambda: layers.Dot(0)([ONE, ONE]), ValueError, "must not be that of the batch"),
        (lambda: layers.Dot((1, 1, 1)), ValueError, "one whole number or two"),
        (lambda: layers.Cropping1D(3)(np.ones((1, 5, 2))), ValueError, "leaves nothing of axis 1"),
        (lambda: layers.ZeroPadding3D((1, 2)), ValueError, "three numbers"),
        (lambda: layers.GroupNormalization(3)(np.ones((2, 4))), ValueError, "multiple of groups"),
        (lambda: layers.GaussianNoise(2.0), ValueError, "stddev"),
        (lambda: layers.GaussianDropout(1.0), ValueError, "below 1"),
        (lambda: layers.AlphaDropout(0.5, noise_shape=(1,))(ONE, training=True), ValueError, "one entry for each axis"),
        (lambda: layers.SpectralNormalization(layers.ReLU())(ONE), ValueError, "neither a kernel nor embeddings"),
        (lambda: layers.AdaptiveMaxPooling1D(0), ValueError, "output_size"),
        (lambda: layers.Embedding(0, 3), ValueError, "input_dim"),
        (lambda: layers.Lambda("tanh"), TypeError, "must be a function"),
        (lambda: layers.Lambda.from_config({"function": {"class_name": "__lambda__"}}), ValueError, "never run"),
    ],
)
def test_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- noise, functions, norms ----


def test_noise_has_its_distribution():
    x = np.ones((400, 500), "float32")
    y = layers.GaussianNoise(0.5, seed=0)(x, training=True)
    assert abs(y.mean() - 1) < 0.01 and abs(y.std() - 0.5) < 0.01
    y = layers.GaussianDropout(0.2, seed=0)(x, training=True)
    assert abs(y.mean() - 1) < 0.01 and abs(y.std() - 0.5) < 0.01
    z = RNG.normal(size=(400, 500)).astype("float32")
    y = layers.AlphaDropout(0.3, seed=0)(z, training=True)
    assert abs(y.mean()) < 0.01 and abs(y.std() - 1) < 0.02
    for layer in (layers.GaussianNoise(0.5), layers.GaussianDropout(0.2), layers.AlphaDropout(0.3)):
        np.testing.assert_array_equal(layer(z), z)


def test_functions_as_layers():
    layer = layers.Lambda(lambda x, k: x * k, arguments={"k": 3.0})
    np.testing.assert_array_equal(layer(ONE), 3 * ONE)
    assert layers.Lambda(lambda x: x[:, :2]).compute_output_shape((None, 5)) == (None, 2)
    assert layers.Lambda(lambda x: x, output_shape=(7,)).compute_output_shape((None, 5)) == (None, 7)
    square = differentiable(forward=lambda x, out=None: x * x, backward=lambda dy, x, out=None: 2 * x * dy, keeps="x")(
        lambda x: x * x
    )
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Lambda(square)])
    model.compile("sgd", "mse")
    model.train_on_batch(ONE, np.ones((2, 2)))
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Lambda(np.square)])
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="has no derivative"):
        model.train_on_batch(ONE, np.ones((2, 2)))


def test_the_spectral_norm_becomes_one():
    keras.utils.set_random_seed(1)
    layer = layers.SpectralNormalization(layers.Dense(5), power_iterations=400)
    x = RNG.normal(size=(4, 6)).astype("float32")
    y, cache = layer.forward(x, training=True)
    sigma = np.linalg.norm(layer.kernel.value, 2)
    divided = layer.kernel.value / sigma
    np.testing.assert_allclose(y, x @ divided, rtol=1e-2, atol=1e-4)
    dy = RNG.normal(size=y.shape).astype("float32")
    layer.backward(dy, cache)
    by_divided = x.T @ dy
    v = layer.vector_u.value @ divided.T
    expected = by_divided - (by_divided * divided).sum() * (v.T @ layer.vector_u.value)
    np.testing.assert_allclose(layer.kernel.grad * sigma, expected, rtol=1e-2, atol=1e-3)

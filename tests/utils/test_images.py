"""Images between files and arrays, and data sets of them. These tests need Pillow, which nnlite itself does not."""

import io
import sys

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.utils import array_to_img, image_dataset_from_directory, img_to_array, load_img, save_img


def test_without_pillow_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    for call in (
        lambda: load_img(tmp_path / "a.png"),
        lambda: array_to_img(np.zeros((2, 2, 3))),
        lambda: save_img(tmp_path / "a.png", np.zeros((2, 2, 3))),
        lambda: image_dataset_from_directory(tmp_path),
    ):
        with pytest.raises(ImportError, match="needs Pillow, which is not installed: pip install pillow"):
            call()


def test_smart_resize():
    x = np.random.default_rng(0).normal(size=(2, 4, 9, 3)).astype("float32")
    y = keras.preprocessing.image.smart_resize(x, (2, 3))
    np.testing.assert_array_equal(y, layers.Resizing(2, 3)(x[:, :, 1:7]))
    assert keras.preprocessing.image.smart_resize(x[0].astype("uint8"), [2, 3]).dtype == np.float32
    first = keras.preprocessing.image.smart_resize(x.transpose(0, 3, 1, 2), (2, 3), data_format="channels_first")
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1), y, atol=1e-6)


def test_img_to_array():
    x = np.arange(6).reshape(2, 3)
    assert img_to_array(x).shape == (2, 3, 1) and img_to_array(x).dtype == np.float32
    assert img_to_array(x, "channels_first", "uint8").shape == (1, 2, 3)
    assert img_to_array(np.zeros((2, 3, 4)), data_format="channels_first").shape == (4, 2, 3)
    with pytest.raises(ValueError, match=r"img must have 2 or 3 axes, got shape \(1, 2, 3, 4\)"):
        img_to_array(np.zeros((1, 2, 3, 4)))


class TestWithPillow:
    @pytest.fixture(autouse=True)
    def pillow(self):
        self.image = pytest.importorskip("PIL.Image")

    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_arrays_to_files_and_back(self, channels, tmp_path):
        x = np.random.default_rng(0).integers(0, 256, (5, 7, channels)).astype("uint8")
        mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
        save_img(tmp_path / "a.png", x, scale=False)
        for path in (tmp_path / "a.png", str(tmp_path / "a.png"), io.BytesIO((tmp_path / "a.png").read_bytes())):
            image = load_img(path, color_mode=mode)
            np.testing.assert_array_equal(img_to_array(image, dtype="uint8"), x)
        first = img_to_array(image, data_format="channels_first")
        assert first.shape == (channels, 5, 7)
        np.testing.assert_array_equal(img_to_array(array_to_img(first, "channels_first", scale=False)), x)

    def test_scaling(self):
        x = np.array([[[-1.0], [0.0], [3.0]]])
        assert img_to_array(array_to_img(x)).ravel().tolist() == [0, 63, 255]
        assert img_to_array(array_to_img(x * 0 + 2)).ravel().tolist() == [0, 0, 0]
        assert array_to_img(np.full((1, 1, 1), 300.0), scale=False).mode == "I"

    def test_sizes_and_color_modes(self, tmp_path):
        x = np.random.default_rng(0).integers(0, 256, (8, 12, 3)).astype("uint8")
        path = tmp_path / "a.png"
        save_img(path, x, scale=False)
        whole = self.image.fromarray(x)
        small = load_img(path, target_size=(4, 5), interpolation="bilinear")
        np.testing.assert_array_equal(small, whole.resize((5, 4), self.image.Resampling.BILINEAR))
        kept = load_img(path, target_size=(4, 4), interpolation="box", keep_aspect_ratio=True)
        cut = self.image.fromarray(x[:, 2:10])
        np.testing.assert_array_equal(kept, cut.resize((4, 4), self.image.Resampling.BOX))
        assert load_img(path, color_mode="grayscale").mode == "L" and load_img(path, color_mode="rgba").mode == "RGBA"

    def test_jpeg_without_transparency(self, tmp_path):
        with pytest.warns(UserWarning, match="JPEG files hold no transparency"):
            save_img(tmp_path / "a.jpg", np.zeros((3, 4, 4)), quality=90)
        assert img_to_array(load_img(tmp_path / "a.jpg")).shape == (3, 4, 3)
        save_img(tmp_path / "b", np.zeros((3, 4, 3)), file_format="JPG")
        assert load_img(tmp_path / "b").size == (4, 3)

    def test_bad_images_are_named(self, tmp_path):
        (tmp_path / "text.png").write_text("no image")
        with pytest.raises(ValueError, match=r"load_img: '.*text.png' cannot be read as an image"):
            load_img(tmp_path / "text.png")
        save_img(tmp_path / "whole.png", np.random.default_rng(0).normal(size=(40, 40, 3)))
        (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:1000])
        with pytest.raises(ValueError, match=r"half.png' cannot be read as an image"):
            load_img(tmp_path / "half.png")
        with pytest.raises(ValueError, match="the given bytes cannot be read"):
            load_img(io.BytesIO(b"nothing"))
        with pytest.raises(FileNotFoundError):
            load_img(tmp_path / "nowhere.png")
        with pytest.raises(TypeError, match="path must be a path or a BytesIO, got a int"):
            load_img(3)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda p: load_img(p, color_mode="rbg"), "Did you mean 'rgb'"),
            (lambda p: load_img(p, interpolation="lanczos3"), "interpolation must be one of"),
            (lambda p: load_img(p, target_size=(1, 2, 3)), r"target_size must be \(height, width\)"),
            (lambda p: array_to_img(np.zeros((2, 2))), r"x must be one image with 3 axes, got shape \(2, 2\)"),
            (lambda p: array_to_img(np.zeros((2, 2, 2))), "1, 3 or 4 channels"),
            (lambda p: array_to_img(np.zeros((0, 2, 3))), "x must have pixels"),
        ],
    )
    def test_bad_arguments(self, call, message, tmp_path):
        save_img(tmp_path / "a.png", np.zeros((3, 4, 3)))
        with pytest.raises(ValueError, match=message):
            call(tmp_path / "a.png")

    @pytest.fixture
    def folder(self, tmp_path):
        rng = np.random.default_rng(0)
        self.pixels = {}
        for number, name in enumerate(["cats/1.png", "cats/2.png", "dogs/3.png", "dogs/4.png", "dogs/5.bmp"]):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            x = rng.integers(0, 256, (6 + number, 9 - number, 3)).astype("uint8")
            save_img(path, x, scale=False)
            self.pixels[str(path)] = x
        return tmp_path

    def test_batches(self, folder):
        data = image_dataset_from_directory(folder, image_size=(4, 5), batch_size=2, shuffle=False, verbose=False)
        assert data.class_names == ["cats", "dogs"] and data.file_paths == sorted(self.pixels) and len(data) == 3
        batches = list(data)
        assert [y.tolist() for _, y in batches] == [[0, 0], [1, 1], [1]]
        x = np.concatenate([x for x, _ in batches])
        assert x.dtype == np.float32 and x.shape == (5, 4, 5, 3)
        resizing = layers.Resizing(4, 5)
        for image, path in zip(x, data.file_paths, strict=True):
            np.testing.assert_allclose(image, resizing(self.pixels[path].astype("float32")), atol=1e-4)

    def test_options(self, folder):
        def one(**options):
            options = {"image_size": 4, "shuffle": False, "verbose": False, **options}
            return image_dataset_from_directory(folder, **options)[0]

        assert one(label_mode=None).shape == (5, 4, 4, 3)
        assert one(labels=None).shape == (5, 4, 4, 3)
        x, y = one(label_mode="binary", color_mode="grayscale", data_format="channels_first")
        assert x.shape == (5, 1, 4, 4) and y.tolist() == [[0], [0], [1], [1], [1]]
        x, y = one(label_mode="categorical", color_mode="rgba", batch_size=None)
        assert x.shape == (4, 4, 4) and y.tolist() == [1, 0]
        first = self.pixels[sorted(self.pixels)[0]].astype("float32")
        for option in ("crop_to_aspect_ratio", "pad_to_aspect_ratio"):
            x, _ = one(interpolation="bicubic", **{option: True})
            np.testing.assert_allclose(x[0], layers.Resizing(4, 4, "bicubic", **{option: True})(first), atol=1e-3)
        np.testing.assert_array_equal(one(labels=[4, 4, 3, 3, 9])[1], [4, 4, 3, 3, 9])

    def test_orders(self, folder):
        def orders(seed):
            data = image_dataset_from_directory(
                folder, image_size=2, seed=seed, batch_size=None, color_mode="grayscale", verbose=False
            )
            epochs = []
            for _ in range(3):
                epochs.append([float(x.sum()) for x, _ in data])
                data.on_epoch_end()
            return data.file_paths, epochs

        paths, epochs = orders(3)
        assert (paths, epochs) == orders(3) and epochs != orders(4)[1]
        assert sorted(epochs[0]) == sorted(epochs[1]) and not epochs[0] == epochs[1] == epochs[2]
        expected = sorted(self.pixels)
        np.random.RandomState(3).shuffle(expected)
        assert paths == expected

    def test_splits(self, folder, capsys):
        options = {"image_size": 2, "validation_split": 0.4, "seed": 5, "verbose": True}
        train, validation = image_dataset_from_directory(folder, subset="both", **options)
        lines = capsys.readouterr().out.splitlines()
        assert lines == [
            "Found 5 files belonging to 2 classes.",
            "Using 3 files for training.",
            "Using 2 files for validation.",
        ]
        assert sorted(train.file_paths + validation.file_paths) == sorted(self.pixels)
        assert train.class_names == validation.class_names == ["cats", "dogs"]
        for subset, part in (("training", train), ("validation", validation)):
            again = image_dataset_from_directory(folder, subset=subset, **options)
            assert again.file_paths == part.file_paths
        validation.on_epoch_end()
        assert [y.tolist() for _, y in validation] == [[int("dogs" in path) for path in validation.file_paths]]

    def test_training_on_files(self, folder):
        data = image_dataset_from_directory(folder, image_size=(6, 6), batch_size=2, seed=1, verbose=False)
        model = keras.Sequential(
            [keras.Input((6, 6, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2, "softmax")]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        history = model.fit(data, epochs=2, validation_data=data, verbose=0)
        assert np.isfinite(history.history["loss"]).all()
        assert model.predict(data, verbose=0).shape == (5, 2)

    def test_a_bad_file_is_named_when_its_batch_is_due(self, folder):
        (folder / "dogs" / "6.png").write_text("no image")
        data = image_dataset_from_directory(folder, image_size=2, batch_size=3, shuffle=False, verbose=False)
        assert data[0][0].shape == (3, 2, 2, 3)
        with pytest.raises(ValueError, match=r"image_dataset_from_directory: '.*6.png' cannot be read as an image"):
            data[1]
        with pytest.raises(IndexError, match="there are 2 batches"):
            data[2]

    def test_only_the_first_image_of_a_gif(self, tmp_path):
        frames = [self.image.fromarray(np.full((3, 4), value, "uint8")) for value in (10, 200)]
        (tmp_path / "x").mkdir()
        frames[0].save(tmp_path / "x" / "a.gif", save_all=True, append_images=frames[1:])
        x, _ = image_dataset_from_directory(tmp_path, image_size=(3, 4), verbose=False)[0]
        np.testing.assert_allclose(x, 10, atol=1)

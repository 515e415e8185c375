"""Normalization, CategoryEncoding and vocabularies: what Keras's numbers do not show."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.layers.hashing import fingerprint64, siphash24
from nnlite.utils import PyDataset

# ---- Normalization ----


def test_adapt_is_exact_far_from_zero_and_takes_all_kinds_of_data():
    rng = np.random.default_rng(0)
    x = (1e4 + rng.normal(size=(300, 3))).astype("float32")
    expected = x.astype(float).mean(0), x.astype(float).var(0)

    class Batches(PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return x[100 * i : 100 * i + 100], np.zeros(100)

    for data in (x, [x[:7], x[7:]], (x[i : i + 50] for i in range(0, 300, 50)), Batches(), x.tolist()):
        layer = layers.Normalization()
        layer.adapt(data)
        np.testing.assert_allclose(layer.adapt_mean.value, expected[0], rtol=1e-7)
        np.testing.assert_allclose(layer.adapt_variance.value, expected[1], rtol=1e-5)
        assert layer.mean.shape == layer.variance.shape == (1, 3)


def test_adapting_a_memory_map_takes_a_part_at_a_time(tmp_path):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", "float32", (150_000, 2))
    x[:] = np.random.default_rng(1).normal(3, 2, x.shape)
    layer = layers.Normalization()
    layer.adapt(x)
    np.testing.assert_allclose(layer.adapt_mean.value, np.mean(x, axis=0, dtype=float), rtol=1e-6)
    np.testing.assert_allclose(layer.adapt_variance.value, np.var(x, axis=0, dtype=float), rtol=1e-5)


def test_an_adapted_model_keeps_its_statistics_in_files(tmp_path):
    layer = layers.Normalization()
    layer.adapt(np.array([[1.0, 2.0], [3.0, 6.0]]))
    model = keras.Sequential([keras.Input((2,)), layer, layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    x = np.ones((2, 2), "float32")
    np.testing.assert_array_equal(again(x), model(x))
    assert [v.name for v in layer.weights] == ["mean", "variance", "count"] and layer.trainable_weights == []


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Normalization(mean=1.0), ValueError, "given together"),
        (lambda: layers.Normalization(mean=[1.0], variance=[1.0, 2.0]), ValueError, "one shape"),
        (lambda: layers.Normalization(axis=None, mean=[1.0], variance=[1.0]), ValueError, "at most 0 axes"),
        (lambda: layers.Normalization(mean=0.0, variance=-1.0), ValueError, "must not be negative"),
        (lambda: layers.Normalization(axis=1.5), TypeError, "axis must be"),
        (lambda: layers.Normalization(axis=3).build((None, 2)), ValueError, "axis 3 does not exist"),
        (
            lambda: layers.Normalization(mean=[1, 2], variance=[1, 2]).build((None, 3)),
            ValueError,
            r"do not fit the axes",
        ),
        (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(np.ones((2, 2))), ValueError, "were given"),
        (lambda: layers.Normalization().adapt(np.ones((0, 2))), ValueError, "no data"),
        (lambda: layers.Normalization().adapt([]), ValueError, "no data"),
        (lambda: layers.Normalization().adapt(np.array([["a"]])), TypeError, "numbers"),
        (lambda: layers.Normalization().adapt(3), TypeError, "array or batches"),
        (lambda: layers.Normalization().adapt([np.ones((2, 3)), np.ones((2, 4))]), ValueError, "cannot adapt to data"),
    ],
)
def test_what_cannot_be_normalized(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- CategoryEncoding ----


@pytest.mark.parametrize("value", [-1, 4, 2**40])
def test_numbers_outside_are_named(value):
    with pytest.raises(ValueError, match=rf"holds {value} at \[1, 0\], expected whole numbers from 0 to 3"):
        layers.CategoryEncoding(4, name="c")(np.array([[0, 1], [value, 2]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.CategoryEncoding(), "num_tokens must be given"),
        (lambda: layers.CategoryEncoding(0), "num_tokens"),
        (lambda: layers.CategoryEncoding(3, "hot"), "output_mode must be one of"),
        (lambda: layers.CategoryEncoding(3, sparse=True), "sparse"),
        (lambda: layers.CategoryEncoding(3)(np.array([[1]]), count_weights=np.ones((1, 1))), "output_mode='count'"),
    ],
)
def test_wrong_encodings(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- vocabularies ----


def test_hashes_against_published_values():
    assert siphash24(bytes(range(15)), (0x0706050403020100, 0x0F0E0D0C0B0A0908)) == 0xA129CA6149BE45E5
    # TensorFlow's strings.to_hash_bucket_fast and _strong (key 5, 77) of bytes 0, 1, 2, ... in 1,000,003 buckets
    recorded = {
        0: (377723, 592973),
        1: (802958, 704150),
        3: (28779, 302232),
        4: (673884, 83009),
        7: (787455, 322430),
        8: (949714, 861033),
        16: (898433, 403785),
        17: (288136, 280692),
        32: (700527, 742792),
        33: (885231, 40516),
        64: (849313, 503609),
        65: (559327, 436486),
        128: (105633, 42901),
        129: (457991, 204456),
        200: (568369, 99884),
    }
    for length, (fast, strong) in recorded.items():
        content = bytes(i % 256 for i in range(length))
        assert fingerprint64(content) % 1_000_003 == fast and siphash24(content, (5, 77)) % 1_000_003 == strong


def test_adapt_in_batches_and_steps():
    layer = layers.StringLookup()
    layer.adapt(iter([["a", "b"], ["b", "c"], ["d", "d", "d"]]), steps=2)
    assert layer.get_vocabulary() == ["[UNK]", "b", "c", "a"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["b", "c", "a"]
    layer.adapt(["z"])
    assert layer.get_vocabulary() == ["[UNK]", "z"]


def test_bytes_files_and_single_texts(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")
    layer = layers.StringLookup(vocabulary=str(tmp_path / "words.txt"))
    assert layer(np.array([b"b", b"q"])).tolist() == [2, 0]
    assert layer(np.array([b"b", "a"], object)).tolist() == [2, 1]
    assert layers.TextVectorization(vocabulary=["hello"])(np.array("Hello you")).tolist() == [2, 1]


def test_functions_of_ones_own():
    layer = layers.TextVectorization(
        standardize=lambda x: np.char.replace(x, "-", " "), split=lambda x: [text.split() for text in x]
    )
    layer.adapt(["a-b", "b"])
    assert layer.get_vocabulary() == ["", "[UNK]", "b", "a"] and layer(["b-a"]).tolist() == [[2, 3]]


def test_a_learned_vocabulary_is_saved_with_the_model(tmp_path):
    layer = layers.IntegerLookup(output_mode="tf_idf")
    layer.adapt([[5, 6], [6, 7]])
    model = keras.Sequential([keras.Input((2,), dtype="int64"), layer, layers.Dense(1)])
    x = np.array([[5, 6], [8, 8]])
    expected = model(x)
    model.save(tmp_path / "m.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras")(x), expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.StringLookup(vocabulary=["a", "b", "a"]), ValueError, "more than once: 'a'"),
        (lambda: layers.StringLookup(vocabulary=[]), ValueError, "empty"),
        (lambda: layers.StringLookup(vocabulary=["a", ""], mask_token=""), ValueError, "reserved token '' at place 1"),
        (lambda: layers.StringLookup(vocabulary=["a", "[UNK]"], invert=True), ValueError, "reserved token"),
        (lambda: layers.StringLookup(vocabulary=["a", "b"], max_tokens=2), ValueError, "more than max_tokens=2"),
        (lambda: layers.StringLookup(max_tokens=1), ValueError, "above 1"),
        (lambda: layers.StringLookup(num_oov_indices=-1), ValueError, "num_oov_indices"),
        (lambda: layers.StringLookup(output_mode="bag"), ValueError, "output_mode must be one of"),
        (lambda: layers.StringLookup(invert=True, output_mode="count"), ValueError, "invert=True goes with"),
        (lambda: layers.StringLookup(sparse=True), ValueError, "sparse"),
        (lambda: layers.StringLookup(pad_to_max_tokens=True), ValueError, "needs max_tokens"),
        (lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0]), ValueError, "idf_weights go with"),
        (lambda: layers.StringLookup(vocabulary=["a"], output_mode="tf_idf"), ValueError, "idf_weights must be given"),
        (
            lambda: layers.StringLookup(vocabulary=["a"], idf_weights=[1.0, 2.0], output_mode="tf_idf"),
            ValueError,
            "2 idf_weights for 1 words",
        ),
        (
            lambda: layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]),
            ValueError,
            "'b' is not in the vocab",
        ),
        (lambda: layers.StringLookup(vocabulary=["a"]).adapt(["b"]), ValueError, "was given"),
        (
            lambda: layers.StringLookup(vocabulary=["a"])(np.array([1, 2])),
            TypeError,
            "takes texts, got an array of int",
        ),
        (
            lambda: layers.StringLookup(vocabulary=["a"])(np.array(["a", None], object)),
            TypeError,
            "takes texts, got None",
        ),
        (lambda: layers.StringLookup(vocabulary=["a"], invert=True)(np.array([0.5])), TypeError, "whole numbers"),
        (lambda: layers.StringLookup().adapt(3), TypeError, "adapt takes"),
        (lambda: layers.StringLookup(output_mode="count")(["a"]), ValueError, "call adapt"),
        (lambda: layers.IntegerLookup(vocabulary=[1])(np.array([0.5])), TypeError, "takes whole numbers"),
        (lambda: layers.IntegerLookup(vocabulary_dtype="int32"), ValueError, "must be 'int64'"),
        (lambda: layers.IntegerLookup(oov_method="sip"), ValueError, "oov_method must be one of"),
        (lambda: layers.TextVectorization(standardize="upper"), ValueError, "standardize must be one of"),
        (lambda: layers.TextVectorization(split="comma"), ValueError, "split must be one of"),
        (lambda: layers.TextVectorization(ngrams=0), ValueError, "ngrams"),
        (lambda: layers.TextVectorization(ragged=True), ValueError, "ragged"),
        (
            lambda: layers.TextVectorization(output_mode="count", output_sequence_length=3),
            ValueError,
            "goes with output",
        ),
        (lambda: layers.TextVectorization(vocabulary=["a"])(np.array([["a", "b"]])), ValueError, r"shape \(N,\) or"),
    ],
)
def test_wrong_vocabularies_and_inputs(call, error, message):
    with pytest.raises(error, match=message):
        call()

"""Models whose inputs are texts: trained, measured and asked with every form that texts come in."""

import h5py
import numpy as np
import pandas as pd
import pytest

import nnlite as keras
from nnlite import layers

TEXTS = ["the cat sat", "a dog ran fast", "cat and dog", "sat ran the"] * 5
Y = np.array([0, 1, 0, 1] * 5)
FORMS = {
    "str": np.array(TEXTS)[:, None],
    "objects": np.array(TEXTS, object)[:, None],
    "bytes": np.array([text.encode() for text in TEXTS])[:, None],
    "objects of bytes": np.array([text.encode() for text in TEXTS], object)[:, None],
    "one axis": np.array(TEXTS),
    "list": TEXTS,
    "lists": [[text] for text in TEXTS],
    "every second": np.repeat(TEXTS, 2)[::2],
    "read-only": np.lib.stride_tricks.as_strided(np.array(TEXTS), writeable=False),
    "series": pd.Series(TEXTS),
    "frame": pd.DataFrame({"text": TEXTS}),
    "numpy's own": np.array(TEXTS, np.dtypes.StringDType()) if hasattr(np.dtypes, "StringDType") else np.array(TEXTS),
}


def sentences(declared=True):
    words = layers.TextVectorization(output_sequence_length=5)
    words.adapt(TEXTS)
    rest = [words, layers.Embedding(20, 4, mask_zero=True), layers.LSTM(3), layers.Dense(2, activation="softmax")]
    model = keras.Sequential([layers.Input((1,), dtype="string"), *rest] if declared else rest)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def mixed():
    word, number = layers.Input((1,), dtype="string", name="word"), layers.Input((3,), name="number")
    known = layers.StringLookup(vocabulary=["a", "b"])(word)
    h = layers.Concatenate()([layers.Flatten()(layers.Embedding(4, 2)(known)), number])
    model = keras.Model([word, number], layers.Dense(1)(h))
    model.compile("sgd", "mse")
    return model


W, N = np.array(["a", "b", "z", "a"])[:, None], np.arange(12).reshape(4, 3) / 12


@pytest.mark.parametrize("declared", [True, False])
def test_every_form_of_texts_gives_the_same(declared):
    expected = None
    for name, x in FORMS.items():
        keras.utils.set_random_seed(3)
        model = sentences(declared)
        losses = model.fit(x, Y, batch_size=8, epochs=2, validation_split=0.25, verbose=0).history
        found = [*losses["loss"], *losses["val_loss"], *model.evaluate(x, Y, verbose=0)]
        found += model.predict(x, batch_size=8).ravel().tolist()
        expected = expected or found
        assert found == expected, name


def test_texts_of_streams_and_files(tmp_path):
    class Parts(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            rows = slice(10 * index, 10 * index + 10)
            return TEXTS[rows], Y[rows]

    model = sentences()
    expected = model.predict(TEXTS)
    np.testing.assert_array_equal(model.predict(Parts(), verbose=0), expected)
    np.testing.assert_array_equal(model.predict(iter([(TEXTS[:7],), (np.array(TEXTS[7:]),)])), expected)
    np.testing.assert_array_equal(model.predict_on_batch(np.array(TEXTS)), expected)
    losses = model.evaluate(TEXTS, Y, verbose=0)
    np.testing.assert_allclose(model.evaluate(Parts(), verbose=0), losses, rtol=1e-6)
    with h5py.File(tmp_path / "texts.h5", "w") as file:
        file["free"], file["fixed"] = np.array(TEXTS, object), np.array(TEXTS, "S")
        for name in ("free", "fixed"):
            np.testing.assert_array_equal(model.predict(file[name]), model.predict(TEXTS))
            assert model.fit(file[name], Y, shuffle="batch", validation_split=0.2, verbose=0).history["loss"][0] > 0
    model.fit(Parts(), verbose=0)
    assert model.train_on_batch(np.array(TEXTS), Y)[0] < losses[0]


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_model_of_texts_goes_on_training_out_of_its_file(tmp_path, name):
    model = sentences()
    model.fit(TEXTS, Y, shuffle=False, verbose=0)
    model.save(tmp_path / name)
    again = keras.models.load_model(tmp_path / name)
    np.testing.assert_array_equal(again.predict(TEXTS), model.predict(TEXTS))
    assert (
        again.fit(TEXTS, Y, shuffle=False, verbose=0).history == model.fit(TEXTS, Y, shuffle=False, verbose=0).history
    )


def test_texts_beside_numbers():
    model = mixed()
    first = model.fit({"word": W, "number": N}, np.ones(4), shuffle=False, verbose=0).history["loss"][0]
    assert model.fit([W[:, 0], N], np.ones(4), shuffle=False, verbose=0).history["loss"][0] < first
    np.testing.assert_array_equal(model.predict([W, N]), model([W, N]))


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.words = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
        self.dense = layers.Dense(1)

    def forward(self, x, training=False):
        words, *numbers = x if isinstance(x, list) else [x]
        return self.dense.forward(np.concatenate([self.words(words), *numbers], -1), training)

    def backward(self, dy, cache):
        return self.dense.backward(dy, cache)


@pytest.mark.parametrize("x", [W, [W, N]], ids=["alone", "beside numbers"])
def test_a_subclass_is_built_by_the_texts_it_gets(x):
    model = Subclass()
    model.compile("sgd", "mse")
    first = model.fit(x, np.ones(4), verbose=0).history["loss"][0]
    assert len(model.trainable_weights) == 2
    assert model.evaluate(x, np.ones(4), verbose=0) < first
    assert Subclass()(x).shape == model.predict(x).shape == (4, 1)


def test_a_users_layer_takes_texts_by_saying_so():
    class Length(layers.Layer):
        takes_texts = True

        def forward(self, x, training=False):
            return np.char.str_len(x.astype(str)).astype("float32"), None

        def backward(self, dy, cache):
            return None

    model = keras.Sequential([Length(), layers.Dense(1, kernel_initializer="ones")])
    np.testing.assert_array_equal(model.predict(np.array([["a"], ["bcd"]])), [[1], [3]])
    x = layers.Input((1,), dtype="string")
    assert keras.Model(x, Length()(x)).output_shape == (None, 1)


def test_texts_that_come_out_keep_their_length():
    words = layers.StringLookup(vocabulary=["a", "a much longer one"], invert=True)
    model = keras.Sequential([layers.Input((), dtype="int64"), words])
    assert model.predict(np.array([1] * 32 + [2]), verbose=0)[-1] == "a much longer one"


def test_one_long_text_does_not_make_room_for_every_other():
    import tracemalloc

    x = [["a"]] * 2000 + [["b" * 100_000]]
    model = keras.Sequential([layers.Input((1,), dtype="string"), layers.StringLookup(vocabulary=["a"])])
    tracemalloc.start()
    try:
        assert model.predict(x, batch_size=2001).sum() == 2000
        assert tracemalloc.get_traced_memory()[1] < 2e6  # 800 MB, if each had the room of the longest
    finally:
        tracemalloc.stop()


WRONG = {
    "numbers": (lambda: sentences().fit(np.ones((20, 1)), Y), "takes texts, got an array of float"),
    "a gap": (
        lambda: mixed().fit([np.array(["a", None, "b", "a"]), N], np.ones(4)),
        r"x\[0\]: got None .*in row 1.*''",
    ),
    "a gap in a row": (
        lambda: sentences().predict(np.array([["a", "b"], ["c", np.nan]], object)),
        "x: got nan among the texts, in row 1",
    ),
    "a gap of pandas": (
        lambda: sentences().predict(pd.Series(["a", None])),
        "x: got (None|nan) among the texts, in row 1",
    ),
    "another column": (
        lambda: sentences().predict(pd.DataFrame({"a": ["x"], "b": [1]})),
        r"x: column\(s\) 'a'.*do not hold numbers",
    ),
    "targets": (lambda: sentences().fit(TEXTS, np.array(TEXTS)), "y: got an array of dtype <U.*label numbers"),
    "weights": (
        lambda: sentences().fit(TEXTS, Y, sample_weight=np.array(TEXTS)),
        "sample_weight: got an array of dtype",
    ),
    "the wrong input": (lambda: mixed().fit([N, W], np.ones(4)), "InputLayer 'number' computes with numbers.*<U"),
    "a batch": (lambda: mixed().predict(iter([([W, N.astype(str)],)])), "InputLayer 'number' computes with numbers"),
    "one text": (lambda: sentences().predict("the cat"), "x: got 'the cat', expected an array of numbers or texts"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_texts(case):
    call, words = WRONG[case]
    with pytest.raises(TypeError, match=words):
        call()


def test_what_is_wrong_is_known_before_training():
    model = mixed()
    before = model.get_weights()
    for x in ([N, W], [np.array(["a", None, "b", "a"]), N]):
        with pytest.raises(TypeError):
            model.fit(x, np.ones(4), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not model.optimizer.built


def nested(inner):
    model = keras.Sequential([inner, layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def functional():
    x = layers.Input((), dtype="string")
    return keras.Model(x, layers.StringLookup(vocabulary=["a dog ran fast"], output_mode="one_hot")(x))


@pytest.mark.parametrize("inner", [sentences, functional])
@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_a_model_of_texts_as_the_first_layer_of_a_sequential(tmp_path, inner, name):
    model = nested(inner())
    assert model.fit(TEXTS, Y, verbose=0).history["loss"][0] > 0
    expected = model.predict(TEXTS)
    model.save(tmp_path / name)
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / name).predict(TEXTS), expected)
    assert keras.models.clone_model(model).predict(TEXTS).shape == (20, 1)


def test_whole_numbers_reach_a_nested_sequential_as_they_are():
    lookup = layers.IntegerLookup(vocabulary=[2**24 + 1, 2**24])
    model = keras.Sequential([keras.Sequential([layers.Input((1,), dtype="int64"), lookup])])
    assert model.predict(np.array([[2**24 + 1], [2**24]])).tolist() == [[1], [2]]


def test_a_layer_that_holds_a_lookup_takes_texts():
    class Holder(layers.Layer):
        def __init__(self):
            super().__init__()
            self.words = layers.StringLookup(vocabulary=["a"], output_mode="one_hot")

        def forward(self, x, training=False):
            return self.words(x).astype("float32"), None

    assert keras.Sequential([Holder()]).predict([["a"], ["b"]]).tolist() == [[0, 1], [1, 0]]


def test_a_model_of_numbers_is_not_asked_about_texts():
    asked = []

    class Asked(keras.Model):
        @property
        def takes_texts(self):
            asked.append(1)
            return False

        def forward(self, x, training=False):
            return x * 2, None

    model = Asked()
    model(np.ones((2, 2)))  # which builds it
    asked.clear()
    assert model.predict(np.ones((50, 2)), verbose=0).sum() == 200
    assert not asked


WRONG_LISTS = {
    "ragged": ([["a"], ["b", "c"]], ValueError, r"x: row 0 holds \['a'\].*different lengths"),
    "a number first": ([1.0, "a"], TypeError, "x: got 1.0 among the texts, in row 0"),
    "bytes": ([b"\xff"], ValueError, r"TextVectorization.*bytes that are not utf-8, b'\\xff'.*encoding="),
}


@pytest.mark.parametrize("case", WRONG_LISTS)
def test_wrong_lists_of_texts(case):
    x, error, words = WRONG_LISTS[case]
    with pytest.raises(error, match=words):
        sentences().predict(x)

"""Texts in folders as a data set."""

import json

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.utils import text_dataset_from_directory

GOOD, BAD = "a fine film", "a dull film"


@pytest.fixture
def folder(tmp_path):
    for name, text, count in (("bad", BAD, 4), ("good", GOOD, 6)):
        (tmp_path / "data" / name).mkdir(parents=True)
        for index in range(count):
            (tmp_path / "data" / name / f"{index}.txt").write_text(f"{text} {index}\r\nÄ", "utf-8", newline="")
    (tmp_path / "data" / "good" / "readme.md").write_text("not a text")
    return tmp_path / "data"


def test_batches_and_labels(folder, capsys):
    data = text_dataset_from_directory(folder, batch_size=4, shuffle=False)
    assert capsys.readouterr().out == "Found 10 files belonging to 2 classes.\n"
    assert isinstance(data, keras.utils.PyDataset) and len(data) == 3
    assert data.class_names == ["bad", "good"] and len(data.file_paths) == 10
    x, y = data[1]
    assert x.tolist() == [f"{GOOD} {i}\r\nÄ" for i in range(4)] and y.tolist() == [1] * 4 and y.dtype == np.int32
    assert data[2][0].shape == (2,) and isinstance(x[0], str)
    with pytest.raises(IndexError, match="3 batches"):
        data[3]


def test_label_modes_and_length(folder):
    def first(**options):
        return text_dataset_from_directory(folder, shuffle=False, verbose=False, **options)[0]

    assert first(label_mode="binary")[1][:5].tolist() == [[0.0]] * 4 + [[1.0]]
    assert first(label_mode="categorical")[1][0].tolist() == [1.0, 0.0]
    assert first(label_mode=None, max_length=3)[:2].tolist() == ["a d", "a d"]
    text, label = first(batch_size=None)
    assert text.item() == f"{BAD} 0\r\nÄ" and label == 0
    assert first(labels=list(range(10)))[1].tolist() == list(range(10))
    assert first(class_names=["good", "bad"])[1].tolist() == [0] * 6 + [1] * 4


def test_a_seed_gives_one_order_and_splits_do_not_overlap(folder):
    def make(**options):
        return text_dataset_from_directory(folder, seed=3, verbose=False, validation_split=0.3, **options)

    train, test = make(subset="both")
    assert len(train.file_paths) == 7 and not set(train.file_paths) & set(test.file_paths)
    assert make(subset="training").file_paths == train.file_paths
    assert make(subset="validation").file_paths == test.file_paths
    order = np.arange(10)
    np.random.RandomState(3).shuffle(order)
    plain = text_dataset_from_directory(folder, shuffle=False, verbose=False).file_paths
    assert [*train.file_paths, *test.file_paths] == [plain[i] for i in order]
    before = train[0][0].tolist()
    train.on_epoch_end()
    assert train[0][0].tolist() != before and sorted(train[0][0].tolist()) == sorted(before)


def test_the_state_can_be_kept(folder):
    one, two = (text_dataset_from_directory(folder, seed=3, verbose=False) for _ in range(2))
    one.on_epoch_end()
    state = one.get_state()
    two.set_state(json.loads(json.dumps(state, default=np.ndarray.tolist)))
    for _ in range(2):
        assert one[0][0].tolist() == two[0][0].tolist()
        one.on_epoch_end()
        two.on_epoch_end()


def test_a_model_learns_from_it(folder):
    keras.utils.set_random_seed(0)
    texts = text_dataset_from_directory(folder, label_mode=None, batch_size=3, verbose=False)
    vectors = layers.TextVectorization(max_tokens=20, output_sequence_length=4)
    vectors.adapt(texts)
    assert {"fine", "dull", "film"} <= set(vectors.get_vocabulary())
    data = text_dataset_from_directory(folder, batch_size=3, seed=1, verbose=False)

    class Numbers(keras.utils.PyDataset):
        def __len__(self):
            return len(data)

        def __getitem__(self, i):
            x, y = data[i]
            return vectors(x), y

    model = keras.Sequential([layers.Embedding(20, 4), layers.GlobalAveragePooling1D(), layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert model.fit(Numbers(), epochs=20, verbose=0).history["accuracy"][-1] == 1.0


def test_what_is_wrong_is_named(folder, tmp_path):
    (folder / "good" / "x.txt").write_bytes(b"caf\xe9")
    data = text_dataset_from_directory(folder, shuffle=False, verbose=False)
    with pytest.raises(ValueError, match=r"x\.txt' is no text in UTF-8"):
        data[0]
    (tmp_path / "empty").mkdir()
    for options, message in (
        ({"directory": tmp_path / "empty"}, "no files ending in .txt"),
        ({"max_length": -1}, "max_length must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"label_mode": "ints"}, "Did you mean 'int'"),
        ({"labels": [1, 2]}, "2 labels for 11 files"),
        ({"validation_split": 0.5}, "go together"),
    ):
        with pytest.raises(ValueError, match=message):
            text_dataset_from_directory(**{"directory": folder, "verbose": False, **options})
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        text_dataset_from_directory(tmp_path / "none")

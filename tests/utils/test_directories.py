"""Which files of a folder are taken, in which order, and as whose; Pillow is not needed for that."""

import os

import numpy as np
import pytest

import nnlite as keras
from nnlite.utils.directories import arranged, index_directory, part, targets

NAMES = ["a/1.png", "a/2.JPG", "a/x/3.png", "a/x-y/4.bmp", "b/5.jpeg", "b/6.gif", "b/note.txt", "c.png", ".d/7.png"]
FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "data"


def index(folder, labels="inferred", **options):
    return index_directory("test", folder, labels, FORMATS, verbose=False, **options)


def relative(files, folder):
    return [os.path.relpath(path, folder) for path in files.paths]


def test_classes_are_folders(folder, capsys):
    files = index_directory("test", folder, "inferred", FORMATS)
    assert capsys.readouterr().out == "Found 6 files belonging to 2 classes.\n"
    assert files.class_names == ["a", "b"]
    assert relative(files, folder) == ["a/1.png", "a/2.JPG", "a/x/3.png", "a/x-y/4.bmp", "b/5.jpeg", "b/6.gif"]
    assert files.labels.tolist() == [0, 0, 0, 0, 1, 1] and files.labels.dtype == np.int32
    chosen = index(folder, class_names=("b",))
    assert chosen.class_names == ["b"] and chosen.labels.tolist() == [0, 0]
    assert index(folder, class_names=["b", "a"]).labels.tolist() == [0, 0, 1, 1, 1, 1]


def test_without_labels_and_with_a_list_of_them(folder, capsys):
    files = index_directory("test", str(folder), None, FORMATS)
    assert capsys.readouterr().out == "Found 8 files.\n"
    assert relative(files, folder)[:2] == ["c.png", ".d/7.png"] and files.labels is None and files.class_names is None
    given = [5, 3, 3, 5, 5, 5, 3, 9]
    files = index(folder, given)
    assert files.labels.tolist() == given and files.class_names == ["3", "5", "9"]
    assert given == [5, 3, 3, 5, 5, 5, 3, 9]
    with pytest.raises(ValueError, match="there are 2 labels for 8 files"):
        index(folder, [1, 2])
    with pytest.raises(ValueError, match="labels must be whole numbers"):
        index(folder, [0.5] * 8)


def test_links_out_are_left_alone_unless_asked_for(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "8.png").write_bytes(b"")
    (folder / "a" / "8.png").symlink_to(outside / "8.png")
    (folder / "e").symlink_to(outside)
    (folder / "b" / "1.png").symlink_to(folder / "a" / "1.png")
    (folder / "b" / "back").symlink_to(folder)
    with pytest.warns(UserWarning, match=r"left out 2 link\(s\) that lead out of .* follow_links=True takes them"):
        files = index(folder)
    assert files.class_names == ["a", "b"] and "b/1.png" in relative(files, folder) and len(files.paths) == 7
    files = index(folder, follow_links=True)
    assert files.class_names == ["a", "b", "e"]
    names = relative(files, folder)
    assert {"a/8.png", "e/8.png", "b/1.png"} <= set(names) and len(names) < 40  # the link back is gone through once


def test_what_is_no_file_is_named(folder):
    (folder / "a" / "gone.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(ValueError, match=r"gone.png' is a link to nothing"):
        index(folder)
    (folder / "a" / "gone.png").unlink()
    os.mkfifo(folder / "a" / "pipe.png")
    with pytest.raises(ValueError, match=r"pipe.png' is no regular file"):
        index(folder)


def test_missing_folders_and_files(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder '.*nowhere'"):
        index(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        index(folder / "c.png")
    with pytest.raises(ValueError, match=r"no files ending in .bmp, .gif"):
        index(folder / "a", labels="inferred", class_names=[])
    with pytest.raises(ValueError, match="there is no folder for class 'z'"):
        index(folder, class_names=["a", "z"])


def test_random_order_is_that_of_keras(folder):
    """numpy.random.RandomState(seed).shuffle of the paths, and the labels with them."""
    files = index(folder)
    expected = list(files.paths)
    np.random.RandomState(7).shuffle(expected)
    mixed = arranged(files, True, 7)
    assert mixed.paths == expected != files.paths
    assert [("a", "b")[label] for label in mixed.labels] == [os.path.relpath(p, folder)[0] for p in expected]
    assert arranged(files, False, 7).paths == files.paths


def test_parts(folder, capsys):
    files = index(folder)
    assert part("test", files, 0.4, "training", True).paths == files.paths[:4]
    assert part("test", files, 0.4, "validation", True).paths == files.paths[4:]
    assert capsys.readouterr().out == "Using 4 files for training.\nUsing 2 files for validation.\n"
    with pytest.raises(ValueError, match=r"validation_split=0.1 of 6 files leaves none for validation"):
        part("test", files, 0.1, "validation", False)
    assert part("test", files, 0.1, "training", False).paths == files.paths


def test_targets(folder):
    files = index(folder)
    assert targets("test", files, "int").tolist() == [0, 0, 0, 0, 1, 1]
    binary = targets("test", files, "binary")
    assert binary.dtype == np.float32 and binary.shape == (6, 1) and binary.sum() == 2
    assert targets("test", files, "categorical")[0].tolist() == [1, 0]
    assert targets("test", files, None) is None
    with pytest.raises(ValueError, match="label_mode='binary' needs two classes, there are 1"):
        targets("test", index(folder, class_names=["a"]), "binary")
    with pytest.raises(ValueError, match="label_mode='categorical' needs labels from 0 to 1, got 1, 2"):
        targets("test", index(folder, [1, 2] * 4), "categorical")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": "infered"}, "labels must be 'inferred'"),
        ({"label_mode": "integer"}, "label_mode must be 'int', 'categorical', 'binary' or None, got 'integer'"),
        ({"labels": None, "class_names": ["a"]}, "class_names are for labels='inferred' only"),
        ({"labels": [0, 1], "class_names": ["a"]}, "class_names are for labels='inferred' only"),
        ({"validation_split": 0.2}, "validation_split and subset go together"),
        ({"subset": "training"}, "validation_split and subset go together"),
        ({"validation_split": 1.5, "subset": "training", "seed": 1}, "must be between 0 and 1, got 1.5"),
        ({"validation_split": 0.5, "subset": "train", "seed": 1}, "Did you mean 'training'"),
        ({"validation_split": 0.5, "subset": "both"}, "need the same seed"),
        ({"color_mode": "gray"}, "color_mode must be one of 'grayscale', 'rgb', 'rgba', got 'gray'"),
        ({"batch_size": 0}, "batch_size must be None or a whole number of at least 1, got 0"),
        ({"image_size": (3, 0)}, r"image_size must be \(height, width\), whole numbers above 0"),
        ({"image_size": "big"}, "image_size must be"),
        ({"interpolation": "area"}, "interpolation must be one of 'bilinear'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "only one of"),
        ({"interpolaton": "area"}, "Did you mean 'interpolation'"),
    ],
)
def test_bad_arguments_of_image_data_sets(options, message, folder):
    with pytest.raises((TypeError, ValueError), match=message):
        keras.utils.image_dataset_from_directory(folder, **options)

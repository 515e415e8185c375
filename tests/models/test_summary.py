import numpy as np
import pytest

import nnlite as keras
from nnlite import layers


def net():
    return keras.Sequential(
        [layers.Input((8,)), layers.Dense(4, name="dense"), layers.Dense(3, name="dense_1")], name="net"
    )


# Both tables are Keras's on 80 columns, letter for letter.
EXPECTED = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense (Dense)                   │ (None, 4)              │            36 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 3)              │            15 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 51 (204.00 B)
 Trainable params: 51 (204.00 B)
 Non-trainable params: 0 (0.00 B)"""

NESTED = """\
Model: "o"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━┓
┃ Layer (type)                ┃ Output Shape          ┃    Param # ┃ Trai… ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━┩
│ deeper (Sequential)         │ (None, 3)             │         27 │   N   │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│    └ inner (Sequential)     │ (None, 3)             │         15 │   N   │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│       └ a (Dense)           │ (None, 3)             │         15 │   N   │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│    └ normalization_b        │ (None, 3)             │         12 │   N   │
│ (BatchNormalization)        │                       │            │       │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│ f (Flatten)                 │ (None, 3)             │          0 │   -   │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│ b (Dense)                   │ (None, 2)             │          8 │   Y   │
└─────────────────────────────┴───────────────────────┴────────────┴───────┘
 Total params: 35 (140.00 B)
 Trainable params: 8 (32.00 B)
 Non-trainable params: 27 (108.00 B)"""


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def text_of(model, **kwargs):
    texts = []
    model.summary(print_fn=texts.append, **kwargs)
    assert len(texts) == 1, "print_fn gets the whole text at once"
    return texts[0]


def test_the_table():
    assert text_of(net()) == EXPECTED


def test_the_table_of_inner_models_and_what_learns():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="a")], name="inner")
    deeper = keras.Sequential([layers.Input((4,)), inner, layers.BatchNormalization(name="normalization_b")])
    deeper.name, deeper.trainable = "deeper", False
    model = keras.Sequential([layers.Input((4,)), deeper, layers.Flatten(name="f"), layers.Dense(2, name="b")])
    model.name = "o"
    assert text_of(model, expand_nested=True, show_trainable=True) == NESTED


def test_several_outputs_and_the_terminal(monkeypatch):
    model = keras.Sequential([layers.Input((4, 3)), layers.LSTM(3, return_state=True, name="l")])
    monkeypatch.setenv("COLUMNS", "200")
    lines = text_of(model).split("\n")
    assert len(lines[1]) == 88 and "[(None, 3), (None, 3)," in lines[4]


def test_it_prints(capsys):
    net().summary()
    assert capsys.readouterr().out == EXPECTED + "\n"


def test_optimizer_variables_count_when_there_are_any():
    model = net()
    model.compile("adam", "mse")
    model.fit(np.ones((2, 8)), np.ones((2, 3)), verbose=0)
    lines = text_of(model).split("\n")
    assert lines[-4:] == [
        " Total params: 155 (620.00 B)",
        " Trainable params: 51 (204.00 B)",
        " Non-trainable params: 0 (0.00 B)",
        " Optimizer params: 104 (416.00 B)",
    ]


def test_never_wider_than_asked_and_long_names_wrap():
    model = keras.Sequential([layers.Input((8,)), layers.Dense(4, name="a_very_long_name_" * 4)])
    for width in (40, 60, 80):
        lines = text_of(model, line_length=width).split("\n")
        assert max(map(len, lines[1:-3])) == width
    assert text_of(model, line_length=60).replace("│", "").replace(" ", "").replace("\n", "").count("long") == 4


def test_too_narrow_tables_are_refused():
    with pytest.raises(ValueError, match="a width of 10 with columns that end at 0.45, 0.8, 1 of it"):
        net().summary(line_length=10)


def test_unbuilt_models_say_so():
    text = text_of(keras.Sequential([layers.Dense(4, name="d")], name="n"))
    assert "0 (unbuilt)" in text and "?" in text and "Total params: 0 (0.00 B)" in text


def test_trainable_nested_and_range():
    inner = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="a")], name="inner")
    inner.trainable = False
    model = keras.Sequential([layers.Input((4,)), inner, layers.Flatten(name="f"), layers.Dense(2, name="b")], name="o")
    rows = [
        line for line in text_of(model, show_trainable=True, expand_nested=True).split("\n") if line.startswith("│")
    ]
    cells = [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]
    assert cells == [
        ["inner (Sequential)", "(None, 3)", "15", "N"],
        ["└ a (Dense)", "(None, 3)", "15", "N"],
        ["f (Flatten)", "(None, 3)", "0", "-"],
        ["b (Dense)", "(None, 2)", "8", "Y"],
    ]
    rows = [line for line in text_of(model, layer_range=("f", "b")).split("\n") if line.startswith("│")]
    assert len(rows) == 2
    assert text_of(model, layer_range=("b|f", "i.*")).count("\n") == text_of(model).count("\n")
    with pytest.raises(ValueError, match="layer_range takes the names of two layers"):
        model.summary(layer_range=("f", "no"))


def test_one_number_a_sample_is_a_shape_without_a_comma():
    x = keras.Input((3,))
    flat = keras.Model(x, layers.Reshape(())(layers.Dense(1)(x)))
    row = keras.Sequential([x, layers.Dense(1), layers.Reshape(())])
    for model in (flat, row):
        assert "│ (None)  " in text_of(model) and ",)" not in text_of(model)

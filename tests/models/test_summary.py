import numpy as np

import nnlite as keras
from nnlite import layers


def net():
    return keras.Sequential(
        [layers.Input((8,)), layers.Dense(4, name="dense"), layers.Dense(3, name="dense_1")], name="net"
    )


EXPECTED = """\
Model: "net"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                      ┃ Output Shape             ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense (Dense)                     │ (None, 4)                │            36 │
├───────────────────────────────────┼──────────────────────────┼───────────────┤
│ dense_1 (Dense)                   │ (None, 3)                │            15 │
└───────────────────────────────────┴──────────────────────────┴───────────────┘
 Total params: 51 (204.00 B)
 Trainable params: 51 (204.00 B)
 Non-trainable params: 0 (0.00 B)"""


def text_of(model, **kwargs):
    texts = []
    model.summary(print_fn=texts.append, **kwargs)
    assert len(texts) == 1, "print_fn gets the whole text at once"
    return texts[0]


def test_the_table():
    assert text_of(net()) == EXPECTED


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

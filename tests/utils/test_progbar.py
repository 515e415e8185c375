import numpy as np
import pytest

import nnlite as keras


def test_values_are_averaged_over_the_steps_they_stand_for(capsys):
    progress = keras.utils.Progbar(5, stateful_metrics=["lr"], unit_name="sample")
    progress.update(1, [("loss", 1.0), ("lr", 0.1)])
    progress.add(3, [("loss", 2.0), ("lr", 0.2)])
    assert capsys.readouterr().out == ""
    progress.add(1, [("loss", 4.0), ("lr", 0.3)])
    out = capsys.readouterr().out
    assert out.startswith("5/5 ") and "/sample" in out and out.endswith(" - loss: 2.2000 - lr: 0.3000\n")
    progress.add(1)  # after the end nothing is shown
    assert capsys.readouterr().out == ""


def test_an_unknown_length_is_ended_by_the_loop(capsys):
    progress = keras.utils.Progbar(None, stateless_metrics=["loss"])
    for value in (1.0, 2.0):
        progress.add(1, [("loss", value), ("other", value)])
    assert capsys.readouterr().out == ""
    progress.update(2, [("loss", 7.0)], finalize=True)
    assert capsys.readouterr().out.endswith(" - loss: 7.0000 - other: 2.0000\n")


def test_silence(capsys):
    keras.utils.Progbar(1, verbose=0).add(1, [("loss", 1.0)])
    assert capsys.readouterr().out == ""


def test_wrong_arguments():
    with pytest.raises(ValueError, match="not both"):
        keras.utils.Progbar(1, stateful_metrics=[], stateless_metrics=[])
    with pytest.raises(ValueError, match="verbose: got 7"):
        keras.utils.Progbar(1, verbose=7)


def test_interactive_logging_can_be_turned_off(capsys):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    keras.utils.disable_interactive_logging()
    try:
        assert not keras.config.is_interactive_logging_enabled()
        model.fit(x, x[:, :1], verbose=2)
        model.predict(x, verbose=1)
        assert capsys.readouterr().out == ""
    finally:
        keras.config.enable_interactive_logging()
    model.fit(x, x[:, :1], verbose=2)
    assert "loss" in capsys.readouterr().out

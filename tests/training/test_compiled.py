"""compile: what names stand for, which output they belong to, and what they are called in logs."""

from __future__ import annotations

import numpy as np
import pytest
from fake_models import Linear, TwoHeads, line

from nnlite import losses, metrics, optimizers
from nnlite.training.compiled import CompiledLoss
from nnlite.training.compiled_metrics import CompiledMetrics, masked_weight
from nnlite.training.outputs import per_output

ONE = (np.zeros((4, 1)), np.full((4, 1), 2.0))
TWO = ([np.zeros((4, 1)), np.zeros((4, 3))], [np.full((4, 1), 2.0), np.full((4, 3), 3.0)])


def value(loss, y_true, y_pred, *args):
    return loss.forward(y_true, y_pred, *args)[0]


# ---- laying out what is given for several outputs ----


@pytest.mark.parametrize("given", [[1, 2], (1, 2), {"b": 2, "a": 1}])
def test_lists_go_by_order_and_dicts_by_name(given):
    assert per_output(given, ["a", "b"], "loss") == [1, 2]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1], "1 entries.*2 outputs"),
        ({"a": 1, "bb": 2}, "no output is called 'bb'.*'b'"),
        ({"a": 1}, "nothing for output 'b'"),
        (3, "list of 2"),
    ],
)
def test_what_does_not_fit_the_outputs_is_named(given, words):
    with pytest.raises(ValueError, match=f"loss: .*{words}"):
        per_output(given, ["a", "b"], "loss")


# ---- losses ----


@pytest.mark.parametrize("loss", ["mse", losses.MeanSquaredError(), losses.mean_squared_error, losses.MeanSquaredError])
def test_a_loss_is_a_name_an_object_a_function_or_a_class(loss):
    assert value(CompiledLoss(loss), *ONE) == 4.0


@pytest.mark.parametrize("loss", [["mse", "mae"], {"a": "mse", "b": "mae"}, {"b": "mae", "a": "mse"}])
def test_losses_of_several_outputs_are_summed_with_their_weights(loss):
    assert value(CompiledLoss(loss, None, ["a", "b"]), *TWO) == 4 + 3
    assert value(CompiledLoss(loss, {"a": 0.5, "b": 2}, ["a", "b"]), *TWO) == 2 + 6
    assert value(CompiledLoss(loss, [0.5, 2], ["a", "b"]), *TWO) == 2 + 6


def test_one_loss_serves_all_outputs():
    assert value(CompiledLoss("mse"), *TWO) == 4 + 9


def test_targets_may_come_by_name_and_leave_out_outputs_without_a_loss():
    loss = CompiledLoss({"b": "mae"}, None, ["a", "b"])
    for y_true in ([TWO[0][1]], TWO[0], {"b": TWO[0][1]}, {"a": TWO[0][0], "b": TWO[0][1]}):
        assert value(loss, y_true, TWO[1]) == 3
    with pytest.raises(ValueError, match="no target for output 'b'"):
        loss.forward({"a": TWO[0][0]}, TWO[1])


def test_gradients_come_in_the_form_of_the_outputs():
    loss = CompiledLoss([None, "mse"], [1, 0.5])
    gradient = loss.backward(loss.forward(*TWO)[1])
    assert gradient[0] is None
    np.testing.assert_allclose(gradient[1], np.full((4, 3), 0.5 * 2 * 3 / 12))
    named = CompiledLoss({"b": "mse"})
    y_pred = dict(zip("ab", TWO[1], strict=True))
    gradient = named.backward(named.forward({"b": TWO[0][1]}, y_pred)[1])
    assert list(gradient) == ["a", "b"] and gradient["a"] is None and gradient["b"].shape == (4, 3)


def test_one_weight_array_serves_all_outputs_and_a_list_each_its_own():
    loss, weight = CompiledLoss("mse"), np.array([1.0, 0, 0, 0])
    assert value(loss, *TWO, weight) == (4 + 9) / 4
    assert value(loss, *TWO, [weight, None]) == 4 / 4 + 9
    assert value(CompiledLoss("mse", None, ["a", "b"]), *TWO, {"b": weight}) == 4 + 9 / 4


@pytest.mark.parametrize(
    ("y_true", "width", "expected"),
    [
        (np.zeros((4, 1)), 1, "binary_crossentropy"),
        (np.zeros(4, int), 1, "binary_crossentropy"),
        (np.zeros(4, int), 3, "sparse_categorical_crossentropy"),
        (np.zeros((4, 1), int), 3, "sparse_categorical_crossentropy"),
        (np.eye(4)[:, :3], 3, "categorical_crossentropy"),
    ],
)
@pytest.mark.parametrize("name", ["crossentropy", "ce", "CE"])
def test_crossentropy_is_chosen_by_the_shapes(name, y_true, width, expected):
    loss = CompiledLoss(name)
    loss.check(y_true, (None, width))
    assert loss.terms[0].loss.name == expected


def test_a_refused_batch_chooses_no_crossentropy():
    loss = CompiledLoss("crossentropy")
    with pytest.raises(ValueError, match="labels go from 5 to 5"):
        loss.check(np.full(4, 5), (None, 3))
    loss.check(np.eye(4)[:, :3], (None, 3))
    assert loss.terms[0].loss.name == "categorical_crossentropy"


def test_equal_names_of_unnamed_outputs_are_told_apart():
    loss = CompiledLoss("mse")
    loss.forward(*TWO)
    assert loss.log_names() == ["mse_loss", "mse_1_loss"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("mean_squared_eror",), ValueError, "Did you mean 'mean_squared_error'"),
        ((losses.MeanSquaredError(reduction="none"),), ValueError, "one value a sample"),
        ((lambda y_true, y_pred: 0.0,), TypeError, "gradient"),
        ((["mse", "mse"], [1.0]), ValueError, "1 weights for 2 losses"),
        (("mse", "2"), TypeError, "loss_weights"),
        (("mse", ["accuracy"]), TypeError, r"loss_weights: got 'accuracy', .* Metrics are passed by name: metrics="),
        (({"a": "mse"}, {"b": 1.0}), ValueError, "'b' has no loss"),
        (({"c": "mse"}, None, ["a", "b"]), ValueError, "no output is called 'c'"),
    ],
)
def test_losses_that_cannot_be_are_refused_at_once(arguments, error, words):
    with pytest.raises(error, match=words):
        CompiledLoss(*arguments)


# ---- metrics ----


def names(given=None, weighted=None, batch=ONE, output_names=None):
    compiled = CompiledMetrics(given, weighted, output_names)
    compiled.build(*batch)
    return [entry.name for entry in compiled.entries]


def test_metrics_keep_the_name_they_were_given():
    def mine(y_true, y_pred):
        return np.zeros(len(y_true))

    given = ["mse", "MeanSquaredError", metrics.MeanAbsoluteError(), metrics.Mean(name="m"), mine, "acc", "Accuracy"]
    assert names(given) == ["mse", "MeanSquaredError", "mean_absolute_error", "m", "mine", "acc", "Accuracy"]


def test_equal_names_get_numbers_and_weighted_ones_a_prefix():
    assert names(["mse", "mse", "mse"]) == ["mse", "mse_1", "mse_2"]
    assert names(["mse"], ["mse", "mae"]) == ["mse", "weighted_mse", "mae"]


def test_metrics_of_several_outputs_are_prefixed_with_the_outputs_name():
    assert names([["mse"], ["mae", "mse"]], batch=TWO, output_names=["a", "b"]) == ["a_mse", "b_mae", "b_mse"]
    assert names({"b": "mae"}, {"b": ["mae"]}, TWO, ["a", "b"]) == ["b_mae", "b_weighted_mae"]
    assert names([None, "mae"], batch=TWO) == ["mae"]


def test_accuracy_is_chosen_by_the_shapes():
    for y_true, width, kind in (
        (np.zeros((4, 1)), 1, metrics.BinaryAccuracy),
        (np.zeros(4), 3, metrics.SparseCategoricalAccuracy),
        (np.zeros((4, 1)), 3, metrics.SparseCategoricalAccuracy),
        (np.zeros((4, 3)), 3, metrics.CategoricalAccuracy),
    ):
        compiled = CompiledMetrics(["accuracy"])
        compiled.build(y_true, np.zeros((4, width)))
        assert type(compiled.metrics[0]) is kind
        assert compiled.metrics[0].name == "accuracy"


def test_a_refused_batch_chooses_no_accuracy():
    compiled = CompiledMetrics(["mae", "accuracy"])
    with pytest.raises(ValueError, match="accuracy: targets of shape"):
        compiled.update(np.zeros((4, 3, 1)), np.zeros((4, 3)))
    compiled.update(np.zeros((4, 3)), np.zeros((4, 3)))
    assert type(compiled.metrics[1]) is metrics.CategoricalAccuracy
    assert float(compiled.metrics[0].count) == 4 * 1  # nothing is left of the refused batch


def test_only_weighted_metrics_heed_weights():
    compiled = CompiledMetrics(["mse"], ["mse"])
    compiled.update(np.zeros((2, 1)), np.array([[1.0], [3.0]]), np.array([3.0, 1.0]))
    assert [float(m.result()) for m in compiled.metrics] == [5.0, 3.0]
    compiled.reset()
    assert [float(m.result()) for m in compiled.metrics] == [0.0, 0.0]


def test_masked_steps_do_not_count():
    compiled = CompiledMetrics(["mae"], ["mae"])
    y_pred = np.array([[[1.0], [100.0]], [[3.0], [5.0]]])
    mask = np.array([[True, False], [True, True]])
    compiled.update(np.zeros((2, 2, 1)), y_pred, np.array([2.0, 1.0]), mask)
    assert [float(m.result()) for m in compiled.metrics] == pytest.approx([3.0, (2 + 3 + 5) / 4])
    np.testing.assert_array_equal(masked_weight(np.array([[2.0], [1.0]]), mask, "float64"), [[2, 0], [1, 1]])


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ("mse", TypeError, r"metrics=\['mse'\]"),
        (["acuracy"], ValueError, "(?i)did you mean '.*accuracy'"),
        ([3], TypeError, "3"),
    ],
)
def test_metrics_that_cannot_be_are_refused_at_once(given, error, words):
    with pytest.raises(error, match=words):
        CompiledMetrics(given)


def test_metrics_for_other_outputs_are_refused():
    with pytest.raises(ValueError, match=r"1 entries.*2 outputs"):
        CompiledMetrics(["mse"]).build(*TWO)
    with pytest.raises(ValueError, match="no output is called 'c'"):
        CompiledMetrics({"c": "mse"}, None, ["a", "b"]).build(*TWO)


# ---- compile ----


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"optimizer": "addam"}, ValueError, "(?i)did you mean 'adam'"),
        ({"optimizer": 3}, TypeError, "3"),
        ({"optimizer": "adam", "loss": "mze"}, ValueError, "Did you mean"),
        ({"metric": ["mae"]}, TypeError, "'metric'.*'metrics'"),
    ],
)
def test_a_compile_that_fails_leaves_the_model_as_it_was(arguments, error, words):
    model = Linear()
    with pytest.raises(error, match=words):
        model.compile(**arguments)
    assert not model.compiled and model.optimizer is None
    model.compile("sgd", "mse")
    kept = model.optimizer
    with pytest.raises(error, match=words):
        model.compile(**arguments)
    assert model.optimizer is kept and model.loss == "mse"


def test_options_for_other_machines_change_nothing():
    x, y = line()
    results = []
    for options in (
        {},
        {"run_eagerly": True, "steps_per_execution": 4, "jit_compile": True, "auto_scale_loss": False},
    ):
        model = Linear()
        model.compile("sgd", "mse", **options)
        model.fit(x, y, shuffle=False, verbose=0, batch_size=3)
        results.append(model.w.numpy())
    np.testing.assert_array_equal(*results)


def test_compile_configs_have_keras_keys_and_come_back():
    model = Linear()
    assert model.get_compile_config() == {}
    model.compile(
        optimizers.Adam(0.01), losses.Huber(delta=2.0), 0.5, ["accuracy", metrics.MeanAbsoluteError()], ["mse"]
    )
    config = model.get_compile_config()
    assert list(config) == [
        "optimizer",
        "loss",
        "loss_weights",
        "metrics",
        "weighted_metrics",
        "run_eagerly",
        "steps_per_execution",
        "jit_compile",
    ]
    assert config["metrics"][0] == "accuracy" and config["loss"]["class_name"] == "Huber"
    other = Linear()
    other.build((None, 2))
    other.compile_from_config({**config, "an_option_of_the_future": 1})
    assert other.get_compile_config() == config
    assert type(other.optimizer) is optimizers.Adam and other.optimizer.built
    assert isinstance(other.loss, losses.Huber) and other.loss.delta == 2.0


def test_compile_configs_of_several_outputs_come_back():
    model = TwoHeads()
    model.compile("sgd", {"a": "mse", "b": losses.Huber()}, {"a": 1.0, "b": 2.0}, {"a": ["mae"]})
    other = TwoHeads()
    other.compile_from_config(model.get_compile_config())
    assert other.get_compile_config() == model.get_compile_config()
    assert other.loss["a"] == "mse" and isinstance(other.loss["b"], losses.Huber)


def test_an_overridden_compile_is_not_called_from_a_file():
    class Own(Linear):
        def compile(self, rate):
            super().compile(optimizers.SGD(rate), "mse")

    model = Own()
    model.compile(0.5)
    other = Own()
    with pytest.warns(UserWarning, match=r"overrides compile\(\)"):
        other.compile_from_config(model.get_compile_config())
    assert not other.compiled


def test_losses_of_outputs_in_a_dict_are_listed_in_the_order_they_were_given_in():
    x, y = np.ones((4, 2)), {"a": np.ones((4, 1)), "b": np.full((4, 3), 2.0)}
    for order in ("ab", "ba"):
        model = TwoHeads()
        model.form = dict
        model.compile("sgd", dict.fromkeys(order, "mse"))
        total, *each = model.evaluate(x, y, verbose=0)
        assert total == 5 and each == [{"a": 1, "b": 4}[name] for name in order]
        model.fit(x, y, verbose=0)
        assert (model.wa.value > 0).all() and np.allclose(model.wb.value, 2 / 3 * model.wa.value)

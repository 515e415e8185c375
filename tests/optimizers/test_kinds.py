"""What single optimizers do besides their formulas: which variables, which starts, what they refuse."""

import numpy as np
import pytest

import nnlite
from nnlite import Variable
from nnlite.optimizers import (
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    Ftrl,
    Lamb,
    Lion,
    Muon,
    Nadam,
    ScheduleFreeAdamW,
    schedules,
)


def variables(*paths):
    rng = np.random.default_rng(0)
    return [Variable(rng.standard_normal((3, 2)), name=p.rsplit("/")[-1], path=p) for p in paths]


def test_muon_leaves_embeddings_what_is_excluded_and_all_but_matrices_to_adam():
    vs = variables("net/embedding/embeddings", "net/head/kernel", "net/dense/kernel")
    vs += [Variable(np.ones(2), name="bias"), Variable(np.ones((1, 1, 2)), name="conv"), Variable(1.0, name="scale")]
    optimizer = Muon(0.1, exclude_layers=["h.ad"], weight_decay=None, adam_weight_decay=None)
    adam, others = Adam(0.1), [Variable(v.value, name=v.name) for v in vs]
    for _ in range(3):
        gradients = [np.full(v.shape, 0.5) for v in vs]
        optimizer.apply(gradients, vs)
        adam.apply(gradients, others)
    equal = [np.array_equal(a.value, b.value) for a, b in zip(vs, others, strict=True)]
    assert equal == [True, True, False, True, True, True]
    names = [v.name for v in optimizer.variables[2:]]
    assert [n for n in names if "dense" in n] == ["net_dense_kernel_momentum"]


def test_muon_decays_matrices_and_all_else_by_weights_of_their_own():
    vs = [*variables("dense/kernel", "spared/kernel"), Variable(np.ones(2), name="bias")]
    before = [v.numpy() for v in vs]
    optimizer = Muon(0.5, weight_decay=0.1, adam_weight_decay=0.3)
    optimizer.exclude_from_weight_decay(var_list=[vs[1]])
    optimizer.apply([np.zeros(v.shape) for v in vs], vs)
    for v, old, part in zip(vs, before, (0.05, 0.0, 0.15), strict=True):
        np.testing.assert_allclose(v.value, old * (1 - part), rtol=1e-6)


def test_ftrl_makes_weights_exactly_zero():
    v = Variable(np.array([1.0, -1.0, 1.0]))
    optimizer = Ftrl(0.1, l1_regularization_strength=10.0)
    optimizer.apply([[0.1, 0.1, -0.1]], [v])
    assert v.value.tolist() == [0.0, 0.0, 0.0]


def test_ftrl_cannot_divide_by_a_learning_rate_of_zero():
    v = Variable(np.ones(2))
    optimizer = Ftrl(schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=5))
    with pytest.raises(ValueError, match="learning rate, which must not be 0"):
        optimizer.apply([np.ones(2)], [v])
    assert v.value.tolist() == [1.0, 1.0]


def test_adagrad_begins_with_its_sums():
    optimizer = Adagrad(0.1, initial_accumulator_value=0.5)
    optimizer.build([Variable(np.ones((2, 2)), name="v")])
    assert optimizer.variables[-1].value.tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_nadam_counts_its_product_once_an_update():
    vs = variables("a", "b", "c")
    optimizer = Nadam(0.1, gradient_accumulation_steps=2)
    for _ in range(4):
        optimizer.apply([np.ones(v.shape) for v in vs], vs)
    expected = 0.9 * (1 - 0.5 * 0.96) * 0.9 * (1 - 0.5 * 0.96**2)
    np.testing.assert_allclose(float(optimizer.variables[-1]), expected, rtol=1e-12)


def test_schedule_free_begins_where_the_variables_are():
    v = Variable(np.array([3.0, 4.0]), name="v")
    optimizer = ScheduleFreeAdamW(0.1)
    optimizer.build([v])
    np.testing.assert_array_equal(optimizer.variables[2].value, v.value)
    v.assign([5.0, 6.0])
    optimizer.reset_slots()
    np.testing.assert_array_equal(optimizer.variables[2].value, [5.0, 6.0])


def test_reset_slots_are_those_of_a_new_optimizer():
    for make in (lambda: Adagrad(0.1), lambda: Nadam(0.1), lambda: Adafactor(0.1, use_ema=True), lambda: Ftrl(0.2)):
        vs, optimizer, new = variables("a", "b"), make(), make()
        new.build(variables("a", "b"))
        optimizer.apply([np.ones(v.shape) for v in vs], vs)
        optimizer.reset_slots()
        for a, b in zip(optimizer.variables[2:], new.variables[2:], strict=True):
            np.testing.assert_array_equal(a.value, b.value)


NAMES = "adagrad adadelta adamax nadam lion ftrl adafactor lamb muon schedulefreeadamw Nadam ScheduleFreeAdamW"


@pytest.mark.parametrize("name", NAMES.split())
def test_names(name):
    found = nnlite.optimizers.get(name)
    assert type(found).__name__.lower() == name.lower()
    assert nnlite.optimizers.deserialize(nnlite.optimizers.serialize(found)).get_config() == found.get_config()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: Adagrad(initial_accumulator_value=-1),
            "Adagrad: initial_accumulator_value must be a number, at least",
        ),
        (lambda: Adagrad(epsilon=-1), "epsilon must be"),
        (lambda: Adadelta(rho=1.1), "Adadelta: rho must be a number from 0 to 1"),
        (lambda: Adamax(beta_1=1.0), "Adamax: beta_1 must be a number from 0 to below 1"),
        (lambda: Nadam(beta_2=-0.1), "Nadam: beta_2 must be"),
        (lambda: Lion(beta_1=0.0), "Lion: beta_1 must be a number above 0"),
        (lambda: Lion(beta_2=2), "Lion: beta_2 must be"),
        (lambda: Ftrl(learning_rate_power=0.5), "Ftrl: learning_rate_power must be a number, at most 0, got 0.5"),
        (lambda: Ftrl(l1_regularization_strength=-0.1), "l1_regularization_strength must be"),
        (lambda: Ftrl(l2_regularization_strength=-0.1), "l2_regularization_strength must be"),
        (lambda: Ftrl(l2_shrinkage_regularization_strength=-0.1), "l2_shrinkage_regularization_strength must be"),
        (lambda: Lamb(epsilon="a"), "Lamb: epsilon must be"),
        (lambda: Adafactor(clip_threshold=0.0), "Adafactor: clip_threshold must be a number above 0"),
        (lambda: Adafactor(beta_2=0.9), "'beta_2'. Did you mean 'beta_2_decay'"),
        (lambda: Muon(ns_steps=2.5), "Muon: ns_steps must be a whole number"),
        (lambda: Muon(momentum=-1), "Muon: momentum must be"),
        (lambda: Muon(exclude_layers="head"), "exclude_layers must be a list of expressions, got the string 'head'"),
        (lambda: ScheduleFreeAdamW(beta_1=0.0), "ScheduleFreeAdamW: beta_1 must be a number above 0"),
        (lambda: ScheduleFreeAdamW(warmup_steps=-1), "warmup_steps must be a whole number of at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()

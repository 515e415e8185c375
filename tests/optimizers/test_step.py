"""One step: its order, its options, and which variables it touches."""

import numpy as np
import pytest

from nnlite import Variable, config, constraints
from nnlite.kernels import parallel
from nnlite.optimizers import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    Muon,
    Nadam,
    RMSprop,
    ScheduleFreeAdamW,
)

ALL = [
    lambda **k: SGD(0.1, **k),
    lambda **k: SGD(0.1, momentum=0.9, nesterov=True, **k),
    lambda **k: RMSprop(0.1, momentum=0.5, centered=True, **k),
    lambda **k: Adam(0.1, **k),
    lambda **k: Adam(0.1, amsgrad=True, **k),
    lambda **k: AdamW(0.1, **k),
    lambda **k: Adagrad(0.1, **k),
    lambda **k: Adadelta(1.0, **k),
    lambda **k: Adamax(0.1, **k),
    lambda **k: Nadam(0.1, **k),
    lambda **k: Lion(0.1, **k),
    lambda **k: Ftrl(0.1, l1_regularization_strength=0.01, **k),
    lambda **k: Lamb(0.1, **k),
    lambda **k: Adafactor(0.1, **k),
    lambda **k: Muon(0.1, **k),
    lambda **k: ScheduleFreeAdamW(0.1, **k),
]


def variables(*shapes, dtype="float64", seed=0, **arguments):
    rng = np.random.default_rng(seed)
    return [Variable(rng.standard_normal(s), dtype=dtype, name=f"v{i}", **arguments) for i, s in enumerate(shapes)]


def gradients(vs, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(v.shape).astype(v.dtype) for v in vs]


def values(vs):
    return [v.numpy() for v in vs]


def same(a, b):
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


# ---- where gradients come from ----


@pytest.mark.parametrize("make", ALL)
def test_without_gradients_those_of_the_variables_are_used_and_kept(make):
    own, given = variables((3, 4), (4,)), variables((3, 4), (4,))
    first, second = make(), make()
    first.build(own)
    for seed in range(3):
        gs = gradients(own, seed)
        for v, g in zip(own, gs, strict=True):
            v.zero_grad()
            v.accumulate(g)
        first.apply()
        second.apply(gs, given)
        assert same([v.grad for v in own], gs)
    assert same(values(own), values(given))


def test_values_are_changed_where_they_live():
    v = variables((5,))[0]
    array = v.value
    SGD(1.0).apply([np.ones(5)], [v])
    assert v.value is array


@pytest.mark.parametrize(
    "convert",
    [
        lambda g: g.tolist(),
        lambda g: g.astype(">f8"),
        lambda g: g.astype("float32").astype("float64"),
        lambda g: np.asfortranarray(g),
        lambda g: np.repeat(g, 2, axis=0)[::2],
        lambda g: Variable(g),
    ],
)
def test_gradients_of_any_form(convert):
    plain, other = variables((3, 4)), variables((3, 4))
    g = np.arange(12.0).reshape(3, 4)
    Adam(0.1).apply([g], plain)
    Adam(0.1).apply([convert(g)], other)
    assert same(values(plain), values(other))


def test_read_only_gradients_are_read_only():
    v, g = variables((3,)), np.ones(3)
    g.flags.writeable = False
    Adam(0.1, clipnorm=0.5, weight_decay=0.1).apply([g], v)
    assert g.tolist() == [1.0, 1.0, 1.0]


def test_no_gradient_for_some_warns_and_leaves_them_and_their_slots():
    vs = variables((2,), (3,), (2,))
    before = values(vs)
    optimizer = Adam(0.1, weight_decay=0.1)
    with pytest.warns(UserWarning, match="no gradients for v1"):
        optimizer.apply([np.ones(2), None, np.ones(2)], vs)
    assert np.array_equal(vs[1].value, before[1])
    assert not np.array_equal(vs[0].value, before[0])
    slots = {v.name: v.value for v in optimizer.variables}
    assert not slots["v1_momentum"].any()
    assert slots["v2_momentum"].any()


def test_gradients_in_another_order_and_for_some_of_the_variables():
    vs, others = variables((2,), (3,)), variables((2,), (3,))
    gs = gradients(vs)
    first, second = Adam(0.1), Adam(0.1)
    first.build(vs)
    second.build(others)
    for _ in range(2):
        first.apply([gs[1]], [vs[1]])
        first.apply(gs[::-1], vs[::-1])
        second.apply([gs[1]], [others[1]])
        second.apply(gs, others)
    assert same(values(vs), values(others))
    assert int(first.iterations) == 4


def test_frozen_variables_are_left_alone_and_come_back():
    vs = variables((3,), (4,))
    optimizer = Adam(0.1, weight_decay=0.01)
    optimizer.build(vs)
    vs[0].trainable = False
    before = values(vs)
    vs[1].accumulate(np.ones(4))
    optimizer.apply()
    assert np.array_equal(vs[0].value, before[0])
    assert (vs[1].value < before[1]).all()
    vs[0].trainable = True
    vs[0].accumulate(np.ones(3))
    optimizer.apply()
    assert (vs[0].value < before[0]).all()


def test_an_empty_list_of_gradients_is_no_step():
    optimizer = SGD(0.1)
    optimizer.apply([], [])
    assert optimizer.apply_gradients([]) is optimizer.iterations
    assert int(optimizer.iterations) == 0


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3)])
def test_small_shapes(make, shape):
    v = variables(shape)[0]
    before = v.numpy()
    make().apply([np.ones(shape)], [v])
    assert v.shape == shape
    assert (v.value < before).all()


@pytest.mark.parametrize("make", ALL)
def test_float32_stays_and_float64_is_computed_in_full(make):
    single, double = variables((50,), dtype="float32"), variables((50,))
    double[0].assign(single[0].value)
    one, two = make(), make()
    for seed in range(4):
        gs = gradients(single, seed)
        one.apply(gs, single)
        two.apply(gs, double)
    assert single[0].value.dtype == np.float32
    difference = np.abs(single[0].value - double[0].value).max()
    assert 0 < difference < 1e-5


def test_variables_of_both_types_together():
    vs = [*variables((3,), dtype="float32"), *variables((4,), (2,)), *variables((5,), dtype="float32")]
    gs = gradients(vs)
    alone = [Variable(v.value, name="alone") for v in vs]
    together = Adam(0.1, clipnorm=0.3, weight_decay=0.1, use_ema=True)
    for _ in range(3):
        together.apply(gs, vs)
    singles = [Adam(0.1, clipnorm=0.3, weight_decay=0.1, use_ema=True) for _ in vs]
    for single, v, g in zip(singles, alone, gs, strict=True):
        for _ in range(3):
            single.apply([g], [v])
    assert same(values(vs), values(alone))


@pytest.mark.parametrize("make", ALL)
def test_the_same_bits_from_any_number_of_threads(make, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH_THREADS", 0.0)
    results = []
    try:
        for count in (1, 2, 3):
            config.set_num_threads(count)
            vs = variables((700, 100), (5,), (90000,), (1, 7), dtype="float32")
            optimizer = make(global_clipnorm=1.0, use_ema=True)
            for seed in range(2):
                optimizer.apply(gradients(vs, seed), vs)
            results.append(values(vs) + [v.numpy() for v in optimizer.variables])
    finally:
        config.set_num_threads(None)
    for other in results[1:]:
        if isinstance(optimizer, Muon):  # products of matrices, cut into rows, agree to rounding
            assert all(np.allclose(a, b, rtol=1e-5, atol=1e-5) for a, b in zip(results[0], other, strict=True))
        else:
            assert same(results[0], other)


def test_nan_passes_through_where_it_is():
    vs = variables((3,))
    Adam(0.1).apply([np.array([1.0, np.nan, 1.0])], vs)
    assert np.isnan(vs[0].value).tolist() == [False, True, False]


# ---- options ----


def test_clipnorm_is_by_variable_and_keeps_short_gradients():
    vs = [Variable(np.zeros(2)), Variable(np.zeros(2))]
    SGD(1.0, clipnorm=1.0).apply([[3.0, 4.0], [0.3, 0.4]], vs)
    np.testing.assert_allclose(vs[0].value, [-0.6, -0.8], rtol=1e-12)
    np.testing.assert_array_equal(vs[1].value, [-0.3, -0.4])


def test_global_clipnorm_is_of_all_and_nan_spreads():
    vs = [Variable(np.zeros(1)), Variable(np.zeros(1))]
    SGD(1.0, global_clipnorm=1.0).apply([[3.0], [4.0]], vs)
    np.testing.assert_allclose([v.value[0] for v in vs], [-0.6, -0.8], rtol=1e-12)
    SGD(1.0, global_clipnorm=1.0).apply([[np.inf], [1.0]], vs)
    assert np.isnan([v.value[0] for v in vs]).all()


def test_clipnorm_of_infinity_and_nan_stays_with_the_variable():
    vs = [Variable(np.zeros(2)), Variable(np.zeros(1))]
    SGD(1.0, clipnorm=1.0).apply([[np.inf, 1.0], [2.0]], vs)
    assert np.isnan(vs[0].value[0])
    assert vs[0].value[1] == 0.0
    assert vs[1].value[0] == -1.0


def test_clipvalue():
    v = Variable(np.zeros(4))
    SGD(1.0, clipvalue=0.5).apply([[0.2, 3.0, -3.0, np.nan]], [v])
    np.testing.assert_array_equal(v.value, [-0.2, -0.5, 0.5, np.nan])


def test_weight_decay_goes_by_the_rate_and_spares_what_is_excluded():
    vs = [Variable(np.ones(2), name=name) for name in ("kernel", "bias", "gamma", "own")]
    optimizer = SGD(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay([vs[3]], ["bias", "^gam"])
    optimizer.apply([np.zeros(2)] * 4, vs)
    np.testing.assert_allclose([v.value[0] for v in vs], [0.95, 1.0, 1.0, 1.0], rtol=1e-7)
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_constraints_come_last_and_every_step():
    v = Variable(np.array([0.05, 1.0]), constraint=constraints.NonNeg())
    optimizer = SGD(0.1, use_ema=True)
    optimizer.apply([[1.0, 1.0]], [v])
    np.testing.assert_allclose(v.value, [0.0, 0.9])
    average = next(x for x in optimizer.variables if x.name.endswith("average"))
    np.testing.assert_allclose(average.value, [-0.05, 0.9], rtol=1e-7)  # taken before the constraint


def test_averages_are_written_at_the_end_and_only_if_kept():
    vs = variables((3,))
    optimizer = SGD(0.1, use_ema=True, ema_momentum=0.5)
    seen = []
    for seed in range(3):
        optimizer.apply(gradients(vs, seed), vs)
        seen.append(vs[0].numpy())
    optimizer.finalize_variable_values(vs)
    expected = 0.5 * (0.5 * seen[0] + 0.5 * seen[1]) + 0.5 * seen[2]
    np.testing.assert_allclose(vs[0].value, expected, rtol=1e-12)
    plain = SGD(0.1)
    plain.apply(gradients(vs), vs)
    before = values(vs)
    plain.finalize_variable_values(vs)
    assert same(values(vs), before)
    with pytest.raises(ValueError, match="not for 'stranger'"):
        optimizer.finalize_variable_values([Variable(np.ones(1), name="stranger")])


def test_accumulation_is_the_mean_gradient_and_counts_rounds():
    accumulated, plain = variables((4,)), variables((4,))
    first, second = Adam(0.1, gradient_accumulation_steps=3), Adam(0.1)
    for _ in range(2):
        gs = [gradients(plain, seed)[0] for seed in range(3)]
        for i, g in enumerate(gs):
            before = values(accumulated)
            first.apply([g], accumulated)
            assert same(before, values(accumulated)) == (i < 2)
        second.apply([sum(gs) / 3], plain)
    np.testing.assert_allclose(accumulated[0].value, plain[0].value, rtol=1e-12)
    assert int(first.iterations) == int(second.iterations) == 2


def test_loss_scale_cancels():
    scaled, plain = variables((4,)), variables((4,))
    optimizer = SGD(0.1, loss_scale_factor=8.0)
    assert optimizer.scale_loss(2.0) == 16.0
    assert SGD(0.1).scale_loss(2.0) == 2.0
    g = gradients(plain)[0]
    optimizer.apply([g * 8], scaled)
    SGD(0.1).apply([g], plain)
    assert same(values(scaled), values(plain))

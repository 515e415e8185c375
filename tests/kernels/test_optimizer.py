"""Kernels of optimizers against the formulas, element by element, and the plan against plain updates."""

import math
from functools import partial

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import optimizer as kernels
from nnlite.kernels import optimizer_adam as adam
from nnlite.kernels import optimizer_momentum as momentum
from nnlite.kernels import optimizer_squares as squares
from nnlite.kernels import parallel

SIZE = 37


def oracle_adam(v, g, state, step, lr, beta_1, beta_2, epsilon, amsgrad=False):
    m, u, largest = state.get("m", 0.0), state.get("u", 0.0), state.get("largest", 0.0)
    m = beta_1 * m + (1 - beta_1) * g
    u = beta_2 * u + (1 - beta_2) * g**2
    largest = max(largest, u)
    state.update(m=m, u=u, largest=largest)
    rate = lr * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return v - rate * m / (math.sqrt(largest if amsgrad else u) + epsilon)


def oracle_momentum(v, g, state, step, lr, mu, nesterov):
    state["m"] = mu * state.get("m", 0.0) - lr * g
    return v + (mu * state["m"] - lr * g if nesterov else state["m"])


def oracle_rmsprop(v, g, state, step, lr, rho, mu, epsilon, centered):
    state["u"] = rho * state.get("u", 0.0) + (1 - rho) * g**2
    state["a"] = rho * state.get("a", 0.0) + (1 - rho) * g
    bottom = state["u"] - state["a"] ** 2 if centered else state["u"]
    state["b"] = mu * state.get("b", 0.0) + lr * g / math.sqrt(bottom + epsilon)
    return v - state["b"]


def oracle_lion(v, g, state, step, lr, beta_1, beta_2):
    m = state.get("m", START)
    state["m"] = beta_2 * m + (1 - beta_2) * g
    return v - lr * math.copysign(1, beta_1 * m + (1 - beta_1) * g)


def oracle_adagrad(v, g, state, step, lr, epsilon):
    state["a"] = state.get("a", START) + g**2
    return v - lr * g / math.sqrt(state["a"] + epsilon)


def oracle_adadelta(v, g, state, step, lr, rho, epsilon):
    a = state["a"] = rho * state.get("a", START) + (1 - rho) * g**2
    b = state.get("b", START)
    e = math.sqrt(b + epsilon) / math.sqrt(a + epsilon) * g
    state["b"] = rho * b + (1 - rho) * e**2
    return v - lr * e


def oracle_ftrl(v, g, state, step, lr, power, l1, l2, shrinkage, beta):
    a, z = state.get("a", START), state.get("z", START)
    n = a + g**2
    z += g + 2 * shrinkage * v - (n**-power - a**-power) / lr * v
    state.update(a=n, z=z)
    return (min(max(z, -l1), l1) - z) / (n**-power / lr + 2 * (l2 + beta / (2 * lr)))


def oracle_adamax(v, g, state, step, lr, beta_1, beta_2, epsilon):
    m = state["m"] = beta_1 * state.get("m", START) + (1 - beta_1) * g
    u = state["u"] = max(beta_2 * state.get("u", START), abs(g))
    return v - lr / (1 - beta_1**step) * m / (u + epsilon)


def oracle_nadam(v, g, state, step, lr, beta_1, beta_2, epsilon, product):
    m = state["m"] = beta_1 * state.get("m", START) + (1 - beta_1) * g
    u = state["u"] = beta_2 * state.get("u", START) + (1 - beta_2) * g**2
    now, coming = (beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
    h = coming * m / (1 - product * coming) + (1 - now) * g / (1 - product)
    return v - lr * h / (math.sqrt(u / (1 - beta_2**step)) + epsilon)


def oracle_schedule_free(v, g, state, step, lr, beta_1, beta_2, epsilon):
    z, u = state.get("z", START), state.get("u", START)
    x = (v - (1 - beta_1) * z) / beta_1
    u = beta_2 * u + (1 - beta_2) * g**2
    z -= lr * g / (math.sqrt(u / (1 - beta_2**step)) + epsilon)
    x += (z - x) / step
    state.update(z=z, u=u)
    return z + beta_1 * (x - z)


START = 0.1  # what all slots begin with where the oracle says nothing else
ADAM = {"lr": 0.01, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-6}
FTRL = {"lr": 0.5, "power": -0.5, "l1": 0.2, "l2": 0.1, "shrinkage": 0.05, "beta": 0.3}
RMS = {"lr": 0.01, "rho": 0.7, "epsilon": 1e-4}
# name -> kernel, number of slots, how d is applied, oracle, settings
CASES = {
    "sgd": (momentum.sgd, 0, np.subtract, lambda v, g, state, step, lr: v - lr * g, {"lr": 0.3}),
    "momentum": (momentum.momentum, 1, np.add, oracle_momentum, {"lr": 0.3, "mu": 0.9, "nesterov": False}),
    "nesterov": (momentum.momentum, 1, np.add, oracle_momentum, {"lr": 0.3, "mu": 0.9, "nesterov": True}),
    "adam": (adam.adam, 2, np.subtract, oracle_adam, ADAM),
    "amsgrad": (adam.adam, 3, np.subtract, partial(oracle_adam, amsgrad=True), ADAM),
    "rmsprop": (squares.rmsprop, 1, np.subtract, oracle_rmsprop, {**RMS, "mu": 0.0, "centered": False}),
    "rmsprop momentum": (squares.rmsprop, 2, np.subtract, oracle_rmsprop, {**RMS, "mu": 0.9, "centered": False}),
    "rmsprop centered": (squares.rmsprop, 2, np.subtract, oracle_rmsprop, {**RMS, "mu": 0.0, "centered": True}),
    "rmsprop both": (squares.rmsprop, 3, np.subtract, oracle_rmsprop, {**RMS, "mu": 0.9, "centered": True}),
    "lion": (momentum.lion, 1, np.subtract, oracle_lion, {"lr": 0.1, "beta_1": 0.7, "beta_2": 0.8}),
    "adagrad": (squares.adagrad, 1, np.subtract, oracle_adagrad, {"lr": 0.1, "epsilon": 1e-5}),
    "adadelta": (squares.adadelta, 2, np.subtract, oracle_adadelta, {"lr": 0.9, "rho": 0.8, "epsilon": 1e-4}),
    "ftrl": (squares.ftrl, 2, None, oracle_ftrl, FTRL),
    "ftrl bare": (
        squares.ftrl,
        2,
        None,
        oracle_ftrl,
        {**FTRL, "power": -0.3, "l1": 0.0, "shrinkage": 0.0, "beta": 0.0},
    ),
    "adamax": (adam.adamax, 2, np.subtract, oracle_adamax, ADAM),
    "nadam": (adam.nadam, 2, np.subtract, oracle_nadam, {**ADAM, "product": 0.4}),
    "schedule free": (adam.schedule_free, 2, None, oracle_schedule_free, ADAM),
}
STEPPED = (adam.adam, adam.adamax, adam.nadam, adam.schedule_free)


def update(name, step=1):
    kernel, _, apply, _, settings = CASES[name]
    extra = {"step": step} if kernel in STEPPED else {}
    return kernels.Update(partial(kernel, **settings, **extra), 12, apply, writes=apply is None)


def oracle_names(oracle):
    return getattr(oracle, "func", oracle).__code__.co_names


@pytest.fixture
def threads():
    yield config.set_num_threads
    config.set_num_threads(None)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_five_steps_by_the_formula(name, dtype):
    _, slots, _, oracle, settings = CASES[name]
    rng = np.random.default_rng(1)
    v = rng.standard_normal(SIZE).astype(dtype)
    start = START if "START" in oracle_names(oracle) else 0.0
    flat = [np.full(SIZE, start, dtype) for _ in range(slots)]
    plan = kernels.Plan([v], flat, [0], 12)
    expected, states = v.tolist(), [{} for _ in range(SIZE)]
    for step in range(1, 6):
        g = rng.standard_normal(SIZE).astype(dtype)
        before = g.copy()
        plan.run(update(name, step), [g])
        assert np.array_equal(g, before)
        expected = [oracle(e, x, s, step, **settings) for e, x, s in zip(expected, g.tolist(), states, strict=True)]
    assert v.dtype == dtype
    np.testing.assert_allclose(v, expected, rtol=0, atol=1e-12 if dtype == "float64" else 2e-5)


SHAPES = [(), (1,), (3, 5), (0, 4), (7,), (300, 301), (2,), (40000,), (9, 9), (1,)]


def problem(shapes, slots, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    values = [np.asarray(rng.standard_normal(s), dtype) for s in shapes]
    gradients = [np.asarray(rng.standard_normal(s), dtype) for s in shapes]
    sizes = [v.size for v in values]
    offsets = np.cumsum([0, *sizes])[:-1].tolist()
    return values, gradients, [np.full(sum(sizes), 0.1, dtype) for _ in range(slots)], offsets


def one_by_one(values, gradients, flat, offsets, name):
    """Every variable by itself, straight through the kernel."""
    for v, g, start in zip(values, gradients, offsets, strict=True):
        s, t = np.empty(v.size, v.dtype), np.empty(v.size, v.dtype)
        own = [f[start : start + v.size] for f in flat]
        if CASES[name][2] is None:
            update(name).function(g.reshape(-1), s, t, v.reshape(-1), *own)
            continue
        d = update(name).function(g.reshape(-1), s, t, *own)
        CASES[name][2](v, d.reshape(v.shape), out=v)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", CASES)
def test_the_plan_changes_nothing_but_the_order(name, count, threads, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH_THREADS", 0.0)
    threads(count)
    slots = CASES[name][1]
    values, gradients, flat, offsets = problem(SHAPES, slots)
    plan = kernels.Plan(values, flat, offsets, 12)
    assert len(plan.shares) == count
    plan.run(update(name), gradients)
    expected, _, expected_flat, _ = problem(SHAPES, slots)
    with np.errstate(over="ignore"):  # as the plan does
        one_by_one(expected, gradients, expected_flat, offsets, name)
    for a, b in zip([*values, *flat], [*expected, *expected_flat], strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("block", [16, 1000, 1 << 18])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_element_is_in_one_block(block, count, threads, monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", block)
    monkeypatch.setattr(kernels, "JOINED", 64)
    monkeypatch.setattr(parallel, "WORTH_THREADS", 0.0)
    monkeypatch.setattr(parallel, "LEAD", 0.0)
    threads(count)
    values, _, flat, offsets = problem(SHAPES, 1)
    plan = kernels.Plan(values, flat, offsets, 12)
    covered = [np.zeros(v.size, int) for v in values]
    for share in plan.shares:
        for b in share:
            assert b.edges[-1] == b.slots[0].size == sum(v.size for v in b.values) <= max(block, 64)
            begin = offsets[b.spans[0].number] + b.spans[0].start
            assert np.shares_memory(b.slots[0], flat[0][begin : begin + 1])
            for span in b.spans:
                covered[span.number][span.start : span.stop] += 1
    assert all((c == 1).all() for c in covered)
    sizes = [sum(b.edges[-1] for b in share) for share in plan.shares]
    assert max(sizes) - min(sizes) <= 64


def test_variables_whose_slots_are_apart_are_not_joined(threads):
    values, gradients, flat, offsets = problem([(4,), (5,), (6,)], 1)
    chosen = [0, 2]  # the one between them has no gradient
    plan = kernels.Plan([values[i] for i in chosen], flat, [offsets[i] for i in chosen], 12)
    assert [len(b.spans) for b in plan.shares[0]] == [1, 1]
    before = values[1].copy(), flat[0][4:9].copy()
    plan.run(update("momentum"), [gradients[i] for i in chosen])
    assert np.array_equal(values[1], before[0])
    assert np.array_equal(flat[0][4:9], before[1])
    assert len(kernels.Plan(values, flat, offsets, 12).shares[0]) == 1


def test_factors_limit_and_decays_come_first():
    values, gradients, flat, offsets = problem([(4,), (5,), (20000,)], 0)
    before = [v.astype(float) for v in values]
    copies = [g.copy() for g in gradients]
    factors, decays = [0.5, 2.0, 3.0], [0.1, 0.0, 0.2]
    kernels.Plan(values, flat, offsets, 2).run(
        kernels.Update(partial(momentum.sgd, lr=0.3), 2), gradients, factors, 0.7, decays
    )
    for v, b, g, c, factor, decay in zip(values, before, gradients, copies, factors, decays, strict=True):
        assert np.array_equal(g, c)
        expected = b * (1 - decay) - 0.3 * np.clip(g.astype(float) * factor, -0.7, 0.7)
        np.testing.assert_allclose(v, expected, atol=1e-6)


def test_gradients_of_any_layout():
    values, gradients, flat, offsets = problem([(4, 6), (3, 2)], 2)
    expected, _, expected_flat, _ = problem([(4, 6), (3, 2)], 2)
    kernels.Plan(expected, expected_flat, offsets, 12).run(update("adam"), gradients)
    strange = [np.asfortranarray(gradients[0]), np.repeat(gradients[1], 2, axis=1)[:, ::2]]
    for g in strange:
        g.flags.writeable = False
    kernels.Plan(values, flat, offsets, 12).run(update("adam"), strange)
    assert all(np.array_equal(a, b) for a, b in zip(values, expected, strict=True))


def test_values_must_be_contiguous():
    with pytest.raises(ValueError, match="C-contiguous"):
        kernels.Plan([np.zeros((4, 4)).T], [], [0], 2)


def test_no_variables_with_elements():
    values, gradients, flat, offsets = problem([(0,), (3, 0)], 2)
    kernels.Plan(values, flat, offsets, 12).run(update("adam"), gradients)
    assert [v.shape for v in values] == [(0,), (3, 0)]


@pytest.mark.parametrize("name", CASES)
def test_nan_and_infinity_run_through_silently_and_stay_where_they_are(name):
    values, gradients, flat, offsets = problem([(8,)], CASES[name][1])
    expected, _, expected_flat, _ = problem([(8,)], CASES[name][1])
    kernels.Plan(expected, expected_flat, offsets, 12).run(update(name), gradients)
    bad = gradients[0].copy()
    bad[[1, 3, 4]] = np.nan, np.inf, 3e38
    kernels.Plan(values, flat, offsets, 12).run(update(name), [bad])
    good = [0, 2, 5, 6, 7]
    assert np.isnan(values[0][1])
    assert not np.isfinite(values[0][3]) or name == "lion"  # which takes the sign
    assert np.array_equal(values[0][good], expected[0][good])


def test_average_leaves_the_values():
    v, a = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    plan = kernels.Plan([v], [a], [0], 5)
    plan.run(kernels.Update(partial(kernels.average, momentum=0.75), 5, None), [v])
    assert v.tolist() == [1.0, 2.0]
    assert a.tolist() == [2.5, 4.25]


def test_squares():
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((30, 40)).T, rng.standard_normal(7)[::-1], np.array(2.0), np.zeros((0, 3))]
    expected = [math.fsum(x**2 for x in a.ravel().tolist()) for a in arrays]
    assert kernels.squares(arrays) == pytest.approx(expected, rel=1e-12)
    assert kernels.squares([]) == []
    assert math.isnan(kernels.squares([np.array([1.0, np.nan])])[0])
    assert kernels.squares([np.array([1e30], "float32")]) == [math.inf]


def test_adam_rate_is_computed_in_the_dtype():
    exact = 0.001 * math.sqrt(1 - 0.999) / (1 - 0.9)
    assert adam.adam_rate(0.001, 1, 0.9, 0.999) == pytest.approx(exact, rel=1e-12)
    single = adam.adam_rate(0.001, 1, 0.9, 0.999, "float32")
    assert single == np.float32(single)
    assert 1e-7 < abs(single / exact - 1) < 1e-4
    assert adam.adam_rate(0.001, 10**7, 0.9, 0.999, "float32") == np.float32(0.001)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lion_takes_the_sign_of_any_number(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    m = np.array([0.0, -0.0, tiny, -tiny, 1e-30, -1e30, np.inf, -np.inf, np.nan], dtype)
    with np.errstate(all="ignore"):
        d = momentum.lion(
            np.zeros_like(m), np.empty_like(m), np.empty_like(m), m.copy(), lr=0.5, beta_1=1.0, beta_2=0.9
        )
    np.testing.assert_array_equal(d, np.sign(m) * 0.5)

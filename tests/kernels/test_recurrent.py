"""The whole-sequence kernels against the formulas, a step and a row at a time."""

import time

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import few_recurrent, gru, lstm, simple_rnn
from nnlite.testing import check_gradients

RNG = np.random.default_rng(0)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(x, states, w, u, b):
    h, c = states
    i, f, g, o = np.split(x @ w + h @ u + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x, states, w, u, b):
    (h,) = states
    if b.ndim == 2:
        (az, ar, ah), (bz, br, bh) = np.split(x @ w + b[0], 3), np.split(h @ u + b[1], 3)
        z, r = sigmoid(az + bz), sigmoid(ar + br)
        k = np.tanh(ah + r * bh)
    else:
        units = len(h)
        az, ar, ah = np.split(x @ w + b, 3)
        z, r = sigmoid(az + h @ u[:, :units]), sigmoid(ar + h @ u[:, units : 2 * units])
        k = np.tanh(ah + (r * h) @ u[:, 2 * units :])
    return (z * h + (1 - z) * k,)


def simple_step(x, states, w, u, b):
    return (np.tanh(x @ w + states[0] @ u + b),)


def oracle(step, x, states, mask, w, u, b):
    n, steps, _ = x.shape
    y = np.zeros((n, steps, u.shape[0]))
    last = [np.array(s, float) for s in states]
    for row in range(n):
        now = tuple(s[row].astype(float) for s in states)
        for t in range(steps):
            if mask is None or mask[row, t]:
                now = step(x[row, t].astype(float), now, w.astype(float), u.astype(float), b.astype(float))
            y[row, t] = now[0]
        for s, value in zip(last, now, strict=True):
            s[row] = value
    return y, last


KINDS = {
    "lstm": (lstm_step, 4, 2),
    "gru": (gru_step, 3, 1),
    "gru_before": (gru_step, 3, 1),
    "simple": (simple_step, 1, 1),
}


def weights(kind, inputs, units, dtype):
    gates = KINDS[kind][1]
    b_shape = (2, 3 * units) if kind == "gru" else (gates * units,)
    return [
        (0.6 * RNG.normal(size=s)).astype(dtype) for s in ((inputs, gates * units), (units, gates * units), b_shape)
    ]


def forward(kind, x, w, u, b, states, mask, keep=True, sequences=True):
    states = states or [None] * KINDS[kind][2]
    if kind == "lstm":
        y, h, c, cache = lstm.lstm_forward(x, w, u, b, *states, mask, keep, sequences)
        return y, [h, c], cache
    if kind == "simple":
        y, h, cache = simple_rnn.simple_rnn_forward(x, w, u, b, *states, mask, keep, sequences)
    else:
        y, h, cache = gru.gru_forward(x, w, u, b, *states, mask, kind == "gru", keep, sequences)
    return y, [h], cache


def backward(kind, dy, dlast, w, u, cache, input_grad=True):
    if kind == "lstm":
        return lstm.lstm_backward(dy, *dlast, w, u, cache, input_grad)
    function = simple_rnn.simple_rnn_backward if kind == "simple" else gru.gru_backward
    return function(dy, *dlast, w, u, cache, input_grad)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize(("n", "steps", "inputs", "units"), [(3, 4, 2, 5), (1, 1, 1, 1), (2, 7, 3, 4)])
def test_forward_is_the_formula(kind, masked, states, n, steps, inputs, units):
    step, _, count = KINDS[kind]
    for dtype, tolerance in (("float64", 1e-12), ("float32", 2e-6)):
        x = RNG.normal(size=(n, steps, inputs)).astype(dtype)
        w, u, b = weights(kind, inputs, units, dtype)
        begin = [RNG.normal(size=(n, units)).astype(dtype) for _ in range(count)]
        mask = RNG.random((n, steps)) < 0.6 if masked else None
        expected, last = oracle(step, x, begin if states else [np.zeros((n, units))] * count, mask, w, u, b)
        for keep in (True, False):
            y, found, _ = forward(kind, x, w, u, b, begin if states else None, mask, keep)
            assert y.dtype == dtype
            np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
            for a, e in zip(found, last, strict=True):
                np.testing.assert_allclose(a, e, rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_gradients_are_the_derivatives(kind, masked, threads, monkeypatch):
    from nnlite.kernels import recurrent

    monkeypatch.setattr(recurrent, "RATE", 1e-3 if threads > 1 else 1e9)  # work for all threads, or for one
    monkeypatch.setattr(recurrent, "AT_ONCE", 40 if threads > 1 else 1 << 15)  # several blocks of steps, or one
    n, steps, inputs, units = 5, 7, 3, 4
    count = KINDS[kind][2]
    x = RNG.normal(size=(n, steps, inputs))
    w, u, b = weights(kind, inputs, units, "float64")
    begin = [RNG.normal(size=(n, units)) for _ in range(count)]
    mask = RNG.random((n, steps)) < 0.6 if masked else None
    dy, dlast = RNG.normal(size=(n, steps, units)), [RNG.normal(size=(n, units)) for _ in range(count)]

    def loss(x, w, u, b, *states):
        y, last, _ = forward(kind, x, w, u, b, list(states), mask)
        return float((y * dy).sum() + sum((a * d).sum() for a, d in zip(last, dlast, strict=True)))

    config.set_num_threads(threads)
    try:
        cache = forward(kind, x, w, u, b, begin, mask)[2]
        dx, dw, du, db, *dbegin = backward(kind, dy, dlast, w, u, cache)
        values = [x, w, u, b, *begin]
        for index, gradient in enumerate([dx, dw, du, db, *dbegin]):

            def moved(value, index=index):
                return loss(*values[:index], value, *values[index + 1 :])

            check_gradients(moved, values[index], gradient, f"{kind} {index}")
    finally:
        config.set_num_threads(None)


@pytest.mark.parametrize("kind", KINDS)
def test_large_numbers_saturate_and_empty_batches_have_shapes(kind):
    w, u, b = weights(kind, 3, 4, "float32")
    for keep in (True, False):
        for value in (1e30, -1e30):
            y, last, _ = forward(kind, np.full((2, 3, 3), value, "float32"), w, u, b, None, None, keep)
            assert np.isfinite(y).all() and all(np.isfinite(one).all() for one in last)
    y, last, cache = forward(kind, np.zeros((0, 3, 3), "float32"), w, u, b, None, None)
    assert y.shape == (0, 3, 4) and last[0].shape == (0, 4)
    y, last, _ = forward(kind, y[:, :, :3], w, u, b, None, None, keep=False)
    assert y.shape == (0, 3, 4) and last[0].shape == (0, 4)
    dx, dw, du, *_ = backward(kind, y, [None] * KINDS[kind][2], w, u, cache)
    assert dx.shape == (0, 3, 3) and not dw.any() and not du.any()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_wanted_is_not_made_and_changes_nothing_else(kind):
    x, count = RNG.normal(size=(3, 5, 2)).astype("float32"), KINDS[kind][2]
    w, u, b = weights(kind, 2, 4, "float32")
    dlast = [RNG.normal(size=(3, 4)).astype("float32") for _ in range(count)]
    for bias in (b, None):
        y, last, cache = forward(kind, x, w, u, bias, None, None)
        none, same, short = forward(kind, x, w, u, bias, None, None, sequences=False)
        assert none is None
        np.testing.assert_array_equal(last, same)
        np.testing.assert_array_equal(y[:, -1], last[0])
        dx, *gradients = backward(kind, None, dlast, w, u, cache)
        none, *others = backward(kind, None, dlast, w, u, short, input_grad=False)
        assert dx.shape == x.shape
        assert none is None
        for gradient, other in zip(gradients, others, strict=True):
            np.testing.assert_array_equal(gradient, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [False, True])
def test_inference_is_forward_without_a_cache_on_any_threads(kind, bias, monkeypatch):
    from nnlite.kernels import recurrent

    monkeypatch.setattr(recurrent, "RATE", 1e-3)  # work for all threads
    x, mask = RNG.normal(size=(7, 5, 3)), RNG.random((7, 5)) < 0.6
    w, u, b = weights(kind, 3, 4, "float64")
    begin = [RNG.normal(size=(7, 4)) for _ in range(KINDS[kind][2])]
    given = (x[:, :, ::-1], w, u, b if bias else None, begin, mask)
    try:
        for threads in (1, 2):
            config.set_num_threads(threads)
            y, last, _ = forward(kind, *given)
            found, states, _ = forward(kind, *given, keep=False)
            none, same, _ = forward(kind, *given, keep=False, sequences=False)
            assert none is None
            np.testing.assert_allclose(found, y, rtol=0, atol=1e-13)
            for a, e, s in zip(states, last, same, strict=True):
                np.testing.assert_allclose(a, e, rtol=0, atol=1e-13)
                np.testing.assert_array_equal(a, s)
    finally:
        config.set_num_threads(None)


def few(kind, x, w, u, b, sequences):
    if kind == "lstm":
        return few_recurrent.lstm_few(x, w, u, b, sequences)
    if kind == "simple":
        return few_recurrent.simple_rnn_few(x, w, u, b, sequences)
    return few_recurrent.gru_few(x, w, u, b, kind == "gru", sequences)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "steps", "inputs", "units"), [(1, 4, 2, 5), (3, 1, 1, 1), (4, 7, 3, 4)])
def test_a_few_sequences_are_the_same_as_many(kind, n, steps, inputs, units):
    for dtype, tolerance in (("float64", 1e-13), ("float32", 2e-6)):
        x = RNG.normal(size=(n, steps, inputs)).astype(dtype)
        w, u, b = weights(kind, inputs, units, dtype)
        for bias in (b, None):
            expected, _, _ = forward(kind, x, w, u, bias, None, None, keep=False)
            for given in (x, x[:, ::-1].copy()[:, ::-1]):
                y = few(kind, given, w, u, bias, True)
                assert y.dtype == dtype and y.flags.c_contiguous
                np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
                last = few(kind, given, w, u, bias, False)
                assert last.flags.c_contiguous
                np.testing.assert_array_equal(last, y[:, -1])
        large = few(kind, np.full_like(x, 1e30), w, u, b, True)
        assert np.isfinite(large).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("masked", [False, True])
def test_a_thread_beside_the_loop_changes_nothing(kind, masked, monkeypatch):
    from nnlite.kernels import recurrent

    monkeypatch.setattr(recurrent, "AT_ONCE", 40)  # several blocks of steps
    x, dy = RNG.normal(size=(5, 7, 3)).astype("float32"), RNG.normal(size=(5, 7, 4)).astype("float32")
    mask = RNG.random((5, 7)) < 0.6 if masked else None
    w, u, b = weights(kind, 3, 4, "float32")
    dlast = [RNG.normal(size=(5, 4)).astype("float32") for _ in range(KINDS[kind][2])]
    found = []
    try:
        for threads in (1, 2):
            config.set_num_threads(threads)
            monkeypatch.setattr(recurrent, "WORTH_BESIDE", 0.0)
            y, last, cache = forward(kind, x, w, u, b, None, mask)
            found.append([y, *last, *backward(kind, dy, dlast, w, u, cache)])
    finally:
        config.set_num_threads(None)
    for alone, helped in zip(*found, strict=True):
        np.testing.assert_array_equal(alone, helped)


def test_beside_does_all_in_order_and_raises_what_either_raises(monkeypatch):
    from nnlite.kernels import recurrent

    seen = []
    recurrent.beside(iter(range(20)), seen.append)
    assert seen == list(range(20))

    def made():
        yield 1
        raise KeyError("made")

    seen.clear()
    with pytest.raises(KeyError):
        recurrent.beside(made(), seen.append)
    assert seen == [1]
    with pytest.raises(ZeroDivisionError):
        recurrent.beside(iter(range(3)), lambda one: 1 // one)

    def slow():
        yield from (1, 2)
        time.sleep(0.05)
        yield 3

    monkeypatch.setattr(recurrent, "PATIENCE", 0.01)  # who waits in vain leaves the rest to the caller
    seen.clear()
    recurrent.beside(slow(), seen.append)
    assert seen == [1, 2, 3]

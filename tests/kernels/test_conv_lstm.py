"""The convolutional LSTM against loops over steps and places."""

import numpy as np
import pytest

from nnlite import activations, config
from nnlite.kernels import parallel
from nnlite.kernels.conv_lstm import Activation, conv_lstm_backward, conv_lstm_forward
from nnlite.layers import applied


def given(**functions):
    """The same functions as if they were of a user's own."""
    return {
        name: Activation(lambda z, f=f: applied.apply(f, z), lambda dy, kept, f=f: applied.unapply(f, dy, kept, None))
        for name, f in functions.items()
    }


USUAL, GIVEN = {}, given(act=activations.tanh, gate=activations.sigmoid)


def correlate(x, w, same):
    """Correlation of images (n, H, W, C) with (k, k, C, F), place by place."""
    k = w.shape[0]
    before = (k - 1) // 2 if same else 0
    x = np.pad(x, ((0, 0), (before, k - 1 - before), (before, k - 1 - before), (0, 0))) if same else x
    out = np.zeros((len(x), x.shape[1] - k + 1, x.shape[2] - k + 1, w.shape[-1]))
    for i, j in np.ndindex(*out.shape[1:3]):
        out[:, i, j] = np.einsum("nabc,abcf->nf", x[:, i : i + k, j : j + k], w)
    return out


def naive(x, w, u, b, mask):
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    filters = u.shape[2]
    first = correlate(x[:, 0], w, False)
    h = c = np.zeros((*first.shape[:-1], filters))
    outputs = []
    for t in range(x.shape[1]):
        z = correlate(x[:, t], w, False) + correlate(h, u, True) + b
        i, f, g, o = (z[..., k * filters : (k + 1) * filters] for k in range(4))
        after = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        done = mask[:, t][:, None, None, None]
        h, c = np.where(done, sigmoid(o) * np.tanh(after), h), np.where(done, after, c)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c


@pytest.mark.parametrize("batch", [0, 1, 3])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("functions", [USUAL, GIVEN], ids=["usual", "given"])
def test_against_loops(batch, masked, functions):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(batch, 4, 5, 6, 2)), rng.normal(size=(3, 3, 2, 12))
    u, b = rng.normal(size=(3, 3, 3, 12)), rng.normal(size=12)
    mask = rng.random((batch, 4)) < 0.6 if masked else np.ones((batch, 4), bool)
    y, h, c, _ = conv_lstm_forward(x, w, u, b, None, mask=mask if masked else None, **functions)
    for found, expected in zip((y, h, c), naive(x, w, u, b, mask), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    settings = {"mask": mask if masked else None, "every": False, "keep": False, **functions}
    last, *states, cache = conv_lstm_forward(x, w, u, b, None, **settings)
    assert last.shape == (batch, 1, 3, 4, 3) and cache is None
    for found, expected in zip((last[:, 0], *states), (y[:, -1], h, c), strict=True):
        np.testing.assert_array_equal(found, expected)


def problem(dtype, batch=3, steps=3):
    rng = np.random.default_rng(1)
    shapes = [(batch, steps, 5, 4, 2), (2, 3, 2, 8), (2, 3, 2, 8), (8,), (batch, 4, 2, 2), (batch, 4, 2, 2)]
    arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    masks = [(rng.random((batch, *shape)) < 0.6) / dtype(0.6) for shape in ((5, 4, 4, 2), (4, 2, 4, 2))]
    dy = [rng.normal(size=(batch, steps, 4, 2, 2)).astype(dtype), *(rng.normal(size=a.shape) for a in arrays[4:])]
    return arrays, masks, [d.astype(dtype) for d in dy]


@pytest.mark.parametrize("functions", [USUAL, given(act=activations.silu, gate=activations.softsign)])
@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_gradients(functions, dropped, masked):
    arrays, masks, dy = problem(np.float64)
    options = dict(functions)
    if dropped:
        options |= {"dropped": masks[0], "recurrent_dropped": masks[1]}
    if masked:
        options["mask"] = np.array([[True, False, True], [False, False, True], [True, True, False]])

    def forward(x, w, u, b, h, c):
        return list(conv_lstm_forward(x, w, u, b, [h, c], **options)[:3])

    def backward(dys, *inputs):
        x, w, u, b, h, c = inputs
        *_, cache = conv_lstm_forward(x, w, u, b, [h, c], **options)
        return list(conv_lstm_backward(*dys, cache))

    found = backward(dy, *arrays)
    for array, gradient in zip(arrays, found, strict=True):
        direction = np.random.default_rng(2).normal(size=array.shape)
        sides = []
        for sign in (1, -1):
            moved = [a + sign * 1e-5 * direction if a is array else a for a in arrays]
            sides.append(sum((y * d).sum() for y, d in zip(forward(*moved), dy, strict=True)))
        np.testing.assert_allclose((gradient * direction).sum(), (sides[0] - sides[1]) / 2e-5, rtol=1e-6, atol=1e-8)


def test_a_masked_kernel_is_a_kernel_for_each_gate():
    """Dropout of gate k's input alone is seen by gate k alone."""
    (x, w, u, b, h, c), _, _ = problem(np.float64, steps=1)
    ones = np.ones((3, 5, 4, 4, 2))
    ones[..., 1, :] = 0  # the forget gate sees no input
    w_without = w.copy()
    w_without[..., 2:4] = 0
    found = conv_lstm_forward(x, w, u, b, [h, c], dropped=ones)[0]
    np.testing.assert_allclose(found, conv_lstm_forward(x, w_without, u, b, [h, c])[0], rtol=1e-10)


@pytest.mark.parametrize("functions", [USUAL, GIVEN], ids=["usual", "given"])
def test_threads_and_the_input_gradient_change_nothing(functions, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH_THREADS", 0)
    (x, w, u, b, *states), _, _ = problem(np.float32, batch=5)
    mask = np.random.default_rng(3).random((5, 3)) < 0.7
    results = []
    before = config.get_num_threads()
    for threads in (1, 3):
        config.set_num_threads(threads)
        try:
            y, h, c, cache = conv_lstm_forward(x, w, u, b, states, mask=mask, **functions)
            assert len(cache[0]) == (1 if functions else threads)  # others' functions stay on the caller's thread
            rest = conv_lstm_backward(np.ones_like(y), h, None, cache)
            cache = conv_lstm_forward(x, w, u, b, states, mask=mask, **functions)[-1]
            none, *same = conv_lstm_backward(np.ones_like(y), h, None, cache, input_grad=False)
        finally:
            config.set_num_threads(before)
        assert none is None
        results.append((y, h, c, *rest, *same))
    for one, several in zip(*results, strict=True):
        assert one.dtype == several.dtype == np.float32
        np.testing.assert_allclose(several, one, rtol=0, atol=1e-5 * np.abs(one).max())
    for full, alone in zip(results[0][4:9], results[0][9:], strict=True):
        np.testing.assert_allclose(alone, full, rtol=0, atol=1e-5 * np.abs(full).max())

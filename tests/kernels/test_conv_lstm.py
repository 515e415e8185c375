"""The convolutional LSTM against loops over steps and places."""

import numpy as np
import pytest

from nnlite import activations
from nnlite.kernels.conv_lstm import Activation, conv_lstm_forward
from nnlite.layers import applied

ACT, GATE = (
    Activation(lambda z, f=f: applied.apply(f, z), lambda dy, kept, f=f: applied.unapply(f, dy, kept, None))
    for f in (activations.tanh, activations.sigmoid)
)


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
def test_against_loops(batch, masked):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(batch, 4, 5, 6, 2)), rng.normal(size=(3, 3, 2, 12))
    u, b = rng.normal(size=(3, 3, 3, 12)), rng.normal(size=12)
    mask = rng.random((batch, 4)) < 0.6 if masked else np.ones((batch, 4), bool)
    y, h, c, _ = conv_lstm_forward(x, w, u, b, None, act=ACT, gate=GATE, mask=mask if masked else None)
    for found, expected in zip((y, h, c), naive(x, w, u, b, mask), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_nothing_given_is_written_to():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 4, 4, 1)), rng.normal(size=(2, 2, 1, 8))
    u, b = rng.normal(size=(2, 2, 2, 8)), rng.normal(size=8)
    states = [rng.normal(size=(2, 3, 3, 2)) for _ in range(2)]
    given = [x, w, u, b, *states]
    for array in given:
        array.flags.writeable = False
    mask = np.array([[True, False, True], [False, True, True]])
    y, h, c, _ = conv_lstm_forward(x, w, u, b, states, act=ACT, gate=GATE, mask=mask)
    np.testing.assert_array_equal(y[1, 0], states[0][1])
    assert h.dtype == c.dtype == np.float64

"""The attention kernels against one query at a time."""

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import attention
from nnlite.kernels import attention_additive as additive


def naive(q, k, v, scale, mask=None, kept=None, keep_scale=1.0):
    """The definition, one sample, head and query at a time."""
    (b, t, n, _), s, share = q.shape, k.shape[1], q.shape[2] // k.shape[2]
    y, p = np.zeros((b, t, n, v.shape[-1]), q.dtype), np.zeros((b, n, t, s), q.dtype)
    mask = np.broadcast_to(True if mask is None else mask, p.shape)
    kept = np.broadcast_to(True if kept is None else kept, p.shape)
    for i, j, head in np.ndindex(b, t, n):
        seen = mask[i, head, j]
        if seen.any():
            scores = k[i, seen, head // share] @ q[i, j, head] * scale
            weights = np.exp(scores - scores.max())
            p[i, head, j, seen] = weights / weights.sum()
        y[i, j, head] = (p[i, head, j] * kept[i, head, j] * keep_scale) @ v[i, :, head // share]
    return y, p


def arrays(b=3, t=4, s=5, n=4, groups=4, h=3, size=2, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(b, t, n, h), (b, s, groups, h), (b, s, groups, size)]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes], rng


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("masked", ["", "pairs", "heads", "keys", "nowhere"])
@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_forward_and_backward(groups, masked, dropped, dtype):
    (q, k, v), rng = arrays(groups=groups, dtype=dtype)
    tolerance = 2e-5 if dtype == "float32" else 1e-11
    shapes = {"pairs": (3, 1, 4, 5), "heads": (1, 4, 4, 5), "keys": (3, 1, 1, 5), "nowhere": (3, 4, 4, 5)}
    mask = rng.random(shapes[masked]) < 0.6 if masked else None
    if masked == "nowhere":
        mask[1] = False
    kept = rng.random((3, 4, 4, 5)) < 0.7 if dropped else None
    y, p = attention.attention_forward(q, k, v, 0.5, mask, kept, 1.4)
    wanted, probabilities = naive(q, k, v, 0.5, mask, kept, 1.4 if dropped else 1.0)
    np.testing.assert_allclose(y, wanted, tolerance, tolerance)
    np.testing.assert_allclose(p, probabilities, tolerance, tolerance)
    assert y.dtype == p.dtype == dtype
    if dtype == "float32":
        return
    dy, dp = rng.normal(size=y.shape), rng.normal(size=p.shape)
    gradients = attention.attention_backward(dy, q, k, v, p, 0.5, kept, 1.4, dp)

    def loss(*inputs):
        y, p = naive(*inputs, 0.5, mask, kept, 1.4 if dropped else 1.0)
        return (y * dy).sum() + (p * dp).sum()

    for index, gradient in enumerate(gradients):
        step = np.zeros(gradient.shape)
        for place in rng.integers(0, gradient.size, 8):
            step.flat[place] = 1e-5
            up, down = [[a + sign * step if i == index else a for i, a in enumerate((q, k, v))] for sign in (1, -1)]
            assert gradient.flat[place] == pytest.approx((loss(*up) - loss(*down)) / 2e-5, rel=1e-6, abs=1e-7)
            step.flat[place] = 0


@pytest.mark.parametrize("b", [0, 1, 3])
def test_batches_chunks_and_threads(b, monkeypatch):
    """Any cut gives the same: along samples, and along heads for a single one."""
    (q, k, v), rng = arrays(b=b, dtype="float64")
    kept = rng.random((b, 4, 4, 5)) < 0.7
    mask = rng.random((b, 1, 4, 5)) < 0.7
    wanted, probabilities = attention.attention_forward(q, k, v, 0.5, mask, kept, 1.4)
    dy = rng.normal(size=wanted.shape)
    gradients = attention.attention_backward(dy, q, k, v, probabilities, 0.5, kept, 1.4)
    monkeypatch.setattr(attention, "RATE", 1e-6)
    monkeypatch.setattr(attention, "CHUNK", 30)
    config.set_num_threads(4)
    try:
        y, p = attention.attention_forward(q, k, v, 0.5, mask, kept, 1.4)
        again = attention.attention_backward(dy, q, k, v, p, 0.5, kept, 1.4)
        alone, none = attention.attention_forward(q, k, v, 0.5, mask, kept, 1.4, probabilities=False)
    finally:
        config.set_num_threads(None)
    for a, other in zip((y, alone, p, *again), (wanted, wanted, probabilities, *gradients), strict=True):
        np.testing.assert_allclose(a, other, 1e-12, 1e-14)
    assert none is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("masked", [False, True])
def test_scores_far_out(dtype, masked):
    """Scores whose exponentials are beyond all numbers, and rows of one step."""
    (q, k, v), rng = arrays(dtype=dtype)
    mask = rng.random((3, 1, 4, 5)) < 0.6 if masked else None
    if masked:
        mask[0, 0, 0] = False
    y, p = attention.attention_forward(q, k, v, 1e4, mask)
    wanted, probabilities = naive(q.astype(float), k.astype(float), v.astype(float), 1e4, mask)
    np.testing.assert_allclose(p.sum(-1), probabilities.sum(-1), 1e-5)
    np.testing.assert_allclose(y, wanted, 1e-2, 1e-2)
    y, p = attention.attention_forward(q, k[:, :1], v[:, :1], 1e4)
    assert (p == 1).all()
    np.testing.assert_array_equal(y, np.broadcast_to(v[:, :1], y.shape))


def test_nan_where_nobody_looks_stays_away_from_the_probabilities():
    (q, k, v), _ = arrays()
    k[:, -1] = np.nan
    mask = np.arange(5) < 4
    _, p = attention.attention_forward(q, k, v, 0.5, mask[None, None, None])
    _, wanted = attention.attention_forward(q, k[:, :4], v[:, :4], 0.5)
    np.testing.assert_allclose(p[..., :4], wanted, 1e-12)
    assert (p[..., 4] == 0).all()
    _, p = attention.attention_forward(q, k, v, 0.5)
    assert np.isnan(p).all()


def test_any_strides():
    (q, k, v), rng = arrays()
    wanted, p = attention.attention_forward(q, k, v, 0.5)
    dy = rng.normal(size=wanted.shape)
    gradients = attention.attention_backward(dy, q, k, v, p, 0.5)
    odd = [np.asfortranarray(a) for a in (q, k, v)]
    for a, other in zip(attention.attention_forward(*odd, 0.5), (wanted, p), strict=True):
        np.testing.assert_allclose(a, other, 1e-12)
    again = attention.attention_backward(np.asfortranarray(dy), *odd, p, 0.5)
    for a, other in zip(again, gradients, strict=True):
        np.testing.assert_allclose(a, other, 1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("masked", [False, True])
def test_additive(dtype, masked, monkeypatch):
    """Scores from sums of tanh, in one chunk and in many, on one thread and on four."""
    rng = np.random.default_rng(0)
    shapes = [(3, 4, 2), (3, 5, 2), (3, 5, 6), (2,)]
    q, k, v, weights = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    mask = rng.random((3, 4, 5)) < 0.6 if masked else None
    if masked:
        mask[1, 2] = False
    kept = rng.random((3, 4, 5)) < 0.7

    def naive(q, k, v, weights, inner):
        p = np.zeros((3, 4, 5))
        for n, i in np.ndindex(3, 4):
            scores = np.tanh(inner * (q[n, i] + k[n])) @ weights
            seen = np.ones(5, bool) if mask is None else mask[n, i]
            p[n, i, seen] = np.exp(scores[seen]) / np.exp(scores[seen]).sum()
            if not seen.any():
                p[n, i] = 1 / 5
        return (p * kept * 1.4) @ v, p

    tolerance = 2e-5 if dtype == "float32" else 1e-11
    arguments = (q, k, v, weights, 0.7)
    dy, dp = rng.normal(size=(3, 4, 6)).astype(dtype), rng.normal(size=(3, 4, 5)).astype(dtype)
    results = []
    for threads in (1, 4):
        y, p = additive.additive_forward(*arguments, mask, kept, 1.4)
        results.append([y, p, *additive.additive_backward(dy, q, k, v, p, weights, 0.7, mask, kept, 1.4, dp)])
        monkeypatch.setattr(additive, "RATE", 1e-6)
        monkeypatch.setattr(additive, "CHUNK", 1)
        config.set_num_threads(4 if threads == 1 else None)
    for one, four in zip(*results, strict=True):
        np.testing.assert_allclose(one, four, tolerance, tolerance)
    y, p, *gradients = results[0]
    for a, b in zip((y, p), naive(*arguments), strict=True):
        np.testing.assert_allclose(a, b, tolerance, tolerance)
        assert a.dtype == dtype
    if dtype == "float32":
        assert [g.dtype for g in gradients[:4]] == ["float32"] * 4
        return
    gradients[4] = np.asarray(gradients[4])
    for index, gradient in enumerate(gradients):
        step = np.zeros(gradient.shape)
        for place in range(0, gradient.size, 3):
            step.flat[place] = 1e-5
            values = [[a + sign * step if i == index else a for i, a in enumerate(arguments)] for sign in (1, -1)]
            up, down = [(y * dy).sum() + (p * dp).sum() for y, p in (naive(*v) for v in values)]
            assert gradient.flat[place] == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-8)
            step.flat[place] = 0

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import normalization as kernels
from nnlite.kernels.channels import CHUNK, WIDE, Channels, add_wide_sums, chunks, laid, repeated, wide_sums
from nnlite.testing import check_gradients


def normal(*shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("channels", [1, 3, 32, 5000])
@pytest.mark.parametrize("rows", [0, 1, 7, 1000])
def test_channel_vectors(rows, channels):
    x, v = normal(rows, channels), normal(channels, seed=1)
    out = np.empty_like(x)
    Channels(v).apply(np.multiply, x, out)
    np.testing.assert_array_equal(out, x * v)
    Channels(v).apply(np.subtract, out, out)
    np.testing.assert_array_equal(out, x * v - v)


def test_chunks_cover_all_rows():
    for rows, channels in ((0, 3), (5, 3), (CHUNK + 1, 1), (10, CHUNK * 2)):
        covered = [i for part in chunks(0, rows, channels) for i in range(part.start, part.stop)]
        assert covered == list(range(rows))


@pytest.mark.parametrize("channels", [1, 3, 32, 5000, CHUNK * 2])
@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 1), (2, 9), (5, 1005)])
def test_rows_laid_side_by_side_cover_all_rows(start, stop, channels):
    covered = []
    vectors = repeated([np.arange(channels)], stop - start)
    for part, beside in laid(start, stop, channels):
        covered += range(part.start, part.stop)
        assert (part.stop - part.start) % beside == 0
        assert vectors[0, : beside * channels].size == beside * channels
    assert covered == list(range(start, stop))


@pytest.mark.parametrize("shape", [(1, 3), (7, 1), (512, 32), (512, 33), (513, 3), (70_001, 3), (9, 200), (9, 2000)])
def test_moments(shape):
    x = normal(*shape) * 3 + 5
    mean, variance = kernels.moments(x)
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(variance, x.var(0), rtol=1e-10, atol=1e-15)


def test_moments_far_from_zero_keep_their_accuracy():
    x = (normal(100_000, 4) + 10_000).astype("float32")
    for part in (x, x[:400]):
        _, variance = kernels.moments(part)
        np.testing.assert_allclose(variance, part.astype("float64").var(0), rtol=2e-3)


def test_moments_of_nothing_are_zero():
    mean, variance = kernels.moments(np.zeros((0, 3), "float32"))
    assert mean.tolist() == variance.tolist() == [0, 0, 0] and mean.dtype == np.float32


def test_masked_moments_count_only_what_is_valid():
    x, mask = normal(9, 3), np.array([1, 0, 1, 1, 0, 0, 1, 1, 1], bool)
    x[1] = np.nan  # padding may hold anything
    mean, variance = kernels.masked_moments(x, mask[:, None])
    np.testing.assert_allclose(mean, x[mask].mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, x[mask].var(0), rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 4, 512, 513, 40_000])
def test_batch_norm_against_the_formulas(rows):
    x, dy, gamma, beta = normal(rows, 5), normal(rows, 5, seed=1), normal(5, seed=2), normal(5, seed=3)
    mean, variance = kernels.moments(x)
    y, inv = kernels.batch_norm_forward(x, gamma, beta, mean, variance, 1e-3)
    xhat = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3)
    np.testing.assert_allclose(y, gamma * xhat + beta, rtol=1e-9, atol=1e-9)
    dx, dgamma, dbeta = kernels.batch_norm_backward(dy, x, gamma, mean, inv, True)
    np.testing.assert_allclose(dbeta, dy.sum(0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dgamma, (dy * xhat).sum(0), rtol=1e-9, atol=1e-9)
    expected = gamma * inv * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))
    np.testing.assert_allclose(dx, expected, rtol=1e-9, atol=1e-9)
    dx, *_ = kernels.batch_norm_backward(dy, x, gamma, mean, inv, False)
    np.testing.assert_allclose(dx, dy * gamma * inv, rtol=1e-9, atol=1e-12)
    dx, *others = kernels.batch_norm_backward(dy, x, gamma, mean, inv, True, input_grad=False)
    assert dx is None and all(np.array_equal(a, b) for a, b in zip(others, (dgamma, dbeta), strict=True))


@pytest.mark.parametrize("columns", [1, 2])
def test_batch_norm_with_a_mask_has_the_right_gradient(columns):
    x, dy, gamma = normal(6, 2), normal(6, 2, seed=1), normal(2, seed=2)
    mask = np.array([[1, 0], [1, 1], [0, 1], [1, 1], [0, 0], [1, 0]], bool)[:, :columns]

    def loss(values):
        mean, variance = kernels.masked_moments(values, mask)
        return float((kernels.batch_norm_forward(values, gamma, None, mean, variance, 1e-3)[0] * dy).sum())

    mean, variance = kernels.masked_moments(x, mask)
    _, inv = kernels.batch_norm_forward(x, gamma, None, mean, variance, 1e-3)
    dx, *_ = kernels.batch_norm_backward(dy, x, gamma, mean, inv, True, mask)
    check_gradients(loss, x, dx)


def test_thread_counts_agree():
    x, dy = normal(128 * 64, 32, dtype="float32"), normal(128 * 64, 32, dtype="float32", seed=1)
    gamma = normal(32, dtype="float32", seed=2)
    results = []
    try:
        for threads in (1, 2):
            config.set_num_threads(threads)
            mean, variance = kernels.moments(x)
            y, inv = kernels.batch_norm_forward(x, gamma, gamma, mean, variance, 1e-3)
            results.append([mean, variance, y, *kernels.batch_norm_backward(dy, x, gamma, mean, inv, True)])
    finally:
        config.set_num_threads(None)
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * max(1, np.abs(b).max()))


@pytest.mark.parametrize("channels", [1, 3, 32, 5000])
@pytest.mark.parametrize("rows", [0, 1, 7, 1000])
def test_wide_sums(rows, channels):
    x, times = normal(rows, channels), normal(rows, channels, seed=1)
    np.testing.assert_allclose(wide_sums(x), x.sum(0), rtol=1e-12, atol=1e-12)
    both = np.ones((2, channels))
    for part, beside in laid(0, rows, channels, WIDE):
        add_wide_sums(x[part], times[part], beside, both)
    np.testing.assert_allclose(both, 1 + np.stack([x.sum(0), (x * times).sum(0)]), rtol=1e-12, atol=1e-12)
    assert wide_sums(x.astype("float32")).dtype == np.float64


def test_moments_of_large_numbers_do_not_overflow():
    mean, variance = kernels.moments(np.full((9, 2), 1e20, "float32"))
    np.testing.assert_allclose(mean, 1e20, rtol=1e-6)
    assert variance.tolist() == [0, 0]


@pytest.mark.parametrize("far", [0, 1000])
@pytest.mark.parametrize(("rows", "channels"), [(0, 3), (1, 3), (7, 3), (600, 3), (40_000, 16)])
def test_batch_norm_and_relu_are_as_one_after_the_other(rows, channels, far):
    x, dy = normal(rows, channels) + far, normal(rows, channels, seed=1)
    gamma, beta = normal(channels, seed=2), normal(channels, seed=3)
    mean, variance = kernels.moments(x)
    y, inv = kernels.batch_norm_forward(x, gamma, beta, mean, variance, 1e-3)
    together, _ = kernels.batch_norm_forward(x, gamma, beta, mean, variance, 1e-3, relu=True)
    np.testing.assert_array_equal(together, np.maximum(y, 0))
    given = dy.copy()
    for batch_statistics in (True, False):
        found = kernels.batch_norm_backward(dy, x, gamma, mean, inv, batch_statistics, y=together)
        expected = kernels.batch_norm_backward(dy * (y > 0), x, gamma, mean, inv, batch_statistics)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(dy, given)


def test_gradients_far_from_zero_keep_their_accuracy():
    x, dy = normal(10_000, 4) + 1000, normal(10_000, 4, seed=1)
    mean, variance = kernels.moments(x)
    inv = 1 / np.sqrt(variance)
    expected = kernels.batch_norm_backward(dy, x, None, mean, inv, True)
    vectors = [a.astype("float32") for a in (mean, inv)]
    found = kernels.batch_norm_backward(dy.astype("float32"), x.astype("float32"), None, *vectors, True)
    for a, b, digits in zip(found, expected, (3e-4, 1e-3, 1e-4), strict=True):
        np.testing.assert_allclose(a, b, rtol=digits, atol=digits * np.abs(b).max())

"""Kernels of losses against the formulas, sample by sample, their derivatives against differences, and their edges."""

import math

import numpy as np
import pytest

from nnlite import config
from nnlite.kernels import losses as kernels
from nnlite.testing import check_gradients

RNG = np.random.default_rng(3)
EPSILON = 1e-7


def cut(p):
    return min(max(p, EPSILON), 1 - EPSILON)


def softmax(row):
    exp = [math.exp(v - max(row)) for v in row]
    return [v / sum(exp) for v in exp]


def one_huber(y, p, delta=1.0):
    e = abs(p - y)
    return e * e / 2 if e <= delta else delta * e - delta * delta / 2


def one_binary(y, p, from_logits=False, label_smoothing=0.0):
    y = y * (1 - label_smoothing) + label_smoothing / 2
    p = 1 / (1 + math.exp(-p)) if from_logits else cut(p)
    return -(y * math.log(p) + (1 - y) * math.log(1 - p))


def categorical(y, p, from_logits=False, label_smoothing=0.0):
    y = [v * (1 - label_smoothing) + label_smoothing / len(y) for v in y]
    p = softmax(p) if from_logits else [cut(v / sum(p)) for v in p]
    return -sum(a * math.log(b) for a, b in zip(y, p, strict=True))


def averaged(one):
    return lambda y, p, **options: sum(one(a, b, **options) for a, b in zip(y, p, strict=True)) / len(p)


def sparse(label, p, from_logits=False, ignore_class=None):
    return 0.0 if label == ignore_class else categorical(np.eye(len(p))[int(label)], p, from_logits)


NUMBERS, PREDICTED = RNG.normal(size=(5, 7)), RNG.normal(size=(5, 7)) * 2
BITS, SHARES = RNG.integers(0, 2, (5, 7)).astype(float), RNG.uniform(0.02, 0.98, (5, 7))
LABELS = RNG.integers(0, 7, 5)
ONE_HOT = np.eye(7)[LABELS]

# name -> kernels, the loss of one row, options, targets, predictions
CASES = {
    "squared": ("squared_error", averaged(lambda y, p: (p - y) ** 2), {}, NUMBERS, PREDICTED),
    "absolute": ("absolute_error", averaged(lambda y, p: abs(p - y)), {}, NUMBERS, PREDICTED),
    "huber": ("huber", averaged(one_huber), {}, NUMBERS, PREDICTED),
    "huber delta": ("huber", averaged(one_huber), {"delta": 0.6}, NUMBERS, PREDICTED),
    "binary": ("binary_crossentropy", averaged(one_binary), {}, BITS, SHARES),
    "binary smooth": ("binary_crossentropy", averaged(one_binary), {"label_smoothing": 0.3}, BITS, SHARES),
    "binary logits": ("binary_crossentropy", averaged(one_binary), {"from_logits": True}, BITS, PREDICTED),
    "binary soft": ("binary_crossentropy", averaged(one_binary), {}, SHARES[::-1], SHARES),
    "categorical": ("categorical_crossentropy", categorical, {}, ONE_HOT, SHARES),
    "categorical soft": ("categorical_crossentropy", categorical, {"from_logits": True}, SHARES, PREDICTED),
    "categorical smooth": ("categorical_crossentropy", categorical, {"label_smoothing": 0.3}, ONE_HOT, SHARES),
    "categorical logits": (
        "categorical_crossentropy",
        categorical,
        {"from_logits": True, "label_smoothing": 0.1},
        ONE_HOT,
        PREDICTED,
    ),
    "sparse": ("sparse_categorical_crossentropy", sparse, {}, LABELS, SHARES),
    "sparse logits": ("sparse_categorical_crossentropy", sparse, {"from_logits": True}, LABELS, PREDICTED),
    "sparse ignore": ("sparse_categorical_crossentropy", sparse, {"ignore_class": int(LABELS[1])}, LABELS, SHARES),
}
every = pytest.mark.parametrize("name", CASES)


def pair(name):
    kernel, one, options, y, p = CASES[name]
    return getattr(kernels, f"{kernel}_forward"), getattr(kernels, f"{kernel}_backward"), one, options, y, p


def as_targets(y, dtype):
    return y if y.dtype.kind == "i" else y.astype(dtype)


@every
def test_values_are_those_of_the_formula(name):
    forward, _, one, options, y, p = pair(name)
    expected = [one(list(a) if np.ndim(a) else a, list(b), **options) for a, b in zip(y, p, strict=True)]
    np.testing.assert_allclose(forward(y, p, **options)[0], expected, rtol=1e-12)
    single = forward(as_targets(y, "float32"), p.astype("float32"), **options)[0]
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=2e-6)


@every
@pytest.mark.parametrize("uniform", [False, True])
def test_gradients_are_the_derivatives(name, uniform):
    forward, backward, _, options, y, p = pair(name)
    dvalues = np.asarray(0.7) if uniform else RNG.normal(size=5)
    gradient = backward(dvalues, forward(y, p, **options)[1])
    check_gradients(lambda values: float((forward(y, values, **options)[0] * dvalues).sum()), p, gradient)


@every
@pytest.mark.parametrize("shape", [(1,), (0,), (2, 3), (2, 0), (1, 2, 2), ()])
def test_more_axes_are_more_samples(name, shape):
    forward, backward, _, options, _, p = pair(name)
    stream = np.random.default_rng(0)
    p = stream.uniform(0.1, 0.9, (*shape, 7)).astype("float32")
    y = stream.integers(0, 7, shape) if "sparse" in name else stream.uniform(size=(*shape, 7)).astype("float32")
    y = np.asarray(y)
    values, cache = forward(y, p, **options)
    assert values.shape == shape
    rows = forward(y.reshape(-1, *y.shape[len(shape) :]), p.reshape(-1, 7), **options)[0]
    np.testing.assert_allclose(values.reshape(-1), rows, rtol=1e-6)
    gradient = backward(np.ones_like(values), cache)
    assert gradient.shape == p.shape and gradient.dtype == np.float32


@every
def test_any_memory_layout_and_nothing_written(name):
    forward, backward, _, options, y, p = pair(name)
    strided = np.repeat(p, 2, axis=1)[:, ::2]
    fortran, targets = np.asfortranarray(p), np.asarray(y, order="F").copy()
    expected, cache = forward(y, p, **options)
    gradient = backward(np.ones(5), cache)
    for layout in (strided, fortran, p.astype(">f8")):
        layout.flags.writeable = targets.flags.writeable = False
        values, cache = forward(targets, layout, **options)
        np.testing.assert_allclose(values, expected, rtol=1e-12)
        np.testing.assert_allclose(backward(np.ones(5), cache), gradient, rtol=1e-12)
        np.testing.assert_allclose(backward(np.ones(5), cache), gradient, rtol=1e-12)  # the cache is as it was


@pytest.mark.parametrize("name", ["binary", "binary logits", "categorical", "categorical logits"])
def test_another_axis_is_the_last_one_moved(name):
    forward, backward, _, options, _, _ = pair(name)
    options = {**options, "label_smoothing": 0.0}
    y, p = RNG.uniform(size=(3, 4, 5)), RNG.uniform(0.1, 0.9, (3, 4, 5))
    values, cache = forward(y, p, axis=1, **options)
    moved, moved_cache = forward(np.moveaxis(y, 1, -1), np.moveaxis(p, 1, -1), **options)
    np.testing.assert_allclose(values, moved, rtol=1e-12)
    dvalues = RNG.normal(size=(3, 5))
    expected = np.moveaxis(backward(dvalues, moved_cache), -1, 1)
    np.testing.assert_allclose(backward(dvalues, cache), expected, rtol=1e-12)


def test_smoothing_along_another_axis_divides_by_the_last_as_keras_does():
    y, p = RNG.uniform(size=(3, 4, 5)), RNG.uniform(0.1, 0.9, (3, 4, 5))
    values = kernels.categorical_crossentropy_forward(y, p, axis=1, label_smoothing=0.2)[0]
    smooth = kernels.categorical_crossentropy_forward(y * 0.8 + 0.2 / 5, p, axis=1)[0]
    np.testing.assert_allclose(values, smooth, rtol=1e-12)


@pytest.mark.parametrize("from_logits", [False, True])
def test_sparse_of_another_axis(from_logits):
    y, p = RNG.integers(0, 4, (3, 5)), RNG.uniform(0.1, 0.9, (3, 4, 5))
    forward, backward = (
        kernels.sparse_categorical_crossentropy_forward,
        kernels.sparse_categorical_crossentropy_backward,
    )
    values, cache = forward(y, p, from_logits, axis=1)
    moved, moved_cache = forward(y, np.moveaxis(p, 1, -1), from_logits)
    np.testing.assert_array_equal(values, moved)
    np.testing.assert_array_equal(backward(values, cache), np.moveaxis(backward(values, moved_cache), -1, 1))


@pytest.mark.parametrize(
    ("p", "y", "slope"),
    [
        (0.0, 1, 0.0),
        (1e-8, 1, 0.0),
        (np.float32(1e-7), 1, -0.5e7),  # on the edge: a half, as JAX takes it
        (np.float32(2e-7), 1, -0.5e7),  # inside
        (np.float32(1 - 1e-7), 0, 0.5 / np.float32(1.1920929e-07)),
        (1.0, 0, 0.0),
        (1.0, 1, 0.0),
        (0.5, 0, 2.0),
    ],
)
def test_the_derivative_of_cutting(p, y, slope):
    p = np.array([[p]], "float32")
    _, cache = kernels.binary_crossentropy_forward(np.array([[y]], "float32"), p)
    gradient = kernels.binary_crossentropy_backward(np.ones(1, "float32"), cache)
    np.testing.assert_allclose(gradient, [[slope]], rtol=1e-5)


def test_cut_shares_pass_no_gradient_in_both_forms():
    p = np.array([[1, 0, 0], [1, 1e-8, 0], [1 - 1e-7, 1e-7, 0], [0.5, 0.5, 0]], "float32")
    y = np.array([1, 1, 1, 2])
    _, cache = kernels.sparse_categorical_crossentropy_forward(y, p)
    by_label = kernels.sparse_categorical_crossentropy_backward(np.ones(4, "float32"), cache)
    _, cache = kernels.categorical_crossentropy_forward(np.eye(3, dtype="float32")[y], p)
    np.testing.assert_allclose(kernels.categorical_crossentropy_backward(np.ones(4, "float32"), cache), by_label)
    assert not by_label[[0, 1, 3]].any()
    np.testing.assert_allclose(by_label[2], [0.5, -0.5e7, 0.5], rtol=1e-5)


def test_slopes_at_kinks_are_those_of_keras_on_jax():
    p = np.array([[-2.0, -1.0, -0.0, 0.0, 1.0, 2.0]])
    y = np.zeros_like(p)
    slopes = kernels.absolute_error_backward(np.ones(1), kernels.absolute_error_forward(y, p)[1]) * 6
    np.testing.assert_allclose(slopes, [[-1, -1, -1, -1, 1, 1]])
    slopes = kernels.huber_backward(np.ones(1), kernels.huber_forward(y, p)[1]) * 6
    np.testing.assert_allclose(slopes, [[-1, -1, 0, 0, 1, 1]])


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_far_logits_neither_overflow_nor_warn(size):
    x = np.array([[size, -size, 0.0]], "float32")
    wrong, right = np.array([[0, 1, 0]], "float32"), np.array([[1, 0, 0]], "float32")
    for kernel in ("binary_crossentropy", "categorical_crossentropy"):
        forward, backward = getattr(kernels, f"{kernel}_forward"), getattr(kernels, f"{kernel}_backward")
        values, cache = forward(wrong, x, from_logits=True)
        assert np.isfinite(values).all() and values[0] >= size * 0.6
        assert np.isfinite(backward(np.ones(1, "float32"), cache)).all()
    values, cache = kernels.sparse_categorical_crossentropy_forward(np.array([1]), x, from_logits=True)
    assert values[0] >= size
    np.testing.assert_array_equal(
        kernels.sparse_categorical_crossentropy_backward(np.ones(1, "float32"), cache), [[1, -1, 0]]
    )
    values, cache = kernels.categorical_crossentropy_forward(right, x, from_logits=True)
    assert values[0] == 0 and not kernels.categorical_crossentropy_backward(np.ones(1, "float32"), cache).any()


@every
def test_what_diverged_stays_nan_and_does_not_warn(name):
    forward, backward, _, options, y, p = pair(name)
    if "ignore" in name:
        return
    p = np.array(p, "float32")
    p[0], p[1, 0] = np.nan, np.inf
    values, cache = forward(as_targets(y, "float32"), p, **options)
    backward(np.ones(5, "float32"), cache)
    assert np.isnan(values[0]) and np.isfinite(values[2:]).all()


def test_ignored_samples_may_predict_anything():
    p = np.array([[np.nan, np.inf], [0.25, 0.75]], "float32")
    for from_logits in (False, True):
        forward = kernels.sparse_categorical_crossentropy_forward
        values, cache = forward(np.array([-1, 1]), p, from_logits, ignore_class=-1)
        gradient = kernels.sparse_categorical_crossentropy_backward(np.ones(2, "float32"), cache)
        assert values[0] == 0 and values[1] > 0 and not gradient[0].any() and gradient[1].any()


@pytest.mark.parametrize("label", [-1, 3, 300])
def test_labels_outside_are_never_read(label):
    with pytest.raises(IndexError, match="outside 0 to 2"):
        kernels.sparse_categorical_crossentropy_forward(np.array([0, label]), np.full((2, 3), 0.3))
    with pytest.raises(IndexError, match="1 labels for 2"):
        kernels.sparse_categorical_crossentropy_forward(np.array([0]), np.full((2, 3), 0.3))


@pytest.mark.parametrize("n", [10, 1500, 300_000])
def test_long_axes_are_summed_accurately(n):
    p = RNG.normal(size=(2, n)).astype("float32")
    y = np.zeros_like(p)
    expected = (p.astype(float) ** 2).mean(-1)
    np.testing.assert_allclose(kernels.squared_error_forward(y, p)[0], expected, rtol=5e-7)
    np.testing.assert_allclose(kernels.absolute_error_forward(y, p)[0], abs(p.astype(float)).mean(-1), rtol=5e-7)


def test_reduction_of_many_values_is_accurate():
    values = np.full(3_000_001, 0.1, "float32")
    assert float(kernels.reduced(values, None, None, "sum_over_batch_size")[0]) == float(np.float32(0.1))


VALUES = np.array([1.0, 4.0, 2.0, 8.0])
WEIGHTS = np.array([1.0, 3.0, 0.0, 0.5])
MASK = np.array([True, False, True, True])


@pytest.mark.parametrize(
    ("weight", "mask", "reduction", "value", "slopes"),
    [
        (None, None, "sum_over_batch_size", 15 / 4, 0.25),
        (None, None, "mean", 15 / 4, 0.25),
        (None, None, "mean_with_sample_weight", 15 / 4, 0.25),
        (None, None, "sum", 15, 1),
        (None, None, "none", VALUES, 1),
        (None, None, None, VALUES, 1),
        (WEIGHTS, None, "sum_over_batch_size", 17 / 4, WEIGHTS / 4),
        (WEIGHTS, None, "mean_with_sample_weight", 17 / 4.5, WEIGHTS / 4.5),
        (WEIGHTS, None, "sum", 17, WEIGHTS),
        (WEIGHTS, None, "none", WEIGHTS * VALUES, WEIGHTS),
        (WEIGHTS[:, None], None, "sum", 17, WEIGHTS),
        (np.array(2), None, "sum", 30, 2),
        (None, MASK, "sum_over_batch_size", 11 / 3, MASK / 3),
        (None, MASK, "mean_with_sample_weight", 11 / 3, MASK / 3),
        (None, MASK, "sum", 11, MASK),
        (None, MASK, "none", MASK * VALUES, MASK),
        (WEIGHTS, MASK, "sum_over_batch_size", 5 / 3, WEIGHTS * MASK / 3),
        (WEIGHTS, MASK, "mean_with_sample_weight", 5 / 1.5, WEIGHTS * MASK / 1.5),
        (WEIGHTS[:, None], MASK, "sum", 5, WEIGHTS * MASK),
        (WEIGHTS * 0, None, "mean_with_sample_weight", 0, 0),
        (None, MASK & False, "sum_over_batch_size", 0, 0),
    ],
)
def test_reductions(weight, mask, reduction, value, slopes):
    reduced, gradient = kernels.reduced(VALUES, weight, mask, reduction)
    np.testing.assert_allclose(reduced, value, rtol=1e-12)
    np.testing.assert_allclose(np.broadcast_to(gradient, 4), np.broadcast_to(slopes, 4), rtol=1e-12)
    single, gradient = kernels.reduced(VALUES.astype("float32"), weight, mask, reduction)
    assert single.dtype == gradient.dtype == np.float32


def test_weights_that_fit_are_spread_and_others_explained():
    values = np.arange(6.0).reshape(2, 3)
    weight = np.array([[1.0], [2.0]])
    value, gradient = kernels.reduced(values, weight, None, "mean_with_sample_weight")
    assert value == (3 + 24) / 3  # as in Keras, over the weights as they were given
    np.testing.assert_allclose(gradient, np.repeat(weight / 3, 3, axis=1))
    with pytest.raises(ValueError, match=r"sample_weight of shape \(2,\) does not fit losses of shape \(2, 3\)"):
        kernels.reduced(values, np.ones(2), None, "sum")
    with pytest.raises(ValueError, match=r"sample_weight of shape \(4,\) does not fit a mask of shape \(3,\)"):
        kernels.reduced(np.ones(3), np.ones(4), np.ones(3, bool), "sum")


@pytest.mark.parametrize(
    ("a", "b", "after"),
    [
        ((3,), (3, 1), ((3, 1), (3, 1))),
        ((3, 1), (3,), ((3, 1), (3, 1))),
        ((3, 2, 1), (3, 2), ((3, 2), (3, 2))),
        ((3, 2), (3, 2, 1), ((3, 2), (3, 2))),
        ((3, 2), (3,), ((3, 2), (3,))),
        ((3, 1, 1), (3,), ((3, 1, 1), (3,))),
        ((), (1,), ((), ())),
    ],
)
def test_ranks_are_made_equal_by_axes_of_size_one(a, b, after):
    x, y = kernels.same_rank(np.zeros(a), np.zeros(b))
    assert (x.shape, y.shape) == after


@pytest.mark.parametrize("shape", [(9001, 10), (3, 40_001), (2, 150_001)])
@pytest.mark.parametrize("threads", [1, 2])
def test_large_outputs_are_computed_in_blocks_alike(shape, threads):
    stream = np.random.default_rng(0)
    p, y = stream.normal(size=shape).astype("float32"), stream.integers(0, shape[1], shape[0])
    p[0, 0] = 300  # the others of this row underflow
    forward = kernels.sparse_categorical_crossentropy_forward
    backward = kernels.sparse_categorical_crossentropy_backward
    before = config.get_num_threads()
    config.set_num_threads(threads)
    try:
        values, cache = forward(y, p, from_logits=True)
        gradient = backward(values, cache)
    finally:
        config.set_num_threads(before)
    exp = np.exp(p.astype(float) - p.max(-1, keepdims=True))
    share = exp / exp.sum(-1, keepdims=True)
    rows = np.arange(len(p))
    np.testing.assert_allclose(values[1:], -np.log(share[rows, y])[1:], rtol=1e-5)
    share[rows, y] -= 1
    np.testing.assert_allclose(gradient, share * values[:, None], rtol=1e-4, atol=1e-6)

"""Arrays of random numbers: shapes, dtypes, ranges, moments, and what a seed means."""

import numpy as np
import pytest

from nnlite import config, random

CALLS = {
    "normal": lambda seed, **kw: random.normal((4, 5), 1.0, 2.0, seed=seed, **kw),
    "truncated_normal": lambda seed, **kw: random.truncated_normal((4, 5), 1.0, 2.0, seed=seed, **kw),
    "uniform": lambda seed, **kw: random.uniform((4, 5), -1.0, 2.0, seed=seed, **kw),
    "gamma": lambda seed, **kw: random.gamma((4, 5), 2.0, seed=seed, **kw),
    "beta": lambda seed, **kw: random.beta((4, 5), 2.0, 3.0, seed=seed, **kw),
    "binomial": lambda seed, **kw: random.binomial((4, 5), 7, 0.4, seed=seed, **kw),
    "randint": lambda seed, **kw: random.randint((4, 5), 0, 1000, seed=seed, **kw),
    "categorical": lambda seed, **kw: random.categorical(np.zeros((4, 9)), 5, seed=seed, **kw),
    "shuffle": lambda seed: random.shuffle(np.arange(20).reshape(4, 5), axis=1, seed=seed),
    "dropout": lambda seed: random.dropout(np.ones((4, 5), "float32"), 0.5, seed=seed),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_seed(name):
    call = CALLS[name]
    assert call(3).shape == (4, 5)
    assert np.array_equal(call(3), call(3))
    stream = random.SeedGenerator(3)
    first, second = call(stream), call(stream)
    assert np.array_equal(first, call(3))
    assert not np.array_equal(first, second)
    before = random.get_state()
    random.set_seed(5)
    free = [call(None), call(None)]
    random.set_seed(5)
    assert np.array_equal(free[0], call(None))
    random.set_state(before)
    assert not np.array_equal(*free)
    with pytest.raises(ValueError, match="seed"):
        call("a")


@pytest.mark.parametrize("name", ["normal", "truncated_normal", "uniform", "gamma", "beta", "binomial"])
def test_real_dtypes(name):
    call = CALLS[name]
    assert call(1).dtype == np.float32
    assert call(1, dtype="float64").dtype == np.float64
    assert call(1, dtype="bfloat16").dtype == np.float32
    config.set_floatx("float64")
    try:
        assert call(1).dtype == np.float64
    finally:
        config.set_floatx("float32")
    with pytest.raises(ValueError, match=f"{name}: dtype got 'int32', expected a floating one"):
        call(1, dtype="int32")


def test_whole_dtypes():
    assert CALLS["randint"](1).dtype == np.int32
    assert CALLS["randint"](1, dtype="uint8").dtype == np.uint8
    assert CALLS["categorical"](1, dtype="int64").dtype == np.int64
    with pytest.raises(ValueError, match="randint: dtype got 'float32'"):
        CALLS["randint"](1, dtype="float32")


def test_ranges_and_moments():
    n = 20000
    x = random.normal((n,), 1.0, 2.0, seed=1)
    assert abs(x.mean() - 1) < 0.05 and abs(x.std() - 2) < 0.05
    x = random.truncated_normal((n,), 1.0, 2.0, seed=1)
    assert x.min() >= -3 and x.max() <= 5 and abs(x.mean() - 1) < 0.05
    x = random.uniform((n,), -1.0, 2.0, seed=1)
    assert x.min() >= -1 and x.max() < 2 and abs(x.mean() - 0.5) < 0.05
    assert random.uniform((n,), 1, np.nextafter(np.float32(1), np.float32(2)), seed=1).max() == 1
    assert set(random.randint((n,), 2, 5, seed=1).tolist()) == {2, 3, 4}
    shares = np.bincount(random.categorical(np.log([[0.2, 0.3, 0.5]]), n, seed=1)[0]) / n
    assert np.allclose(shares, [0.2, 0.3, 0.5], atol=0.02)
    assert abs(random.gamma((n,), 3.0, seed=1).mean() - 3) < 0.1
    assert abs(random.beta((n,), 1.0, 3.0, seed=1).mean() - 0.25) < 0.02
    assert abs(random.binomial((n,), [4.0], 0.25, seed=1).mean() - 1) < 0.05
    assert random.normal(3, np.arange(3.0), seed=1).shape == (3,)


def test_dropout_and_shuffle():
    x = random.dropout(np.ones((1000, 4), "float32"), 0.25, noise_shape=(None, 1), seed=1)
    assert x.dtype == np.float32 and np.array_equal(x[:, :1].repeat(4, 1), x)
    assert abs(x.mean() - 1) < 0.05 and np.allclose(np.unique(x), [0, 1 / 0.75])
    assert np.array_equal(random.dropout([[1, 2]], 0.0), [[1, 2]])
    with pytest.raises(ValueError, match="rate got 1"):
        random.dropout(np.ones(2), 1)
    rows = random.shuffle(np.arange(12).reshape(6, 2), seed=1)
    assert sorted(rows[:, 0].tolist()) == [0, 2, 4, 6, 8, 10] and np.array_equal(rows[:, 1], rows[:, 0] + 1)
    with pytest.raises(ValueError, match=r"logits have shape \(2,\)"):
        random.categorical([0.0, 1.0], 3)

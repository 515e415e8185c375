"""Initializers: distributions, fans, seeds, names, configs, and what they refuse."""

import copy
import json
import math
import pickle

import numpy as np
import pytest

from nnlite import config, initializers, random
from nnlite.core import registry
from nnlite.initializers import compute_fans
from nnlite.layers import Dense

RANDOM = [
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
    "Orthogonal",
]
ALL = ["Zeros", "Ones", "Constant", "Identity", *RANDOM]
SHAPE = (400, 250)


@pytest.mark.parametrize(
    ("make", "std"),
    [
        (initializers.RandomNormal(0.5, 0.2, seed=1), 0.2),
        (initializers.TruncatedNormal(0.5, 0.2, seed=1), 0.2 * 0.87962566),
        (initializers.RandomUniform(0.0, 1.0, seed=1), 1 / math.sqrt(12)),
        (initializers.VarianceScaling(seed=1), math.sqrt(1 / 400)),
        (initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=1), math.sqrt(2 / 250)),
        (initializers.VarianceScaling(3.0, "fan_avg", "uniform", seed=1), math.sqrt(3 / 325)),
        (initializers.GlorotUniform(seed=1), math.sqrt(2 / 650)),
        (initializers.GlorotNormal(seed=1), math.sqrt(2 / 650)),
        (initializers.HeUniform(seed=1), math.sqrt(2 / 400)),
        (initializers.HeNormal(seed=1), math.sqrt(2 / 400)),
        (initializers.LecunUniform(seed=1), math.sqrt(1 / 400)),
        (initializers.LecunNormal(seed=1), math.sqrt(1 / 400)),
    ],
    ids=repr,
)
def test_mean_and_standard_deviation(make, std):
    values = make(SHAPE, "float64")
    mean = 0.5 if isinstance(make, (initializers.RandomNormal, initializers.TruncatedNormal)) else 0.0
    mean = 0.5 if isinstance(make, initializers.RandomUniform) else mean
    assert abs(values.mean() - mean) < 5 * std / math.sqrt(values.size)
    assert abs(values.std() / std - 1) < 0.01


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (initializers.TruncatedNormal(0.0, 0.05, seed=2), 0.1),
        (initializers.RandomUniform(-0.3, 0.3, seed=2), 0.3),
        (initializers.GlorotUniform(seed=2), math.sqrt(6 / 650)),
        (initializers.HeUniform(seed=2), math.sqrt(6 / 400)),
        (initializers.LecunUniform(seed=2), math.sqrt(3 / 400)),
        (initializers.HeNormal(seed=2), 2 * math.sqrt(2 / 400) / 0.87962566103423978),
    ],
    ids=repr,
)
def test_nothing_beyond_the_limit_and_something_near_it(make, limit):
    largest = np.abs(make(SHAPE, "float64")).max()
    assert 0.99 * limit < largest <= limit


def test_truncated_numbers_are_drawn_again_not_cut():
    values = initializers.TruncatedNormal(0.0, 1.0, seed=3)((100_000,), "float64")
    assert len(np.unique(values)) == values.size
    density = np.exp(-2) / math.sqrt(2 * math.pi) / math.erf(2 / math.sqrt(2))  # of the cut distribution at 2
    assert abs((np.abs(values) > 1.9).mean() / (2 * 0.1 * density * 1.1) - 1) < 0.1


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((3, 5), (3, 5)),
        ((4, 3, 5), (12, 20)),
        ((3, 3, 16, 32), (144, 288)),
        ((3, 3, 64, 2), (576, 18)),
        ((2, 2, 2, 3, 4), (24, 32)),
        ((0, 5), (0, 5)),
    ],
)
def test_fans(shape, fans):
    assert compute_fans(shape) == fans


def test_fans_along_given_axes():
    assert compute_fans((16, 4, 8), [0], [1, 2]) == (16, 32)
    limit = math.sqrt(6 / (16 + 32))
    values = initializers.GlorotUniform(seed=1, input_axes=[0], output_axes=[1, 2])((16, 4, 8), "float64")
    assert 0.95 * limit < np.abs(values).max() <= limit


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (3, 2, 4), (2, 2, 3, 40), (1, 1)])
def test_orthogonal(shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=1)(shape, "float64").reshape(-1, shape[-1])
    if len(matrix) < shape[-1]:
        matrix = matrix.T
    np.testing.assert_allclose(matrix.T @ matrix, 4 * np.eye(matrix.shape[1]), atol=1e-13)


def test_orthogonal_takes_every_sign():
    """Without the correction of signs the determinant of Q would depend on the size alone."""
    signs = {np.sign(np.linalg.det(initializers.Orthogonal(seed=s)((3, 3), "float64"))) for s in range(20)}
    assert signs == {-1.0, 1.0}
    corners = [initializers.Orthogonal(seed=s)((3, 3), "float64")[0, 0] for s in range(20)]
    assert min(corners) < 0 < max(corners)


def test_constants():
    assert initializers.Zeros()((2, 1)).tolist() == [[0], [0]]
    assert initializers.Ones()((2,)).tolist() == [1, 1]
    assert initializers.Constant(2.5)((2,)).tolist() == [2.5, 2.5]
    assert initializers.Constant([1, 2])((2, 2)).tolist() == [[1, 2], [1, 2]]
    assert initializers.Identity(3.0)((2, 3)).tolist() == [[3, 0, 0], [0, 3, 0]]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (4, 0), (1, 1), [2, 2]], ids=str)
@pytest.mark.parametrize("dtype", [None, "float32", "float64", np.float64, np.dtype("float32")], ids=str)
def test_shape_dtype_and_ownership(name, shape, dtype):
    make = getattr(initializers, name)()
    values = make(shape, dtype)
    assert values.shape == tuple(shape)
    assert values.dtype == (config.floatx() if dtype is None else dtype)
    assert values.flags.c_contiguous and values.flags.writeable
    values[...] = 7  # the next call gives an array of its own
    assert not (make(shape, dtype) == 7).any()


@pytest.mark.parametrize("name", [n for n in ALL if n not in ("Identity", "Orthogonal")])
@pytest.mark.parametrize("shape", [(), (3,), 3, (2, 3, 4, 5)], ids=str)
def test_any_number_of_axes(name, shape):
    assert getattr(initializers, name)()(shape).shape == (tuple(shape) if shape != 3 else (3,))


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    make = getattr(initializers, name)
    seeded = make(seed=5)
    first = seeded((6, 4))
    np.testing.assert_array_equal(first, seeded((6, 4)))
    np.testing.assert_array_equal(first, make(seed=np.int64(5))((6, 4)))
    assert not np.array_equal(first, make(seed=6)((6, 4)))
    fresh = make()
    assert not np.array_equal(fresh((6, 4)), fresh((6, 4)))
    random.set_seed(1)
    one = make()((6, 4))
    random.set_seed(1)
    np.testing.assert_array_equal(one, make()((6, 4)))
    shared = random.SeedGenerator(3)
    assert not np.array_equal(make(seed=shared)((6, 4)), make(seed=shared)((6, 4)))


@pytest.mark.parametrize("seed", ["1", 1.5, True, [1]])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        initializers.GlorotUniform(seed=seed)


@pytest.mark.parametrize("name", ALL)
def test_config_makes_the_round_trip(name):
    make = getattr(initializers, name)()
    written = initializers.serialize(make)
    assert written["module"] == "keras.initializers" and written["class_name"] == name
    assert written["registered_name"] is None
    again = initializers.deserialize(json.loads(json.dumps(written)))
    assert type(again) is type(make) and again.get_config() == make.get_config() == make.clone().get_config()
    for copied in (copy.deepcopy(make), pickle.loads(pickle.dumps(make))):
        assert copied.get_config() == make.get_config()


def test_configs_have_the_keys_that_every_keras_3_reads():
    assert initializers.GlorotUniform().get_config() == {"seed": None}
    assert initializers.HeNormal(seed=3).get_config() == {"seed": 3}
    assert initializers.VarianceScaling().get_config() == {
        "scale": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": None,
    }
    assert initializers.Orthogonal().get_config() == {"gain": 1.0, "seed": None}
    assert initializers.Zeros().get_config() == {}


def test_configs_of_newer_keras_are_read():
    for axes in (None, [0]):
        config = {"seed": None, "input_axes": axes, "output_axes": axes}
        make = initializers.get({"module": "keras.initializers", "class_name": "GlorotUniform", "config": config})
        assert make.input_axes == axes
        assert make.get_config() == ({"seed": None} if axes is None else config)
    seed = {"module": "keras.random", "class_name": "SeedGenerator", "config": {"seed": 3, "name": "s"}}
    make = initializers.get({"class_name": "HeNormal", "config": {"seed": seed}})
    assert isinstance(make.seed, random.SeedGenerator) and make.seed.seed == 3
    assert make.get_config()["seed"]["config"]["seed"] == 3
    assert initializers.deserialize(initializers.serialize(make)).seed.seed == 3


def test_an_array_as_constant_makes_the_round_trip():
    make = initializers.Constant(np.array([[1.0, 2.0]]))
    again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(make))))
    np.testing.assert_array_equal(again((3, 2)), make((3, 2)))


NAMES = {
    "zeros": "Zeros",
    "zero": "Zeros",
    "ones": "Ones",
    "one": "Ones",
    "constant": "Constant",
    "random_normal": "RandomNormal",
    "normal": "RandomNormal",
    "random_uniform": "RandomUniform",
    "uniform": "RandomUniform",
    "truncated_normal": "TruncatedNormal",
    "glorot_uniform": "GlorotUniform",
    "glorot_normal": "GlorotNormal",
    "he_normal": "HeNormal",
    "he_uniform": "HeUniform",
    "lecun_normal": "LecunNormal",
    "lecun_uniform": "LecunUniform",
    "variance_scaling": "VarianceScaling",
    "orthogonal": "Orthogonal",
    "OrthogonalInitializer": "Orthogonal",
    "identity": "Identity",
    "IdentityInitializer": "Identity",
}


@pytest.mark.parametrize(("name", "class_name"), [*NAMES.items(), *((n, n) for n in ALL)])
def test_names(name, class_name):
    assert type(initializers.get(name)) is getattr(initializers, class_name)
    assert type(initializers.deserialize(name)) is getattr(initializers, class_name)
    if hasattr(initializers, name):
        assert getattr(initializers, name) is getattr(initializers, class_name)


def test_get():
    make = initializers.HeNormal()
    assert initializers.get(make) is make and initializers.get(None) is None
    assert type(initializers.get(initializers.HeNormal)) is initializers.HeNormal
    function = lambda shape, dtype=None: np.zeros(shape, dtype)  # noqa: E731
    assert initializers.get(function) is function
    with pytest.raises(ValueError, match=r"'glorot_unifrom'.* Did you mean 'glorot_uniform'\?"):
        initializers.get("glorot_unifrom")
    with pytest.raises(TypeError, match="4"):
        initializers.get(4)
    with pytest.raises(TypeError, match=r"HeNormal.*'sead'.* Did you mean 'seed'\?"):
        initializers.get({"class_name": "HeNormal", "config": {"sead": 1}})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.VarianceScaling(0), "scale must be above 0, got 0"),
        (lambda: initializers.VarianceScaling("1"), "scale must be a finite number, got '1'"),
        (lambda: initializers.VarianceScaling(mode="fan_inn"), r"mode .* got 'fan_inn'. Did you mean 'fan_in'\?"),
        (lambda: initializers.VarianceScaling(distribution="gauss"), "distribution must be one of .* got 'gauss'"),
        (lambda: initializers.RandomNormal(stddev=-1), "stddev must be a finite number of at least 0, got -1"),
        (lambda: initializers.TruncatedNormal(mean=math.nan), "mean must be a finite number, got nan"),
        (lambda: initializers.RandomUniform(1, -1), "minval 1 is above maxval -1"),
        (lambda: initializers.Orthogonal(gain=None), "gain must be a finite number, got None"),
        (lambda: initializers.Orthogonal()((3,)), r"Orthogonal: expected a shape of at least two axes, got \(3,\)"),
        (lambda: initializers.Identity()((3, 3, 3)), r"Identity: expected a shape of two axes, got \(3, 3, 3\)"),
        (lambda: initializers.Constant([1, 2, 3])((2,)), r"shape \(3,\) does not fit a variable of shape \(2,\)"),
        (lambda: initializers.Zeros()((None, 3)), r"Zeros: shape must be .* got \(None, 3\)"),
        (lambda: initializers.HeNormal()((-1, 3)), r"HeNormal: shape must be .* got \(-1, 3\)"),
        (lambda: initializers.Ones()("ab"), "Ones: shape must be .* got 'ab'"),
        (lambda: initializers.Ones()((2,), "float31"), r"'float31'.* Did you mean 'float32'\?"),
    ],
)
def test_refusals_say_what_came_and_what_was_expected(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_normal_means_truncated_normal():
    assert initializers.VarianceScaling(distribution="normal").distribution == "truncated_normal"


def test_one_of_the_users_own_in_a_layer():
    class Checker(initializers.Initializer):
        def __init__(self, high=1.0):
            self.high = high

        def __call__(self, shape, dtype=None):
            return (np.indices(shape).sum(0) % 2 * self.high).astype(dtype)

    layer = Dense(2, kernel_initializer=Checker(3.0))
    layer.build((None, 2))
    assert layer.kernel.numpy().tolist() == [[0, 3], [3, 0]]
    assert Checker(3.0).get_config() == {"high": 3.0}
    with registry.custom_object_scope({"Checker": Checker}):
        assert initializers.deserialize(initializers.serialize(Checker(2.0))).high == 2.0
    assert initializers.deserialize(initializers.serialize(Checker(2.0)), {"Checker": Checker}).high == 2.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: initializers.STFT("both"), "STFT: side must be 'real' or 'imag', got 'both'"),
        (lambda: initializers.STFT(scaling="densety"), "scaling must be.*Did you mean 'density'"),
        (lambda: initializers.STFT(window="hannn"), "STFT: window 'hannn'.*scipy.signal.get_window"),
        (
            lambda: initializers.STFT()((4, 3)),
            r"expected a shape of \(length, 1, frequencies of 2 or more\), got \(4, 3\)",
        ),
        (lambda: initializers.STFT()((4, 1, 1)), "frequencies of 2 or more"),
        (lambda: initializers.STFT(window=[1.0, 2.0])((4, 1, 3)), r"window of shape \(2,\) does not fit"),
    ],
)
def test_stft_says_what_does_not_fit(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("normal", "RandomNormal"),
        ("uniform", "RandomUniform"),
        ("one", "Ones"),
        ("zero", "Zeros"),
        ("IdentityInitializer", "Identity"),
        ("OrthogonalInitializer", "Orthogonal"),
        ("STFTInitializer", "STFT"),
        ("stft", "STFT"),
    ],
)
def test_extra_strings_of_keras(text, kind):
    assert type(initializers.get(text)).__name__ == kind

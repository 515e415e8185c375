"""What an optimizer remembers: order, files, copies, pickles, several models, and what it refuses."""

import copy
import pickle

import numpy as np
import pytest

import nnlite
from nnlite import Variable, optimizers
from nnlite.optimizers import SGD, Adam, AdamW, RMSprop, schedules

SHAPES = [(3, 4), (4,), (), (4, 2)]
FULL = [
    lambda: SGD(0.1, momentum=0.9),
    lambda: RMSprop(0.1, momentum=0.5, centered=True, clipnorm=1.0),
    lambda: Adam(0.1, amsgrad=True, weight_decay=0.1),
    lambda: Adam(schedules.CosineDecay(0.1, 10), use_ema=True, ema_overwrite_frequency=3),
    lambda: AdamW(0.1, gradient_accumulation_steps=2, loss_scale_factor=4.0),
    lambda: optimizers.Nadam(0.1),
    lambda: optimizers.Adafactor(0.1, use_ema=True),
    lambda: optimizers.Muon(0.1),
    lambda: optimizers.ScheduleFreeAdamW(0.1),
    lambda: optimizers.LossScaleOptimizer(Adam(0.1), dynamic_growth_steps=2),
    lambda: optimizers.MultiOptimizer(optimizers.OptimizerMap(Adam(0.1), {"v[01]": SGD(0.1, momentum=0.5)})),
]


def variables(seed=0, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [Variable(rng.standard_normal(s), name=f"v{i}", dtype="float32") for i, s in enumerate(shapes)]


def steps(optimizer, vs, seeds):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        optimizer.apply([rng.standard_normal(v.shape).astype("float32") for v in vs], vs)


def everything(optimizer, vs):
    return b"".join(v.value.tobytes() for v in [*vs, *optimizer.variables])


# ---- copies ----


@pytest.mark.parametrize("make", FULL)
@pytest.mark.parametrize("way", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_goes_on_by_itself(make, way):
    optimizer, vs = make(), variables()
    steps(optimizer, vs, range(3))
    before = everything(optimizer, vs)
    other, others = way((optimizer, vs))
    assert everything(other, others) == before
    assert not any(np.shares_memory(a.value, b.value) for a, b in zip(vs, others, strict=True))
    steps(other, others, range(3, 6))
    assert everything(optimizer, vs) == before
    steps(optimizer, vs, range(3, 6))
    assert everything(optimizer, vs) == everything(other, others)


@pytest.mark.parametrize("make", FULL[:-1])
def test_slots_are_views_of_flat_arrays_also_after_copies(make):
    optimizer, vs = make(), variables()
    optimizer.build(vs)
    for one in (optimizer, copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        moments = [v for v in one.variables if v.name.endswith(("_momentum", "_velocity"))]
        bases = {id(v.value.base) for v in moments}
        assert len(bases) == len({v.name.rsplit("_", 1)[1] for v in moments})


def test_an_unbuilt_optimizer_is_copied_with_what_it_excludes():
    vs = variables()
    optimizer = AdamW(0.1)
    optimizer.exclude_from_weight_decay([vs[0]], ["v1"])
    for way in (copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))):
        other, (first, second, *rest) = way((optimizer, vs))
        other.build([first, second, *rest])
        assert other._decays == [False, False, True, True]


def test_a_model_is_copied_with_its_optimizer():
    model = nnlite.Sequential([nnlite.Input((3,)), nnlite.layers.Dense(4, "tanh"), nnlite.layers.Dense(1)])
    model.compile(Adam(0.05), "mse")
    x, y = np.random.default_rng(0).standard_normal((2, 8, 3)).astype("float32")
    model.train_on_batch(x, y[:, :1])
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert all(v is w for v, w in zip(other.optimizer._trained, other.trainable_weights, strict=True))
        for _ in range(2):
            other.train_on_batch(x, y[:, :1])
    for _ in range(2):
        model.train_on_batch(x, y[:, :1])
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)


# ---- several models and optimizers ----


def test_a_variable_may_have_several_optimizers():
    shared, own, other = variables(shapes=[(3,), (2,), (4,)])
    first, second = Adam(0.1), SGD(0.1, momentum=0.9)
    first.build([shared, own])
    second.build([other, shared])
    alone = Variable(shared.value)
    plain_adam, plain_sgd = Adam(0.1), SGD(0.1, momentum=0.9)
    for _ in range(3):
        first.apply([np.ones(3), np.ones(2)])
        second.apply([np.ones(4), np.full(3, 0.5)])
        plain_adam.apply([np.ones(3)], [alone])
        plain_sgd.apply([np.full(3, 0.5)], [alone])
    assert np.array_equal(shared.value, alone.value)


def test_a_frozen_half_as_in_a_gan():
    generator = nnlite.layers.Dense(3, name="generator")
    discriminator = nnlite.Sequential([nnlite.Input((3,)), nnlite.layers.Dense(1)], name="discriminator")
    discriminator.compile(Adam(0.05), "mse")
    discriminator.trainable = False
    both = nnlite.Sequential([nnlite.Input((2,)), generator, discriminator], name="gan")
    both.compile(Adam(0.05), "mse")
    z = np.random.default_rng(0).standard_normal((6, 2)).astype("float32")
    ones = np.ones((6, 1), "float32")
    theirs = discriminator.get_weights()
    before = generator.get_weights()
    both.train_on_batch(z, ones)
    assert all(np.array_equal(a, b) for a, b in zip(theirs, discriminator.get_weights(), strict=True))
    assert not np.array_equal(before[0], generator.get_weights()[0])
    discriminator.trainable = True
    discriminator.compile(Adam(0.05), "mse")
    mine = generator.get_weights()
    discriminator.train_on_batch(generator(z), ones)
    assert not np.array_equal(theirs[0], discriminator.get_weights()[0])
    assert all(np.array_equal(a, b) for a, b in zip(mine, generator.get_weights(), strict=True))


def test_compiled_again_with_the_same_optimizer_and_fewer_variables():
    model = nnlite.Sequential([nnlite.Input((3,)), nnlite.layers.Dense(4), nnlite.layers.Dense(1)])
    optimizer = Adam(0.05)
    x = np.ones((4, 3), "float32")
    y = np.zeros((4, 1), "float32")
    model.compile(optimizer, "mse")
    model.train_on_batch(x, y)
    count = len(optimizer.variables)
    model.layers[0].trainable = False
    model.compile(optimizer, "mse")
    frozen = model.layers[0].get_weights()
    model.train_on_batch(x, y)
    assert len(optimizer.variables) == count
    assert int(optimizer.iterations) == 2
    assert all(np.array_equal(a, b) for a, b in zip(frozen, model.layers[0].get_weights(), strict=True))


def test_replaced_values_are_found():
    v = Variable(np.zeros(2), name="v")
    optimizer = Adam(0.1)
    optimizer.apply([np.ones(2)], [v])
    v.value = v.value.copy()
    before = v.numpy()
    optimizer.apply([np.ones(2)], [v])
    assert (v.value < before).all()
    v.value = v.value.astype("float32")
    with pytest.raises(ValueError, match="'v' was float64 when its optimizer was built and is float32"):
        optimizer.apply([np.ones(2)], [v])


def test_many_sets_of_variables_take_turns():
    vs = variables(shapes=[(2,)] * 12)
    optimizer = SGD(1.0, momentum=0.5)
    optimizer.build(vs)
    for _ in range(2):
        for v in vs:
            optimizer.apply([np.ones(2)], [v])
    expected = [a.value - np.float32(2.5) for a in variables(shapes=[(2,)] * 12)]
    for v, e in zip(vs, expected, strict=True):
        np.testing.assert_allclose(v.value, e, rtol=1e-5, atol=1e-6)
    assert len(optimizer._packed._plans) <= 8


# ---- files ----


@pytest.mark.parametrize("make", FULL)
def test_saved_and_loaded_it_goes_on_bit_for_bit(make):
    optimizer, vs = make(), variables()
    steps(optimizer, vs, range(3))
    store = {}
    optimizer.save_own_variables(store)
    store = {key: np.array(value) for key, value in store.items()}
    assert list(store) == [str(i) for i in range(len(optimizer.variables))]
    assert store["0"].dtype == np.int32
    other, others = make(), variables(seed=9)
    other.build(others)
    for a, b in zip(others, vs, strict=True):
        a.assign(b.value)
    other.load_own_variables(store)
    steps(optimizer, vs, range(3, 6))
    steps(other, others, range(3, 6))
    assert everything(optimizer, vs) == everything(other, others)


def test_a_file_without_learning_rate_and_with_a_wide_iteration():
    vs = variables()
    optimizer = Adam(0.25)
    optimizer.build(vs)
    store = {"0": np.array(7, np.int64)}
    for i, v in enumerate(optimizer.variables[2:], start=1):
        store[str(i)] = np.full(v.shape, i, "float32")
    optimizer.load_own_variables(store)
    assert int(optimizer.iterations) == 7
    assert float(optimizer.learning_rate) == 0.25
    assert [v.value.ravel()[0] for v in optimizer.variables[2:]] == list(range(1, 9))


def test_loading_what_does_not_fit_changes_nothing():
    vs = variables()
    optimizer = Adam(0.25)
    steps(optimizer, vs, range(1))
    store = {}
    optimizer.save_own_variables(store)
    before = everything(optimizer, vs)
    zeros = {key: np.zeros_like(value) for key, value in store.items()}
    with pytest.raises(ValueError, match="10 variables.*holds 5"):
        optimizer.load_own_variables({str(i): zeros[str(i)] for i in range(5)})
    with pytest.raises(ValueError, match=r"v3_velocity.*shape \(4, 2\).*\(3, 4\)"):
        optimizer.load_own_variables(zeros | {"9": np.zeros((3, 4))})
    with pytest.raises(ValueError, match="10 variables"):
        optimizer.set_weights([np.zeros(())])
    assert everything(optimizer, vs) == before
    optimizer.set_weights([np.zeros_like(v.value) for v in optimizer.variables])
    assert not any(v.value.any() for v in optimizer.variables)


# ---- names and configs ----


def test_automatic_names_and_paths():
    from nnlite.core import naming

    naming.reset_names()
    names = [cls(0.1).name for cls in (SGD, SGD, RMSprop, Adam, AdamW)]
    assert names == ["sgd", "sgd_1", "rm_sprop", "adam", "adam_w"]
    v = Variable(np.ones(2), name="kernel", path="seq/dense/kernel")
    optimizer = SGD(0.1, momentum=0.9, name="mine")
    optimizer.build([v])
    assert optimizer.variables[2].path == "mine/seq_dense_kernel_momentum"


@pytest.mark.parametrize("name", ["adam", "Adam", "ADAM", "adamw", "AdamW", "sgd", "SGD", "rmsprop", "RMSprop"])
def test_names_in_any_case(name):
    found = optimizers.get(name)
    assert type(found).__name__.lower() == name.lower()
    assert type(optimizers.get({"class_name": name, "config": {"learning_rate": 0.5}})) is type(found)
    assert type(optimizers.deserialize(name)) is type(found)


def test_get():
    made = SGD(0.1)
    assert optimizers.get(made) is made
    assert type(optimizers.get(Adam)) is Adam
    assert optimizers.get(None) is None
    with pytest.raises(ValueError, match="Unknown optimizer 'adan'.*Did you mean 'Adam'"):
        optimizers.get("adan")
    for nonsense in (3, lambda: None, nnlite.layers.Dense, ["adam"]):
        with pytest.raises(TypeError, match="optimizer: got"):
            optimizers.get(nonsense)


def test_configs_of_old_files():
    keras_2 = {
        "class_name": "Custom>Adam",
        "config": {"name": "Adam", "learning_rate": 0.5, "decay": 0.0, "beta_1": 0.8, "epsilon": 1e-7},
    }
    found = optimizers.get(keras_2)
    assert (type(found), found.beta_1, float(found.learning_rate)) == (Adam, 0.8, 0.5)
    assert keras_2["config"]["decay"] == 0.0


def test_a_function_as_learning_rate_needs_a_name_to_be_saved():
    @nnlite.saving.register_keras_serializable("tests")
    def tenth():
        return 0.1

    config = SGD(tenth).get_config()
    assert config["learning_rate"]["config"] == "tests>tenth"
    assert float(SGD.from_config(config).learning_rate) == np.float32(0.1)
    with pytest.raises(TypeError, match="lambda"):
        SGD(lambda: 0.1).get_config()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SGD(1), r"SGD: learning_rate must be a float.*got 1. Write 1.0"),
        (lambda: SGD(True), "learning_rate must be a float.*got True"),
        (lambda: SGD("0.1"), "learning_rate must be a float.*got '0.1'"),
        (lambda: SGD(None), "learning_rate must be a float"),
        (lambda: SGD(schedules.CosineDecay), "is the class CosineDecay, expected an object"),
        (lambda: Adam(lr=0.1), "unexpected.*'lr'.*lr is called learning_rate"),
        (lambda: Adam(beta1=0.1), "'beta1'. Did you mean 'beta_1'"),
        (lambda: Adam(clip_norm=0.1), "Did you mean 'clipnorm'"),
        (lambda: SGD(0.1, momentum=1.5), "momentum must be a number from 0 to 1, got 1.5"),
        (lambda: SGD(0.1, momentum="0.9"), "momentum must be a number"),
        (lambda: Adam(beta_1=1.0), "beta_1 must be a number from 0 to below 1, got 1.0"),
        (lambda: AdamW(beta_2=-0.1), "AdamW: beta_2 must be"),
        (lambda: Adam(epsilon=None), "epsilon must be a number, at least 0, got None"),
        (lambda: RMSprop(rho=2), "rho must be"),
        (lambda: SGD(clipnorm=1.0, clipvalue=1.0), "only one kind of clipping.*clipnorm and clipvalue"),
        (lambda: SGD(clipnorm=-1.0), "clipnorm must be a number, at least 0"),
        (lambda: SGD(global_clipnorm=float("nan")), "global_clipnorm must be"),
        (lambda: SGD(weight_decay="l2"), "weight_decay must be a number, got 'l2'"),
        (lambda: AdamW(weight_decay=None), "weight_decay must be a number; for none use Adam"),
        (lambda: SGD(use_ema=True, ema_momentum=1.1), "ema_momentum must be a number from 0 to 1"),
        (lambda: SGD(use_ema=True, ema_overwrite_frequency=0), "ema_overwrite_frequency must be a whole number"),
        (
            lambda: SGD(gradient_accumulation_steps=1),
            "gradient_accumulation_steps must be a whole number of at least 2",
        ),
        (lambda: SGD(gradient_accumulation_steps=2.5), "gradient_accumulation_steps"),
        (lambda: SGD(loss_scale_factor=0.0), "loss_scale_factor must be a number above 0"),
        (lambda: SGD(name=3), "name must be a string"),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_decay_is_ignored_aloud():
    with pytest.warns(UserWarning, match="Adam: decay is ignored; pass a schedule"):
        Adam(0.1, decay=1e-4)


def test_what_cannot_be_built_or_applied():
    v, w = variables(shapes=[(2,), (3,)])
    with pytest.raises(ValueError, match="Adam is not built"):
        Adam().apply([np.ones(2)])
    with pytest.raises(TypeError, match="updates variables of floats, got"):
        Adam().build([np.ones(2)])
    with pytest.raises(TypeError, match="updates variables of floats, got"):
        Adam().build([Variable(np.arange(3))])
    with pytest.raises(ValueError, match="same variable was given twice"):
        Adam().build([v, v])
    optimizer = Adam()
    optimizer.build([v])
    optimizer.build([v])
    with pytest.raises(ValueError, match="was built for 1 variables, and not for 'v1'"):
        optimizer.build([v, w])
    with pytest.raises(ValueError, match="not for 'v1'"):
        optimizer.apply([np.ones(2), np.ones(3)], [v, w])
    before = everything(optimizer, [v, w])
    with pytest.raises(ValueError, match="2 gradients for 1 variables"):
        optimizer.apply([np.ones(2), np.ones(2)])
    with pytest.raises(ValueError, match=r"gradient of 'v0' has shape \(3,\).*expected numbers of shape \(2,\)"):
        optimizer.apply([np.ones(3)])
    with pytest.raises(ValueError, match="dtype complex128"):
        optimizer.apply([np.ones(2, complex)])
    with pytest.raises(ValueError, match="no variable has a gradient"):
        optimizer.apply([None])
    v.trainable = False
    with pytest.raises(ValueError, match="all are frozen"):
        optimizer.apply()
    assert everything(optimizer, [v, w]) == before


def test_repr():
    assert repr(SGD(0.1, name="mine")) == "<SGD name=mine>"

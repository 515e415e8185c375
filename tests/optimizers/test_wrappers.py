"""LossScaleOptimizer and MultiOptimizer: what they pass on, what they add, and their files."""

import numpy as np
import pytest

import nnlite
from nnlite import Variable
from nnlite.callbacks import GradientMonitor
from nnlite.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap, RMSprop


def pair():
    return [Variable(np.ones((2, 3)), name="kernel"), Variable(np.ones(3), name="bias")]


def ones(vs, factor=1.0):
    return [np.full(v.shape, factor) for v in vs]


# ---- LossScaleOptimizer ----


def test_scaled_steps_are_those_of_the_inner_optimizer():
    vs, others = pair(), pair()
    outer, plain = LossScaleOptimizer(Adam(0.1, clipnorm=0.5), initial_scale=2.0**15), Adam(0.1, clipnorm=0.5)
    outer.build(vs)
    assert outer.scale_loss(3.0) == 3.0 * 2**15
    for factor in (0.1, -0.3):
        outer.apply([outer.scale_loss(g) for g in ones(vs, factor)], vs)
        plain.apply(ones(vs, factor), others)
    assert all(np.array_equal(a.value, b.value) for a, b in zip(vs, others, strict=True))
    assert int(outer.iterations) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_step_that_is_not_finite_is_left_out_and_halves_the_scale(bad):
    vs = pair()
    outer = LossScaleOptimizer(SGD(0.1, momentum=0.9), initial_scale=8.0, dynamic_growth_steps=3)
    outer.apply(ones(vs, 8.0), vs)
    before = [v.numpy() for v in [*vs, *outer.inner_optimizer.variables]]
    gradients = ones(vs)
    gradients[1][2] = bad
    outer.apply(gradients, vs)
    after = [v.numpy() for v in [*vs, *outer.inner_optimizer.variables]]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert (float(outer.dynamic_scale), int(outer.step_counter)) == (4.0, 0)


def test_large_gradients_whose_squares_overflow_are_finite():
    v = Variable(np.zeros(2, "float32"))
    outer = LossScaleOptimizer(SGD(1.0), initial_scale=1.0)
    outer.apply([np.array([1e30, 1.0], "float32")], [v])
    np.testing.assert_allclose(v.value, [-1e30, -1.0], rtol=1e-6)


@pytest.mark.parametrize("options", [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}])
@pytest.mark.parametrize("scale", [2.0**70, 2.0**120])
def test_gradients_are_clipped_where_the_squares_of_the_scaled_ones_overflow(options, scale):
    def stepped(optimizer, factor):
        vs = [Variable(np.ones(size, "float32")) for size in (3, 2)]
        optimizer.apply([np.full(v.shape, factor, "float32") for v in vs], vs)
        return np.concatenate([v.value for v in vs])

    expected = stepped(SGD(0.1, **options), 1.0)
    assert (expected < 1).all()
    dynamic = stepped(LossScaleOptimizer(SGD(0.1, **options), initial_scale=scale), scale)
    fixed = stepped(SGD(0.1, loss_scale_factor=scale, **options), scale)
    np.testing.assert_allclose([dynamic, fixed], [expected] * 2, rtol=1e-6)


def test_the_scale_doubles_up_to_where_float32_holds_it():
    v = Variable(np.zeros(1, "float32"))
    outer = LossScaleOptimizer(SGD(1.0), initial_scale=2.0**124, dynamic_growth_steps=1)
    outer.build([v])
    seen = []
    for _ in range(4):
        outer.apply([np.float32(outer.scale_loss(np.float32(0.5))).reshape(1)])
        seen.append(float(outer.dynamic_scale))
    assert seen == [2.0**125, 2.0**126, 2.0**126, 2.0**126]
    assert v.value.tolist() == [-2.0]


def test_what_is_asked_of_the_outer_is_the_inner_ones():
    vs = pair()
    inner = SGD(0.5, use_ema=True, weight_decay=0.1, loss_scale_factor=4.0)
    outer = LossScaleOptimizer(inner)
    assert inner.loss_scale_factor is None
    outer.exclude_from_weight_decay(var_names=["bias"])
    outer.build(vs)
    outer.learning_rate = 0.25
    assert float(inner.learning_rate) == float(outer.learning_rate) == 0.25
    outer.apply([outer.scale_loss(g) for g in ones(vs, 0.0)])
    np.testing.assert_allclose(vs[0].value, 1 - 0.025)
    np.testing.assert_array_equal(vs[1].value, 1.0)
    assert [v for v, _ in outer.averages()] == vs
    vs[0].assign(np.zeros((2, 3)))
    outer.finalize_variable_values(vs)
    np.testing.assert_allclose(vs[0].value, 0.975)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: LossScaleOptimizer("adam"), TypeError, "inner_optimizer must be another optimizer, got 'adam'"),
        (lambda: LossScaleOptimizer(LossScaleOptimizer(SGD())), TypeError, "must be another optimizer"),
        (lambda: LossScaleOptimizer(SGD(), initial_scale=0.0), ValueError, "initial_scale must be a number above 0"),
        (lambda: LossScaleOptimizer(SGD(), dynamic_growth_steps=0), ValueError, "dynamic_growth_steps must be"),
        (lambda: LossScaleOptimizer(SGD(), dynamic=False), ValueError, "loss_scale_factor of the optimizer itself"),
        (lambda: LossScaleOptimizer(SGD(), clipnorm=1.0), ValueError, "clipnorm belongs to the inner optimizer"),
        (lambda: LossScaleOptimizer(SGD(), use_ema=True), ValueError, "use_ema belongs to the inner"),
        (lambda: LossScaleOptimizer(SGD(), growth=1), ValueError, "'growth'"),
        (lambda: LossScaleOptimizer(SGD()).apply([np.ones(1)]), ValueError, "SGD is not built"),
        (lambda: MultiOptimizer(None), TypeError, "an OptimizerMap or a function of a variable, got None"),
        (lambda: MultiOptimizer(SGD()), TypeError, "an OptimizerMap or a function"),
        (lambda: MultiOptimizer(lambda v: None).build(pair()), ValueError, "optimizer for variable 'kernel', got None"),
        (lambda: MultiOptimizer(lambda v: LossScaleOptimizer(SGD())).build(pair()), ValueError, "cannot be one of"),
        (lambda: MultiOptimizer(OptimizerMap(SGD())).learning_rate, AttributeError, "no learning rate of its own"),
        (lambda: OptimizerMap("sgd"), TypeError, "default_optimizer must be an optimizer, got 'sgd'"),
        (lambda: OptimizerMap(SGD(), ["a"]), TypeError, "optimizer_map must be a dict"),
        (lambda: OptimizerMap(SGD(), {"a": "sgd"}), ValueError, "Expected an optimizer for 'a', got 'sgd'"),
        (lambda: OptimizerMap(SGD(), {3: SGD()}), ValueError, "keys are paths or regular expressions, got 3"),
        (
            lambda: OptimizerMap(SGD(), {"a.*": SGD(), "ab": SGD(), "a.?c?": SGD()})["ac"],
            ValueError,
            "several keys match",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


# ---- MultiOptimizer ----


def test_each_variable_goes_by_its_own_optimizer():
    vs, others = pair(), pair()
    first, rest = Adam(0.1), SGD(0.5)
    outer = MultiOptimizer(OptimizerMap(rest, {"ker.*": first}), loss_scale_factor=2.0)
    assert (first.loss_scale_factor, rest.loss_scale_factor, outer.scale_loss(1.0)) == (2.0, 2.0, 2.0)
    for factor in (0.2, -0.6):
        outer.apply(ones(vs, factor), vs)
    adam, sgd = Adam(0.1), SGD(0.5)
    for factor in (0.1, -0.3):
        adam.apply([np.full((2, 3), factor)], others[:1])
        sgd.apply([np.full(3, factor)], others[1:])
    assert all(np.array_equal(a.value, b.value) for a, b in zip(vs, others, strict=True))
    assert [int(o.iterations) for o in (outer, first, rest)] == [2, 2, 2]
    outer.loss_scale_factor = None
    assert first.loss_scale_factor is None


def test_a_function_chooses_and_makes_optimizers():
    made = {}
    outer = MultiOptimizer(lambda v: made.setdefault(v.name, RMSprop(0.1)))
    vs = pair()
    outer.build(vs)
    assert outer.optimizers == [made["kernel"], made["bias"]]
    outer.build(vs)
    vs[0].trainable = False
    vs[1].accumulate(np.ones(3))
    outer.apply()
    assert vs[0].value.tolist() == np.ones((2, 3)).tolist()
    assert (vs[1].value < 1).all()
    with pytest.raises(ValueError, match="was built for 2 variables"):
        outer.apply([np.ones(1)], [Variable(np.ones(1))])


def test_one_optimizer_may_stand_under_several_names():
    same = Adam(0.1)
    outer = MultiOptimizer(OptimizerMap(same, {"kernel": same}))
    outer.build(pair())
    assert outer.optimizers == [same]
    assert len(same.variables) == 6


def test_a_map_is_a_dict_of_names():
    chosen = OptimizerMap(SGD(), {"a/.*": Adam()})
    assert len(chosen) == 1 and list(chosen) == ["a/.*"] and "a/b" not in chosen
    assert type(chosen["a/b"]) is Adam and type(chosen["a"]) is SGD
    with pytest.raises(ValueError, match="'a/.*' already"):
        chosen["a/.*"] = SGD()
    del chosen["a/.*"]
    assert type(chosen["a/b"]) is SGD


# ---- in models ----

WRAPPED = {
    "loss scale": lambda: LossScaleOptimizer(Adam(0.05), dynamic_growth_steps=2),
    "multi": lambda: MultiOptimizer(OptimizerMap(Adam(0.05), {".*/kernel": SGD(0.1, momentum=0.9)})),
    "nadam": lambda: nnlite.optimizers.Nadam(0.05),
    "adafactor": lambda: nnlite.optimizers.Adafactor(0.05),
    "muon": lambda: nnlite.optimizers.Muon(0.05),
    "free": lambda: nnlite.optimizers.ScheduleFreeAdamW(0.05),
}


def model_with(optimizer):
    model = nnlite.Sequential([nnlite.Input((3,)), nnlite.layers.Dense(4, "tanh"), nnlite.layers.Dense(1)])
    model.set_weights([np.random.default_rng(7).standard_normal(w.shape) for w in model.get_weights()])
    model.compile(optimizer, "mse")
    return model


X, Y = np.random.default_rng(0).standard_normal((2, 8, 3)).astype("float32")


@pytest.mark.parametrize("trained", [0, 3], ids=["unbuilt", "trained"])
@pytest.mark.parametrize("kind", WRAPPED)
def test_saved_models_go_on_bit_for_bit(kind, trained, tmp_path):
    model = model_with(WRAPPED[kind]())
    for _ in range(trained):
        model.train_on_batch(X, Y[:, :1])
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    whole = nnlite.models.load_model(tmp_path / "m.keras")
    again = model_with(WRAPPED[kind]())
    for _ in range(5):
        again.train_on_batch(X[::-1], Y[:, :1])
    again.load_weights(tmp_path / "m.weights.h5")
    for other in (model, whole, again):
        for _ in range(3):
            loss = other.train_on_batch(X, Y[:, :1])
    for other in (whole, again):
        assert all(np.array_equal(a, b) for a, b in zip(other.get_weights(), model.get_weights(), strict=True))
        state = [v.numpy() for v in other.optimizer.variables]
        assert all(np.array_equal(a, v.value) for a, v in zip(state, model.optimizer.variables, strict=True))
    assert np.isfinite(loss)


def test_places_in_files_are_those_of_keras(tmp_path):
    h5py = pytest.importorskip("h5py")
    found = {}
    for kind in ("loss scale", "multi"):
        model = model_with(WRAPPED[kind]())
        model.train_on_batch(X, Y[:, :1])
        model.save_weights(tmp_path / f"{kind}.weights.h5")
        with h5py.File(tmp_path / f"{kind}.weights.h5") as file:
            sizes = {}
            file["optimizer"].visititems(
                lambda name, node, sizes=sizes: sizes.update({name: len(node)}) if name.endswith("vars") else None
            )
        found[kind] = sizes
    assert found["loss scale"] == {"vars": 14, "inner_optimizer/vars": 10}
    assert found["multi"] == {"vars": 12, "optimizers/sgd/vars": 4, "optimizers/adam/vars": 6}


def test_norms_of_gradients_are_those_of_the_loss_itself():
    found = []
    for make in (lambda: Adam(0.05), lambda: LossScaleOptimizer(Adam(0.05), dynamic_growth_steps=2)):
        model = model_with(make())
        history = model.fit(
            X, Y[:, :1], epochs=3, batch_size=2, shuffle=False, verbose=0, callbacks=[GradientMonitor()]
        )
        found.append([history.history[key] for key in sorted(history.history) if "norm" in key])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)

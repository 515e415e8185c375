"""Policies: what they say, how layers and models keep them, and that half precision is computed in float32."""

import copy
import json
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from layers.cases import CASES

import nnlite
from nnlite import config, dtype_policies, layers, mixed_precision
from nnlite.config import DTypePolicy, FloatDTypePolicy
from nnlite.dtype_policies import DTypePolicyMap
from nnlite.optimizers import SGD, Adam, LossScaleOptimizer

HALF = ["float16", "bfloat16", "mixed_float16", "mixed_bfloat16"]


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    monkeypatch.setattr(config, "_half_told", True)
    monkeypatch.setattr(config, "_dtype_policy", None)


# What Keras 3.15.1 says of each.
@pytest.mark.parametrize(
    ("name", "compute", "variable"),
    [
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("float16", "float16", "float16"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("mixed_float16", "float16", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("int32", "int32", "int32"),
    ],
)
def test_what_a_policy_says(name, compute, variable):
    policy = DTypePolicy(name)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (name, compute, variable)
    assert repr(policy) == f'<DTypePolicy "{name}">' == repr(FloatDTypePolicy(name))
    assert policy == FloatDTypePolicy(name) and hash(policy) == hash(DTypePolicy(name))
    assert policy != DTypePolicy("float64" if name != "float64" else "float32") and policy != name
    wanted = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": name}, "registered_name": None}
    assert dtype_policies.serialize(policy) == wanted
    for way in (dtype_policies.deserialize, dtype_policies.get, nnlite.saving.deserialize_keras_object):
        assert way(wanted) == policy
    assert copy.deepcopy(policy) == pickle.loads(pickle.dumps(policy)) == policy


def test_get():
    assert dtype_policies.get(None) == DTypePolicy() == DTypePolicy("float32")
    assert dtype_policies.get("mixed_float16").name == "mixed_float16"
    assert dtype_policies.get(np.float64).name == dtype_policies.get(np.dtype("f8")).name == "float64"
    policy = DTypePolicy("float16")
    assert dtype_policies.get(policy) is policy


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: DTypePolicy("mixed_float32"), ValueError, "got 'mixed_float32', expected one of float16"),
        (lambda: DTypePolicy(3), TypeError, "name must be a string such as 'mixed_float16', got 3"),
        (lambda: dtype_policies.get(3), ValueError, "Expected a dtype policy such as 'mixed_float16', got 3"),
        (lambda: dtype_policies.get("int8_from_float32"), ValueError, "got 'int8_from_float32'"),
        (lambda: config.set_dtype_policy(3), ValueError, "set_dtype_policy: got 3"),
        (lambda: config.set_dtype_policy(None), ValueError, "set_dtype_policy: got None"),
        (lambda: config.set_dtype_policy("half"), ValueError, "got 'half', expected one of"),
        (lambda: layers.Dense(2, dtype="mixed_float32"), ValueError, "'mixed_float32'. Did you mean 'mixed_float16'"),
        (
            lambda: layers.Dense(
                2,
                dtype={
                    "module": "keras.dtype_policies",
                    "class_name": "QuantizedDTypePolicy",
                    "config": {"mode": "int8", "source_name": "float32"},
                },
            ),
            ValueError,
            "quantized policies such as QuantizedDTypePolicy are not supported",
        ),
        (lambda: DTypePolicyMap(policy_map=[1]), TypeError, "policy_map must be a dict"),
        (lambda: DTypePolicyMap(DTypePolicyMap()), ValueError, "default_policy cannot be a map itself"),
        (lambda: DTypePolicyMap(policy_map={3: "float32"}), ValueError, "keys are paths or regular expressions, got 3"),
        (lambda: DTypePolicyMap(policy_map={"a": "half"}), ValueError, "got 'half'"),
        (lambda: DTypePolicyMap(policy_map={"a.*": "float32", ".b": "float64"})["ab"], ValueError, "several keys"),
    ],
)
def test_what_is_no_policy_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ---- the global policy ----


def test_new_layers_take_the_global_policy_and_inputs_do_not():
    before = layers.Dense(2)
    mixed_precision.set_global_policy("mixed_float16")
    assert mixed_precision.global_policy() == config.dtype_policy() == DTypePolicy("mixed_float16")
    assert config.floatx() == "float32"
    layer, own = layers.Dense(2), layers.Dense(2, dtype="float64")
    assert [x.dtype_policy.name for x in (before, layer, own)] == ["float32", "mixed_float16", "float64"]
    assert layer.get_config()["dtype"] == "mixed_float16"
    assert nnlite.Input((3,)).dtype == "float32"
    assert nnlite.Sequential([layer]).dtype_policy.name == "mixed_float16"
    config.set_dtype_policy(DTypePolicy("float64"))
    assert layers.Dense(2).compute_dtype == "float64"


def test_without_a_global_policy_it_is_floatx():
    try:
        config.set_floatx("float64")
        assert config.dtype_policy().name == layers.Dense(2).dtype_policy.name == "float64"
        config.set_dtype_policy("float32")
        assert layers.Dense(2).dtype_policy.name == "float32"
    finally:
        config.set_floatx("float32")


def test_one_warning_a_process():
    code = (
        "import warnings, nnlite as keras\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    keras.mixed_precision.set_global_policy('mixed_bfloat16')\n"
        "    for dtype in (None, 'float16', 'mixed_float16'):\n"
        "        keras.layers.Dense(2, dtype=dtype)\n"
        "    keras.config.set_dtype_policy('mixed_float16')\n"
        "print(len(seen), seen[0].message, seen[0].filename)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith(
        "1 dtype policy 'mixed_bfloat16' is kept in configs and files; nnlite computes half precision"
    )
    assert out.rstrip().endswith("<string>")


# ---- layers ----


@pytest.mark.parametrize("name", HALF)
@pytest.mark.parametrize("given", [str, DTypePolicy, lambda name: dtype_policies.serialize(DTypePolicy(name))])
def test_half_precision_is_kept_and_computed_in_float32(name, given):
    layer = layers.Dense(2, dtype=given(name))
    y = layer(np.ones((1, 3), "float16"))
    assert y.dtype == np.float32
    assert layer.dtype_policy == DTypePolicy(name)
    assert layer.dtype == layer.compute_dtype == layer.variable_dtype == layer.kernel.dtype == "float32"
    config_of_it = json.loads(json.dumps(layer.get_config()))
    assert config_of_it["dtype"] == name
    assert layers.Dense.from_config(config_of_it).dtype_policy == DTypePolicy(name)
    plain = layers.Dense(2)
    plain.build((None, 3))
    plain.set_weights(layer.get_weights())
    np.testing.assert_array_equal(plain(np.ones((1, 3))), y)


def test_a_policy_can_be_set():
    layer = layers.Dense(2)
    layer.dtype_policy = "float64"
    layer.build((None, 3))
    assert layer.kernel.dtype == layer.dtype == "float64"
    with pytest.raises(
        ValueError, match=r"Dense 'dense.*' was built with variables of float64.*policy 'mixed_float16'"
    ):
        layer.dtype_policy = "mixed_float16"
    assert layer.dtype_policy.name == "float64"
    half = layers.Dense(2, dtype=np.float32)
    half.build((None, 3))
    half.dtype_policy = DTypePolicy("mixed_bfloat16")
    assert half.get_config()["dtype"] == "mixed_bfloat16"
    free = layers.ReLU()
    free(np.ones(2))
    free.dtype_policy = "float64"
    assert free(np.ones(2)).dtype == np.float64


def test_parts_of_a_layer_keep_its_policy():
    layer = layers.MultiHeadAttention(2, 3, dtype="mixed_float16")
    x = np.ones((1, 4, 5), "float32")
    assert layer(x, x).dtype == np.float32
    assert {part.dtype_policy.name for part in layer.layers_inside} == {"mixed_float16"}


@pytest.mark.parametrize("policy", ["mixed_bfloat16", DTypePolicyMap("float32", {"somewhere": "float64"})])
def test_every_layer_keeps_its_policy_in_its_config(policy):
    config.set_dtype_policy(policy)
    made = [case.make() for case in CASES] + [nnlite.Sequential([layers.Input((3,)), layers.Dense(2)])]
    config.set_dtype_policy("float32")
    for layer in made:
        again = type(layer).from_config(layer.get_config())
        assert again.dtype_policy == layer.dtype_policy == dtype_policies.get(policy), layer.label


# ---- policies by path ----


def test_a_map_chooses_by_the_path_of_a_layer():
    chosen = DTypePolicyMap("float32", {"net/first": "float64", "net/sec.*": DTypePolicy("bfloat16")})
    assert (len(chosen), list(chosen), "net/second" in chosen) == (2, ["net/first", "net/sec.*"], False)
    assert (chosen.name, chosen.compute_dtype, chosen.variable_dtype) == ("map_float32", "float32", "float32")
    parts = [layers.Dense(2, dtype=chosen, name=name) for name in ("first", "second", "third")]
    model = nnlite.Sequential(parts, name="net")
    model.build((None, 3))
    assert [part.kernel.dtype for part in parts] == ["float64", "float32", "float32"]
    wanted = {
        "module": "keras.dtype_policies",
        "class_name": "DTypePolicyMap",
        "config": {
            "default_policy": "float32",
            "policy_map": {
                "net/first": dtype_policies.serialize(DTypePolicy("float64")),
                "net/sec.*": dtype_policies.serialize(DTypePolicy("bfloat16")),
            },
        },
        "registered_name": None,
    }
    assert parts[0].get_config()["dtype"] == dtype_policies.serialize(chosen) == wanted
    again = layers.Dense.from_config(parts[0].get_config())
    assert again.dtype_policy == chosen == dtype_policies.get(wanted)
    assert parts[0].dtype_policy is chosen
    del chosen["net/first"]
    assert chosen["net/first"].name == "float32"
    with pytest.raises(ValueError, match="a policy for 'net/sec"):
        chosen["net/sec.*"] = "float32"


def test_a_map_without_a_default_follows_the_global_policy():
    chosen = DTypePolicyMap()
    assert chosen.name == "map_float32"
    config.set_dtype_policy("float64")
    assert (chosen.default_policy.name, repr(chosen)) == (
        "float64",
        "<DTypePolicyMap default_policy=float64, mapping={}>",
    )
    config.set_dtype_policy(DTypePolicyMap("float32", {"dense_of_mine": "float64"}))
    layer = layers.Dense(2, name="dense_of_mine")
    layer.build((None, 3))
    assert layer.kernel.dtype == "float64"


# ---- models ----


def trained(policy, optimizer, **arguments):
    config.set_dtype_policy(policy)
    nnlite.utils.set_random_seed(3)
    model = nnlite.Sequential([nnlite.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model.compile(optimizer, "mse", **arguments)
    x = np.random.default_rng(0).standard_normal((8, 3)).astype("float32")
    for _ in range(3):
        model.train_on_batch(x, x[:, :1])
    return model


def test_mixed_float16_scales_the_loss_and_computes_the_same():
    plain, mixed = trained("float32", Adam(0.1)), trained("mixed_float16", Adam(0.1))
    assert type(mixed.optimizer) is LossScaleOptimizer and mixed.optimizer.name == "loss_scale_optimizer"
    assert float(mixed.optimizer.learning_rate) == np.float32(0.1)
    assert all(np.array_equal(a, b) for a, b in zip(plain.get_weights(), mixed.get_weights(), strict=True))
    assert mixed.get_compile_config()["optimizer"]["class_name"] == "Adam"  # as Keras writes it


@pytest.mark.parametrize(
    ("policy", "optimizer", "arguments", "kind"),
    [
        ("mixed_bfloat16", SGD(0.1), {}, SGD),
        ("float16", SGD(0.1), {}, SGD),
        ("mixed_float16", SGD(0.1), {"auto_scale_loss": False}, SGD),
        ("mixed_float16", LossScaleOptimizer(SGD(0.1)), {}, LossScaleOptimizer),
    ],
)
def test_nothing_else_is_wrapped(policy, optimizer, arguments, kind):
    model = trained(policy, optimizer, **arguments)
    assert model.optimizer is optimizer and type(optimizer) is kind


def test_a_saved_model_goes_on_under_its_policy(tmp_path):
    model = trained("mixed_float16", Adam(0.1))
    model.save(tmp_path / "m.keras")
    config.set_dtype_policy("float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = nnlite.models.load_model(tmp_path / "m.keras")
    assert again.dtype_policy.name == "mixed_float16"
    for a, b in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        assert np.array_equal(a.value, b.value)

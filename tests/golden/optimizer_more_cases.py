"""Further optimizers, written so that Keras and nnlite run them alike: twelve steps of variables of several ranks."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

STEPS = 12
SHAPES = {"kernel": (3, 5), "bias": (5,), "conv": (2, 1, 3, 4), "scale": (), "embeddings": (6, 2), "tall": (7, 3)}

# Options that every optimizer has, and what is called "schedule" is made into one.
COMMON: dict[str, dict[str, Any]] = {
    "plain": {},
    "decay": {"weight_decay": 0.1, "clipnorm": 0.8},
    "clipvalue": {"clipvalue": 0.3, "use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    "accumulate": {"gradient_accumulation_steps": 2, "global_clipnorm": 1.5, "weight_decay": 0.05},
    "ema": {"use_ema": True, "ema_momentum": 0.5, "loss_scale_factor": 3.0, "gradient_accumulation_steps": 3},
    "schedule": {"learning_rate": "schedule"},
}
# class -> the arguments that it is made with besides
OWN: dict[str, list[dict[str, Any]]] = {
    "Adagrad": [{"learning_rate": 0.1}, {}, {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 1e-2}],
    "Adadelta": [{"learning_rate": 1.0}, {}, {"learning_rate": 0.5, "rho": 0.5, "epsilon": 1e-3}],
    "Adamax": [{"learning_rate": 0.1}, {}, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-2}],
    "Nadam": [{"learning_rate": 0.1}, {}, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-2}],
    "Lion": [{"learning_rate": 0.1}, {}, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7}],
    "Ftrl": [
        {"learning_rate": 0.1},
        {},
        {"learning_rate": 0.3, "l1_regularization_strength": 0.2, "l2_regularization_strength": 0.1},
        {
            "learning_rate": 0.3,
            "learning_rate_power": -0.3,
            "initial_accumulator_value": 0.5,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.2,
        },
    ],
    "Adafactor": [
        {"learning_rate": 0.1},
        {},
        {"learning_rate": 0.5, "beta_2_decay": -0.5, "epsilon_1": 1e-3, "epsilon_2": 0.1, "clip_threshold": 0.7},
        {"learning_rate": 0.9, "relative_step": False},
    ],
    "Lamb": [{"learning_rate": 0.1}, {}, {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-2}],
    "Muon": [
        {"learning_rate": 0.1},
        {},
        {
            "learning_rate": 0.1,
            "adam_beta_1": 0.5,
            "adam_beta_2": 0.7,
            "epsilon": 1e-2,
            "adam_weight_decay": None,
            "exclude_layers": ["^tall$"],
            "exclude_embeddings": False,
            "adam_lr_ratio": 0.5,
            "momentum": 0.8,
            "nesterov": False,
            "rms_rate": None,
        },
        {"learning_rate": 0.1, "muon_a": 2.0, "muon_b": -1.5, "muon_c": 0.5, "ns_steps": 3, "weight_decay": None},
    ],
    "ScheduleFreeAdamW": [
        {"learning_rate": 0.1},
        {},
        {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-2, "warmup_steps": 5},
    ],
}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"{kind} {i}": (kind, own) for kind, given in OWN.items() for i, own in enumerate(given)},
    **{
        f"{kind} {name}": (kind, {"learning_rate": 0.1, **options})
        for kind in OWN
        for name, options in COMMON.items()
        if name != "plain"
    },
}
# An optimizer around others: name -> a function of the namespace that makes it
WRAPPERS: dict[str, Any] = {
    "loss scale": lambda keras: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.1, name="inner", clipnorm=1.0), dynamic_growth_steps=4, name="opt"
    ),
    "loss scale accumulate": lambda keras: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1, momentum=0.5, name="inner", gradient_accumulation_steps=2, use_ema=True),
        initial_scale=8.0,
        dynamic_growth_steps=2,
        name="opt",
    ),
    "multi": lambda keras: keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(
            keras.optimizers.SGD(0.1, momentum=0.9, name="rest"),
            {"k.*": keras.optimizers.Adam(0.1, name="first"), "bias": keras.optimizers.Lion(0.1, name="second")},
        ),
        name="opt",
    ),
}


def make(keras: Any, name: str) -> Any:
    """Return an optimizer of the table."""
    kind, arguments = CASES[name]
    if arguments.get("learning_rate") == "schedule":
        schedule = keras.optimizers.schedules.CosineDecay(0.1, 10, alpha=0.1, warmup_target=0.3, warmup_steps=3)
        arguments = {**arguments, "learning_rate": schedule}
    return getattr(keras.optimizers, kind)(name="opt", **arguments)


def variables(keras: Any, name: str) -> tuple[list[Any], Any]:
    """Return the variables of a case, and the stream that its gradients are drawn from."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    found = []
    for key, shape in SHAPES.items():
        variable = keras.Variable(rng.standard_normal(shape).astype("float32"), name=key)
        found.append(variable)
    return found, rng


def gradients(rng: Any, step: int) -> list[Any]:
    """Return the gradients of one step: of all sizes, now and then zero in places."""
    found = []
    for shape in SHAPES.values():
        g = rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 1) * (rng.random(shape) > 0.1)
        found.append(np.asarray(g * (step != 5), "float32"))
    return found


def run(keras: Any, name: str, optimizer: Any, apply: Any = None) -> tuple[list[Any], list[Any]]:
    """Return all values after some of the steps, and the state after the last."""
    own, rng = variables(keras, name)
    optimizer.build(own)
    values = []
    for step in range(STEPS):
        found_gradients = gradients(rng, step)
        if apply is None:
            optimizer.apply(found_gradients, own)
        else:
            apply(optimizer, found_gradients, own, step)
        if step in (0, 1, STEPS - 1):
            values.append(np.concatenate([np.asarray(v).ravel() for v in own]))
    return values, [np.asarray(v) for v in optimizer.variables]


def scaled(optimizer: Any, found: list[Any], own: list[Any], step: int, stateless: bool = False) -> None:
    """Apply scaled gradients, one of them infinite in the third step and in the last."""
    scale = np.float32(optimizer.scale_loss(1.0))
    found = [g * scale for g in found]
    if step in (2, STEPS - 1):
        found[0][0, 0] = np.inf
    if not stateless:
        optimizer.apply(found, own)
        return
    values, state = optimizer.stateless_apply([v.value for v in optimizer.variables], found, [v.value for v in own])
    for variable, value in zip([*own, *optimizer.variables], [*values, *state], strict=True):
        variable.assign(value)

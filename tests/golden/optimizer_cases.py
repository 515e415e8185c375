"""Optimizers, schedules and what is computed with them, written so that Keras and nnlite can run it alike."""

from __future__ import annotations

from typing import Any

import numpy as np

STEPS = (0.1, -0.2, 0.3, 0.0, -5.0, 0.04)
KERNEL, BIAS = [[1.0, 2.0], [3.0, 4.0]], [0.5]
DIRECTION = [[1.0, 2.0], [-1.0, 0.5]]

# name -> (class, arguments); "schedule" is made into one.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "sgd momentum": ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    "sgd nesterov": ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd decay": ("SGD", {"learning_rate": 0.1, "weight_decay": 0.1}),
    "sgd loss scale": ("SGD", {"learning_rate": 0.1, "loss_scale_factor": 3.0}),
    "sgd clipvalue": ("SGD", {"learning_rate": 0.1, "clipvalue": 0.1}),
    "sgd clipnorm": ("SGD", {"learning_rate": 0.1, "clipnorm": 0.1, "loss_scale_factor": 2.0}),
    "sgd global_clipnorm": ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.1}),
    "sgd clipnorm 0": ("SGD", {"learning_rate": 0.1, "clipnorm": 0.0}),
    "sgd ema": ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9}),
    "sgd ema overwrite": (
        "SGD",
        {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 2},
    ),
    "sgd accumulate": ("SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 2}),
    "sgd accumulate schedule": (
        "SGD",
        {"learning_rate": "schedule", "gradient_accumulation_steps": 2, "weight_decay": 0.1, "clipnorm": 0.2},
    ),
    "sgd schedule": ("SGD", {"learning_rate": "schedule", "momentum": 0.5}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.1}),
    "rmsprop momentum": ("RMSprop", {"learning_rate": 0.1, "momentum": 0.9, "rho": 0.8}),
    "rmsprop centered": ("RMSprop", {"learning_rate": 0.1, "centered": True}),
    "rmsprop both": ("RMSprop", {"learning_rate": 0.1, "momentum": 0.9, "centered": True, "epsilon": 1e-3}),
    "adam": ("Adam", {"learning_rate": 0.1}),
    "adam defaults": ("Adam", {}),
    "adam betas": ("Adam", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.7, "epsilon": 1e-2}),
    "adam amsgrad": ("Adam", {"learning_rate": 0.1, "amsgrad": True, "beta_2": 0.5}),
    "adam clipnorm": ("Adam", {"learning_rate": 0.1, "clipnorm": 0.1}),
    "adam schedule": ("Adam", {"learning_rate": "schedule"}),
    "adam accumulate": (
        "Adam",
        {
            "learning_rate": 0.1,
            "gradient_accumulation_steps": 2,
            "use_ema": True,
            "ema_momentum": 0.5,
            "loss_scale_factor": 4.0,
        },
    ),
    "adamw": ("AdamW", {"learning_rate": 0.1, "weight_decay": 0.1}),
    "adamw amsgrad": ("AdamW", {"learning_rate": 0.1, "amsgrad": True, "global_clipnorm": 0.5}),
}

# name -> (class, arguments, steps to evaluate at)
USUAL = (0, 1, 2, 4, 5, 6, 9, 10, 11, 12, 15, 20, 23, 100)
SCHEDULES: dict[str, tuple[str, dict[str, Any]]] = {
    "exponential": ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    "exponential staircase": (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.9, "staircase": True},
    ),
    "inverse": ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    "inverse staircase": (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    ),
    "piecewise": ("PiecewiseConstantDecay", {"boundaries": [5, 10], "values": [1.0, 0.5, 0.1]}),
    "polynomial": ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10}),
    "polynomial power": (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 12, "end_learning_rate": 0.01, "power": 2.0},
    ),
    "polynomial cycle": (
        "PolynomialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 10, "power": 0.5, "cycle": True},
    ),
    "cosine": ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 10}),
    "cosine alpha": ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 12, "alpha": 0.2}),
    "cosine warm-up": (
        "CosineDecay",
        {
            "initial_learning_rate": 0.01,
            "decay_steps": 10,
            "alpha": 0.1,
            "warmup_target": 0.1,
            "warmup_steps": 5,
        },
    ),
    "restarts": ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 5}),
    "restarts equal": (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 4, "t_mul": 1.0, "m_mul": 0.9, "alpha": 0.1},
    ),
    "restarts longer": (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 4, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1},
    ),
}


def schedule(keras: Any, name: str) -> Any:
    """Return a schedule of the table."""
    kind, arguments = SCHEDULES[name]
    return getattr(keras.optimizers.schedules, kind)(**arguments)


def make(keras: Any, name: str) -> Any:
    """Return an optimizer of the table."""
    kind, arguments = CASES[name]
    if arguments.get("learning_rate") == "schedule":
        arguments = {**arguments, "learning_rate": schedule(keras, "cosine warm-up")}
    return getattr(keras.optimizers, kind)(name="opt", **arguments)


def run(keras: Any, name: str) -> dict[str, Any]:
    """Return what an optimizer does to two variables in six steps, and what it then is."""
    optimizer = make(keras, name)
    kernel = keras.Variable(np.array(KERNEL, "float32"), name="kernel")
    bias = keras.Variable(np.array(BIAS, "float32"), name="bias")
    optimizer.build([kernel, bias])
    values = []
    for factor in STEPS:
        gradients = [np.array(DIRECTION, "float32") * np.float32(factor), np.array([factor], "float32")]
        optimizer.apply(gradients, [kernel, bias])
        values.append([float(x) for x in np.append(np.asarray(kernel).ravel(), np.asarray(bias))])
    return {
        "values": values,
        "paths": [v.path for v in optimizer.variables],
        "state": [np.asarray(v).ravel().astype(float).tolist() for v in optimizer.variables],
        "iterations": int(optimizer.iterations),
        "config": keras.optimizers.serialize(optimizer),
    }


def run_schedule(keras: Any, name: str) -> dict[str, Any]:
    """Return the learning rates of a schedule and its config."""
    made = schedule(keras, name)
    return {
        "rates": [float(made(step)) for step in USUAL],
        "config": keras.optimizers.schedules.serialize(made),
    }

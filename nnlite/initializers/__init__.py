"""Initializers: how variables start. Each is called with a shape and a dtype and returns an array.

>>> from nnlite import initializers
>>> initializers.get("he_normal")((3, 4), "float64").shape
(3, 4)
"""

from __future__ import annotations

from typing import Any

from nnlite.core import registry, serialization
from nnlite.initializers.base import Initializer, RandomInitializer
from nnlite.initializers.constant import Constant, Identity, Ones, Zeros
from nnlite.initializers.distributions import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from nnlite.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
    compute_fans,
)
from nnlite.initializers.stft import STFT

# Keras's other spellings of the classes.
zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, variance_scaling = LecunNormal, LecunUniform, VarianceScaling
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
stft = STFTInitializer = STFT

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "deserialize",
    "get",
    "serialize",
]


def get(identifier: Any) -> Any:
    """Return the initializer meant by a name, a config, a class, or a function of (shape, dtype); None for None.

    Raises:
        ValueError: for an unknown name, with the nearest known one.
        TypeError: for anything else.

    >>> get("he_normal").mode
    'fan_in'
    """
    return serialization.get("initializers", identifier)


def serialize(initializer: Any) -> Any:
    """Return the config of an initializer.

    >>> serialize(GlorotUniform())["config"]
    {'seed': None}
    """
    return serialization.serialize(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the initializer that a config or a name describes.

    >>> deserialize(serialize(Constant(2))).value
    2
    """
    with registry.custom_object_scope(custom_objects):
        return serialization.get("initializers", config)

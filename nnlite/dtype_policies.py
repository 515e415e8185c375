"""Policies of dtypes: what a layer computes in and what its variables are, by name, by path, and as data."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np

from nnlite import config
from nnlite.config import DTypePolicy, FloatDTypePolicy
from nnlite.core import registry, serialization

__all__ = ["DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "deserialize", "get", "serialize"]


@registry.register("policy_maps")
class DTypePolicyMap(DTypePolicy, MutableMapping[str, Any]):
    """Policies by the paths of layers, or by regular expressions that whole paths match.

    Args:
        default_policy: for all other layers; the global policy, whatever it then is, where None.
        policy_map: a dict of policies by path or expression.

    Raises:
        TypeError: if ``policy_map`` is no dict.
        ValueError: for what is no policy, keys that are no strings, and keys set twice.

    >>> chosen = DTypePolicyMap("float32", {"encoder/.*": "bfloat16"})
    >>> chosen["encoder/dense"].name, chosen["decoder/dense"].name
    ('bfloat16', 'float32')
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise ValueError("DTypePolicyMap: default_policy cannot be a map itself.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise TypeError(f"DTypePolicyMap: policy_map must be a dict, got {policy_map!r}.")
        self._given, self._default = default_policy, None if default_policy is None else get(default_policy)
        self._map: dict[str, Any] = {}
        for key, policy in (policy_map or {}).items():
            self[key] = policy

    @property
    def default_policy(self) -> Any:
        """The policy where no key matches."""
        return config.dtype_policy() if self._default is None else self._default

    @property
    def name(self) -> str:
        """``map_`` and the name of the default policy."""
        return f"map_{self.default_policy.name}"

    @property
    def compute_dtype(self) -> str:
        """That of the default policy."""
        return str(self.default_policy.compute_dtype)

    @property
    def variable_dtype(self) -> str:
        """That of the default policy."""
        return str(self.default_policy.variable_dtype)

    def policy_for(self, path: str | None) -> Any:
        """Return the policy for a layer's path; the default for None, while a layer is not built."""
        return self.default_policy if path is None else self[path]

    def __getitem__(self, key: str) -> Any:
        if key in self._map:
            return self._map[key]
        found = [pattern for pattern in self._map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"DTypePolicyMap: several keys match the path {key!r}: {', '.join(map(repr, found))}.")
        return self._map[found[0]] if found else self.default_policy

    def __setitem__(self, key: str, policy: Any) -> None:
        if not isinstance(key, str):
            raise ValueError(f"DTypePolicyMap: keys are paths or regular expressions, got {key!r}.")
        if key in self._map:
            raise ValueError(f"DTypePolicyMap: there is a policy for {key!r} already; delete it first.")
        self._map[key] = get(policy)

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __contains__(self, key: object) -> bool:
        return key in self._map

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicyMap) and (self._default, self._map) == (other._default, other._map)

    __hash__ = None  # type: ignore[assignment]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {
            "default_policy": serialization.serialize(self._given),
            "policy_map": serialization.serialize(self._map),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicyMap:
        """Make a map from what :meth:`get_config` returned."""
        return cls(config.get("default_policy"), config.get("policy_map"))

    def __repr__(self) -> str:
        named = {key: policy.name for key, policy in self._map.items()}
        return f"<DTypePolicyMap default_policy={self.default_policy.name}, mapping={named}>"


def get(identifier: Any) -> Any:
    """Return the policy meant by a name, a config, a dtype or a policy; the global one for None.

    Raises:
        ValueError: for what is none.

    >>> get("mixed_bfloat16").variable_dtype
    'float32'
    """
    if identifier is None:
        return config.dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(str(np.dtype(identifier).name))
    except TypeError:
        raise ValueError(f"Expected a dtype policy such as 'mixed_float16', got {identifier!r}.") from None


def serialize(dtype_policy: Any) -> Any:
    """Return the config of a policy.

    >>> serialize(DTypePolicy("float32"))["config"]
    {'name': 'float32'}
    """
    return serialization.serialize(dtype_policy)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the policy that a config describes.

    Raises ``ValueError`` for quantized policies, among others.

    >>> deserialize(serialize(DTypePolicy("float64"))).name
    'float64'
    """
    kind = "policy_maps" if config.get("class_name") == "DTypePolicyMap" else "policies"
    return serialization.deserialize(config, kind, custom_objects)

"""What of a model the versions of Keras know: how files are written so that most of them open one, and who does not.

Three versions were asked, 3.3, 3.10 and 3.15; a part that the first of them lacks counts from the next one on. Keras
refuses a class, function or argument that it does not know; nothing is written in another form than it was made, so no
version computes something else.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

OLDEST = "3.3"
NONE = ""  # no Keras has it

# The first of the versions that has a class or a function; those that are not here are in all of them.
SINCE: dict[str, dict[str, str]] = {
    "layers": {
        **{f"Adaptive{kind}Pooling{rank}D": "3.15" for kind in ("Average", "Max") for rank in (1, 2, 3)},
        "RMSNormalization": "3.10",
        **dict.fromkeys(("LocallyConnected1D", "LocallyConnected2D"), NONE),  # Keras 2 had them
    },
    "activations": {
        **dict.fromkeys(
            ("celu", "glu", "hard_shrink", "hard_tanh", "log_sigmoid", "soft_shrink", "sparse_plus"), "3.10"
        ),
        **dict.fromkeys(("sparse_sigmoid", "sparsemax", "squareplus", "tanh_shrink", "threshold"), "3.10"),
        "hard_sigmoid_keras2": NONE,  # 0.2 x + 0.5, where every Keras 3 has x / 6 + 0.5
    },
    "initializers": {"STFT": "3.10"},
    "losses": dict.fromkeys(
        ("CategoricalGeneralizedCrossEntropy", "Circle", "categorical_generalized_cross_entropy", "circle"), "3.10"
    ),
    "metrics": dict.fromkeys(("ConcordanceCorrelation", "PearsonCorrelation"), "3.10"),
    # 3.3 has Nadam, and keeps its state in another order.
    "optimizers": {
        "Lamb": "3.10",
        "Nadam": "3.10",
        **dict.fromkeys(("Muon", "MultiOptimizer", "ScheduleFreeAdamW"), "3.15"),
    },
    "ops": {
        **dict.fromkeys(("Celu", "ConvertToTensor", "DotProductAttention", "Exp2", "Glu", "HardShrink"), "3.10"),
        **dict.fromkeys(("HardTanh", "Inner", "RMSNorm", "Rot90", "SaturateCast", "SoftShrink", "SparsePlus"), "3.10"),
        **dict.fromkeys(("SparseSigmoid", "Sparsemax", "Squareplus", "TanhShrink", "Threshold", "Trunc"), "3.10"),
        **dict.fromkeys(("Cbrt", "Deg2rad", "DepthToSpace", "Hypot", "LayerNorm", "Rad2deg", "SpaceToDepth"), "3.15"),
    },
}

# Arguments that came later: the first of the versions that has them, and the value that says what the others do, with
# which they are left out.
_HEADS = {"seed": ("3.10", None), "sliding_window": ("3.15", None), "use_gate": ("3.15", False)}
_AXES = {"input_axes": ("3.15", None), "output_axes": ("3.15", None)}
_LAYOUT: dict[str, tuple[str, Any]] = {"data_format": ("3.10", ())}  # the reader's own setting decides where it is not
_LOOKUP = {"oov_method": ("3.15", "floormod"), "salt": ("3.15", None)}
ARGUMENTS: dict[str, dict[str, dict[str, tuple[str, Any]]]] = {
    "layers": {
        "BatchNormalization": {
            "renorm": ("3.15", False),
            "renorm_clipping": ("3.15", None),
            "renorm_momentum": ("3.15", 0.99),
        },
        "MultiHeadAttention": _HEADS,
        "GroupQueryAttention": _HEADS,
        "Resizing": {"antialias": ("3.10", False)},
        "ZeroPadding1D": _LAYOUT,
        "RandomFlip": _LAYOUT,
        "RandomBrightness": _LAYOUT,
        "RandomContrast": {**_LAYOUT, "value_range": ("3.10", [0, 255])},
        "IntegerLookup": _LOOKUP,
        "StringLookup": _LOOKUP,
    },
    "initializers": dict.fromkeys(
        (*(f"{who}{how}" for who in ("Glorot", "He", "Lecun") for how in ("Normal", "Uniform")), "VarianceScaling"),
        _AXES,
    ),
    "losses": {
        "Dice": {"axis": ("3.10", None)},
        "Tversky": {"axis": ("3.10", None)},
        "SparseCategoricalCrossentropy": {"axis": ("3.10", -1)},
    },
    "metrics": {
        "SparseCategoricalCrossentropy": {"ignore_class": ("3.15", None)},
        "SparseTopKCategoricalAccuracy": {"from_sorted_ids": ("3.10", False)},
    },
}


_MODELS = ("Sequential", "Functional", "Model")


def widely_read(config: Any) -> tuple[Any, dict[str, str]]:
    """Return the config of a model in the form that most versions read, and what some do not know.

    Args:
        config: what ``serialize`` returned; it is not changed.

    Returns:
        The config, and in words what needs a later version than the oldest, each with that version, or :data:`NONE`.
    """
    lacking: dict[str, str] = {}
    return _walk(config, lacking), lacking


def warn(lacking: dict[str, str], label: str, stacklevel: int = 2) -> None:
    """Say which versions of Keras will not take what is being saved, if there are any: one warning, such as "m.keras:
    nnlite opens this; Keras does from 3.10 on: Dense 'dense' with activation='celu'."."""
    if not lacking:
        return
    never = [words for words, version in lacking.items() if version == NONE]
    later = [words for words, version in lacking.items() if version != NONE]
    newest = max((version for version in lacking.values()), key=_number)
    if never:
        said = f"no Keras computes the same, and none opens {_listed(never)}"
    else:
        said = f"Keras does from {newest} on: {_listed(later)}"
    warnings.warn(f"{label}: nnlite opens this; {said}.", stacklevel=stacklevel + 1)


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")) if version else ()


def _listed(words: list[str]) -> str:
    return ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")


def _walk(value: Any, lacking: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_walk(one, lacking) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _walk(one, lacking) for key, one in value.items()}
    name, config = found.get("class_name"), found.get("config")
    kind = _kind(found.get("module"))
    if isinstance(name, str) and kind is not None:
        named = f" {config['name']!r}" if isinstance(config, dict) and config.get("name") else ""
        _need(lacking, f"{name}{named}", SINCE.get(kind, {}).get(name, OLDEST))
        if isinstance(config, dict):
            found["config"] = _arguments(kind, name, named, config, lacking)
        if name == "Orthogonal" and kind == "initializers":
            found["class_name"] = "OrthogonalInitializer"  # which 3.3 knows alone
    if (kind == "layers" or name in _MODELS) and isinstance(config, dict) and "/" in str(config.get("name")):
        _need(lacking, f"{name} {config['name']!r} with a slash in its name", NONE)
    for key in ("loss", "metrics", "weighted_metrics"):
        for text in _texts(found.get(key)) if "optimizer" in found else ():
            _need(lacking, f"{key} {text!r}", SINCE["losses"].get(text, OLDEST))
    if "output_layers" in found:
        _graph(found, lacking)
    outputs = config.get("output_layers") if isinstance(config, dict) else None
    if isinstance(outputs, dict) and found.get("compile_config"):
        _need(
            lacking, "the training of outputs in a dict", "3.10"
        )  # 3.3 has a loss of 0 for them, in its own files too
    return found


def _arguments(kind: str, name: str, named: str, config: dict[str, Any], lacking: dict[str, str]) -> dict[str, Any]:
    later = ARGUMENTS.get(kind, {}).get(name, {})
    left = {key: one for key, one in config.items() if key not in later or one != later[key][1]}
    for key in sorted(later.keys() & left.keys()):
        _need(lacking, f"{name}{named} with {key}={left[key]!r}", later[key][0])
    for key, one in left.items():
        if not key.endswith("activation"):
            continue
        if isinstance(one, str):
            _need(lacking, f"{name}{named} with {key}={one!r}", SINCE["activations"].get(one, OLDEST))
        elif isinstance(one, dict) and _kind(one.get("module")) == "layers":
            _need(lacking, f"{name}{named} with a layer as its {key}", "3.10")
    return left


def _need(lacking: dict[str, str], words: str, version: str) -> None:
    if version != OLDEST:
        lacking[words] = version


def _kind(module: Any) -> str | None:
    words = str(module or "").split(".")
    return next((kind for kind in SINCE if kind in words), None) if words[0] == "keras" else None


def _texts(value: Any) -> Iterator[str]:
    """The names in a setting of compile."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)) and "class_name" not in value:
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


# ---- graphs ----


def _graph(config: dict[str, Any], lacking: dict[str, str]) -> None:
    """Write the ends of a graph in lists, and calls that have to wait as Keras 3.3 waits for them.

    It makes the calls layer by layer, again and again, and puts off one whose input is not there yet; but asked for
    call 0 of a layer that has none it gives up. Asked for call -1, the last one, it waits as the later ones do. That is
    the same call where there is but one. (What waits for a layer of several calls it cannot open, not in files of its
    own either.)
    """
    for key in ("input_layers", "output_layers"):
        place = config.get(key)
        if isinstance(place, list) and len(place) == 3 and isinstance(place[0], str):
            config[key] = [place]
    calls = {entry["name"]: entry.get("inbound_nodes") or [] for entry in config["layers"]}
    made = {name: 0 if nodes else 1 for name, nodes in calls.items()}
    left = [name for name, nodes in calls.items() if nodes]
    while left:
        before = sum(made.values())
        for name in left:
            for node in calls[name][made[name] :]:
                missing = [history for history in _histories(node) if made[history[0]] <= max(history[1], 0)]
                if missing:
                    _put_off(missing, calls, lacking)
                    break
                made[name] += 1
        left = [name for name in left if made[name] < len(calls[name])]
        if sum(made.values()) == before:  # no graph that was ever built
            return


def _put_off(missing: list[Any], calls: dict[str, Any], lacking: dict[str, str]) -> None:
    for history in missing:
        if len(calls[history[0]]) == 1:
            history[1] = -1
        else:
            _need(lacking, f"a call that waits for a later one of {history[0]!r}", "3.10")


def _histories(node: Any) -> Iterator[Any]:
    """The places of the symbols that a call takes."""
    pending = [node]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                yield value["config"]["keras_history"]
            else:
                pending += value.values()
        elif isinstance(value, list):
            pending += value

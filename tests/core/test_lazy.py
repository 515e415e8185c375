"""Packages that load their modules on demand: their tables agree with their imports, and names load what they need."""

import ast
import importlib
import pathlib
import subprocess
import sys

import pytest

import nnlite
from nnlite.core import registry

PACKAGES = ["layers", "metrics", "optimizers"]


def declared(package):
    """{name: (module, name there)} of the imports under TYPE_CHECKING, and the aliases {name: name}."""
    path = pathlib.Path(nnlite.__file__).parent / package / "__init__.py"
    block = next(node for node in ast.parse(path.read_text()).body if isinstance(node, ast.If))
    imports, aliases = {}, {}
    for node in block.body:
        if isinstance(node, ast.ImportFrom):
            imports |= {a.asname or a.name: (node.module, a.name) for a in node.names}
        else:
            for target in node.targets:
                several = isinstance(target, ast.Tuple)
                left, right = (target.elts, node.value.elts) if several else ([target], [node.value])
                aliases |= {a.id: b.id for a, b in zip(left, right, strict=True)}
    return imports, aliases


@pytest.mark.parametrize("package", PACKAGES)
def test_the_table_says_what_the_imports_say(package):
    imports, aliases = declared(package)
    module = importlib.import_module(f"nnlite.{package}")
    eager = {name for name in module.__all__ if name not in imports and name not in aliases}
    assert {*imports, *aliases, *eager} == set(module.__all__)
    assert all(name in {"deserialize", "get", "schedules", "serialize"} or hasattr(module, name) for name in eager)
    for name, (where, inner) in imports.items():
        assert getattr(module, name) is getattr(importlib.import_module(where), inner)
    for name, other in aliases.items():
        assert getattr(module, name) is getattr(module, other)
    modules = {p.stem for p in (pathlib.Path(nnlite.__file__).parent / package).glob("*.py")}
    named = {where.rpartition(".")[2] for where, _ in imports.values()}
    registering = {m for m in modules - named if "@registry.register(" in _source(package, m)}
    assert not registering, "modules that register names, but give the package none, would never be loaded"


def _source(package, module):
    return (pathlib.Path(nnlite.__file__).parent / package / f"{module}.py").read_text()


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_a_name_loads_its_module_only():
    loaded = "len([m for m in sys.modules if m.startswith('nnlite.layers.')])"
    steps = ("import sys, nnlite", "nnlite.layers.Dense(1)", "dir(nnlite.layers)")
    before, after, still = map(int, run("; ".join(f"{step}; print({loaded})" for step in steps)))
    assert before <= 3 and after <= before + 8 and still == after


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("k.layers.deserialize({'class_name': 'GroupedQueryAttention', 'config': dict(head_dim=1, num_query_heads=1, "
         "num_key_value_heads=1)})", "<GroupedQueryAttention"),
        ("k.layers.deserialize({'class_name': 'MaxPool2D', 'config': {}})", "<MaxPooling2D"),
        ("k.optimizers.get('ADAM')", "<Adam"),
        ("k.optimizers.get('Muon')", "<Muon"),
        ("k.metrics.get('top_k_categorical_accuracy')", "<TopKCategoricalAccuracy"),
        ("k.metrics.get('bce')", "<BinaryCrossentropy"),
        ("k.metrics.deserialize({'class_name': 'MeanMetricWrapper', 'config': {'name': 'a', 'fn': 'binary_accuracy'}})",
         "<MeanMetricWrapper"),
        ("k.mixed_precision.LossScaleOptimizer(k.optimizers.SGD())", "<LossScaleOptimizer"),
    ],
)  # fmt: skip
def test_names_are_found_before_anything_is_loaded(code, expected):
    assert run(f"import nnlite as k; print({code})")[0].startswith(expected)


def test_star_imports_give_everything():
    assert run("from nnlite.layers import *; print(Conv2DTranspose.__name__, add.__name__)") == [
        "Conv2DTranspose",
        "add",
    ]


def test_unknown_names():
    with pytest.raises(AttributeError, match="module 'nnlite.layers' has no attribute 'Dens'"):
        nnlite.layers.Dens  # noqa: B018
    with pytest.raises(ValueError, match="Unknown layer 'Dens'. Did you mean 'Dense'"):
        registry.resolve("layers", "Dens")
    assert "Dense" in dir(nnlite.layers) and "AUC" in dir(nnlite.metrics)


@pytest.mark.parametrize("package", ["layers", "metrics", "optimizers", "ops"])
def test_no_module_has_a_name_that_is_offered(package):
    """It would take its place, as soon as it is imported."""
    module = importlib.import_module(f"nnlite.{package}")
    modules = {path.stem for path in pathlib.Path(module.__file__).parent.glob("*.py")}
    offered = modules & set(module.__all__)
    assert offered <= {"schedules", "image"}, "those that are offered as modules"

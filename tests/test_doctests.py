"""The examples in docstrings run, and every public class and function of the API has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import nnlite

MODULES = sorted(info.name for info in pkgutil.walk_packages(nnlite.__path__, "nnlite."))


@pytest.mark.parametrize("name", ["nnlite", *MODULES])
def test_examples_in_docstrings_run(name, monkeypatch):
    monkeypatch.setattr(nnlite.config, "_dtype_policy", None)  # one of the examples sets it
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def public_objects():
    for namespace in (
        nnlite.activations,
        nnlite.callbacks,
        nnlite.constraints,
        nnlite.initializers,
        nnlite.layers,
        nnlite.losses,
        nnlite.metrics,
        nnlite.models,
        nnlite.optimizers,
        nnlite.optimizers.schedules,
        nnlite.regularizers,
        nnlite.saving,
        nnlite.utils,
    ):
        for name, value in vars(namespace).items():
            named = not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value))
            if named and (value.__module__ or "").startswith("nnlite"):
                yield f"{namespace.__name__}.{name}", value


@pytest.mark.parametrize(("name", "value"), list(public_objects()), ids=lambda v: v if isinstance(v, str) else "")
def test_public_names_are_documented(name, value):
    assert inspect.getdoc(value), name

"""Contenders: each library's way to train and predict the nets, imported only in the process that times it."""

from __future__ import annotations

import importlib
from typing import Any

# Module and class of each, in the order of the tables; nnlite comes first.
CONTENDERS = {
    "nnlite": ("nnlite_contender", "Nnlite"),
    "torch": ("torch_contender", "Torch"),
    "torch-other": ("torch_contender", "OtherTorch"),
    "torch-compile": ("torch_contender", "CompiledTorch"),
    "keras-jax": ("keras_contender", "KerasOnJax"),
    "keras-tensorflow": ("keras_contender", "KerasOnTensorflow"),
    "onnxruntime": ("onnx_contender", "OnnxRuntime"),
    "scikit-learn": ("sklearn_contender", "ScikitLearn"),
}
# Left out unless asked for, each with the reason.
OPTIONAL = {"torch-compile": "needs a C++ compiler, and takes minutes to compile"}


def contender(name: str) -> Any:
    """Return the class of a contender; raises ``ImportError`` when it is made and its library is missing."""
    module, cls = CONTENDERS[name]
    return getattr(importlib.import_module(f"benchmarks.contenders.{module}"), cls)

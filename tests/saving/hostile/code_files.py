"""Configs that name code: functions, classes and files of others."""

from __future__ import annotations

import base64
import json
import marshal
import pickle
from pathlib import Path

import h5py

from .files import attack, function, layer, members, with_layers, write_archive, write_layers, write_legacy


def code() -> str:
    """Python's code of a function that would leave a mark."""
    compiled = compile("keras_was_here = True", "attack", "exec")
    return base64.b64encode(marshal.dumps(compiled)).decode()


@attack("Lambda", "CVE-2024-3660, CVE-2026-12481")
def marshalled_lambda(path: Path, harmless: bool) -> None:
    lambda_ = {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}}
    write_layers(path, layer("Activation", activation="relu") if harmless else layer("Lambda", function=lambda_))


@attack("Lambda", "CVE-2024-3660, CVE-2025-9905", ending=".h5")
def marshalled_lambda_in_hdf5(path: Path, harmless: bool) -> None:
    def change(file: h5py.File) -> None:
        config = json.loads(file.attrs["model_config"])
        shown = {"name": "l", "function": [code(), None, None], "function_type": "lambda", "module": "__main__"}
        if not harmless:
            config["config"]["layers"].append({"class_name": "Lambda", "config": shown})
        file.attrs["model_config"] = json.dumps(config)

    write_legacy(path, change)


@attack("[Uu]nknown", "CVE-2024-3660, CVE-2025-9905", ending=".h5")
def marshalled_initializer_in_hdf5(path: Path, harmless: bool) -> None:
    lambda_ = {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}}
    write_legacy(path, kernel_initializer={"class_name": "Zeros", "config": {}} if harmless else lambda_)


@attack("system", "CVE-2025-1550")
def function_of_the_system(path: Path, harmless: bool) -> None:
    named = function("keras.activations", "relu") if harmless else function("os", "system")
    write_layers(path, layer("Activation", activation=named))


@attack("[Uu]nknown", "CVE-2025-1550")
def class_of_another_module(path: Path, harmless: bool) -> None:
    popen = layer("Popen", module="subprocess", registered="Popen", args=["touch", "/tmp/keras_was_here"])
    write_layers(path, layer("Flatten") if harmless else popen)


@attack("[Uu]nknown|run_as_a_string", "CVE-2025-1550")
def function_of_builtins(path: Path, harmless: bool) -> None:
    named = function("builtins", "relu") if harmless else function("builtins", "eval")
    write_layers(path, layer("Activation", activation=named))


@attack("get_file", "CVE-2025-8747")
def download_as_a_function(path: Path, harmless: bool) -> None:
    named = function("keras.activations", "tanh") if harmless else function("keras.utils", "get_file")
    write_layers(path, layer("Activation", activation=named))


@attack("Lambda|get_file", "CVE-2025-8747")
def lambda_of_a_function_of_keras(path: Path, harmless: bool) -> None:
    get_file = layer("Lambda", function=function("keras.utils", "get_file"), arguments={"origin": "http://localhost/"})
    write_layers(path, layer("Dropout", rate=0.5) if harmless else get_file)


@attack("enable_unsafe_deserialization", "CVE-2025-9906")
def switching_the_guards_off(path: Path, harmless: bool) -> None:
    named = "relu" if harmless else function("keras.config", "enable_unsafe_deserialization")
    write_layers(path, layer("Activation", activation=named))


@attack("TFSMLayer", "CVE-2026-1462")
def a_graph_of_another_file(path: Path, harmless: bool) -> None:
    graph = layer("TFSMLayer", name="t", filepath="/tmp/saved_model", call_endpoint="serve", trainable=True)
    write_layers(path, layer("Rescaling", scale=2.0) if harmless else graph)


@attack("TorchModuleWrapper", "CVE-2025-49655")
def a_pickle_in_a_config(path: Path, harmless: bool) -> None:
    value = {"class_name": "__bytes__", "config": {"value": base64.b64encode(pickle.dumps(print)).decode()}}
    wrapper = layer("TorchModuleWrapper", module=value)
    write_layers(path, layer("Flatten") if harmless else {**wrapper, "module": "keras.layers"})


@attack("file '/etc/hostname' as the vocabulary", "CVE-2025-12058")
def vocabulary_of_another_file(path: Path, harmless: bool) -> None:
    words = ["a", "b"] if harmless else "/etc/hostname"
    lookup = layer("StringLookup", vocabulary=words, name="s")
    write_archive(path, with_layers(layer("InputLayer", batch_shape=[None, 1], name="i"), lookup))


@attack("[Uu]nknown", "CVE-2025-1550")
def registered_name_of_another_class(path: Path, harmless: bool) -> None:
    registered = None if harmless else "os>system"
    write_layers(path, layer("Flatten" if harmless else "system", registered=registered))


@attack("Unknown class 'theirs>Flatten'")
def class_of_an_author_by_a_name_of_keras(path: Path, harmless: bool) -> None:
    """What it does is not known, and surely something else than the class of that name here."""
    write_layers(path, layer("Flatten", registered="keras>Flatten" if harmless else "theirs>Flatten"))


def write_training(path: Path, **training: object) -> None:
    """Write an archive of a model that was compiled with these settings."""
    content = members()
    config = json.loads(content["config.json"])
    config["compile_config"] = {"optimizer": "sgd", "loss": "mse", **training}
    write_archive(path, {**content, "config.json": json.dumps(config).encode()})


@attack("its training names '__lambda__'", "CVE-2024-3660, CVE-2026-12481")
def marshalled_loss(path: Path, harmless: bool) -> None:
    lambda_ = {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}}
    write_training(path, loss="mae" if harmless else lambda_)


@attack("its training names 'system' of os", "CVE-2025-1550")
def metric_of_the_system(path: Path, harmless: bool) -> None:
    named = function("keras.metrics", "mean_absolute_error") if harmless else function("os", "system")
    write_training(path, metrics=[[named]])


@attack("its training names 'eval' of builtins", "CVE-2025-1550")
def loss_of_builtins(path: Path, harmless: bool) -> None:
    write_training(path, loss={"output": "mse"} if harmless else {"output": function("builtins", "eval")})


@attack("its training names 'Popen' of subprocess", "CVE-2025-1550")
def optimizer_of_another_module(path: Path, harmless: bool) -> None:
    popen = layer("Popen", module="subprocess", registered="Popen", args=["touch", "/tmp/keras_was_here"])
    write_training(path, optimizer=layer("SGD", module="keras.optimizers") if harmless else popen)


@attack("more than such a config may ask for")
def metric_of_absurd_size(path: Path, harmless: bool) -> None:
    write_training(path, metrics=[layer("MeanIoU", module="keras.metrics", num_classes=2 if harmless else 20_000)])

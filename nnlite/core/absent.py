"""What to use for names that scripts written for Keras ask for and that are not here.

Some are gone from Keras itself, others need what nnlite leaves out. The tables are read when such a name is missed,
never before.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

_ARRAYS = "Arrays are NumPy's here: its functions take them"
_AUGMENT = "nnlite.utils.image_dataset_from_directory with nnlite.layers.RandomFlip, RandomRotation and RandomZoom"
_INSTEAD = {
    "nnlite": {
        "applications": "No pretrained models come along: models.load_model opens one that Keras has saved",
        "distribution": "Everything runs on this machine's processor: see nnlite.config.set_num_threads",
        "engine": "Layer, Input and InputSpec are in nnlite.layers, Model in nnlite.models",
        "quantizers": "Models compute in float32",
        "tree": "Nests are Python's lists, tuples and dicts",
        "wrappers": "scikit-learn's estimators can be classes of yours that call fit and predict",
    },
    "nnlite.backend": {
        "batch_dot": "nnlite.layers.Dot or nnlite.ops.matmul",
        "count_params": "model.count_params(), or variable.size",
        "flatten": "nnlite.layers.Flatten or nnlite.ops.ravel",
        "function": "nnlite.Model(inputs, outputs)",
        "get_session": "There are no sessions: arrays have their values at once",
        "get_value": "variable.numpy(), or float(optimizer.learning_rate)",
        "gradients": "model.gradients(x, y)",
        "image_dim_ordering": "nnlite.backend.image_data_format",
        "int_shape": "x.shape",
        "l2_normalize": "nnlite.ops.normalize",
        "learning_phase": "The argument training= of a call",
        "placeholder": "nnlite.Input",
        "random_normal": "nnlite.random.normal",
        "random_uniform": "nnlite.random.uniform",
        "set_image_dim_ordering": "nnlite.backend.set_image_data_format",
        "set_learning_phase": "The argument training= of a call",
        "set_session": "There are no sessions: arrays have their values at once",
        "set_value": "variable.assign(value), or optimizer.learning_rate = value",
        "variable": "nnlite.Variable",
    },
    "nnlite.callbacks": {
        "BaseLogger": "fit averages the metrics itself",
        "OrbaxCheckpoint": "nnlite.callbacks.BackupAndRestore or ModelCheckpoint",
        "RemoteMonitor": "nnlite.callbacks.LambdaCallback(on_epoch_end=...)",
        "TensorBoard": "nnlite.callbacks.CSVLogger, or GradientMonitor for gradients",
    },
    "nnlite.constraints": {"maxnorm": "nnlite.constraints.MaxNorm", "nonneg": "nnlite.constraints.NonNeg"},
    "nnlite.layers": {
        "AtrousConvolution2D": "nnlite.layers.Conv2D(dilation_rate=...)",
        "CuDNNGRU": "nnlite.layers.GRU",
        "CuDNNLSTM": "nnlite.layers.LSTM",
        "Deconvolution2D": "nnlite.layers.Conv2DTranspose",
        "Hashing": "nnlite.layers.IntegerLookup or StringLookup",
        "Merge": "nnlite.layers.Add, Concatenate, Dot and others",
        "ThresholdedReLU": "nnlite.layers.ReLU(threshold=...)",
        "advanced_activations": "nnlite.layers.LeakyReLU, PReLU and others",
        "core": "All layers are in nnlite.layers",
        "experimental": "All layers are in nnlite.layers",
        "merge": "nnlite.layers.add, concatenate, dot and others",
    },
    "nnlite.losses": {
        "Reduction": "Texts: reduction='sum_over_batch_size', 'sum' or 'none'",
        "cosine_proximity": "nnlite.losses.cosine_similarity",
        "logcosh": "nnlite.losses.log_cosh",
    },
    "nnlite.models": {"model_from_yaml": "nnlite.models.model_from_json"},
    "nnlite.ops": {
        "cond": "Python's if, in the forward of a layer",
        "fori_loop": "Python's for, in the forward of a layer",
        "map": "Python's for, or NumPy's functions on whole arrays",
        "scan": "Python's for, in the forward of a layer",
        "scatter": f"{_ARRAYS}, as in a[indices] = values",
        "scatter_update": f"{_ARRAYS}, as in a[indices] = values",
        "slice_update": f"{_ARRAYS}, as in a[2:4] = values",
        "vectorized_map": "NumPy's functions on whole arrays",
        "while_loop": "Python's while, in the forward of a layer",
        **{
            name: f"{_ARRAYS}, as numpy.linalg.{name} does"
            for name in ("cholesky", "det", "eig", "eigh", "inv", "lstsq", "pinv", "qr", "slogdet", "solve", "svd")
        },
        **{
            name: f"nnlite.losses.{name}"
            for name in ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
        },
        "conv": "nnlite.layers.Conv1D, Conv2D and Conv3D",
        "conv_transpose": "nnlite.layers.Conv1DTranspose, Conv2DTranspose and Conv3DTranspose",
        "depthwise_conv": "nnlite.layers.DepthwiseConv1D and DepthwiseConv2D",
        "fft": f"{_ARRAYS}, as numpy.fft.fft does",
        "separable_conv": "nnlite.layers.SeparableConv1D and SeparableConv2D",
    },
    "nnlite.optimizers": {
        "RMSProp": "nnlite.optimizers.RMSprop",
        "legacy": "The same optimizers are in nnlite.optimizers",
    },
    "nnlite.preprocessing": {"text": "nnlite.layers.TextVectorization, or Python's own functions"},
    "nnlite.preprocessing.image": {"ImageDataGenerator": _AUGMENT},
    "nnlite.preprocessing.sequence": {"TimeseriesGenerator": "nnlite.utils.timeseries_dataset_from_array"},
    "nnlite.utils": {
        "GeneratorEnqueuer": "nnlite.utils.PyDataset(workers=...)",
        "HDF5Matrix": "fit takes the data sets of h5py",
        "OrderedEnqueuer": "nnlite.utils.PyDataset(workers=...)",
        "generic_utils": "nnlite.utils.Progbar, nnlite.saving.custom_object_scope",
        "multi_gpu_model": "Everything runs on this machine's processor: see nnlite.config.set_num_threads",
        "np_utils": "nnlite.utils.to_categorical",
        "vis_utils": "model.summary()",
    },
    # Attributes of objects, by the name of a base class.
    "Model": {
        "add_metric": "compile(metrics=[...])",
        "evaluate_generator": "evaluate, which takes generators",
        "export": "save('model.keras'), which Keras opens and exports",
        "fit_generator": "fit, which takes generators",
        "predict_classes": "predict(x).argmax(axis=-1), or predict(x) > 0.5 where there is one output",
        "predict_generator": "predict, which takes generators",
        "predict_proba": "predict",
        "reset_states": "reset_state() of each recurrent layer",
        "to_yaml": "to_json",
    },
    "Layer": {
        "add_metric": "compile(metrics=[...]) of the model",
        "get_input_at": "layer.input",
        "get_output_at": "layer.output, or what the call returned",
        "input_shape": "layer.input.shape",
        "output_shape": "layer.output.shape",
        "reset_states": "reset_state",
    },
    "Optimizer": {
        "get_weights": "[v.numpy() for v in optimizer.variables]",
        "lr": "learning_rate",
        "minimize": "apply(gradients, variables); model.gradients(x, y) computes them",
        "set_weights": "variable.assign(value) for each of optimizer.variables",
    },
}


def instead(place: str, name: str) -> str:
    """Return " Instead: ..." for a name that ``place`` (a module, or the name of a base class) lacks, or "".

    >>> instead("nnlite.optimizers", "legacy"), instead("nnlite.optimizers", "no_such_thing")
    (' Instead: The same optimizers are in nnlite.optimizers.', '')
    """
    found = _INSTEAD.get(place, {}).get(name)
    return f" Instead: {found}." if found else ""


def of_object(thing: Any, name: str) -> str:
    """Return what :func:`instead` says of an attribute that an object lacks, by its classes.

    >>> class Optimizer: pass
    >>> of_object(Optimizer(), "lr")
    ' Instead: learning_rate.'
    """
    return next(filter(None, (instead(base.__name__, name) for base in type(thing).__mro__)), "")


def error(module: str, name: str, hint: str = "") -> Exception:
    """Return the exception for a name that a module lacks, to be raised by its ``__getattr__``.

    It is an ``ImportError`` where an import statement asks and there is something to say, as Python would replace the
    message of an ``AttributeError``.
    """
    hint = hint or instead(module, name)
    if hint and _importing(sys._getframe(1)):
        return ImportError(f"cannot import name {name!r} from {module!r}.{hint}", name=module)
    end = f".{hint}" if hint else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{end}", name=name, obj=sys.modules[module])


def _importing(frame: FrameType | None) -> bool:
    """Whether the code that asks a module's ``__getattr__``, outside of this package's own, imports from it."""
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "nnlite":
        frame = frame.f_back
    if frame is None:
        return False
    import dis

    asks = frame.f_code.co_code[frame.f_lasti] if frame.f_lasti >= 0 else 0
    return frame.f_code.co_name == "_handle_fromlist" or dis.opname[asks] == "IMPORT_FROM"

"""Record what real Keras's random layers of images draw and make of it, and the gradients.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python tests/golden/record_images.py

Writes images.npz: for each case, the transformation that Keras drew, outputs and input gradients.
"""

import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden import cases, image_cases


def record():
    arrays = {}
    names = {name: getattr(keras.layers, name) for name in dir(keras.layers)}
    for index, (expression, shape, values) in enumerate(image_cases.CASES):
        stream = cases.rng(expression)
        x = image_cases.images(stream, shape, values)
        layer = eval(expression, dict(names))
        drawn = layer.get_random_transformation(x, training=True)
        apply = layer.transform_images if x.ndim == 4 else layer.transform_single_image
        y, pull = jax.vjp(lambda x, apply=apply, drawn=drawn: apply(x, drawn, training=True), x)
        dy = cases.normal(stream, y.shape)
        if isinstance(drawn, tuple):
            drawn = dict(zip(("top", "left"), drawn, strict=True))
        for name, value in drawn.items():
            if name not in ("input_shape", "image_height", "image_width", "batch_size"):
                arrays[f"{index}.drawn.{name}"] = np.asarray(value)
        arrays[f"{index}.y"] = np.asarray(y)
        arrays[f"{index}.dx"] = np.asarray(pull(dy)[0])
    x = cases.rng("bytes").integers(0, 256, (2, 7, 6, 3)).astype("uint8")
    for name in ("bilinear", "nearest", "bicubic", "lanczos3"):
        arrays[f"bytes.{name}"] = np.asarray(keras.layers.Resizing(4, 9, name)(x))
    np.savez_compressed(image_cases.FILE, **arrays)


if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    record()

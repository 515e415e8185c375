"""Random layers of images make of Keras's own draws what Keras made of them: outputs and gradients."""

import numpy as np
import pytest
from golden import cases, image_cases

from nnlite import layers
from nnlite.layers.image_warps import _rotation

RECORDED = dict(np.load(image_cases.FILE))


@pytest.mark.parametrize("index", range(len(image_cases.CASES)), ids=[case[0] for case in image_cases.CASES])
def test_transformations(index):
    expression, shape, values = image_cases.CASES[index]
    stream = cases.rng(expression)
    x = image_cases.images(stream, shape, values)
    layer = eval(expression, dict(vars(layers)))
    drawn = {k.split(".")[-1]: v for k, v in RECORDED.items() if k.startswith(f"{index}.drawn.")}
    if "top" in drawn:
        drawn = (drawn["top"], drawn["left"])
    expected = RECORDED[f"{index}.y"]
    np.testing.assert_allclose(layer.transform_images(x, drawn), expected, rtol=0, atol=2e-5)
    y, cache = layer.transform(x, drawn)
    np.testing.assert_array_equal(y, layer.transform_images(x, drawn))
    dx = layer.backward(cases.normal(stream, expected.shape), cache)
    assert dx.shape == x.shape and dx.dtype == np.float32
    np.testing.assert_allclose(dx, RECORDED[f"{index}.dx"], rtol=0, atol=2e-5)
    own = layer.get_random_transformation(x)
    if isinstance(drawn, dict):  # of the same shapes as Keras's
        assert {k: v.shape for k, v in drawn.items()} == {k: np.shape(own[k]) for k in drawn}
    if "angle" in drawn:
        matrix = _rotation(drawn["angle"] * np.float32(np.pi / 180), *layer._size(shape))
        np.testing.assert_allclose(matrix.reshape(drawn["rotation_matrix"].shape), drawn["rotation_matrix"], atol=2e-6)


@pytest.mark.parametrize("name", ["bilinear", "nearest", "bicubic", "lanczos3"])
def test_bytes_called_by_hand_stay_bytes(name):
    x = cases.rng("bytes").integers(0, 256, (2, 7, 6, 3)).astype("uint8")
    y = layers.Resizing(4, 9, name)(x)
    assert y.dtype == np.uint8
    np.testing.assert_array_equal(y, RECORDED[f"bytes.{name}"])

"""A model of layers and of many functions between them, as users write them."""

import numpy as np


def whole(keras, ops):
    """The model; ``keras`` is that or ``nnlite``."""
    layers = keras.layers
    words, image = keras.Input((6,), dtype="int32", name="words"), keras.Input((8, 8, 3), name="image")
    x = layers.Embedding(11, 8, name="embedding")(words)
    q, k, v = (layers.Dense(8, name=name)(x) for name in "qkv")
    scores = ops.einsum("btd,bsd->bts", q, k) / 8**0.5
    there = ops.cast(ops.not_equal(words, 0), "float32")
    scores = ops.where(ops.expand_dims(there, 1) > 0, scores, -1e9)
    x = ops.matmul(ops.softmax(scores, axis=-1), v) + x
    heads = ops.transpose(ops.reshape(x, (-1, 6, 2, 4)), (0, 2, 1, 3))
    pooled = ops.sum(heads * there[:, None, :, None], axis=2) / ops.maximum(ops.sum(there, axis=1), 1.0)[:, None, None]
    y = layers.Conv2D(4, 3, padding="same", name="conv")(1.0 - image[:, ::-1, 1:-1] ** 2)
    gate = ops.sigmoid(ops.mean(y, axis=(1, 2), keepdims=True))
    y = ops.gelu(y) * gate + ops.pad(image, ((0, 0), (0, 0), (0, 0), (0, 1)))[:, :, 1:7]
    low, high = ops.split(ops.max(y, axis=[1, 2]), 2, axis=-1)
    parts = [ops.reshape(pooled, (-1, 8)), ops.normalize(low), ops.log1p(ops.abs(high)), ops.one_hot(words[:, 0], 11)]
    features = ops.concatenate(parts, axis=-1)
    mean, variance = ops.moments(features, axes=[1], keepdims=True)
    features = (features - mean) * ops.rsqrt(variance + 1e-3)
    return keras.Model([words, image], layers.Dense(2, name="out")(ops.stop_gradient(features) * 0.5 + features))


def whole_data():
    """What goes in."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 11, (5, 6)).astype("int32")
    words[:, 4:] = 0
    return [words, rng.normal(size=(5, 8, 8, 3)).astype("float32")]

"""Every family of layers, every optimizer and what else a file holds: a net for each, from the same code in both.

A net is a function of the library and its layers; it returns a model, or a model and the arguments of compile.
``SINCE`` has the first version of Keras that has what a net is made of, where that is not 3.3.
"""

from __future__ import annotations

import numpy as np


def conv1d(keras, layers):
    """Convolutions along a line: causal, dilated, strided, grouped, transposed."""
    x = keras.Input((12, 4))
    y = layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu")(x)
    y = layers.SeparableConv1D(5, 3, depth_multiplier=2)(layers.Conv1D(4, 3, groups=2, padding="same")(y))
    y = layers.DepthwiseConv1D(3, strides=2, padding="same")(y)
    y = layers.AveragePooling1D(2, padding="same")(layers.Conv1DTranspose(3, 3, strides=2)(y))
    return keras.Model(x, layers.GlobalAveragePooling1D()(layers.MaxPooling1D(2)(layers.Cropping1D((1, 0))(y))))


def conv2d(keras, layers):
    """What the first convolutional net has not: dilation, groups, uneven kernels, bilinear sizes."""
    x = keras.Input((9, 8, 4))
    y = layers.Conv2D(6, (2, 3), dilation_rate=(1, 2), groups=2, activation="elu")(x)
    y = layers.UpSampling2D((2, 1), interpolation="bilinear")(layers.Cropping2D(((1, 0), (0, 1)))(y))
    y = layers.Conv2DTranspose(4, 3, strides=2, output_padding=1)(layers.SpatialDropout2D(0.0)(y))
    return keras.Model(x, layers.Flatten()(layers.GlobalAveragePooling2D(keepdims=True)(y)))


def conv3d(keras, layers):
    """Volumes."""
    x = keras.Input((6, 6, 6, 2))
    y = layers.MaxPooling3D()(layers.Conv3D(3, 3, padding="same", activation="relu")(x))
    y = layers.UpSampling3D(2)(layers.ZeroPadding3D(1)(layers.AveragePooling3D(2, strides=1)(y)))
    y = layers.GlobalMaxPooling3D()(layers.Conv3DTranspose(2, 2, strides=2)(layers.Cropping3D(2)(y)))
    return keras.Model(x, layers.Dense(2)(y))


def cells(keras, layers):
    """Recurrent layers of cells, backwards, with the older form of the GRU."""
    x = keras.Input((5, 3))
    y = layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True)(x)
    y = layers.Bidirectional(layers.GRU(3, return_sequences=True, reset_after=False), merge_mode="sum")(y)
    y = layers.LSTM(4, return_sequences=True, go_backwards=True, use_bias=False)(y)
    y, state = layers.SimpleRNN(3, return_sequences=True, return_state=True)(y)
    return keras.Model(x, layers.concatenate([layers.GRU(2, recurrent_activation="hard_sigmoid")(y), state]))


def frames(keras, layers):
    """Sequences of images."""
    x = keras.Input((3, 5, 5, 2))
    y = layers.ConvLSTM2D(3, 2, padding="same", return_sequences=True)(x)
    y = layers.TimeDistributed(layers.Conv2D(2, 3))(
        layers.Bidirectional(layers.ConvLSTM2D(2, 1, return_sequences=True))(y)
    )
    return keras.Model(x, layers.Dense(1)(layers.Flatten()(y)))


def attentions(keras, layers):
    """All kinds of attention."""
    a, b = keras.Input((5, 4)), keras.Input((5, 4))
    y = layers.Attention(use_scale=True)([a, b]) + layers.AdditiveAttention()([a, b])
    y = layers.MultiHeadAttention(2, 3)(y, y, use_causal_mask=True)
    y, scores = layers.MultiHeadAttention(2, 3)(y, b, return_attention_scores=True)
    return keras.Model([a, b], [layers.Flatten()(y), layers.Flatten()(scores)])


def groups(keras, layers):
    """Attention of groups of queries."""
    x = keras.Input((5, 4))
    return keras.Model(x, layers.Flatten()(layers.GroupQueryAttention(3, 4, 2)(x, x)))


def norms(keras, layers):
    """Normalizations."""
    x = keras.Input((4, 6))
    y = layers.LayerNormalization(axis=[1, 2], scale=False)(layers.BatchNormalization(axis=1, center=False)(x))
    y = layers.UnitNormalization()(layers.GroupNormalization(2)(y))
    return keras.Model(x, layers.Flatten()(layers.SpectralNormalization(layers.Dense(3))(y)))


def rms(keras, layers):
    """The normalization that came later."""
    x = keras.Input((4, 6))
    return keras.Model(x, layers.Flatten()(layers.RMSNormalization()(x)))


def features(keras, layers):
    """Layers that learned from data, and those that prepare it."""
    numbers, ids = keras.Input((3,)), keras.Input((1,), dtype="int32")
    normal = layers.Normalization()
    normal.adapt(np.random.default_rng(0).normal(2, 3, (50, 3)).astype("float32"))
    codes = layers.CategoryEncoding(9, output_mode="multi_hot")(ids)
    return keras.Model([numbers, ids], layers.Dense(2)(layers.concatenate([normal(numbers), codes])))


def images(keras, layers):
    """Images that are scaled and cut."""
    x = keras.Input((7, 6, 3))
    y = layers.Conv2D(2, 2)(layers.CenterCrop(5, 4)(layers.Rescaling(1 / 255, offset=-0.5)(x)))
    return keras.Model(x, layers.Flatten()(y))


def merges(keras, layers):
    """All layers that join."""
    a, b = keras.Input((4,)), keras.Input((4,))
    pairs = [layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average(), layers.Maximum(), layers.Minimum()]
    joined = [layer([a, b]) for layer in pairs] + [layers.Dot(1, normalize=True)([a, b])]
    return keras.Model([a, b], layers.Dense(2)(layers.Concatenate()(joined)))


def masks(keras, layers):
    """Masks that go through sums and joins, to a mean over what is there."""
    x, ids = keras.Input((6, 3)), keras.Input((6,), dtype="int32")
    y = layers.LSTM(5, return_sequences=True)(layers.Masking()(x))
    z = layers.Embedding(9, 5, mask_zero=True)(ids)
    y = layers.Concatenate()([layers.Add()([y, z]), z])
    return keras.Model(
        [x, ids], layers.Dense(2)(layers.GlobalAveragePooling1D()(layers.GRU(3, return_sequences=True)(y)))
    )


def penalties(keras, layers):
    """Regularizers and constraints of every kind."""
    x, c, r = keras.Input((4,)), keras.constraints, keras.regularizers
    y = layers.Dense(4, kernel_regularizer=r.L1L2(0.1, 0.2), kernel_constraint=c.MaxNorm(1.0))(x)
    y = layers.Dense(4, bias_regularizer="l1", kernel_constraint=c.UnitNorm())(y)
    y = layers.Dense(4, kernel_regularizer=r.OrthogonalRegularizer(0.1), bias_constraint="non_neg")(y)
    return keras.Model(x, layers.Dense(2, kernel_constraint=c.MinMaxNorm(0.2, 0.9, 0.8, axis=0))(y))


def activity(keras, layers):
    """A penalty on what a layer makes, which earlier versions of Keras 3 do not divide by the size of the batch."""
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(2)(layers.Dense(4, activity_regularizer=keras.regularizers.L2(0.1))(x)))


def activations(keras, layers):
    """Activations by name, as functions and as layers."""
    x = y = keras.Input((5,))
    names = ["relu6", "selu", "softplus", "softsign", "silu", "gelu", "hard_silu", "leaky_relu", "mish", "hard_sigmoid"]
    for name in [*names, "exponential", "tanh"]:
        y = layers.Dense(5, activation=name)(y)
    y = layers.Dense(5, activation=keras.activations.log_softmax)(y)
    for layer in (layers.LeakyReLU(0.1), layers.PReLU(), layers.ELU(0.5), layers.ReLU(6, 0.1, 0.2), layers.Softmax()):
        y = layer(layers.Dense(5)(y))
    return keras.Model(x, y)


def shapes(keras, layers):
    """Sums over named axes and layers that only move values."""
    x = keras.Input((4, 6))
    y = layers.EinsumDense("abc,cde->abde", output_shape=(None, 3, 2), bias_axes="de")(x)
    y = layers.Permute((2, 1))(layers.Reshape((8, 3))(layers.Identity()(y)))
    return keras.Model(x, layers.Flatten()(layers.RepeatVector(2)(layers.Flatten()(y))))


def initial(keras, layers):
    """Initializers with their arguments."""
    i = keras.initializers
    kinds = [i.HeNormal(1), i.LecunUniform(2), i.Orthogonal(0.5, 3), i.VarianceScaling(2.0, "fan_avg", "uniform", 4)]
    kinds += [i.RandomNormal(0.1, 0.2, 5), i.TruncatedNormal(seed=6), i.Constant(0.3), i.Identity(0.5), "ones"]
    return keras.Sequential([keras.Input((3,)), *(layers.Dense(3, kernel_initializer=kind) for kind in kinds)])


def outputs(keras, layers):
    """A loss, a weight and metrics for each output."""
    x = keras.Input((4,))
    h = layers.Dense(5, activation="tanh")(x)
    model = keras.Model(x, [layers.Dense(1, name="p")(h), layers.Dense(2, name="q")(h)])
    metrics = {"p": ["mae", keras.metrics.RootMeanSquaredError(name="deviation")], "q": ["mse"]}
    loss = {"p": keras.losses.Huber(), "q": "mae"}  # Keras leaves its delta out of files
    return model, {"optimizer": "sgd", "loss": loss, "loss_weights": {"p": 0.3, "q": 2.0}, "metrics": metrics}


def frozen(keras, layers):
    """Parts that do not learn."""
    base = keras.Sequential([keras.Input((4,)), layers.Dense(5), layers.BatchNormalization()], name="base")
    base.trainable = False
    x = keras.Input((4,))
    y = layers.Dense(3, trainable=False)(base(x))
    return keras.Model(x, layers.Dense(2)(layers.BatchNormalization(trainable=False)(y)))


def half(keras, layers):
    """Mixed precision, which nnlite computes in full."""
    x = keras.Input((4,))
    y = layers.BatchNormalization()(layers.Dense(5, activation="relu", dtype="mixed_bfloat16")(x))
    return keras.Model(x, layers.Dense(2, dtype="float32")(y))


def _optimizer(name, make):
    def net(keras, layers):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(2)])
        return model, {"optimizer": make(keras.optimizers), "loss": "mse"}

    net.__name__ = name
    return net


OPTIMIZERS = [
    _optimizer("sgd", lambda o: o.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5)),
    _optimizer("plain sgd", lambda o: o.SGD(o.schedules.PiecewiseConstantDecay([2, 5], [0.1, 0.05, 0.01]))),
    _optimizer("rmsprop", lambda o: o.RMSprop(0.01, momentum=0.5, centered=True)),
    _optimizer("adagrad", lambda o: o.Adagrad(0.1, global_clipnorm=1.0)),
    _optimizer("adadelta", lambda o: o.Adadelta(1.0)),
    _optimizer("adamax", lambda o: o.Adamax(o.schedules.CosineDecay(0.05, 9, warmup_target=0.1, warmup_steps=4))),
    _optimizer("nadam", lambda o: o.Nadam(0.02)),
    _optimizer("ftrl", lambda o: o.Ftrl(0.1, l1_regularization_strength=0.01)),
    _optimizer("lion", lambda o: o.Lion(0.01, weight_decay=0.1)),
    _optimizer("adamw", lambda o: o.AdamW(o.schedules.ExponentialDecay(0.05, 3, 0.5, staircase=True), clipvalue=0.5)),
    _optimizer("amsgrad", lambda o: o.Adam(o.schedules.InverseTimeDecay(0.05, 2, 0.5), amsgrad=True)),
    _optimizer("adafactor", lambda o: o.Adafactor(0.05)),
    _optimizer("averages", lambda o: o.Adam(0.02, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2)),
    _optimizer("gathers", lambda o: o.SGD(0.1, momentum=0.5, gradient_accumulation_steps=2)),
    _optimizer("scaled", lambda o: o.LossScaleOptimizer(o.Adam(0.02), initial_scale=8.0, dynamic_growth_steps=2)),
    _optimizer("lamb", lambda o: o.Lamb(0.02)),
    _optimizer("free", lambda o: o.ScheduleFreeAdamW(0.02)),
]

FAMILIES = [conv1d, conv2d, conv3d, cells, frames, attentions, groups, norms, rms, features, images, merges, masks]
FAMILIES += [penalties, activity, activations, shapes, initial, outputs, frozen, half, *OPTIMIZERS]

SINCE = {"groups": (3, 10), "norms": (3, 10), "rms": (3, 10), "gathers": (3, 10), "lamb": (3, 10), "free": (3, 15)}
SINCE |= {"activity": (3, 15), "nadam": (3, 10)}
# How far outputs may be apart where a net computes in half precision.
TOLERANCE = {"half": 0.05}

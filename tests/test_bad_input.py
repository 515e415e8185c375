"""What a user gets wrong: each raises before anything has changed, and says what came and what was expected."""

from __future__ import annotations

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers

ROWS = 20
X = np.linspace(0, 1, ROWS * 3, dtype="float32").reshape(ROWS, 3)
Y = np.arange(ROWS) % 2
ONE_HOT = np.eye(2, dtype="float32")[Y]


def trained(loss="sparse_categorical_crossentropy"):
    """A model that has made a step, so that there is state to lose."""
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4, activation="relu"), layers.BatchNormalization()])
    model.add(layers.Dense(2, activation="softmax"))
    model.compile("adam", loss)
    model.train_on_batch(X, Y if loss.startswith("sparse") else ONE_HOT)
    return model


def state(model):
    return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]


# what is called with (model), the error, words of the message
FIT = {
    "x of one axis": (lambda m: m.fit(X[:, 0], Y), ValueError, r"input_layer.*\(None, 3\).*\(None,\)"),
    "x of other width": (lambda m: m.fit(X[:, :2], Y), ValueError, r"Dense 'dense.*size 3 along.*\(None, 2\)"),
    "x of three axes": (lambda m: m.fit(X[None], Y[None]), ValueError, r"\(None, 3\).*\(None, 20, 3\)"),
    "x of text": (lambda m: m.fit(X.astype(str), Y), TypeError, "x: got an array of dtype <U.*expected numbers"),
    "x of objects": (lambda m: m.fit(X.astype(object), Y), TypeError, "x: .*dtype object"),
    "x complex": (lambda m: m.fit(X + 1j, Y), TypeError, "x: .*complex"),
    "x a dict": (lambda m: m.fit({"a": X}, Y), ValueError, "no data for the input.*got 'a'"),
    "x two arrays": (lambda m: m.fit([X, X], Y), ValueError, "takes one array, got a list of 2"),
    "x None": (lambda m: m.fit(None, Y), TypeError, "x: got None"),
    "x a file name": (lambda m: m.fit("data.csv", Y), TypeError, "x: got 'data.csv'"),
    "x empty": (lambda m: m.fit(X[:0], Y[:0]), ValueError, "x: got an empty data set"),
    "labels negative": (lambda m: m.fit(X, Y - 1), ValueError, "labels go from -1 to 0.*0 to 1"),
    "labels too large": (lambda m: m.fit(X, Y + 1), ValueError, "labels go from 1 to 2.*2 classes"),
    "labels too large, the last": (lambda m: m.fit(X, np.r_[Y[:-1], 5], batch_size=4), ValueError, "to 5"),
    "labels between": (lambda m: m.fit(X, Y + 0.5), ValueError, "whole numbers"),
    "labels NaN": (lambda m: m.fit(X, np.full(ROWS, np.nan)), ValueError, "20 target.* NaN"),
    "labels of text": (lambda m: m.fit(X, Y.astype(str)), TypeError, "y: got an array of dtype <U"),
    "labels one-hot": (lambda m: m.fit(X, ONE_HOT), ValueError, "look one-hot: use categorical_crossentropy"),
    "labels missing": (lambda m: m.fit(X), ValueError, "y: got None"),
    "y too short": (lambda m: m.fit(X, Y[:5]), ValueError, "x: 20, y: 5"),
    "weights too short": (lambda m: m.fit(X, Y, sample_weight=np.ones(3)), ValueError, "sample_weight: 3"),
    "weights of text": (lambda m: m.fit(X, Y, sample_weight=Y.astype(str)), TypeError, "sample_weight"),
    "weights NaN": (lambda m: m.fit(X, Y, sample_weight=np.full(ROWS, np.nan)), ValueError, "sample_weight.*nan"),
    "weights too many": (lambda m: m.fit(X, Y, sample_weight=np.ones((ROWS, 7))), ValueError, "sample_weight"),
    "class weights a list": (lambda m: m.fit(X, Y, class_weight=[1, 2]), ValueError, "class_weight: got .1, 2."),
    "class weights of text": (lambda m: m.fit(X, Y, class_weight={0: "a"}), ValueError, "class_weight: got 'a'"),
    "batch size zero": (lambda m: m.fit(X, Y, batch_size=0), ValueError, "batch_size: got 0"),
    "batch size negative": (lambda m: m.fit(X, Y, batch_size=-1), ValueError, "batch_size: got -1"),
    "batch size a fraction": (lambda m: m.fit(X, Y, batch_size=1.5), ValueError, "batch_size: got 1.5"),
    "epochs negative": (lambda m: m.fit(X, Y, epochs=-1), ValueError, "epochs: got -1"),
    "epochs a fraction": (lambda m: m.fit(X, Y, epochs=1.5), TypeError, "epochs: got 1.5"),
    "steps zero": (lambda m: m.fit(X, Y, steps_per_epoch=0), ValueError, "steps_per_epoch: got 0"),
    "split one": (lambda m: m.fit(X, Y, validation_split=1.0), ValueError, "validation_split: got 1.0"),
    "split of text": (lambda m: m.fit(X, Y, validation_split="0.2"), ValueError, "validation_split: got '0.2'"),
    "split of a generator": (
        lambda m: m.fit(iter([(X, Y)]), validation_split=0.2),
        ValueError,
        "validation_split: works for arrays",
    ),
    "validation x of other width": (
        lambda m: m.fit(X, Y, validation_data=(X[:, :2], Y)),
        ValueError,
        r"validation_data: Dense 'dense.*size 3 along.*\(None, 2\)",
    ),
    "validation y too short": (lambda m: m.fit(X, Y, validation_data=(X, Y[:3])), ValueError, "x: 20, y: 3"),
    "validation labels": (lambda m: m.fit(X, Y, validation_data=(X, Y + 5)), ValueError, "labels go from 5 to 6"),
    "validation without y": (lambda m: m.fit(X, Y, validation_data=(X,)), ValueError, "y: got None"),
    "callbacks": (lambda m: m.fit(X, Y, callbacks=[3]), TypeError, "callbacks: got 3"),
    "unknown keyword": (lambda m: m.fit(X, Y, epoch=3), TypeError, "'epoch'. Did you mean 'epochs'"),
    "verbose": (lambda m: m.fit(X, Y, verbose="loud"), ValueError, "verbose: got 'loud'"),
    "an iterator without batches": (lambda m: m.fit(iter([])), ValueError, "no batch"),
    "an iterator of numbers": (lambda m: m.fit(iter([1])), ValueError, "Batch 0"),
    "a batch, labels": (lambda m: m.train_on_batch(X, Y + 7), ValueError, "labels go from 7"),
    "a batch, mismatched": (lambda m: m.train_on_batch(X, Y[:3]), ValueError, "x: 20, y: 3"),
    "a batch, keyword": (lambda m: m.train_on_batch(X, Y, sample_weights=1), TypeError, "mean 'sample_weight'"),
    "evaluate, width": (lambda m: m.evaluate(X[:, :2], Y), ValueError, "size 3"),
    "evaluate, keyword": (lambda m: m.evaluate(X, Y, batchsize=2), TypeError, "mean 'batch_size'"),
    "predict, text": (lambda m: m.predict(X.astype(str)), TypeError, "x: got an array of dtype <U"),
    "predict, batch size": (lambda m: m.predict(X, batch_size=0), ValueError, "batch_size: got 0"),
    "predict, keyword": (lambda m: m.predict(X, batchsize=2), TypeError, "mean 'batch_size'"),
    "call, keyword": (lambda m: m(X, trainning=True), TypeError, "mean 'training'"),
    "weights, number": (lambda m: m.set_weights(m.get_weights()[1:]), ValueError, "8 variables, got 7"),
    "weights, shape": (lambda m: m.set_weights([w.T for w in m.get_weights()]), ValueError, r"\(3, 4\), got \(4, 3\)"),
    "weights, text": (lambda m: m.set_weights([w.astype(str) for w in m.get_weights()]), TypeError, "weights.0."),
    "compile, optimizer": (lambda m: m.compile("adm", "mse"), ValueError, "'adm'. Did you mean 'Adam'"),
    "compile, loss": (lambda m: m.compile("adam", "mean_square_error"), ValueError, "mean 'mean_squared_error'"),
    "compile, metric": (lambda m: m.compile("adam", "mse", metrics=["acurracy"]), ValueError, "mean '(?i:accuracy)'"),
    "compile, keyword": (lambda m: m.compile("adam", "mse", metric=["mae"]), TypeError, "mean 'metrics'"),
    "add": (lambda m: m.add(layers.Dense), TypeError, "only layers can be added.*parentheses"),
    "get_layer": (lambda m: m.get_layer("batch_norm"), ValueError, "no layer 'batch_norm'"),
    "save, folder": (lambda m: m.save("/no/such/folder/m.keras"), FileNotFoundError, "/no/such/folder"),
    "save, no path": (lambda m: m.save(None), TypeError, "filepath got None, expected the path"),
    "load, no path": (lambda m: keras.models.load_model(3), TypeError, "load_model: filepath got 3"),
    "checkpoint, no path": (lambda m: keras.callbacks.ModelCheckpoint(3), TypeError, "filepath got 3"),
    "save, name": (lambda m: m.save("model.foo"), ValueError, "'.keras'.*'model.foo'"),
    "load, missing": (lambda m: m.load_weights("/no/such/w.weights.h5"), FileNotFoundError, "does not exist"),
}


@pytest.mark.parametrize("case", FIT)
def test_a_model_is_as_it_was(case):
    call, error, words = FIT[case]
    model = trained()
    before, step = state(model), int(model.optimizer.iterations)
    with pytest.raises(error, match=words):
        call(model)
    assert int(model.optimizer.iterations) == step
    for a, b in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(a, b)
    model.fit(X, Y, verbose=0)  # and it works on


def test_a_refused_fit_leaves_the_optimizer_unbuilt():
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    for x, y in ((X, Y + 5), (X, ONE_HOT), (X[:, :2], Y), (X, None)):
        with pytest.raises(ValueError, match=r"labels go|one-hot|size 3|y: got None"):
            model.fit(x, y, verbose=0)
        assert not model.optimizer.built
    model.fit(X, Y, verbose=0)
    assert model.optimizer.built and int(model.optimizer.iterations) == 1


def test_the_row_of_a_nan_target_is_that_of_the_data():
    y = np.zeros((ROWS, 1), "float32")
    y[17] = np.nan
    model = keras.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"1 target\(s\) are NaN, the first at \[17, 0\]"):
            model.fit(X, y, batch_size=4, verbose=0)


def test_only_classes_can_be_missing_from_a_part(recwarn):
    model = keras.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.arange(ROWS), validation_split=0.2, verbose=0)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.Dense(3, dtype="int32").build((None, 2)), "'kernel' of dtype int32.*expected dtype='float32'"),
        (lambda: layers.Reshape(3.5), "target_shape must be whole numbers.*got 3.5"),
        (lambda: layers.Input(3.5), "a shape is made of whole numbers.*got 3.5"),
        (lambda: layers.Input("28"), "a shape is made of whole numbers.*got '28'"),
        (lambda: layers.Dense(3, input_shape=2.5), "shape: got 2.5, expected the sizes"),
    ],
)
def test_shapes(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("loss", "y", "words"),
    [
        ("categorical_crossentropy", np.eye(3)[Y], r"\(20, 3\).*\(None, 2\)"),
        ("categorical_crossentropy", Y, "sparse_categorical_crossentropy"),
        ("categorical_crossentropy", ONE_HOT * np.nan, "40 target.* NaN"),
        ("mse", Y, r"\(20,\).*\(None, 2\)"),
        ("mse", ONE_HOT * np.nan, "NaN"),
    ],
)
def test_targets_that_do_not_fit_the_loss(loss, y, words):
    model = trained(loss)
    before = state(model)
    with pytest.raises(ValueError, match=words):
        model.fit(X, y, verbose=0)
    for a, b in zip(state(model), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("second", "words"),
    [((X[:5], Y[:3]), "Batch 1.*x: 5, y: 3"), ((X[:5, :2], Y[:5]), "size 3"), ((X[:5], Y[:5] + 9), "labels go from 9")],
)
def test_a_stream_is_checked_batch_by_batch(second, words):
    model = trained()
    step = int(model.optimizer.iterations)
    with pytest.raises(ValueError, match=words):
        model.fit(iter([(X[:5], Y[:5]), second]), verbose=0)
    assert int(model.optimizer.iterations) == step + 1  # the good batch counts, the bad one changed nothing


IMAGE = np.zeros((2, 8, 8, 3), "float32")
ARGUMENTS = {
    "units zero": (lambda: layers.Dense(0), "Dense 'dense.*units.*got 0"),
    "units a fraction": (lambda: layers.Dense(2.5), "units.*got 2.5"),
    "units text": (lambda: layers.Dense("a"), "units.*got 'a'"),
    "keyword": (lambda: layers.Dense(3, activaton="relu"), "'activaton'. Did you mean 'activation'"),
    "activation": (lambda: layers.Dense(3, activation="rellu"), "'rellu'. Did you mean 'relu'"),
    "initializer": (lambda: layers.Dense(3, kernel_initializer="glorot"), "'glorot'. Did you mean 'Glorot"),
    "regularizer": (lambda: layers.Dense(3, kernel_regularizer="l3"), "'l3'. Did you mean 'l2'"),
    "constraint": (lambda: layers.Dense(3, kernel_constraint="foo"), "constraint 'foo'"),
    "dtype": (lambda: layers.Dense(3, dtype="float31"), "'float31'. Did you mean 'float32'"),
    "kernel size": (lambda: layers.Conv2D(4, (3, 3, 3)), "kernel_size.*got .3, 3, 3."),
    "filters": (lambda: layers.Conv2D(0, 3), "filters.*got 0"),
    "strides": (lambda: layers.Conv2D(4, 3, strides=0), "strides.*got 0"),
    "padding": (lambda: layers.Conv2D(4, 3, padding="foo"), "padding.*got 'foo'"),
    "strides and dilation": (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), "cannot both"),
    "filters and groups": (lambda: layers.Conv2D(4, 3, groups=3), "multiple of groups"),
    "channels and groups": (lambda: layers.Conv2D(4, 3, groups=2)(IMAGE), "3 channels.*groups"),
    "kernel beyond the image": (lambda: layers.Conv2D(4, 9)(IMAGE), "Conv2D 'conv2d.*size 8.*spans 9"),
    "window beyond the image": (lambda: layers.MaxPooling2D(9)(IMAGE), "MaxPooling2D 'max_pooling2d.*spans 9"),
    "image without channels": (lambda: layers.Conv2D(4, 3)(IMAGE[0]), "4 axes.*8, 3"),
    "rate": (lambda: layers.Dropout(1.5), "rate.*got 1.5"),
    "axis of normalization": (lambda: layers.BatchNormalization(axis=7)(IMAGE), "axis 7 does not exist"),
    "momentum": (lambda: layers.BatchNormalization(momentum="a"), "momentum.*got 'a'"),
    "epsilon": (lambda: layers.LayerNormalization(epsilon=-1), "epsilon.*got -1"),
    "axis of softmax": (lambda: layers.Softmax(axis=9)(IMAGE), "Softmax 'softmax.*axis 9 does not exist"),
    "shared axes": (lambda: layers.PReLU(shared_axes=[9])(IMAGE), "shared_axes 9 does not exist"),
    "alpha": (lambda: layers.ELU(alpha="a"), "alpha.*got 'a'"),
    "scale": (lambda: layers.Rescaling("a"), "scale.*got 'a'"),
    "reshape": (lambda: layers.Reshape((5,))(IMAGE), "192 values.*5"),
    "permute": (lambda: layers.Permute((1, 1)), "dims.*got .1, 1."),
    "input": (lambda: layers.Input((-3,)), "shape.*-3"),
    "same names": (lambda: keras.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")]), "named 'a'"),
    "no layers": (lambda: keras.Sequential().predict(X, verbose=0), "no layers"),
    "not compiled": (lambda: keras.Sequential([layers.Dense(1)]).fit(X, Y), "not compiled: call compile"),
    "learning rate": (lambda: keras.optimizers.Adam("a"), "learning_rate.*got 'a'"),
    "old name": (lambda: keras.optimizers.Adam(lr=0.1), "'lr'. Did you mean 'learning_rate'"),
    "beta": (lambda: keras.optimizers.Adam(beta_1=1.5), "beta_1.*got 1.5"),
    "accumulation": (lambda: keras.optimizers.SGD(gradient_accumulation_steps=0), "of at least 2, got 0"),
    "clipping": (lambda: keras.optimizers.SGD(clipnorm=1, clipvalue=1), "one kind of clipping"),
    "schedule": (lambda: keras.optimizers.schedules.ExponentialDecay("a", 3, 0.5), "initial_learning_rate.*got 'a'"),
    "schedule keyword": (lambda: keras.optimizers.schedules.CosineDecay(0.1, decay_step=3), "mean 'decay_steps'"),
    "smoothing": (lambda: keras.losses.CategoricalCrossentropy(label_smoothing=2), "label_smoothing.*got 2"),
    "reduction": (lambda: keras.losses.MeanSquaredError(reduction="foo"), "reduction.*got 'foo'"),
    "loss keyword": (lambda: keras.losses.MeanSquaredError(reducton="sum"), "mean 'reduction'"),
    "metric keyword": (lambda: keras.metrics.BinaryAccuracy(treshold=0.1), "mean 'threshold'"),
    "k": (lambda: keras.metrics.TopKCategoricalAccuracy(k=0), "k must be.*got 0"),
    "initializer keyword": (lambda: keras.initializers.HeNormal(sed=1), "HeNormal.*mean 'seed'"),
    "callback keyword": (lambda: keras.callbacks.EarlyStopping(moniter="loss"), "mean 'monitor'"),
    "to_categorical": (lambda: keras.utils.to_categorical([0, 5], 3), "labels go from 0 to 5"),
    "utility keyword": (lambda: keras.utils.to_categorical([0], num_clases=3), "mean 'num_classes'"),
    "loading keyword": (lambda: keras.models.load_model("m.keras", compil=False), "mean 'compile'"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments(case):
    call, words = ARGUMENTS[case]
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_a_last_axis_of_one_may_be_missing_or_too_many():
    """As in Keras, where images without channels fit an input that declares one."""
    model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    x = np.linspace(0, 1, 3 * 64, dtype="float32").reshape(3, 8, 8)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x[..., None], verbose=0))
    model.compile("sgd", "mse")
    model.fit(x, np.ones((3, 1)), verbose=0)
    y, cache = model.forward(x)
    assert model.backward(np.ones_like(y), cache).shape == x.shape

    line = keras.Sequential([layers.Input((1,)), layers.Dense(1)])
    assert line.predict(x[0, 0], verbose=0).shape == (8, 1)
    flat = keras.Sequential([layers.Input((8,)), layers.Dense(1)])
    assert flat.predict(x[0][..., None], verbose=0).shape == (8, 1)


def test_weights_of_layers_that_the_model_lacks_are_named(tmp_path):
    path = tmp_path / "w.weights.h5"
    trained().save_weights(path)
    smaller = keras.Sequential([layers.Input((3,)), layers.Dense(4)])
    with pytest.warns(UserWarning, match="does not have.*layers/batch_normalization, layers/dense_1"):
        smaller.load_weights(path)
    np.testing.assert_array_equal(smaller.get_weights()[0].shape, (3, 4))

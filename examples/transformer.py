"""Read handwritten digits row by row with a small transformer, written as layers of one's own.

Each of the 8 rows of an image is a token of 8 pixels: it is projected to 32 numbers and gets those of its position
added, two blocks of attention and a dense part let the rows look at each other, and the mean over the rows is
classified. A block is a layer that holds layers; its backward is its forward read from the end.

The data are 1,797 digits of the UCI repository, 8 x 8 pixels with values 0 to 16; 1,438 train, 359 test. Expected: at
least 97 % of the test digits right, what scikit-learn's documentation shows for a support vector machine on these
digits ("Recognizing hand-written digits", half of them for training). Measured: 98.3 % to 98.6 % with the seeds 0 to 4,
their mean 98.55 %, in 8 seconds each on two cores; without the positions, so that the order of the rows cannot matter,
91.7 % as the mean of three seeds.

    python examples/transformer.py                  # one seed
    python examples/transformer.py --seeds 0 1 2 3 4
"""

import argparse
import time

import numpy as np

import nnlite as keras
from nnlite import layers


@keras.saving.register_keras_serializable("examples")
class Positions(layers.Layer):
    """Add to every step numbers of its own, the same for all samples."""

    def build(self, input_shape):
        self.positions = self.add_weight(input_shape[1:], "random_normal", name="positions")

    def forward(self, x, training=False):
        return x + self.positions.value, None

    def backward(self, dy, cache):
        self.positions.accumulate(dy.sum(0))
        return dy


@keras.saving.register_keras_serializable("examples")
class Block(layers.Layer):
    """A block of a transformer encoder: x + attention(norm(x)), then x + dense(dense(norm(x)))."""

    def __init__(self, heads: int, hidden: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.hidden, self.dropout = heads, hidden, dropout

    def build(self, input_shape):
        width = input_shape[-1]
        self.norm1, self.norm2 = layers.LayerNormalization(), layers.LayerNormalization()
        self.attention = layers.MultiHeadAttention(self.heads, width // self.heads, dropout=self.dropout)
        self.dense1, self.dense2 = layers.Dense(self.hidden, "gelu"), layers.Dense(width)
        self.drop = layers.Dropout(self.dropout)
        self.attention.build(input_shape, input_shape)
        self.dense2.build((*input_shape[:-1], self.hidden))
        for layer in (self.norm1, self.norm2, self.dense1):
            layer.build(input_shape)

    def forward(self, x, training=False):
        normed, norm1 = self.norm1.forward(x, training)
        looked_up, attention = self.attention.forward([normed, normed], training)
        x = x + looked_up
        normed, norm2 = self.norm2.forward(x, training)
        made, dense1 = self.dense1.forward(normed, training)
        made, drop = self.drop.forward(made, training)
        made, dense2 = self.dense2.forward(made, training)
        return x + made, (norm1, attention, norm2, dense1, drop, dense2)

    def backward(self, dy, cache):
        norm1, attention, norm2, dense1, drop, dense2 = cache
        dmade = self.drop.backward(self.dense2.backward(dy, dense2), drop)
        dx = dy + self.norm2.backward(self.dense1.backward(dmade, dense1), norm2)
        dquery, dvalue = self.attention.backward(dx, attention)
        return dx + self.norm1.backward(dquery + dvalue, norm1)

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)


def build_model(steps: int) -> keras.Sequential:
    """Two blocks over the rows, then the mean over them; ``steps`` is the length of the training."""
    model = keras.Sequential(
        [
            layers.Input((8, 8)),
            layers.Rescaling(1 / 8, offset=-1),
            layers.Dense(32),
            Positions(),
            Block(heads=4, hidden=128, dropout=0.1),
            Block(heads=4, hidden=128, dropout=0.1),
            layers.LayerNormalization(),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        name="rows",
    )
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=3e-3, warmup_steps=steps // 10)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.01),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def main(seed: int = 0, epochs: int = 40, verbose: bool = True) -> float:
    """Check a block's gradients, train with one seed; return the accuracy on the test digits."""
    keras.testing.check_layer(Block(heads=2, hidden=6, dropout=0.1), input_shape=(None, 3, 4))
    print("check_layer: the block's backward agrees with the definition of the derivative")

    keras.utils.set_random_seed(seed)
    (x_train, y_train), (x_test, y_test) = keras.datasets.digits.load_data()
    model = build_model(steps=epochs * -(-len(x_train) // 32))
    if verbose:
        model.summary()
    start = time.perf_counter()
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose="auto" if verbose else 0)
    seconds = time.perf_counter() - start
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(
        f"seed {seed}: {accuracy:.2%} of {len(x_test)} test digits right (loss {loss:.4f}), trained in {seconds:.1f} s"
    )
    return accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    accuracies = [main(seed, verbose=index == 0) for index, seed in enumerate(arguments.seeds)]
    if len(accuracies) > 1:
        print(f"mean of {len(accuracies)} seeds: {np.mean(accuracies):.2%}")

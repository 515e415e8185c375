"""Classify the signals of MNIST-1D with four models, from a linear one to a recurrent one.

MNIST-1D (Greydanus and Kobak, "Scaling Down Deep Learning with MNIST-1D", ICML 2024) draws ten templates of 12 points,
stretches, shifts and blurs them into signals of 40 numbers: 4,000 to train with, 1,000 to test. Where a pattern stands
says nothing, so that models differ by what they know about shifts. The PyPI package ``mnist1d`` generates the data::

    python -m pip install mnist1d
    python examples/mnist_1d.py                          # all four models, one seed
    python examples/mnist_1d.py --models gru --seeds 0 1 2

Expected, from the table of that paper, and measured here as the mean of three seeds, on two cores:

    model       the paper   nnlite   parameters   seconds
    logistic       32 %     33.1 %          410         1
    MLP            68 %     67.8 %       15,210         2
    CNN            94 %     97.0 %       21,962        16
    GRU            91 %     91.6 %        5,134        37

The layers are those of the authors' notebook, but for the convolutional net, which is wider here and drops some of its
features; and the learning rate falls to zero along half a cosine.
"""

import argparse
import time

import numpy as np

import nnlite as keras
from nnlite import layers


def logistic() -> list:
    """Every class has a weight for each of the 40 numbers."""
    return [layers.Flatten(), layers.Dense(10)]


def mlp() -> list:
    """Two dense layers, which know nothing about neighbours."""
    return [layers.Flatten(), layers.Dense(100, "relu"), layers.Dense(100, "relu"), layers.Dense(10)]


def cnn() -> list:
    """Three convolutions: the same pattern is found wherever it stands."""
    return [
        layers.Conv1D(32, 5, strides=2, padding="same", activation="relu"),
        layers.Conv1D(64, 3, strides=2, padding="same", activation="relu"),
        layers.Conv1D(64, 3, strides=2, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10),
    ]


def gru() -> list:
    """A recurrent net that reads the signal from both ends."""
    return [layers.Bidirectional(layers.GRU(6, return_sequences=True)), layers.Flatten(), layers.Dense(10)]


# The model, the paper's accuracy, epochs.
MODELS = {"logistic": (logistic, 0.32, 100), "mlp": (mlp, 0.68, 100), "cnn": (cnn, 0.94, 150), "gru": (gru, 0.91, 150)}


def load_data() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The signals (n, 40, 1) and their labels, generated anew, always the same."""
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError:
        raise SystemExit("This example needs the data's generator: python -m pip install mnist1d") from None
    data = make_dataset(get_dataset_args())
    x_train, x_test = (data[key].astype("float32")[..., None] for key in ("x", "x_test"))
    return (x_train, data["y"]), (x_test, data["y_test"])


def train(name: str, data: tuple, seed: int = 0, epochs: int | None = None, verbose: bool = True) -> float:
    """Train one of the models; return its accuracy on the test signals."""
    (x_train, y_train), (x_test, y_test) = data
    make, expected, usual = MODELS[name]
    epochs = epochs or usual
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([layers.Input(x_train.shape[1:]), *make()], name=name)
    steps = epochs * -(-len(x_train) // 100)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, decay_steps=steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    start = time.perf_counter()
    model.fit(x_train, y_train, batch_size=100, epochs=epochs, verbose="auto" if verbose else 0)
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(
        f"{name}, seed {seed}: {accuracy:.1%} of {len(x_test)} test signals right (the paper: {expected:.0%}); "
        f"{model.count_params():,} parameters, trained in {seconds:.1f} s"
    )
    return accuracy


def main(models: list[str], seeds: list[int], verbose: bool = False) -> dict[str, float]:
    """Train the models with every seed; return each one's mean accuracy."""
    data = load_data()
    means = {}
    for name in models:
        means[name] = float(np.mean([train(name, data, seed, verbose=verbose) for seed in seeds]))
        if len(seeds) > 1:
            print(f"{name}: mean of {len(seeds)} seeds: {means[name]:.1%}")
    return means


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--verbose", action="store_true", help="show every epoch")
    arguments = parser.parse_args()
    main(arguments.models, arguments.seeds, arguments.verbose)

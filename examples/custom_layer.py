"""A layer of your own: write forward and backward, check them, train with them.

The layer is a radial basis layer: each unit has a centre, and answers with how near the input is to it,

    y[n, k] = exp(-gamma[k] * d[n, k])        d[n, k] = sum over i of (x[n, i] - centre[k, i])**2

The chain rule gives, with g = dy * y:

    d_gamma[k]     = -sum over n of g[n, k] * d[n, k]
    d_centre[k, i] =  sum over n of 2 * gamma[k] * g[n, k] * (x[n, i] - centre[k, i])
    dx[n, i]       = -sum over k of 2 * gamma[k] * g[n, k] * (x[n, i] - centre[k, i])

    python examples/custom_layer.py
"""

import numpy as np

import nnlite as keras
from nnlite import layers


@keras.saving.register_keras_serializable("examples")
class RadialBasis(layers.Layer):
    """Units that answer to inputs near their centre (Broomhead and Lowe, 1988)."""

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.centre = self.add_weight((self.units, input_shape[-1]), "random_normal", name="centre")
        self.gamma = self.add_weight((self.units,), "ones", name="gamma")

    def forward(self, x, training=False):
        difference = x[:, None, :] - self.centre.value
        distance = (difference**2).sum(-1)
        y = np.exp(-self.gamma.value * distance)
        return y, (difference, distance, y)

    def backward(self, dy, cache):
        difference, distance, y = cache
        g = dy * y
        self.gamma.accumulate(-(g * distance).sum(0))
        pull = 2 * (self.gamma.value * g)[:, :, None] * difference
        self.centre.accumulate(pull.sum(0))
        return -pull.sum(1)


def two_moons(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles with noise, which no straight line separates."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, rows)
    label = rng.integers(0, 2, rows)
    x = np.stack([np.cos(angle), np.sin(angle)], 1)
    x[label == 1] = [1, 0.5] - x[label == 1]
    return (x + rng.normal(0, 0.1, x.shape)).astype("float32"), label


def main(epochs: int = 40) -> float:
    """Check the layer, train it, save and load it; return the accuracy."""
    keras.testing.check_layer(RadialBasis(5), input_shape=(None, 3))
    print("check_layer: forward and backward agree with the definition of the derivative")

    keras.utils.set_random_seed(1)
    x, y = two_moons(1000, seed=2)
    model = keras.Sequential([layers.Input((2,)), RadialBasis(16), layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=0)
    accuracy = model.evaluate(*two_moons(1000, seed=3), verbose=0)[1]
    print(f"two moons: {accuracy:.1%} of new points on the right side")

    again = keras.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    print(
        "from its JSON:",
        "equal" if np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0)) else "different",
    )
    return accuracy


if __name__ == "__main__":
    main()

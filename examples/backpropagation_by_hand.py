"""Backpropagation step by step on a two-layer network: once by hand, once with model.fit, ending in agreement.

Each step is a line of mathematics and the code that says the same.

    python examples/backpropagation_by_hand.py
"""

import numpy as np

import nnlite as keras
from nnlite import layers


def make_data(rows: int = 64, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A smooth function of two numbers."""
    x = np.random.default_rng(seed).uniform(-1, 1, (rows, 2))
    return x, np.sin(2 * x[:, :1]) * x[:, 1:]


def by_hand(x, y, hidden=8, rate=0.5, tolerance=1e-3, iterations=2000, seed=1):
    """Gradient descent on the mean squared error; returns the first and the last weights, and the losses."""
    n = len(x)

    # Step 1, initialize small: w ~ N(0, 0.5^2), b = 0.  Equal weights would get equal gradients and stay equal.
    rng = np.random.default_rng(seed)
    w1, b1 = rng.normal(0, 0.5, (2, hidden)), np.zeros(hidden)
    w2, b2 = rng.normal(0, 0.5, (hidden, 1)), np.zeros(1)
    start = [w.copy() for w in (w1, b1, w2, b2)]
    losses = []

    for _ in range(iterations):
        # Step 2, forward:  z1 = x w1 + b1,  h = tanh(z1),  p = h w2 + b2
        z1 = x @ w1 + b1
        h = np.tanh(z1)
        p = h @ w2 + b2

        # Step 3, the loss and the error at the output:  L = 1/n sum (p - y)^2,  dL/dp = 2/n (p - y)
        losses.append(float(((p - y) ** 2).mean()))
        dp = 2 / n * (p - y)

        # Step 4, chain rule through the second layer:  dw2 = h^T dp,  db2 = sum dp,  dh = dp w2^T
        dw2, db2 = h.T @ dp, dp.sum(0)
        dh = dp @ w2.T

        # Step 5, chain rule through tanh and the first layer:  dz1 = dh (1 - h^2),  dw1 = x^T dz1,  db1 = sum dz1
        dz1 = dh * (1 - h**2)
        dw1, db1 = x.T @ dz1, dz1.sum(0)

        # Step 6, update:  w <- w - rate * dw
        for w, dw in ((w1, dw1), (b1, db1), (w2, dw2), (b2, db2)):
            w -= rate * dw

        # Step 7, repeat until the loss is small or the iterations are used up.
        if losses[-1] < tolerance:
            break
    return start, [w1, b1, w2, b2], losses


def with_fit(x, y, start, iterations, rate=0.5):
    """The same network, start and updates with layers, model.fit and float64."""
    hidden = start[0].shape[1]
    model = keras.Sequential(
        [
            layers.Input((2,), dtype="float64"),
            layers.Dense(hidden, activation="tanh", dtype="float64"),
            layers.Dense(1, dtype="float64"),
        ]
    )
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(rate), "mse")
    history = model.fit(x, y, batch_size=len(x), epochs=iterations, shuffle=False, verbose=0)
    return model, history.history["loss"]


def main(iterations: int = 2000) -> float:
    """Run both; return the largest difference between their weights."""
    x, y = make_data()
    start, weights, losses = by_hand(x, y, iterations=iterations)
    print(f"by hand:   loss {losses[0]:.6f} -> {losses[-1]:.6f} in {len(losses)} iterations")
    model, fit_losses = with_fit(x, y, start, len(losses))
    print(f"model.fit: loss {fit_losses[0]:.6f} -> {fit_losses[-1]:.6f} in {len(fit_losses)} epochs of one batch")
    difference = max(float(np.abs(a - b).max()) for a, b in zip(weights, model.get_weights(), strict=True))
    print(f"largest difference between the weights: {difference:.1e}")

    # The gradient of one step, as the layers compute it: the same numbers as steps 2 to 5.
    prediction, cache = model.forward(x, training=True)
    model.layers[0].kernel.zero_grad()
    dx = model.backward(2 / len(x) * (prediction - y), cache)
    print(f"gradient of the input: shape {dx.shape}; of the first kernel: {model.layers[0].kernel.grad.shape}")
    return difference


if __name__ == "__main__":
    main()

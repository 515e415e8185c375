"""Parts of nets that are not layers of both: a transformer's block, means, a recurrent net's last output.

A block of a transformer encoder is x + attention(norm(x)), then x + mlp(norm(x)): the layer normalization stands before
each part, the MLP's activation is the exact GELU, there is no dropout.
"""

from __future__ import annotations

from typing import Any

import numpy as np

EPSILON = 1e-5


def nnlite_block(keras: Any, width: int, heads: int, hidden: int) -> Any:
    """The block as a layer of a user's own."""
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.norm1 = layers.LayerNormalization(epsilon=EPSILON)
            self.attention = layers.MultiHeadAttention(heads, width // heads)
            self.norm2 = layers.LayerNormalization(epsilon=EPSILON)
            self.dense1 = layers.Dense(hidden, activation="gelu")
            self.dense2 = layers.Dense(width)

        def build(self, input_shape: Any) -> None:
            self.norm1.build(input_shape)
            self.attention.build([input_shape, input_shape])
            self.norm2.build(input_shape)
            self.dense1.build(input_shape)
            self.dense2.build((*input_shape[:-1], hidden))

        def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
            normed, norm1 = self.norm1.forward(x, training)
            looked_up, attention = self.attention.forward([normed, normed], training)
            x = x + looked_up
            normed, norm2 = self.norm2.forward(x, training)
            made, dense1 = self.dense1.forward(normed, training)
            made, dense2 = self.dense2.forward(made, training)
            return x + made, (norm1, attention, norm2, dense1, dense2)

        def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
            norm1, attention, norm2, dense1, dense2 = cache
            dmade = self.dense1.backward(self.dense2.backward(dy, dense2), dense1)
            dx = dy + self.norm2.backward(dmade, norm2)
            dquery, dvalue = self.attention.backward(dx, attention)
            dnormed = self.norm1.backward(dquery + dvalue, norm1, input_grad=input_grad)
            return dx + dnormed if input_grad else None

        def infer(self, x: Any) -> Any:
            normed = self.norm1.infer(x)
            x = x + self.attention.infer([normed, normed])
            return x + self.dense2.infer(self.dense1.infer(self.norm2.infer(x)))

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    return Block()


def torch_block(torch: Any, width: int, heads: int, hidden: int) -> Any:
    """PyTorch's own module."""
    return torch.nn.TransformerEncoderLayer(
        width, heads, hidden, dropout=0.0, activation="gelu", layer_norm_eps=EPSILON, batch_first=True, norm_first=True
    )


def torch_block_by_hand(torch: Any, width: int, heads: int, hidden: int) -> Any:
    """The block as a module written around ``scaled_dot_product_attention``."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.project, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
            self.norm1, self.norm2 = nn.LayerNorm(width, EPSILON), nn.LayerNorm(width, EPSILON)

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            q, k, v = self.project(self.norm1(x)).view(n, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            looked_up = nn.functional.scaled_dot_product_attention(q, k, v)
            x = x + self.merge(looked_up.transpose(1, 2).reshape(n, t, width))
            return x + self.linear2(nn.functional.gelu(self.linear1(self.norm2(x))))

    return Block()


def torch_mean(torch: Any, axes: tuple[int, ...]) -> Any:
    """Mean over the steps or the pixels."""

    class Mean(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.mean(axes)

    return Mean()


def torch_lstm(torch: Any, width: int, units: int) -> Any:
    """PyTorch's LSTM, of which the last output is taken."""

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(width, units, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[0][:, -1]

    return Last()


def lstm_in_torch_order(weights: list[np.ndarray]) -> list[np.ndarray]:
    """The LSTM's weights as PyTorch's parameters, whose second bias is superfluous."""
    kernel, recurrent, bias = weights
    return [kernel.T, recurrent.T, bias, np.zeros_like(bias)]


def in_torch_order(weights: list[np.ndarray]) -> list[np.ndarray]:
    """The block's weights as the parameters of either module of PyTorch's list them."""
    gamma1, beta1, wq, bq, wk, bk, wv, bv, wo, bo, gamma2, beta2, w1, b1, w2, b2 = weights
    width = len(wq)
    projections = np.concatenate([w.reshape(width, -1).T for w in (wq, wk, wv)])
    biases = np.concatenate([b.reshape(-1) for b in (bq, bk, bv)])
    return [projections, biases, wo.reshape(-1, width).T, bo, w1.T, b1, w2.T, b2, gamma1, beta1, gamma2, beta2]

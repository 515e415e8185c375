"""Small models of which every number can be worked out by hand, for the tests of training."""

from __future__ import annotations

import numpy as np

from nnlite.core.layer import Layer
from nnlite.training.trainer import Trainer


class Linear(Trainer, Layer):
    """y = x w, with a counter that every training forward moves, as batch statistics do."""

    def __init__(self, units=1, regularizer=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.regularizer = units, regularizer
        self.input_grads = []

    def build(self, shape):
        self.w = self.add_weight((shape[-1], self.units), "zeros", regularizer=self.regularizer, name="w")
        self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

    def forward(self, x, training=False, mask=None):
        if training:
            self.seen.value += 1
        return x @ self.w.value, x

    def infer(self, x):
        return x @ self.w.value

    def backward(self, dy, cache, input_grad=True):
        self.input_grads.append(input_grad)
        self.w.accumulate(cache.T @ dy)
        return dy @ self.w.value.T if input_grad else None

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def output_mask(self, cache):
        return None


class TwoHeads(Trainer, Layer):
    """Two outputs of one input: x w_a and x w_b."""

    output_names = ("a", "b")
    form = list

    def build(self, shape):
        self.wa = self.add_weight((shape[-1], 1), "zeros", name="wa")
        self.wb = self.add_weight((shape[-1], 3), "zeros", name="wb")

    def forward(self, x, training=False, mask=None):
        outputs = [x @ self.wa.value, x @ self.wb.value]
        return (dict(zip("ab", outputs, strict=True)) if self.form is dict else outputs), x

    def backward(self, dy, cache, input_grad=True):
        da, db = dy.values() if isinstance(dy, dict) else dy
        for variable, d in ((self.wa, da), (self.wb, db)):
            if d is not None:
                variable.accumulate(cache.T @ d)

    def compute_output_shape(self, input_shape):
        shapes = [(None, 1), (None, 3)]
        return dict(zip("ab", shapes, strict=True)) if self.form is dict else shapes

    def output_mask(self, cache):
        return None


def line(rows=20, seed=0):
    """Inputs (rows, 2) and targets (rows, 1) on a plane, float32."""
    x = np.random.default_rng(seed).normal(size=(rows, 2)).astype("float32")
    return x, (x @ np.array([[2.0], [-1.0]], "float32"))

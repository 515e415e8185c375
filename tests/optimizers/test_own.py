"""Optimizers that users write, as for Keras."""

import numpy as np
import pytest

from nnlite import Variable, optimizers
from nnlite.optimizers import SGD, Adam


def variables(*shapes, dtype="float64", seed=0, **arguments):
    rng = np.random.default_rng(seed)
    return [Variable(rng.standard_normal(s), dtype=dtype, name=f"v{i}", **arguments) for i, s in enumerate(shapes)]


def gradients(vs, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(v.shape).astype(v.dtype) for v in vs]


def values(vs):
    return [v.numpy() for v in vs]


class Momentum(optimizers.Optimizer):
    """Written as for Keras."""

    def __init__(self, learning_rate=0.1, momentum=0.9, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = [self.add_variable_from_reference(v, name="momentum") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        m = self.momentums[self._get_variable_index(variable)]
        self.assign(m, m.value * self.momentum - gradient * learning_rate)
        self.assign_add(variable, m)

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"clipnorm": 0.5, "weight_decay": 0.1},
        {"clipvalue": 0.1, "loss_scale_factor": 2.0},
        {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 2},
    ],
)
def test_an_optimizer_written_for_keras(options):
    vs, others = variables((3, 2), (2,)), variables((3, 2), (2,))
    own, ours = Momentum(0.1, **options), SGD(0.1, momentum=0.9, **options)
    for seed in range(5):
        own.apply(gradients(vs, seed), vs)
        ours.apply(gradients(vs, seed), others)
    for a, b in zip(values(vs), values(others), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7)
    assert [v.name for v in own.variables] == [v.name for v in ours.variables]
    assert Momentum.from_config(own.get_config()).momentum == 0.9


def test_slots_side_by_side_and_other_initializers():
    optimizer = SGD(0.1, name="opt")
    vs = variables((2,), (3,), dtype="float32")
    a, b = optimizer.add_optimizer_variables(vs, ["a", "b"], ["zeros", "ones"])
    assert [v.path for v in optimizer.variables[2:]] == ["opt/v0_a", "opt/v0_b", "opt/v1_a", "opt/v1_b"]
    assert [v.value.tolist() for v in (*a, *b)] == [[0, 0], [0, 0, 0], [1, 1], [1, 1, 1]]
    with pytest.raises(ValueError, match="3 initializers for 2 names"):
        optimizer.add_optimizer_variables(vs, ["a", "b"], ["zeros"] * 3)


def test_update_step_of_a_built_in_is_one_variable_s_update():
    vs, others = variables((2,), (3,)), variables((2,), (3,))
    first, second = Adam(0.1), Adam(0.1)
    first.build(vs)
    first.update_step(np.ones(3), vs[1], float(first.learning_rate))
    second.build(others)
    second.apply([np.ones(3)], [others[1]])
    np.testing.assert_allclose(vs[1].value, others[1].value, rtol=1e-7)
    assert np.array_equal(vs[0].value, others[0].value)


def test_the_base_class_has_no_update():
    with pytest.raises(NotImplementedError, match="define update_step"):
        optimizers.Optimizer(0.1).apply([np.ones(1)], variables((1,)))

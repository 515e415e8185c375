"""Gradient checks, for nnlite's own layers and for yours.

An explicit backward pass is right when it agrees with the definition of the derivative. These functions compare the two
in double precision, by central differences ``(f(x + h v) - f(x - h v)) / 2h`` along random directions v.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from nnlite.core import penalties, structure, tracking
from nnlite.core.layer import Layer
from nnlite.core.variable import Variable

_STEP = 1e-5
_LARGEST_SEARCH = 4000


def check_gradients(
    function: Callable[[np.ndarray], float],
    x: np.ndarray,
    gradient: np.ndarray,
    name: str = "x",
    directions: int = 6,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> None:
    """Raise ``AssertionError`` unless ``gradient`` is the derivative of ``function`` at ``x``.

    Args:
        function: takes an array of the shape of x, float64, and returns a number.
        x: where to check; float64.
        gradient: claimed derivative, of the shape of x.
        name: what x is called in the message.
        directions: how many random directions to try. Those along which the function bends (ReLU at 0) are replaced.
        tolerance: greatest error allowed, relative to the length of the gradient.
        seed: of the directions.

    >>> x = np.array([1.0, 2.0])
    >>> check_gradients(lambda x: float((x**2).sum()), x, 2 * x)
    >>> check_gradients(lambda x: float((x**2).sum()), x, np.array([2.0, 4.004]))
    Traceback (most recent call last):
        ...
    AssertionError: The gradient of x is wrong. Worst element [1]: backward gives 4.004, central differences 4.
    """
    x, gradient = np.asarray(x, float), np.asarray(gradient, float)
    if gradient.shape != x.shape:
        raise AssertionError(f"The gradient of {name} has shape {gradient.shape}, expected {x.shape}, that of {name}.")
    if x.size == 0:
        return
    if not np.isfinite(gradient).all():
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(gradient))[0])
        raise AssertionError(f"The gradient of {name} is not finite: {gradient[bad]} at {list(bad)}.")
    rng = np.random.default_rng(seed)
    smooth = 0
    for _ in range(8 * directions):
        # Signs rather than normals: every element weighs the same, so that one wrong among many shows.
        v = rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.0, x.shape)
        numeric = _slope(function, x, v)
        claimed = float((gradient * v).sum())
        scale = max(1.0, float(np.sqrt((gradient**2).sum())), abs(numeric))
        if abs(claimed - numeric) > tolerance * scale:
            if abs(numeric - _slope(function, x, v, _STEP / 2)) > 1e-5 * max(1.0, abs(numeric)):
                continue  # it bends here: half the step gives another slope
            raise AssertionError(f"The gradient of {name} is wrong. {_worst(function, x, gradient)}")
        smooth += 1
        if smooth == directions:
            return
    raise AssertionError(
        f"The gradient of {name} cannot be checked here: the function bends within {_STEP} of this point along nearly "
        f"all directions. Is it random, or not continuous? If it is random, draw from a generator that the layer keeps."
    )


def _slope(function: Callable[[np.ndarray], float], x: np.ndarray, v: np.ndarray, h: float = _STEP) -> float:
    """The derivative along v, from a step of h to both sides."""
    return (function(x + h * v) - function(x - h * v)) / (2 * h)


def _worst(function: Callable[[np.ndarray], float], x: np.ndarray, gradient: np.ndarray) -> str:
    """Element by element: which differs most."""
    elements = np.arange(x.size)
    note = ""
    if x.size > _LARGEST_SEARCH:
        elements = np.random.default_rng(0).choice(x.size, _LARGEST_SEARCH, replace=False)
        note = f" (of {_LARGEST_SEARCH} elements tried)"
    worst, found = -1.0, (0, 0.0)
    for element in elements:
        v = np.zeros(x.size)
        v[element] = 1.0
        numeric = _slope(function, x, v.reshape(x.shape))
        error = abs(numeric - gradient.flat[element])
        if error > worst:
            worst, found = error, (int(element), numeric)
    place = [int(i) for i in np.unravel_index(found[0], x.shape)]
    claimed = gradient.flat[found[0]]
    return f"Worst element{note} {place}: backward gives {claimed:.8g}, central differences {found[1]:.8g}."


def check_layer(
    layer: Layer,
    input_shape: Any,
    batch_sizes: Iterable[int] = (1, 4),
    training: Iterable[bool] = (False, True),
    x: Any = None,
    tolerance: float = 1e-6,
    seed: int = 0,
    **options: Any,
) -> None:
    """Raise ``AssertionError`` unless the layer's ``backward`` is the derivative of its ``forward``.

    A copy in float64 is checked, with slightly changed weights (ones and zeros hide mistakes); the layer itself stays
    as it is. Checked are the gradients of the input and of every trainable variable, that gradients accumulate, that
    inputs and ``dy`` are left alone, and that the declared output shape is the real one.

    Args:
        layer: any layer, built or not.
        input_shape: shape of the input as for ``build``, None for the batch; a list of shapes for several inputs.
        batch_sizes: which batches to try.
        training: which values of ``training`` to try.
        x: the input, where random numbers will not do; then ``batch_sizes`` is not used.
        tolerance: greatest error allowed, relative to the length of the gradient.
        seed: of the random numbers.
        options: further options of the layer's ``forward``, such as ``mask``.

    >>> from nnlite import layers
    >>> check_layer(layers.Dense(3, activation="tanh"), input_shape=(None, 4))
    """
    rng = np.random.default_rng(seed)
    _check_arguments(layer, input_shape)
    if x is not None:
        x = structure.map_arrays(x, lambda a: a.astype(float) if a.dtype.kind == "f" else a)
    tested = _float64_copy(layer, input_shape, x, options, rng)
    inputs = [_random_input(input_shape, n, rng) for n in batch_sizes] if x is None else [x]
    for values in inputs:
        for mode in training:
            sizes = structure.map_arrays(values, np.shape)
            try:
                _check_once(tested, values, mode, tolerance, rng, options)
            except AssertionError as error:
                raise AssertionError(f"{layer.label}, input {sizes}, training={mode}: {error}") from None


def _check_arguments(layer: Any, input_shape: Any) -> None:
    if not isinstance(layer, Layer):
        hint = " Make an object of it first." if isinstance(layer, type) and issubclass(layer, Layer) else ""
        raise TypeError(f"check_layer: layer got {layer!r}, expected a layer.{hint}")
    shapes = [input_shape] if structure.is_shape(input_shape) else input_shape
    good = isinstance(shapes, (list, tuple)) and all(structure.is_shape(s) and len(s) and s[0] is None for s in shapes)
    if not good:
        raise ValueError(
            f"check_layer: input_shape got {input_shape!r}, expected the shape of a batch, its size open, such as "
            f"(None, 3), or a list of such shapes."
        )


def _random_input(input_shape: Any, batch: int, rng: np.random.Generator) -> Any:
    return structure.map_shapes(input_shape, lambda s: rng.normal(size=[batch if d is None else d for d in s]))


def _float64_copy(layer: Layer, input_shape: Any, x: Any, options: dict[str, Any], rng: np.random.Generator) -> Layer:
    tested = copy.deepcopy(layer)
    _to_float64(tested)
    if not tested.built:
        tested.build(input_shape)
        _to_float64(tested)  # parts that build has made
    if not all(part.built for part in _all_layers(tested)):  # some build their parts when they first run
        tested.forward(_random_input(input_shape, 1, rng) if x is None else x, False, **options)
    for variable in tested.trainable_weights:
        variable.value += rng.uniform(-0.1, 0.1, variable.shape)
        variable.trainable = True
    return tested


def _to_float64(layer: Layer) -> None:
    for part in _all_layers(layer):
        part._compute, part._policy = np.dtype(float), "float64"
        for variable in tracking.find(part, Variable):
            if variable.value.dtype.kind == "f":  # counts and indices stay whole numbers
                variable.value = variable.value.astype(float)
                variable.zero_grad()


def _all_layers(layer: Layer) -> list[Layer]:
    return [layer, *(inner for sub in layer.layers_inside for inner in _all_layers(sub))]


def _run(
    layer: Layer, x: Any, training: bool, options: dict[str, Any], change: tuple[int, Any] | None = None
) -> tuple[Layer, Any, Any, float]:
    """Forward on a copy, so that random streams and moving averages are the same each time.

    ``change`` gives one of the copy's weights, by its index, another value.
    """
    run = copy.deepcopy(layer)
    if change is not None:
        np.copyto(run.weights[change[0]].value, change[1])
    with penalties.collected() as terms:
        y, cache = run.forward(x, training, **options)
    return run, y, cache, float(sum(terms))


def _check_once(
    layer: Layer, x: Any, training: bool, tolerance: float, rng: np.random.Generator, options: dict[str, Any]
) -> None:
    before = copy.deepcopy(x)
    run, y, cache, _ = _run(layer, x, training, options)
    shape = structure.map_arrays(x, lambda a: (None, *a.shape[1:]))
    declared = layer.declared_shape(shape, options)
    outputs = structure.flatten(y)
    for shape, output in zip(structure.shapes(declared), outputs, strict=True):
        fits = len(shape) == output.ndim and all(d is None or d == n for d, n in zip(shape, output.shape, strict=True))
        if not fits:
            raise AssertionError(f"compute_output_shape says {tuple(shape)}, the output has shape {output.shape}.")
    dys = [rng.normal(size=output.shape) for output in outputs]
    given = copy.deepcopy(dys)
    dx = run.backward(dys if isinstance(y, list) else dys[0], cache)
    if not _equal(dys, given):
        raise AssertionError("backward changed dy, which belongs to the caller.")
    if not _equal(structure.flatten(x), structure.flatten(before)):
        raise AssertionError("forward or backward changed the input x, which belongs to the caller.")

    def loss(values: Any, change: tuple[int, Any] | None = None) -> float:
        _, out, _, penalty = _run(layer, values, training, options, change)
        return sum(float((a * b).sum()) for a, b in zip(structure.flatten(out), given, strict=True)) + penalty

    _check_inputs(x, dx, loss, tolerance)
    once = {v.path: (v.grad.copy(), i) for i, v in enumerate(run.weights) if v.trainable and v.grad is not None}
    for path, (gradient, index) in once.items():

        def shifted(value: np.ndarray, index: int = index) -> float:
            return loss(x, (index, value))

        check_gradients(shifted, layer.weights[index].value, gradient, f"variable {path!r}", tolerance=tolerance)
    again, _, cache, _ = _run(layer, x, training, options)
    for variable in again.weights:
        if variable.trainable:
            variable.accumulate(once[variable.path][0])
    again.backward(dys if isinstance(y, list) else dys[0], cache)
    for variable in again.weights:
        if variable.trainable and variable.grad is not None:
            expected = 2 * once[variable.path][0]
            if not np.allclose(variable.grad, expected, rtol=1e-6, atol=1e-9):
                raise AssertionError(
                    f"backward overwrote the gradient of {variable.path!r}: it must add, with accumulate()."
                )


def _check_inputs(x: Any, dx: Any, loss: Callable[[Any], float], tolerance: float) -> None:
    several = isinstance(x, list)
    values: Sequence[Any] = x if several else [x]
    gradients: Sequence[Any] = dx if several else [dx]
    if len(gradients) != len(values):
        raise AssertionError(f"backward returned {len(gradients)} gradients for {len(values)} inputs.")
    for index, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        if value.dtype.kind != "f":
            if gradient is not None:
                raise AssertionError(f"backward must return None for integer input {index}, got an array.")
            continue
        if gradient is None:
            raise AssertionError("backward returned no gradient for the input.")

        def shifted(v: np.ndarray, index: int = index) -> float:
            return loss([*x[:index], v, *x[index + 1 :]] if several else v)

        name = f"the input {index}" if several else "the input"
        check_gradients(shifted, value, gradient, name, tolerance=tolerance)


def _equal(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return all(np.array_equal(p, q, equal_nan=p.dtype.kind == "f") for p, q in zip(a, b, strict=True))

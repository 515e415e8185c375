"""Plans of inference: what a model computes for inputs of one shape, with every choice made beforehand.

For one sample, checking shapes and choosing algorithms takes longer than the arithmetic; of large batches, convolutions
do the normalization, activation and pooling that follow while their results are in cache. So a model asks each layer
once for a function of its own (:meth:`nnlite.core.layer.Layer.inference`) and then calls these, one after the other.
The functions read variables whenever they run, so new weights count at once; a plan is made anew when layers change.

Where all layers look at each sample by itself, threads share the samples instead of every layer's work
(:mod:`nnlite.models.sharing`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnlite.core import changes, structure
from nnlite.core.input_spec import check_inputs
from nnlite.core.layer import Layer
from nnlite.kernels import parallel
from nnlite.kernels.few import ROWS
from nnlite.models.along import is_regular
from nnlite.models.plan import Slot, filled, put_outputs
from nnlite.models.sharing import KEPT, Run, Work, by_samples, is_alone, work_of, worth_sharing

# What somebody may have put in the place of a model's own.
_METHODS = ("forward", "infer", "infer_with_mask", "cast_inputs", "predict_step")

Function = Callable[[Any], Any]
Make = Callable[[list[Any], list[Any]], Function | None]


class Plans:
    """The plans of one model, by the shapes of its inputs, as long as nothing changes."""

    def __init__(self) -> None:
        self.count = changes.count()
        self.found: dict[Any, Function | None] = {}
        self.whole: dict[Any, Function | None] = {}  # see the function of this name


def planned(model: Any, inputs: list[Any], make: Make, entries: Sequence[Any]) -> Function | None:
    """Return what ``make`` returns for the shapes and dtypes of a model's inputs, remembered; None where layers are
    better called one by one.

    Args:
        model: keeps the plans.
        inputs: arrays.
        make: takes their shapes, with None for a number of rows above ``ROWS``, and their dtypes.
        entries: the input layers that they go into, which plans leave out: where these would change them, or refuse
            them, there is no plan.
    """
    plans: Plans | None = model.__dict__.get("_plans")
    if plans is None or plans.count != changes.count():
        plans = model.__dict__["_plans"] = Plans()
    shapes, few = [], True
    for x in inputs:
        if type(x) is not np.ndarray or not x.ndim or not len(x) or not x.flags.c_contiguous:
            return None
        shape = x.shape
        few &= shape[0] <= ROWS
        shapes.append(shape)
    if not few:
        shapes = [(None, *shape[1:]) for shape in shapes]
    key = (parallel.threads(), *[x.dtype for x in inputs], *shapes)
    found = plans.found.get(key, plans)
    if found is plans:
        if len(plans.found) >= KEPT:
            plans.found.clear()
        found = plans.found[key] = _without_errors(make, shapes, [x.dtype for x in inputs], entries)
    return found  # type: ignore[return-value]


def whole(model: Any, x: Any) -> Function | None:
    """Return the function from ``x`` to ``model(x)``, after a first call that checked all; None where there is more to
    do for such an input than what a plan does.

    On its way through ``__call__`` and ``infer`` a single sample would take longer than in many a net itself.
    """
    plans: Plans | None = model.__dict__.get("_plans")
    if plans is None or plans.count != changes.count() or type(x) is not np.ndarray or not x.flags.c_contiguous:
        return None
    key = x.dtype, x.shape, parallel.threads()
    found = plans.whole.get(key, plans)
    if found is plans:
        if len(plans.whole) >= KEPT:
            plans.whole.clear()
        found = plans.whole[key] = model._function_of([x]) if _does_no_more(model, x) else None
    return found  # type: ignore[return-value]


def _does_no_more(model: Any, x: Any) -> bool:
    """Whether calling a model on an array is nothing but its plan: its class is one that has plans, not derived from
    one, and no method is replaced; nothing is cast, checked, penalized or put in another form."""
    return (
        "rows_alone" in type(model).__dict__
        and model.__dict__.keys().isdisjoint(_METHODS)
        and (model.built, model.activity_regularizer, model.input_spec) == (True, None, None)
        and not model.heeds_training
        and model._keys[1] is None
        and x.dtype == model._compute
    )


def _without_errors(make: Make, shapes: list[Any], dtypes: list[Any], entries: Sequence[Any]) -> Function | None:
    """What ``make`` returns; None where it fails, since calling the layers tells what is wrong with the input."""
    try:
        for layer, shape, dtype in zip(entries, shapes, dtypes, strict=False):
            alike = dtype.kind == layer._compute.kind and dtype.kind in "fi"  # what comes after casts them
            if layer.compute_output_shape(shape) != shape or not (alike or dtype == layer._compute):
                return None
        return make(shapes, dtypes)
    except (ValueError, TypeError, NotImplementedError):
        return None


def chain(layers: Sequence[Any], shape: Any, dtype: Any) -> Function | None:
    """Return the function that calls layers one after the other, for C-contiguous arrays of one shape and dtype.

    None if one of them makes a mask, as that changes what later ones do.
    """
    if any(layer.makes_mask for layer in layers):
        return None
    functions: list[Function] = []
    start, rows = shape, shape[0]  # None for many, else the functions are made for so many
    works: list[Work | None] = []
    index, plain = 0, dtype  # of what arrives, if it is known, and known to be C-contiguous
    while index < len(layers):
        layer, made = layers[index], None
        if shape is not None:
            made = own_function(layer, shape, layers[index + 1 :])
        taken = layers[index : index + 1 + (made[1] if made is not None else 0)]
        if made is None:
            functions.append(layer.infer)
        else:
            functions.append(made[0] if _same(plain, layer._compute) else _checked(made[0], taken))
        plain = None if made is None else layer._compute
        for one in taken:
            before, shape = shape, shape_after([one], shape)
            works.append(work_of(one, before, shape))
        index += len(taken)

    def run(x: Any) -> Any:
        with parallel.blas_pinned():
            for function in functions:
                x = function(x)
        return x

    shared = worth_sharing(works) if rows is None else None
    if shared is None:
        return run

    def few(n: int) -> Run:
        function = chain(layers, (n, *start[1:]), dtype)
        return lambda given: [run(given[0]) if function is None else function(given[0])]

    run_shared = by_samples(lambda given: [run(given[0])], few, shared)
    return lambda x: run_shared([x])[0]


def graph(net: Any, shapes: list[Any], dtypes: list[Any]) -> Callable[[list[Any]], list[Any]] | None:
    """Return the function from inputs to outputs of a :class:`~nnlite.models.graph.Graph`, for given shapes and dtypes.

    None if a layer of it makes a mask.
    """
    steps = net.steps
    if any(step.layer.makes_mask for step in steps):
        return None
    known: list[Any] = [None] * net.size  # shapes
    # The dtypes of arrays, where they are known, and known to be C-contiguous.
    plain: dict[int, Any] = dict(zip(net.inputs, dtypes, strict=True))
    for slot, shape in zip(net.inputs, shapes, strict=True):
        known[slot] = shape
    calls: list[tuple[Function | None, Any, Any, tuple[int, ...]]] = []
    done: set[int] = set()
    for index, step in enumerate(steps):
        if step.x is None or index in done:
            continue
        row, made = [index], None
        joins = _joins(step)
        if (joins or (step.plain and not step.options)) and all(known[slot] is not None for slot in step.needs):
            given = [known[slot] for slot in step.x] if joins else known[step.x]
            while True:  # what is used by one step alone may be done along with it
                after = net.followers[row[-1]]
                if after is None:
                    break
                row.append(after)
            made = own_function(step.layer, given, [steps[i].layer for i in row[1:]])
        row = row[: 1 + (made[1] if made is not None else 0)]
        done.update(row)
        last = steps[row[-1]]
        freed = tuple(slot for i in row for slot in steps[i].last)
        if made is not None:
            function = made[0]
            if not all(_same(plain.get(slot), step.layer._compute) for slot in step.needs):
                function = _checked(function, [steps[i].layer for i in row])
            calls.append((function, step.x, last.outputs, freed))
            plain[last.targets[0]] = step.layer._compute
        else:
            calls.append((None, step, last.outputs, freed))
        for one in [steps[i] for i in row]:
            if one.plain:
                known[one.targets[0]] = shape_after([one.layer], known[one.x])
            else:
                _note_shapes(one, known)
    run = _program(calls, net.size, net.inputs, net.outputs)
    if any(shape[0] is not None for shape in shapes):  # a few rows, for which the functions were made
        return run
    shared = worth_sharing([_work_of_step(step, known) for step in steps if step.x is not None])
    if shared is None:
        return run
    return by_samples(run, lambda n: graph(net, [(n, *shape[1:]) for shape in shapes], dtypes) or run, shared)


def _work_of_step(step: Any, known: list[Any]) -> Work | None:
    """:func:`work_of` a step; None too if its call may mix samples."""
    return work_of(step.layer, known[step.sources[0]], known[step.outputs]) if _is_plain_call(step) else None


def _is_plain_call(step: Any) -> bool:
    """Whether a step makes one array, and neither its options nor its constants hold any, which may be by sample."""
    fixed = all(value is None or isinstance(value, (bool, int, float, str)) for value in step.options.values())
    return not step.constants and fixed and isinstance(step.outputs, Slot)


def rows_alone(model: Any) -> bool:
    """Return whether each row of a model's output depends on that row of its inputs only, as far as its layers say, and
    more rows than usual had better be computed at once, as elsewhere than of images; to be asked of what does no more
    than its class, Sequential or Functional."""
    if not model.built or model.makes_mask or not model.__dict__.keys().isdisjoint(_METHODS):
        return False
    if model._graph is None:
        return model.input_shape[0] is None and all(map(_is_row_alone, model.layers))
    if any(entry.batch_shape[0] is not None for entry in model._graph.entries):
        return False
    return all(_is_plain_call(step) and _is_row_alone(step.layer) for step in model._graph.steps if step.x is not None)


def _is_row_alone(layer: Any) -> bool:
    return is_alone(layer, "rows_alone") or (is_alone(layer) and not getattr(layer, "slides_windows", False))


def _joins(step: Any) -> bool:
    """Whether a step makes one array of a list of arrays, and nothing else."""
    lists = type(step.x) is list and len(step.x) == len(step.needs) and not step.constants
    return lists and not step.options and isinstance(step.outputs, Slot)


def own_function(layer: Any, shape: Any, following: Sequence[Any]) -> tuple[Function, int] | None:
    """Return a layer's function, and how many of the following layers it does too; None if it has none.

    Raises ``ValueError`` if the layer does not take such an input.
    """
    rows, fuses = (shape[0] if isinstance(shape, list) else shape)[:1], getattr(layer, "fuses_batches", False)
    if not rows or not is_regular(layer) or (rows == (None,) and not fuses):  # what has no axes is one number for all
        return None
    if layer.input_spec is not None:
        check_inputs(layer, shape)
    usable = []
    for one in following:
        if one._compute != layer._compute or not is_regular(one):
            break
        usable.append(one)
    found: tuple[Function, int] | None = layer.inference(shape, usable)
    if found is None and fuses and rows != (None,) and not isinstance(shape, list):  # what does any number
        found = layer.inference((None, *shape[1:]), usable)
    return found


def shape_after(layers: Sequence[Any], shape: Any) -> Any:
    """Return the shape of what layers make of an array; None if only computing would tell."""
    for layer in layers:
        if shape is None or type(layer).compute_output_shape is Layer.compute_output_shape:
            return None
        shape = layer.compute_output_shape(shape)
    return shape


def _note_shapes(step: Any, known: list[Any]) -> None:
    """Note the shapes of what a step makes of several arrays, or with options, if they can be told."""
    given = filled(step.x, known)
    default = type(step.layer).compute_output_shape is Layer.compute_output_shape
    if default or any(known[slot] is None for slot in step.needs):
        return
    shape = step.layer.declared_shape(given, step.options)
    for target, one in zip(step.targets, structure.shapes(shape), strict=True):
        known[target] = one


def _program(
    calls: list[tuple[Function | None, Any, Any, tuple[int, ...]]], size: int, inputs: Any, outputs: Any
) -> Callable[[list[Any]], list[Any]]:
    def run(given: list[Any]) -> list[Any]:
        values: list[Any] = [None] * size
        for slot, x in zip(inputs, given, strict=True):
            values[slot] = x
        with parallel.blas_pinned():
            for function, source, target, freed in calls:
                if function is not None:
                    one = isinstance(source, Slot)
                    values[target] = function(values[source] if one else [values[slot] for slot in source])
                elif source.plain:
                    values[target] = source.layer.infer(values[source.x], **source.options)
                else:
                    y = source.layer.infer(filled(source.x, values), **filled(source.options, values))
                    if isinstance(target, Slot):
                        values[target] = y
                    else:
                        put_outputs(source, y, values)
                for slot in freed:
                    values[slot] = None
        return [values[slot] for slot in outputs]

    return run


def _same(known: Any, wanted: Any) -> bool:
    return known is not None and known == wanted  # NumPy takes None for float64


def _checked(function: Function, layers: Sequence[Any]) -> Function:
    """The function of the first layer for arrays that it takes; what the layers do for others."""
    dtype = layers[0]._compute

    def run(x: Any) -> Any:
        arrays = x if type(x) is list else (x,)
        if all(type(a) is np.ndarray and a.dtype == dtype and a.flags.c_contiguous for a in arrays):
            return function(x)
        x = layers[0].infer(x)
        for layer in layers[1:]:
            x = layer.infer([x, x] if layer.named_inputs else x)  # query and value are one array
        return x

    return run

"""The dense layer along any axes, named by an equation."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from nnlite import activations
from nnlite.core import registry
from nnlite.core.input_spec import InputSpec
from nnlite.core.layer import Layer
from nnlite.initializers import VarianceScaling
from nnlite.kernels import einsum as kernels
from nnlite.layers import applied, checks, settings

Axes = tuple[str, ...]

_FORM = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


class _Shapes(NamedTuple):
    """What an equation means for one input shape: names of all axes, and sizes."""

    x: Axes
    w: Axes
    y: Axes
    kernel: tuple[int | None, ...]
    bias: tuple[int, ...] | None
    output: tuple[int | None, ...]


@registry.register("layers")
class EinsumDense(Layer):
    """A dense layer along the axes that an equation names: ``y = activation(einsum(equation, x, kernel) + bias)``.

    Backward, with dz = dy * activation'(z), for the equation "x,w->y" (each a row of letters)::

        dx = einsum("y,w->x", dz, kernel)   d_kernel = einsum("x,y->w", x, dz)   d_bias = dz summed over other axes

    Args:
        equation: such as "abc,cd->abd": letters of x, of the kernel, of y, the first of x and of y being the batch.
            "..." before x and y, or behind both, stands for any further axes.
        output_shape: sizes of y's axes but the batch and those of "..."; None where the input tells.
        activation: name or function; None for none.
        bias_axes: letters of y along which there is a bias; None for no bias.
        kernel_initializer, bias_initializer: how the variables start; the fans of a kernel are the sizes of the axes
            that are summed over, and of those that stand in y.
        kernel_regularizer, bias_regularizer: penalties added to the loss.
        kernel_constraint, bias_constraint: projections after each update.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: as in Keras's configs; must be None.

    Shapes: as the equation says; the bias has size 1 along those of y's axes behind its first that it does not follow.

    Raises:
        ValueError: for an equation of another form, letters that no shape tells the size of, and sizes that disagree.

    >>> import numpy as np
    >>> EinsumDense("abc,cde->abde", (None, 4, 2), bias_axes="de")(np.ones((2, 5, 3), "float32")).shape
    (2, 5, 4, 2)
    """

    samples_alone = True

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        gptq_unpacked_column_size: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        checks.none_of(
            self,
            lora_rank=lora_rank,
            lora_alpha=lora_alpha,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
            quantization_config=quantization_config,
        )
        self._check_equation(equation, bias_axes)
        self.equation = equation
        sizes = (output_shape,) if isinstance(output_shape, (int, np.integer)) else tuple(output_shape)
        self.partial_output_shape = tuple(
            None if size is None else checks.positive(self, "output_shape", size) for size in sizes
        )
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        settings.keep(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )

    def _check_equation(self, equation: Any, bias_axes: Any) -> None:
        """Raise unless the equation has one of the forms, and every letter of kernel and output a meaning."""
        found = _FORM.fullmatch(equation) if isinstance(equation, str) else None
        sides = found.group(1, 3, 5, 7) if found else ()
        if found is None or bool(sides[0]) != bool(sides[2]) or bool(sides[1]) != bool(sides[3]) or all(sides):
            raise ValueError(
                f"{self.label}: equation {equation!r} must have the form 'ab,bc->ac', '...ab,bc->...ac' or "
                f"'ab...,bc->ac...', in letters and without spaces."
            )
        x, w, y = found.group(2, 4, 6)
        for part in (x, w, y):
            twice = next((c for c in part if part.count(c) > 1), None)
            if twice:
                raise ValueError(f"{self.label}: equation {equation!r} has the letter {twice!r} twice in {part!r}.")
        for c in w:
            if c not in x + y:
                raise ValueError(
                    f"{self.label}: equation {equation!r}: letter {c!r} of the kernel is neither in the input {x!r} "
                    f"nor in the output {y!r}, so nothing tells its size."
                )
        for c in y:
            if c not in x + w:
                raise ValueError(
                    f"{self.label}: equation {equation!r}: letter {c!r} of the output is neither in the input {x!r} "
                    f"nor in the kernel {w!r}."
                )
        if bias_axes is not None and (not isinstance(bias_axes, str) or not bias_axes or set(bias_axes) - set(y)):
            raise ValueError(
                f"{self.label}: bias_axes must be letters of the output {y!r} of the equation {equation!r}, "
                f"got {bias_axes!r}."
            )

    def _shapes(self, input_shape: Any) -> _Shapes:
        """Return names and sizes of all axes for an input shape.

        Raises ``ValueError`` if the shapes disagree with each other.
        """
        found = _FORM.fullmatch(self.equation)
        assert found is not None
        x_named, w, y_named = map(tuple, found.group(2, 4, 6))
        left, right = bool(found.group(1)), bool(found.group(3))
        more = len(input_shape) - len(x_named)
        if more < 0 or (more and not (left or right)):
            raise ValueError(
                f"{self.label}: equation {self.equation!r} is for an input of {'at least ' if left or right else ''}"
                f"{len(x_named)} axes, got shape {tuple(input_shape)}."
            )
        others = tuple(f".{i}" for i in range(more))
        x = others + x_named if left else x_named + others
        y = others + y_named if left else y_named + others
        if x[0] != y[0] or x[0] in w:
            raise ValueError(
                f"{self.label}: equation {self.equation!r}: the first axis of the input is the batch; it must be the "
                f"first of the output too, and not in the kernel."
            )
        free = [name for name in y_named if name != x[0]]
        if len(free) != len(self.partial_output_shape):
            raise ValueError(
                f"{self.label}: output_shape {self.partial_output_shape} must give a size (or None) for each of the "
                f"output's letters {''.join(free)!r} in equation {self.equation!r}, the batch left out."
            )
        sizes: dict[str, int | None] = dict(zip(x, input_shape, strict=True))
        for name, size in zip(free, self.partial_output_shape, strict=True):
            known = sizes.get(name)
            if known is not None and size is not None and known != size:
                raise ValueError(
                    f"{self.label}: letter {name!r} of equation {self.equation!r} is {known} in the input, of shape "
                    f"{tuple(input_shape)}, and {size} in output_shape."
                )
            sizes[name] = known if size is None else size
        bias = None
        if self.bias_axes is not None:
            first = min(y.index(name) for name in self.bias_axes)
            bias = tuple(self._known(sizes, name) if name in self.bias_axes else 1 for name in y[first:])
        kernel = tuple(self._known(sizes, name) for name in w)
        return _Shapes(x, w, y, kernel, bias, tuple(sizes[name] for name in y))

    def _known(self, sizes: dict[str, int | None], name: str) -> int:
        size = sizes[name]
        if size is None:
            raise ValueError(
                f"{self.label}: the size of {name!r} in equation {self.equation!r} must be known to build it; neither "
                f"the input's shape nor output_shape {self.partial_output_shape} tells it."
            )
        return size

    def build(self, input_shape: Any) -> None:
        shapes = self._shapes(input_shape)
        initializer = self.kernel_initializer
        if isinstance(initializer, VarianceScaling) and (
            initializer.input_axes is None or initializer.output_axes is None
        ):
            config = initializer.get_config()
            config["seed"] = initializer.seed
            config["input_axes"] = [i for i, name in enumerate(shapes.w) if name not in shapes.y]
            config["output_axes"] = [i for i, name in enumerate(shapes.w) if name in shapes.y]
            initializer = type(initializer).from_config(config)
        self.kernel = self.add_weight(
            shapes.kernel,
            initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None if shapes.bias is None else settings.add(self, "bias", shapes.bias)
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._plan_product(shapes)

    def _plan_product(self, shapes: _Shapes) -> None:
        """Settle how calls will be computed."""
        x, w, y = shapes.x, shapes.w, shapes.y
        self._plan = plan = kernels.plan(x, w, y)
        # axes of x and of the kernel that must have one size; and where the size of each of y's axes is found
        self._shared = [(x.index(name), j) for j, name in enumerate(w) if name in x]
        self._sources = [(x.index(name), 0) if name in x else (None, w.index(name)) for name in y]
        # The product can add the bias if its columns are the last axes of y and the bias follows all of them.
        columns = plan.y[plan.batch + plan.rows :]
        self._bias_by_columns = (
            not plan.batch
            and columns == tuple(range(len(y) - len(columns), len(y)))
            and {y[i] for i in columns} == set(self.bias_axes or "")
        )

    def _output_shape(self, x: Any) -> tuple[int, ...]:
        """The shape of y for an array; raises ``ValueError`` if x does not fit the kernel."""
        kernel = self.kernel.shape
        if any(x.shape[i] != kernel[j] for i, j in self._shared):
            raise ValueError(
                f"{self.label} was built with a kernel of shape {kernel} for equation {self.equation!r}, which an "
                f"input of shape {x.shape} does not fit."
            )
        return tuple(kernel[j] if i is None else x.shape[i] for i, j in self._sources)

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        plan, by_columns, shape = self._plan, self._bias_by_columns, self._output_shape(x)
        bias = None if self.bias is None else self.bias.value
        fused = applied.fusible(self.activation, elementwise=True) if bias is None or by_columns else None
        fused = None if plan.batch else fused
        y = kernels.einsum_forward(x, self.kernel.value, plan, shape, bias if by_columns else None, fused)
        if bias is not None and not by_columns:
            y = y + bias
        y, kept = (y, y) if fused is not None else applied.apply(self.activation, y, training)
        return y, (x, kept)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        x, kept = cache
        plan, by_columns = self._plan, self._bias_by_columns
        dz = applied.unapply(self.activation, dy, kept, self)
        bias = self.bias if self.bias is not None and self.bias.trainable else None
        dx, dw, db = kernels.einsum_backward(
            dz,
            x,
            self.kernel.value,
            plan,
            use_bias=bias is not None and by_columns,
            input_grad=input_grad,
            weight_grad=self.kernel.trainable,
            dw=self.kernel.memory_for_grad(),
        )
        if dw is not None:
            self.kernel.accumulate(dw)
        if bias is not None:
            bias.accumulate(_summed(dz, bias.shape) if db is None else db.reshape(bias.shape))
        return dx

    def compute_output_shape(self, input_shape: Any) -> Any:
        return applied.shape(self.activation, self._shapes(input_shape).output)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "output_shape": list(self.partial_output_shape)}


def _summed(dz: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of an array of ``shape`` that was broadcast to that of dz."""
    lead = dz.ndim - len(shape)
    axes = (*range(lead), *(lead + i for i, size in enumerate(shape) if size == 1))
    return dz.sum(axes).reshape(shape)

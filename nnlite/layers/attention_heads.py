"""What the attention layers with heads share: projections, masks, axes, and one pass through all of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnlite import random
from nnlite.core import naming, structure
from nnlite.core.layer import Layer
from nnlite.kernels import attention as kernels
from nnlite.kernels import few_steps
from nnlite.kernels.dropout import random_mask
from nnlite.layers import attention_masks as masks
from nnlite.layers import checks, projections, settings
from nnlite.layers.einsum_dense import EinsumDense

NAMES = ("query", "value", "key")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class HeadAttention(Layer):
    """Queries, keys and values projected, looked up in each other, and projected back; subclasses tell the sizes."""

    named_inputs = NAMES
    supports_masking = True
    # Before the names of the attributes that hold the projections, as weights files have them.
    prefix = ""

    def __init__(
        self,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = checks.fraction(self, "dropout", dropout)
        self.use_bias, self.use_gate = bool(use_bias), bool(use_gate)
        self.sliding_window = (
            None if sliding_window is None else checks.positive(self, "sliding_window", sliding_window)
        )
        settings.keep(
            self,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.seed = seed
        self.generator = random.generator(seed)
        self.attention_axes: tuple[int, ...] | None = None

    # ---- building ----

    def _shapes(self, given: Any) -> tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]:
        """Return the shapes of query, value and key; raises ``ValueError`` if they do not fit each other."""
        if structure.is_shape(given) or not 2 <= len(given) <= 3:
            got = tuple(given) if structure.is_shape(given) else f"{len(given)} arrays"
            raise ValueError(f"{self.label} takes [query, value] or [query, value, key], got {got}.")
        query, value, *rest = (tuple(shape) for shape in given)
        key = rest[0] if rest else value
        for name, shape in zip(NAMES, (query, value, key), strict=True):
            if len(shape) != len(value) or len(shape) < 3:
                raise ValueError(
                    f"{self.label}: query, value and key must have the same number of axes, at least those of batch, "
                    f"steps and features; {name} has shape {shape}, value {value}."
                )
        axes = self._axes(len(value))
        for name, shape in zip(NAMES, (query, value, key), strict=True):
            for axis in (0, *(a for a in range(1, len(value) - 1) if a not in axes)):
                if None not in (shape[axis], query[axis]) and shape[axis] != query[axis]:
                    raise ValueError(
                        f"{self.label}: {name} of shape {shape} and query of shape {query} differ along axis {axis}, "
                        f"which is not attended over."
                    )
            if 0 in (shape[axis] for axis in axes):
                raise ValueError(f"{self.label}: {name} of shape {shape} has no steps to attend over.")
        if any(None not in pair and pair[0] != pair[1] for pair in zip(value[:-1], key[:-1], strict=True)):
            raise ValueError(
                f"{self.label}: value of shape {value} and key of shape {key} must differ along the last axis alone."
            )
        return query, value, key

    def _axes(self, rank: int) -> tuple[int, ...]:
        """The axes attended over, of inputs with so many axes."""
        axes = self.attention_axes
        if axes is None:
            return tuple(range(1, rank - 1))
        found = tuple(axis + rank if axis < 0 else axis for axis in axes)
        if any(not 0 < axis < rank - 1 for axis in found) or len(set(found)) < len(found):
            raise ValueError(
                f"{self.label}: attention_axes {axes} must name axes between the batch and the features of inputs "
                f"with {rank} axes, each once."
            )
        return found

    def _dense(self, name: str, shape: Any, bound: int, sizes: tuple[int, ...], activation: Any = None) -> EinsumDense:
        """Return a built projection of the last ``bound`` axes to axes of these sizes."""
        letters = LETTERS
        free, last = letters[: len(shape) - bound], len(shape)
        summed, made = letters[len(shape) - bound : last], letters[last : last + len(sizes)]
        dense = EinsumDense(
            f"{free}{summed},{summed}{made}->{free}{made}",
            (*[None] * (len(free) - 1), *sizes),
            activation=activation,
            bias_axes=made if self.use_bias else None,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._penalty_of_projections(),
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        dense.build(shape)
        return dense

    def _penalty_of_projections(self) -> Any:
        return self.activity_regularizer

    def _build_projections(self, given: Any, heads: int, groups: int, size: int, value_size: int, output: Any) -> None:
        query, value, key = self._shapes(given)
        self.attention_axes = self._axes(len(value))
        for x in (query, value, key):
            checks.known(self, x, -1)
        self._set("query_dense", self._dense("query", query, 1, (heads, size)))
        self._set("key_dense", self._dense("key", key, 1, (groups, size)))
        self._gate_dense = None
        if self.use_gate:
            self._gate_dense = self._dense("gate", query, 1, (heads, value_size), "sigmoid")
        self._set("value_dense", self._dense("value", value, 1, (groups, value_size)))
        naming.auto_name("softmax")  # Keras has two more parts here, which take names that others then do not get
        naming.auto_name("dropout")
        shape = (*query[:-1], heads, value_size)
        self._set("output_dense", self._dense("attention_output", shape, 2, output or query[-1:]))

    def _set(self, name: str, dense: EinsumDense) -> None:
        setattr(self, self.prefix + name, dense)

    def _parts(self) -> list[Any]:
        return [getattr(self, f"{self.prefix}{name}_dense") for name in ("query", "key", "value", "output")]

    # ---- computing ----

    def _mask(self, query: Any, value: Any, key: Any, given: list[Any], attention_mask: Any, causal: bool) -> Any:
        """Who may look where: (B', N, T, S), 1 where it is the same for all, or None for everyone anywhere."""
        axes = self.attention_axes or ()
        t, s = (math.prod(x.shape[axis] for axis in axes) for x in (query, value))
        found = None
        if attention_mask is not None:
            heads = self._heads()
            found = masks.of_scores(self, attention_mask, self._score_shape(query.shape, value.shape, heads), len(axes))
        for name, mask, x in zip(NAMES, given, (query, value, key), strict=True):
            if mask is not None:
                rows = masks.of_steps(self, f"{name}_mask", mask, x, axes)
                rows = rows[:, None, :, None] if name == "query" else rows[:, None, None, :]
                found = masks.both(found, rows)
        if (causal or self.sliding_window is not None) and len(axes) > 1:
            raise ValueError(
                f"{self.label}: use_causal_mask and sliding_window need one axis to attend over, not {axes}."
            )
        if causal:
            found = masks.both(found, masks.causal(t, s)[None, None])
        if self.sliding_window is not None:
            found = masks.both(found, masks.window(t, s, self.sliding_window)[None, None])
        return found

    def _heads(self) -> int:
        raise NotImplementedError

    def _key_size(self) -> int:
        raise NotImplementedError

    def _score_shape(self, query: Any, value: Any, heads: int) -> tuple[Any, ...]:
        axes = self._axes(len(value))
        free = [query[axis] for axis in range(1, len(query) - 1) if axis not in axes]
        return (query[0], *free, heads, *(query[axis] for axis in axes), *(value[axis] for axis in axes))

    def _order(self, rank: int) -> tuple[int, ...]:
        """Axes of a projection (B, ..., N, H), those attended over behind the others."""
        axes = self.attention_axes or ()
        return (0, *(a for a in range(1, rank - 2) if a not in axes), *axes, rank - 2, rank - 1)

    def _flat(self, a: Any) -> Any:
        """Return a projection (B, ..., N, H) as (B', T, N, H)."""
        if a.ndim == 4:
            return a
        order, attended = self._order(a.ndim), len(self.attention_axes or ())
        sizes = [a.shape[axis] for axis in order]
        lead = math.prod(sizes[: -2 - attended])
        return a.transpose(order).reshape(lead, math.prod(sizes[-2 - attended : -2]), *sizes[-2:])

    def _unflat(self, a: Any, shape: tuple[int, ...]) -> Any:
        """Undo :meth:`_flat` for a projection of ``shape``."""
        if len(shape) == 4:
            return a
        order = self._order(len(shape))
        return a.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))

    def _run(
        self,
        x: Any,
        training: bool,
        keep: bool,
        mask: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
        affine: Any = None,
    ) -> tuple[Any, Any]:
        """The outputs and, if ``keep``, the cache; with ``affine``, for inputs scaled and shifted by that."""
        if affine is None or 0 in x[0].shape:  # else all are one array, which fits itself
            self._shapes(structure.map_arrays(x, np.shape))
        query, value, key = x if len(x) > 2 else (*x, x[1])
        listed = masks.listed(self, mask, ("query_mask", "value_mask", "key_mask"))
        given = [a if a is not None else b for a, b in zip((query_mask, value_mask, key_mask), listed, strict=True)]
        allowed = self._mask(query, value, key, given, attention_mask, use_causal_mask)

        def apply(dense: Any, array: Any) -> tuple[Any, Any]:
            return dense.forward(array, training) if keep else (dense.infer(array), None)

        *parts, output_part = self._parts()
        join = value.ndim == 3 and self._penalty_of_projections() is None  # a penalty is on each result
        scale = 1 / math.sqrt(self._key_size())
        results, projected = projections.project(parts, query, key, value, training, keep, join, scale, affine)
        gate, gate_cache = (None, None) if self._gate_dense is None else apply(self._gate_dense, query)
        shapes = [a.shape for a in results]
        q, k, v = (self._flat(a) for a in results)
        kept = None
        if training and self.dropout:
            kept = random_mask(self.generator, (len(q), q.shape[2], q.shape[1], k.shape[1]), self.dropout)
        # Keras on JAX has two ways, which differ for a query that may look nowhere.
        fast = value.ndim == 3 and not self.dropout and not return_attention_scores
        y, p = kernels.attention_forward(
            q,
            k,
            v,
            projected.left,
            allowed,
            kept,
            self._keep_scale(),
            probabilities=keep or return_attention_scores,
            blind=1 / k.shape[1] if fast else 0.0,
        )
        looked_up = self._unflat(y, (*shapes[0][:-1], v.shape[-1]))
        output, output_cache = apply(output_part, looked_up if gate is None else looked_up * gate)
        scores = None
        if return_attention_scores and p is not None:
            scores = p.reshape(self._score_shape(query.shape, value.shape, q.shape[2]))
        cache = None
        if keep:
            gated = None if gate is None else (gate, looked_up, gate_cache)
            # p is 1 / S where nothing was seen: only then does backward need the mask to tell.
            blind = fast and allowed is not None and not allowed.any(-1).all()
            cache = (len(x), projected, output_cache, gated, (q, k, v, p, kept, allowed if blind else None), shapes)
        return output if scores is None else [output, scores], cache

    def _keep_scale(self) -> float:
        return 1 / (1 - self.dropout) if self.dropout < 1 else 0.0

    def forward(
        self,
        x: Any,
        training: bool = False,
        mask: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> tuple[Any, Any]:
        given = (mask, query_mask, value_mask, key_mask, attention_mask, return_attention_scores, use_causal_mask)
        return self._run(x, training, True, *given)

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        count, projected, output_cache, gated, (q, k, v, p, kept, allowed), shapes = cache
        dscores = None
        if isinstance(dy, (list, tuple)):
            dy, dscores = dy
        output_part = self._parts()[-1]
        looked_up = (*shapes[0][:-1], v.shape[-1])
        dlooked = np.zeros(looked_up, q.dtype) if dy is None else output_part.backward(dy, output_cache)
        dgate = None
        if gated is not None:
            gate, before, gate_cache = gated
            dgate = self._gate_dense.backward(dlooked * before, gate_cache, input_grad=input_grad)  # type: ignore[union-attr]
            dlooked = dlooked * gate
        whole, out = projections.memory_for_gradients(projected, [q, k, v])
        gradients = kernels.attention_backward(
            self._flat(dlooked),
            q,
            k,
            v,
            p,
            projected.left,
            kept,
            self._keep_scale(),
            None if dscores is None else np.ascontiguousarray(dscores).reshape(p.shape),
            mask=allowed,
            out=out,
        )
        each = [self._unflat(a, shape) for a, shape in zip(gradients, shapes, strict=True)]
        dx = projections.project_backward(projected, each, whole, count, input_grad)
        if dx is not None and dgate is not None:
            dx[0] = dx[0] + dgate
        return dx

    def scaled_units(self) -> int | None:  # as of Dense, where query, key and value are one array
        parts = self._parts()[:3]
        lone = parts[0].input_spec.ndim == 3 and self._gate_dense is None and self._penalty_of_projections() is None
        return projections.columns(parts) if lone and projections.are_plain(parts) else None

    def forward_scaled(self, x: Any, gamma: Any, beta: Any, keep: bool) -> tuple[Any, Any]:
        return self._run([x, x], keep, keep, affine=(gamma, beta))

    def backward_scaled(self, dy: Any, cache: Any, input_grad: bool) -> Any:
        return self.backward(dy, cache, input_grad)

    def infer(self, x: Any, **options: Any) -> Any:
        return self._run(x, False, False, **options)[0]

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        parts = self._parts()
        lone = self._gate_dense is None and self.sliding_window is None and self._penalty_of_projections() is None
        query, value, _ = self._shapes(shape)
        if not lone or len(value) != 3 or not projections.are_plain(parts) or not projections.same_heads(parts):
            return None
        scale, heads = 1 / math.sqrt(self._key_size()), self._heads()
        attend = few_steps.attention_plan(query[0], query[1], value[1], heads, self._compute, scale)
        if attend is None:
            return None
        of_query, of_key, of_value = map(projections.rows_of, parts[:3])
        of_output, result = projections.rows_of(parts[3], 2), self.compute_output_shape(shape)

        def infer(x: Any) -> Any:
            query, value = x[:2]
            y = attend(of_query(query), of_key(x[2] if len(x) > 2 else value), of_value(value))
            return of_output(y).reshape(result)

        return infer, 0

    # ---- describing ----

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return mask[0] if isinstance(mask, (list, tuple)) and mask else None

    def _output_sizes(self) -> tuple[int, ...] | None:
        return None

    def compute_output_shape(self, input_shape: Any, *more: Any, return_attention_scores: bool = False) -> Any:
        """Return the shape of the output; of both outputs, in a list, where scores are returned too.

        Args:
            input_shape: list of the shapes of query, value and maybe key; or of the query alone, before the others.
        """
        query, value, _ = self._shapes([input_shape, *more] if more else input_shape)
        sizes = self._output_sizes()
        output = (*query[:-1], *sizes) if sizes else query
        if return_attention_scores:
            return [output, self._score_shape(query, value, self._heads())]
        return output

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data; those of late versions where they differ from the usual."""
        usual = {"use_gate": False, "sliding_window": None}  # older Kerases know neither
        return {k: v for k, v in super().get_config().items() if k not in usual or v != usual[k]}

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what ``build_from_config`` needs to create the same variables."""
        if self._build_shape is None:
            return None
        shapes = zip(NAMES, self._build_shape, strict=False)
        return {"shapes_dict": {f"{name}_shape": shape for name, shape in shapes}}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build for the input shapes that ``get_build_config`` returned."""
        shapes = config.get("shapes_dict") or {}
        found = [shapes[f"{name}_shape"] for name in NAMES if shapes.get(f"{name}_shape") is not None]
        if found:
            self.build(structure.shape_from_json(found))

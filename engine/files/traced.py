"""Symbolic arrays: plain numpy code that is run on them writes itself down in a graph.

A `Value` speaks numpy's own protocols, so that no formula and no layer has to know of exports. It stands for the
values of one sample, (1, ...), with an axis for the samples in front.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from engine.files.graph import Graph, Node, Shape, Untraceable

# numpy's name -> ours; inputs of one type, and what comes out of them is of it too
_ARITHMETIC = {
    name: name
    for name in (
        "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "negative", "exp", "expm1", "log",
        "log1p", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "sqrt", "absolute", "sign",
        "floor", "ceil", "rint",
    )
} | {"fabs": "absolute"}  # fmt: skip
_COMPARISONS = {"greater", "less", "greater_equal", "less_equal", "equal", "not_equal"}
_LOGIC = {
    "logical_and": "and", "logical_or": "or", "logical_not": "not",
    "bitwise_and": "and", "bitwise_or": "or", "invert": "not",
}  # fmt: skip
_COMPOSED: dict[str, Callable[..., Any]] = {
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1.0 / x,
    "positive": lambda x: x,
    "isnan": lambda x: x != x,
    "remainder": lambda x, y: x - np.floor(x / y) * y,
    "erfc (vectorized)": lambda x: 1.0 - _unary("erf", x),  # engine.maths
}


class Value(NDArrayOperatorsMixin):
    """An array of a graph. What numpy gives for it is again one of the graph."""

    def __init__(self, graph: Graph, node: Node) -> None:
        self.graph, self.node = graph, node

    # ---- what numpy asks ----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "reduce" and ufunc in (np.add, np.maximum, np.minimum):
            kind = {np.add: "sum", np.maximum: "max", np.minimum: "min"}[ufunc]
            return self._reduce(kind, options.get("axis", 0), options.get("keepdims", False))
        name = ufunc.__name__
        if method != "__call__":
            raise Untraceable(f"uses numpy's {name}.{method}")
        if ufunc is np.matmul:
            return _matmul(self.graph, *inputs)
        if name == "power" and isinstance(inputs[1], int | float) and inputs[1] in (1, 2, 3):
            return math.prod([inputs[0]] * (int(inputs[1]) - 1), start=inputs[0])
        if name in _COMPOSED:
            return _COMPOSED[name](*inputs)
        if name in _ARITHMETIC:
            return _elementwise(self.graph, _ARITHMETIC[name], inputs)
        if name in _COMPARISONS:
            return _elementwise(self.graph, name, inputs, bool)
        if name in _LOGIC and all(_dtype(item) in (bool, np.bool_) for item in inputs):
            return _elementwise(self.graph, _LOGIC[name], inputs, bool)
        raise Untraceable(f"uses numpy's {name}")

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function not in FUNCTIONS:
            raise Untraceable(f"uses numpy's {function.__name__}")
        return FUNCTIONS[function](*arguments, **options)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Untraceable("asks for the numbers themselves")

    def __bool__(self) -> bool:
        raise Untraceable("decides by the numbers themselves")

    def __float__(self) -> float:
        raise Untraceable("asks for the numbers themselves")

    # ---- what an array has --------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        return self.node.shape

    @property
    def dtype(self) -> np.dtype:
        return self.node.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def T(self) -> Value:
        return self.transpose()

    def __len__(self) -> int:
        return self.shape[0]

    def astype(self, dtype: Any, **_: Any) -> Value:
        return self._same("cast", dtype=dtype)

    def copy(self) -> Value:
        return Value(self.graph, self.node)

    def reshape(self, *shape: Any) -> Value:
        sizes = tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int | np.integer) else shape
        if -1 in sizes:
            rest = -math.prod(sizes)
            sizes = tuple(self.size // rest if size == -1 else size for size in sizes)
        if math.prod(sizes) != self.size:
            raise Untraceable(f"reshapes {self.shape} to {sizes}")
        return self._same("reshape", sizes)

    def ravel(self) -> Value:
        return self.reshape(-1)

    def squeeze(self, axis: Any = None) -> Value:
        if axis is None:
            raise Untraceable("squeezes without saying which axis")
        gone = _axes(axis, self.ndim)
        return self.reshape(tuple(size for at, size in enumerate(self.shape) if at not in gone))

    def transpose(self, *axes: Any) -> Value:
        order = tuple(axes[0]) if len(axes) == 1 and not isinstance(axes[0], int) else axes
        order = tuple(axis % self.ndim for axis in order) or tuple(reversed(range(self.ndim)))
        if self.node.batched and order[0] != 0:
            raise Untraceable("moves the axis of the samples")
        return self._same("transpose", tuple(self.shape[axis] for axis in order), axes=order)

    def swapaxes(self, one: int, other: int) -> Value:
        order = list(range(self.ndim))
        order[one], order[other] = order[other], order[one]
        return self.transpose(order)

    def sum(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Value:
        return self._reduce("sum", axis, keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Value:
        return self._reduce("mean", axis, keepdims)

    def max(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Value:
        return self._reduce("max", axis, keepdims)

    def min(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Value:
        return self._reduce("min", axis, keepdims)

    def var(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Value:
        off = self - self.mean(axis, True)
        return (off * off).mean(axis, keepdims)

    def std(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Value:
        return _unary("sqrt", self.var(axis, keepdims))

    def clip(self, low: Any = None, high: Any = None) -> Value:
        value = self if low is None else np.maximum(self, low)
        return value if high is None else np.minimum(value, high)

    def __getitem__(self, key: Any) -> Value:
        keys = _full_key(key, self.ndim)
        starts, ends, steps, shape, axis = [], [], [], [], 0
        for item in keys:
            if item is None:
                shape.append(1)
                continue
            whole = slice(item, item + 1 or None) if isinstance(item, int) else item
            start, end, step = whole.indices(self.shape[axis])
            if step < 1:
                raise Untraceable("goes through an array backwards")
            count = len(range(start, end, step))
            if self.node.batched and axis == 0 and (item != slice(None) or shape):
                raise Untraceable("looks at single samples")
            starts.append(start)
            ends.append(max(start, end))
            steps.append(step)
            shape += [] if isinstance(item, int) else [count]
            axis += 1
        sizes = tuple(len(range(*span)) for span in zip(starts, ends, steps, strict=True))
        part = self
        if sizes != self.shape:
            part = self._same("slice", sizes, starts=tuple(starts), ends=tuple(ends), steps=tuple(steps))
        return part.reshape(tuple(shape))

    def __setitem__(self, key: Any, value: Any) -> None:
        """Puts a number where `key` says, or an array along one axis, as in z[..., 2:4] += y."""
        if not isinstance(value, Value) and np.ndim(value) == 0:
            there = np.zeros((1, *self.shape[1:]) if self.node.batched else self.shape, dtype=bool)
            there[key] = True
            self.node = _where(there, self.dtype.type(value), self).node
            return
        keys = _full_key(key, self.ndim)
        places = [axis for axis, item in enumerate(keys) if item != slice(None)]
        if len(places) != 1 or not isinstance(keys[places[0]], slice):
            raise Untraceable("writes into an array")
        axis = places[0]
        start, end, step = keys[axis].indices(self.shape[axis])
        if step != 1:
            raise Untraceable("writes into every other place")
        before, after = [slice(None)] * axis, [Ellipsis]
        parts = [self[(*before, slice(0, start), *after)], value, self[(*before, slice(end, None), *after)]]
        self.node = _concatenate([part for part in parts if part.shape[axis]], axis).node

    def _same(self, operation: str, shape: Shape | None = None, dtype: Any = None, **more: Any) -> Value:
        shape = self.shape if shape is None else shape
        return Value(self.graph, self.graph.add(operation, (self.node,), shape, dtype or self.dtype, **more))

    def _reduce(self, kind: str, axis: Any, keepdims: bool) -> Value:
        axes = _axes(axis, self.ndim)
        if self.node.batched and 0 in axes:
            raise Untraceable("mixes samples")
        kept = tuple(1 if at in axes else size for at, size in enumerate(self.shape))
        shape = kept if keepdims else tuple(size for at, size in enumerate(self.shape) if at not in axes)
        return self._same(kind, kept, axes=axes).reshape(shape)


# ---- operands ---------------------------------------------------------------------------------


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(item % ndim for item in (axis if isinstance(axis, tuple | list) else (axis,))))


def _full_key(key: Any, ndim: int) -> list[Any]:
    """An index with one item for every axis, and None for each new one."""
    keys = [int(k) if isinstance(k, np.integer) else k for k in (key if isinstance(key, tuple) else (key,))]
    if not all(k is None or k is Ellipsis or isinstance(k, int | slice) for k in keys) or True in (
        isinstance(k, bool) for k in keys
    ):
        raise Untraceable("picks numbers out of an array")
    spare = ndim - sum(k is not None and k is not Ellipsis for k in keys)
    at = next((place for place, k in enumerate(keys) if k is Ellipsis), len(keys))
    return [*keys[:at], *[slice(None)] * spare, *keys[at + 1 :]]


def _dtype(item: Any) -> Any:
    """What numpy's rules ask of an operand: its type, or a plain number, which takes the type of the others."""
    if type(item) in (bool, int, float):
        return item
    return item.dtype if isinstance(item, Value) else np.asarray(item).dtype


def _nodes(graph: Graph, operands: Sequence[Any]) -> list[Node]:
    """The operands as nodes of one type."""
    dtype = np.result_type(*(_dtype(item) for item in operands))
    found = []
    for item in operands:
        if isinstance(item, Value):
            found.append(item.astype(dtype).node)
        else:
            found.append(graph.constant(np.asarray(item).astype(dtype)))
    return found


def _shape(nodes: Sequence[Node]) -> Shape:
    """What the shapes make together; every sample must stay by itself."""
    shape = np.broadcast_shapes(*(node.shape for node in nodes))
    if any(node.batched for node in nodes):
        for node in nodes:
            fits = len(node.shape) == len(shape) and node.shape[0] == (shape[0] if node.batched else 1)
            if not fits and (node.batched or len(node.shape) >= len(shape)):
                raise Untraceable(f"joins {' and '.join(str(node.shape) for node in nodes)} across the samples")
    return shape


def _elementwise(graph: Graph, operation: str, operands: Sequence[Any], dtype: Any = None) -> Value:
    nodes = _nodes(graph, operands)
    return Value(graph, graph.add(operation, tuple(nodes), _shape(nodes), dtype or nodes[0].dtype))


def _unary(operation: str, value: Value) -> Value:
    return _elementwise(value.graph, operation, (value,))


def _matmul(graph: Graph, left: Any, right: Any) -> Value:
    a, b = _nodes(graph, (left, right))
    if len(a.shape) < 2 or len(b.shape) < 2:
        raise Untraceable("multiplies vectors")
    outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    apart = len(b.shape) <= 2 if len(a.shape) == 2 or not b.batched else len(a.shape) == len(b.shape) and a.batched
    if (a.batched or b.batched) and not (apart and a.batched and (not outer or outer[0] == a.shape[0])):
        raise Untraceable("multiplies across the samples")
    return Value(graph, graph.add("matmul", (a, b), (*outer, a.shape[-2], b.shape[-1]), a.dtype))


# ---- numpy's functions ------------------------------------------------------------------------


def _graph_of(*items: Any) -> Graph:
    return next(item.graph for item in items if isinstance(item, Value))


def _value(graph: Graph, item: Any) -> Value:
    return item if isinstance(item, Value) else Value(graph, graph.constant(item))


def _where(condition: Any, yes: Any, no: Any) -> Value:
    graph = _graph_of(condition, yes, no)
    chosen = _value(graph, condition)
    nodes = (chosen.astype(bool).node, *_nodes(graph, (yes, no)))
    return Value(graph, graph.add("where", nodes, _shape(nodes), nodes[1].dtype))


def _concatenate(arrays: Sequence[Any], axis: int = 0) -> Value:
    graph = _graph_of(*arrays)
    fed = next((item for item in arrays if isinstance(item, Value) and item.node.batched), None)
    if fed is not None:  # what is the same for every sample is laid beside each
        corner = fed[(slice(None), *[slice(0, 1)] * (fed.ndim - 1))]
        nothing = np.where(corner == corner, fed.dtype.type(0.0), fed.dtype.type(0.0))
        arrays = [item if isinstance(item, Value) and item.node.batched else item + nothing for item in arrays]
    nodes = _nodes(graph, arrays)
    axis %= len(nodes[0].shape)
    if len({node.shape[0] for node in nodes}) > 1 and fed is not None or (fed is not None and axis == 0):
        raise Untraceable("joins arrays across the samples")
    shape = list(nodes[0].shape)
    shape[axis] = sum(node.shape[axis] for node in nodes)
    return Value(graph, graph.add("concatenate", tuple(nodes), tuple(shape), nodes[0].dtype, axis=axis))


def _expand_dims(a: Value, axis: int) -> Value:
    at = axis % (a.ndim + 1)
    return a.reshape((*a.shape[:at], 1, *a.shape[at:]))


def _stack(arrays: Sequence[Any], axis: int = 0) -> Value:
    graph = _graph_of(*arrays)
    return _concatenate([_expand_dims(_value(graph, array), axis) for array in arrays], axis % (arrays[0].ndim + 1))


def _split(a: Value, sections: Any, axis: int = 0) -> list[Value]:
    extent, axis = a.shape[axis], axis % a.ndim
    cuts = [extent * k // sections for k in range(1, sections)] if isinstance(sections, int) else list(sections)
    before = [slice(None)] * axis
    return [a[(*before, slice(*ends))] for ends in zip([0, *cuts], [*cuts, extent], strict=True)]


def _pad(a: Value, pad_width: Any, mode: str = "constant", constant_values: Any = 0.0) -> Value:
    widths = tuple((int(before), int(after)) for before, after in np.broadcast_to(pad_width, (a.ndim, 2)))
    if mode != "constant" or (a.node.batched and widths[0] != (0, 0)):
        raise Untraceable("pads with other than a number")
    if not np.any(widths):
        return a
    shape = tuple(size + sum(width) for size, width in zip(a.shape, widths, strict=True))
    return a._same("pad", shape, widths=widths, value=float(constant_values))


def _moveaxis(a: Value, source: int, destination: int) -> Value:
    order = [axis for axis in range(a.ndim) if axis != source % a.ndim]
    order.insert(destination % a.ndim, source % a.ndim)
    return a.transpose(order)


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Value:
    graph = _graph_of(a, b)
    a, b = _value(graph, a), _value(graph, b)
    if isinstance(axes, int):
        left, right = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        left, right = (
            tuple(item % array.ndim for item in ([side] if isinstance(side, int) else side))
            for side, array in zip(axes, (a, b), strict=True)
        )
    kept = [axis for axis in range(a.ndim) if axis not in left]
    free = [axis for axis in range(b.ndim) if axis not in right]
    inner, sizes = math.prod(a.shape[axis] for axis in left), [b.shape[axis] for axis in free]
    rows = a.transpose([*kept, *left]).reshape((*(a.shape[axis] for axis in kept), inner))
    columns = b.transpose([*right, *free]).reshape((inner, math.prod(sizes)))
    return (rows @ columns).reshape((*(a.shape[axis] for axis in kept), *sizes))


def _broadcast_to(a: Value, shape: Any) -> Value:
    return a + np.zeros((1, *shape[1:]) if a.node.batched else shape, dtype=a.dtype)


def _full_like(a: Value, fill: Any, dtype: Any = None, **_: Any) -> Value:
    """The same for every sample."""
    shape = (1, *a.shape[1:]) if a.node.batched else a.shape
    return _value(a.graph, np.full(shape, fill, dtype or a.dtype))


def _method(name: str) -> Callable[..., Any]:
    return lambda a, *given, **more: getattr(a, name)(*given, **more)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.split: _split,
    np.array_split: _split,
    np.expand_dims: _expand_dims,
    np.pad: _pad,
    np.moveaxis: _moveaxis,
    np.tensordot: _tensordot,
    np.dot: lambda a, b: _tensordot(a, b, 1),
    np.broadcast_to: _broadcast_to,
    np.result_type: lambda *items: np.result_type(*(_dtype(item) for item in items)),
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.size,
    np.reshape: lambda a, shape: a.reshape(shape),
    np.ravel: lambda a: a.ravel(),
    np.transpose: lambda a, axes=(): a.transpose(*([axes] if axes else [])),
    np.swapaxes: lambda a, one, other: a.swapaxes(one, other),
    np.squeeze: lambda a, axis=None: a.squeeze(axis),
    np.copy: lambda a: a.copy(),
    np.clip: lambda a, low=None, high=None: a.clip(low, high),
    np.zeros_like: lambda a, **more: _full_like(a, 0.0, **more),
    np.ones_like: lambda a, **more: _full_like(a, 1.0, **more),
    np.full_like: _full_like,
}
FUNCTIONS |= {getattr(np, name): _method(name) for name in ("sum", "mean", "max", "min", "var", "std")}

"""A trained network as a graph of standard operations: its layers, and around them the preprocessing and the link.

Every layer is traced through its own `calls`, so that a new layer or activation needs no word here. `STANDARD` only
names what other programs have one operation for; what is not in it (or not quite the same) is written in small steps.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine import losses
from engine.data.features import make_features
from engine.errors import RelumeError
from engine.files.graph import Graph, Node, Shape, Untraceable
from engine.files.traced import Value
from engine.layers.base import Call

if TYPE_CHECKING:
    from engine.files.weights import Export


@dataclasses.dataclass(frozen=True)
class Traced:
    """The two ends of a graph."""

    given: Node
    output: Node


def whole(export: Export, dtype: Any) -> Traced:
    """From raw values to probabilities or target units, as `Export.predict`; the layers compute in `dtype`."""
    graph, steps = Graph(), export.preprocessing
    images = steps.features is None and len(export.network.spec.input_shape) > 1
    given = graph.input("raw", export.network.spec.input_shape if images else (len(steps.raw_names),), np.float32)
    with _told("preprocessing"):
        fed = _prepared(export, Value(graph, given)).astype(dtype)
    outputs = _layers(export, fed, dtype)
    graph.place = "output"
    with _told("output"):
        return Traced(given, _said(export, outputs).node)


def layers_alone(export: Export, dtype: Any) -> Traced:
    """From what the network is fed to what its last layer gives."""
    graph = Graph()
    given = graph.input("x", export.network.spec.input_shape, dtype)
    return Traced(given, _layers(export, Value(graph, given), dtype).node)


# To these a Value is an array; their own code is what is traced.


def _prepared(export: Export, raw: Any) -> Any:
    steps = export.preprocessing
    raw.graph.place = "preprocessing"
    flat = _filled(export, raw.reshape(1, -1))
    made = flat if steps.features is None else make_features(flat, steps.features)
    if steps.input_offset:  # in float64, as in the program: years and prices have no digits to spare
        made = (made.astype(np.float64) - np.array(steps.input_offset)) / np.array(steps.input_scale)
    return made.astype(np.float32).reshape(1, *export.network.spec.input_shape)


def _filled(export: Export, raw: Any) -> Any:
    """Missing numbers of a table, NaN, as what stands for them."""
    fills: list[float] = []
    for column in export.preprocessing.columns:
        fills += [np.nan if column.fill is None or column.values else column.fill] * column.width
    if np.isnan(fills).all():
        return raw
    return np.where(raw == raw, raw, np.array(fills, dtype=np.float32))


def _said(export: Export, outputs: Any) -> Any:
    steps = export.preprocessing
    said = losses.link(export.network.spec.loss, outputs, export.task)
    if export.task != "regression" or not steps.target_offset:
        return said
    units = said.astype(np.float64) * np.array(steps.target_scale) + np.array(steps.target_offset)
    return units.astype(said.dtype)


def _layers(export: Export, x: Value, dtype: Any) -> Value:
    spec, graph = export.network.spec, x.graph
    parameters: dict[str, Value] = {
        key: Value(graph, graph.parameter(key, array.astype(dtype)))
        for key, array in export.network.parameters().items()
    }
    for number, (layer, shape) in enumerate(zip(spec.layers, (spec.input_shape, *spec.shapes()), strict=False)):
        graph.place = f"{number}.{layer.kind}"
        prefix = f"{number}."
        mine = {key.removeprefix(prefix): value for key, value in parameters.items() if key.startswith(prefix)}
        with _told(f"layer {number + 1}, {layer.kind}"):
            for call in layer.calls(shape):
                x = _called(call, x, mine)
            if not isinstance(x, Value) or x.shape[1:] != spec.shapes()[number]:
                raise Untraceable("gives something else than it says")
            x = x.astype(dtype)
    return x


def _called(call: Call, x: Any, parameters: Any) -> Any:
    given: list[Any] = [
        functools.partial(_called, item, parameters=parameters)
        if isinstance(item, Call)
        else call.value(item, parameters, x.dtype)
        for item in call.arguments
    ]
    standard = STANDARD.get(call.name)
    if standard is not None:
        found = standard(x, *given)
        if found is not None:
            return found
    made = call.function(x, *given)
    return made if isinstance(made, Value) else np.where(x == x, made, made)  # the same number everywhere


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """Says what cannot be written, and where, in words for the user."""
    try:
        yield
    except (Untraceable, TypeError, ValueError, AttributeError, IndexError) as error:
        reason = str(error) if isinstance(error, Untraceable) else f"its formula does not fit ({error})"
        raise RelumeError(
            f"This cannot be written as standard operations: it {reason}.", where, "Choose .npz or .py."
        ) from error


# ---- operations that other programs have a name for -------------------------------------------


def _affine(x: Value, kernel: Value, bias: Value) -> Value | None:
    if x.ndim != 2:
        return None
    return _add("affine", (x, kernel, bias), (1, kernel.shape[1]))


class _Window(NamedTuple):
    """`engine.layers.windows.Window.steps`, for one side or two."""

    positions: tuple[int, ...]
    reach: int
    stride: int
    before: tuple[int, ...]

    def pads(self, x: Value) -> tuple[int, ...] | None:
        """What is added before and after each side; None where the rule of others gives other positions."""
        sides = list(zip(self.positions, self.before, x.shape[1:-1], strict=True))
        after = [max((n - 1) * self.stride + self.reach - start - extent, 0) for n, start, extent in sides]
        given = [
            (extent + start + end - self.reach) // self.stride + 1
            for (_, start, extent), end in zip(sides, after, strict=True)
        ]
        return (*self.before, *after) if tuple(given) == tuple(self.positions) else None


def _of_maps(steps: Any) -> _Window:
    return _Window(steps[:2], steps[2], steps[3], steps[4:])


def _of_signals(steps: Any) -> _Window:
    """Steps of maps of one row."""
    return _Window(steps[1:2], steps[2], steps[3], steps[5:])


def _convolution(window_of: Callable[[Any], _Window]) -> Callable[..., Value | None]:
    def convolved(x: Value, kernel: Value, bias: Value, steps: Any, dilation: int = 1, groups: int = 1) -> Value | None:
        """x (1, ..., channels), kernel (..., channels / groups, filters)."""
        window, cells = window_of(steps), kernel.ndim - 2
        pads = window.pads(x)
        if pads is None:
            return None
        inputs = (_channels_first(x), kernel.transpose(cells + 1, cells, *range(cells)), bias)
        more = {"dilations": (dilation,) * cells, "groups": groups, "strides": (window.stride,) * cells, "pads": pads}
        shape = (1, kernel.shape[-1], *window.positions)
        return _channels_last(_add("convolution", inputs, shape, window=kernel.shape[:cells], **more))

    return convolved


def _pool(operation: str) -> Callable[..., Value | None]:
    def pooled(x: Value, steps: Any) -> Value | None:
        window = _of_maps(steps)
        pads = window.pads(x)
        if pads is None:
            return None
        more = {"window": (window.reach,) * 2, "strides": (window.stride,) * 2, "pads": pads}
        return _channels_last(_add(operation, (_channels_first(x),), (1, x.shape[-1], *window.positions), **more))

    return pooled


def _batch_norm(x: Value, *given: Any) -> Value | None:
    *arrays, epsilon = given
    first = _channels_first(x)
    shortest = float(str(epsilon))  # 1e-05, not all digits of the float32
    return _channels_last(_add("batch_norm", (first, *arrays), first.shape, epsilon=shortest))


def _add(operation: str, values: tuple[Value, ...], shape: Shape, **more: Any) -> Value:
    x = values[0]
    return Value(x.graph, x.graph.add(operation, tuple(value.node for value in values), shape, x.dtype, **more))


def _channels_first(x: Value) -> Value:
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


def _channels_last(x: Value) -> Value:
    return x.transpose(0, *range(2, x.ndim), 1)


STANDARD: dict[str, Callable[..., Value | None]] = {  # by the name of a `Call`
    "affine": _affine,
    "convolve": _convolution(_of_maps),
    "convolve_groups": _convolution(_of_maps),
    "convolve_signal": _convolution(_of_signals),
    "max_pool": _pool("max_pool"),
    "average_pool": _pool("average_pool"),
    "normalized": _batch_norm,
}

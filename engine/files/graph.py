"""A computation as standard operations: what ONNX files and PyTorch scripts are written from.

`engine.files.traced` fills a graph by running the records' own numpy code; a writer goes through `Graph.order`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

Shape = tuple[int, ...]


class Untraceable(Exception):
    """Code that cannot be told as standard operations; the text says what it did."""


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """One operation and the array it gives.

    Attributes:
        operation: "input", "parameter", "constant", the name of a numpy function ("add", "where", "reshape", ...), or
            one of "affine", "convolution", "max_pool", "average_pool", "batch_norm" (channels first, the last four).
        shape: for one sample. Of a `batched` node the first axis goes over the samples, and whatever number it has here
            stands for that many times the samples.
        place: the layer it belongs to, for names in files.
    """

    operation: str
    inputs: tuple[Node, ...]
    attributes: Mapping[str, Any]
    shape: Shape
    dtype: np.dtype
    batched: bool
    place: str = ""

    @property
    def sizes(self) -> Shape:
        """The shape with -1 for the axis of the samples."""
        return (-1, *self.shape[1:]) if self.batched else self.shape

    def is_number(self, value: float) -> bool:
        return self.operation == "constant" and self.shape == () and bool(self.attributes["value"] == value)


class Graph:
    """Nodes, each made once: the same operation on the same inputs is the same node.

    Attributes:
        place: the layer that new nodes belong to.
    """

    def __init__(self) -> None:
        self.place = ""
        self._nodes: dict[Any, Node] = {}

    def input(self, name: str, shape: Shape, dtype: Any) -> Node:
        """What the graph is fed: (samples, *shape)."""
        return self.add("input", (), (1, *shape), dtype, True, name=name)

    def parameter(self, name: str, value: np.ndarray) -> Node:
        return self.add("parameter", (), value.shape, value.dtype, name=name)

    def constant(self, value: Any) -> Node:
        array = np.asarray(value)
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        if key not in self._nodes:
            self._nodes[key] = Node("constant", (), {"value": array}, array.shape, array.dtype, False, self.place)
        return self._nodes[key]

    def add(
        self,
        operation: str,
        inputs: tuple[Node, ...],
        shape: Shape,
        dtype: Any,
        batched: bool | None = None,
        **more: Any,
    ) -> Node:
        """The node that says this, in the simplest words. `batched`: as any of the inputs, if None."""
        if batched is None:
            batched = any(node.batched for node in inputs)
        node = Node(operation, inputs, more, tuple(map(int, shape)), np.dtype(dtype), batched, self.place)
        simpler = _simpler(self, node)
        if simpler is not None:
            return simpler
        key = (operation, tuple(map(id, inputs)), node.shape, node.dtype.str, tuple(sorted(more.items())))
        return self._nodes.setdefault(key, node)

    @staticmethod
    def order(output: Node) -> list[Node]:
        """All nodes that `output` needs, each after its inputs."""
        found: dict[int, Node] = {}
        todo = [(output, False)]
        while todo:
            node, seen = todo.pop()
            if id(node) in found:
                continue
            if seen:
                found[id(node)] = node
            else:
                todo.append((node, True))
                todo.extend((item, False) for item in reversed(node.inputs))
        return list(found.values())


def _simpler(graph: Graph, node: Node) -> Node | None:
    """Another node that gives the same: nothing for what changes nothing, and the names that everybody knows."""
    first = node.inputs[0] if node.inputs else node
    found: tuple[str, tuple[Node, ...], dict[str, Any]] | None = None
    if node.operation == "cast":
        return first if first.dtype == node.dtype else None
    if node.operation == "reshape":
        if first.shape == node.shape:
            return first
        if first.operation == "reshape":
            found = "reshape", first.inputs, {}
    elif node.operation == "transpose":
        axes = node.attributes["axes"]
        if axes == tuple(range(len(axes))):
            return first
        if first.operation == "transpose":
            merged = tuple(first.attributes["axes"][axis] for axis in axes)
            found = "transpose", first.inputs, {"axes": merged}
    elif node.operation == "maximum" and node.inputs[1].is_number(0.0):
        found = "relu", (first,), {}
    elif node.operation == "divide":
        found = _quotient(*node.inputs)
    elif node.operation == "add" and first.operation == "relu" and node.inputs[1] is _tail(graph, *first.inputs):
        found = "softplus", first.inputs, {}
    if found is not None:
        operation, inputs, more = found
        return graph.add(operation, inputs, node.shape, node.dtype, **more)
    return _turned_later(graph, node)


def _quotient(over: Node, under: Node) -> tuple[str, tuple[Node, ...], dict[str, Any]] | None:
    """1 / (1 + e^-x), and e^(x - max x) / sum e^(x - max x)."""
    if over.is_number(1.0) and under.operation == "add" and under.inputs[0].is_number(1.0):
        power = under.inputs[1]
        if power.operation == "exp" and power.inputs[0].operation == "negative":
            return "sigmoid", power.inputs[0].inputs, {}
    if over.operation == "exp" and under.operation == "sum" and under.inputs == (over,):
        axes, off = under.attributes["axes"], over.inputs[0]
        if off.operation == "subtract" and len(axes) == 1:
            x, largest = off.inputs
            if largest.operation == "max" and largest.inputs == (x,) and largest.attributes["axes"] == axes:
                return "softmax", (x,), {"axis": axes[0]}
    return None


def _tail(graph: Graph, x: Node) -> Node:
    """ln(1 + e^-|x|)"""
    for operation in ("absolute", "negative", "exp", "log1p"):
        x = graph.add(operation, (x,), x.shape, x.dtype)
    return x


def _turned_later(graph: Graph, node: Node) -> Node | None:
    """The same on what was not yet transposed, and the transposing after it: so that two of them meet and vanish."""
    turned = [item for item in node.inputs if item.operation == "transpose"]
    if not turned or node.attributes or node.operation in _NOT_ELEMENTWISE:
        return None
    axes = turned[0].attributes["axes"]
    if not all(item.attributes["axes"] == axes if item in turned else item.shape == () for item in node.inputs):
        return None
    inputs = tuple(item.inputs[0] if item in turned else item for item in node.inputs)
    shape = next(item.shape for item in inputs if item.shape)
    before = graph.add(node.operation, inputs, shape, node.dtype)
    return graph.add("transpose", (before,), node.shape, node.dtype, axes=axes)


_NOT_ELEMENTWISE = {"reshape", "matmul", "affine"}

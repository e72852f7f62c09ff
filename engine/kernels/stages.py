"""How a program is cut into stages, and which part of a tile a stage runs at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from engine import activations
from engine.kernels import blocks
from engine.layers.base import Operation
from engine.spec import NetworkSpec

NEAR = 1 << 18  # bytes that a stage of feature maps works on at once: what the second level of the cache holds

Item = tuple[int, Operation]  # of a part of the spec


@dataclasses.dataclass(frozen=True)
class Stage:
    """Operations from one product to the next.

    Where they work on feature maps they run on `rows` samples of a tile after each other, so that what one writes is
    still near when the next reads it. A dense stage has all rows of the tile: its product wants many.
    """

    operations: tuple[Item, ...]
    rows: int

    @property
    def width(self) -> int:
        """Numbers per sample that it hands on."""
        return self.operations[-1][1].outputs

    @property
    def inner_width(self) -> int:
        """The widest gradient per sample between its operations."""
        inner = [o.inputs for _, o in self.operations[1:] if not blocks.find(o.block).in_place]
        return max(inner, default=0)

    def parts(self, tile: int) -> range:
        """First row of every part."""
        return range(0, tile, self.rows)


def operations(spec: NetworkSpec, by_batch: bool) -> list[Item]:
    """The operations of every part of a network, in forward order."""
    places = {part.path: index for index, part in enumerate(spec.parts)}
    return [
        (places[f"{number}.{operation.within}".rstrip(".")], operation)
        for number, (layer, fed) in enumerate(zip(spec.layers, (spec.input_shape, *spec.shapes()), strict=False))
        for operation in layer.operations(fed, by_batch)
    ]


def split(operations: Sequence[Item]) -> list[tuple[Item, ...]]:
    """The operations of every stage: one begins with every product."""
    stages: list[list[Item]] = []
    for item in operations:
        if not stages or blocks.find(item[1].block).product is not None:
            stages.append([])
        stages[-1].append(item)
    return [tuple(stage) for stage in stages]


def staged(operations: Sequence[Item], tile: int, whole_batches: bool) -> tuple[Stage, ...]:
    """The stages of a program with so many rows of a tile."""
    return tuple(Stage(stage, tile if whole_batches else _rows(stage, tile)) for stage in split(operations))


def _rows(stage: Sequence[Item], tile: int) -> int:
    if not any(o.geometry for _, o in stage if not blocks.find(o.block).in_place):
        return tile
    widths = [stage[0][1].inputs, *(o.outputs for _, o in stage)]
    most = max(1, NEAR // (4 * (sum(widths) + 2 * max(widths))))
    parts = -(-tile // most)
    return -(-tile // parts)


def pooled_first(operations: Sequence[Item]) -> list[Item]:
    """The same program with every max pooling before the activation that it follows, where that changes no value.

    max f(z) = f(max z) where f never falls, and so is the gradient: the activation has less to do.
    """
    items = list(operations)
    for k in range(len(items) - 1):
        (_, activation), (layer, pool) = items[k], items[k + 1]
        if pool.block == "max pool" and _never_falls(activation):
            smaller = dataclasses.replace(activation, inputs=pool.outputs, outputs=pool.outputs)
            items[k], items[k + 1] = (layer, pool), (layer, smaller)
    return items


def _never_falls(operation: Operation) -> bool:
    kind, _, name = operation.block.partition(" ")
    return kind == "activation" and not operation.parameters and activations.get(name).rises(operation.constants)

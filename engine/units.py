"""What a unit is: an index of the last axis of a layer with values of its own; of feature maps a channel."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.spec import NetworkSpec


def unit_widths(spec: NetworkSpec) -> list[int]:
    """Units of every part; 0 where they are those of the part before."""
    return [part.given[-1] if part.layer.has_units else 0 for part in spec.parts]


def weights_of(spec: NetworkSpec, index: int) -> int | None:
    """The part with the kernel that feeds the units of a part, one to one; None where there is none such."""
    parts, units = spec.parts, spec.parts[index].given[-1]
    for place in range(index, -1, -1):
        layer, fed, given = parts[place].layer, parts[place].fed, parts[place].given
        if layer.has_kernel:
            return place
        if fed[-1] != units or len(fed) != len(given) or layer.within(fed):
            return None
    return None


def unit_noun(shape: tuple[int, ...]) -> str:
    """What a unit of a layer with this output shape is called."""
    return "filter" if len(shape) > 1 else "neuron"


def by_unit(values: np.ndarray) -> np.ndarray:
    """(samples, units): the mean over the positions of feature maps; flat values as they are."""
    return values if values.ndim == 2 else values.mean(axis=tuple(range(1, values.ndim - 1)))


@dataclasses.dataclass(frozen=True)
class Effort:
    """What one sample costs on its way forward: floating point operations, and numbers to be kept."""

    flops: int
    values: int


def effort(spec: NetworkSpec) -> Effort:
    flops = values = 0
    for part in spec.parts:
        kernel = part.layer.parameter_shapes(part.fed).get("kernel", ())
        positions, size = math.prod(part.given[:-1]), math.prod(part.given)
        flops += 2 * positions * (math.prod(kernel) if kernel else 0) + 4 * size
        values += 2 * size  # z and a
    return Effort(flops, values)

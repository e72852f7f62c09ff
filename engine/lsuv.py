"""Layer-sequential unit variance: kernels scaled by what the training samples make of them, layer after layer."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from engine import initializers
from engine.fields import name_of
from engine.network import Network

SAMPLES, TURNS, NEAR = 256, 5, 1e-3
Forward = Callable[[np.ndarray], list[tuple[np.ndarray, np.ndarray]]]


def scaled_layers(network: Network) -> list[int]:
    """The parts of the spec whose initializer wants samples."""
    named = ((index, getattr(part.layer, "initializer", None)) for index, part in enumerate(network.spec.parts))
    return [index for index, value in named if value is not None and initializers.get(name_of(value)).by_samples]


def scale_start(network: Network, forward: Forward, x: np.ndarray) -> None:
    """Divides every such kernel by the standard deviation of its layer's z, until that is 1.

    A layer whose z does not vary stays as it was drawn. Mishkin and Matas 2016, arXiv 1511.06422.

    Args:
        forward: gives (z, a) of every part.
        x: the training samples; of many, 256 that lie evenly.
    """
    x = x[:: max(1, len(x) // SAMPLES)]
    for index in scaled_layers(network):
        for _ in range(TURNS):
            std = float(forward(x)[index][0].std(dtype=np.float64))
            if not (math.isfinite(std) and std > 0.0) or abs(std - 1.0) < NEAR:
                break
            key = f"{network.spec.parts[index].path}.kernel"
            scaled = network.parameters()[key] / std
            if not np.isfinite(scaled).all():
                break
            network.set_parameters({key: scaled})

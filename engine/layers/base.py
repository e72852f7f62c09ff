"""What every kind of layer answers: its shapes, its parameters, its arithmetic."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine.fields import check_fields, to_plain

Shape = tuple[int, ...]
Parameters = Mapping[str, np.ndarray]


def shape_words(shape: Shape) -> str:
    """28 x 28 x 1"""
    return " x ".join(str(extent) for extent in shape)


@dataclasses.dataclass(frozen=True)
class Operation:
    """One piece of a layer's compiled program: a block of `engine.kernels.blocks` and what it works on.

    Args:
        block: the block's name, for example "affine" or "activation relu".
        inputs, outputs: values per sample.
        parameters: names of the layer's parameters, in the block's order.
        constants: the block's numbers.
        trains_only: left out where nothing is random (prediction, proofs).
        units: values that share a parameter are `units` apart (channels last); 0: every output is a unit.
        geometry: the block's whole numbers (a window: `engine.layers.windows.Window.geometry`).
        prepares: it comes before z, and only the next operation wants what it gives.
        within: which layer of a block it belongs to ("1", "projection"); "": to the layer itself.
        fed_z: what it is fed is z.
        reads_fork: it is fed what the "fork" of its block was fed, not what the operation before it gives.
    """

    block: str
    inputs: int
    outputs: int
    parameters: tuple[str, ...] = ()
    constants: tuple[float, ...] = ()
    trains_only: bool = False
    units: int = 0
    geometry: tuple[int, ...] = ()
    prepares: bool = False
    within: str = ""
    fed_z: bool = False
    reads_fork: bool = False


@dataclasses.dataclass(frozen=True)
class Call:
    """function(x, *arguments) in plain numpy: a piece of a layer's prediction, as exported scripts write it out.

    Args:
        name: what a script calls the function.
        arguments: a text names a parameter of the layer; a float is given in the network's type; a call is given as a
            function of one array; the rest as it is.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str | float | int | tuple[int, ...] | Call, ...] = ()

    def __call__(self, x: np.ndarray, parameters: Parameters) -> np.ndarray:
        return self.function(x, *(self.value(item, parameters, x.dtype) for item in self.arguments))

    def value(self, item: Any, parameters: Parameters, dtype: np.dtype) -> Any:
        """An argument as the function takes it."""
        if isinstance(item, str):
            return parameters[item]
        if isinstance(item, Call):
            return lambda x: item(x, parameters)
        return dtype.type(item) if isinstance(item, float) else item


@dataclasses.dataclass(frozen=True)
class Layer:
    """Base of all layers; `kind` is the class name. Shapes are without the batch axis, channels last."""

    def __post_init__(self) -> None:
        check_fields(self, self.kind)

    @property
    def kind(self) -> str:
        return type(self).__name__

    @property
    def has_units(self) -> bool:
        """Whether the outputs are units of their own, and not only those of the layer before in another form."""
        return False

    @property
    def has_kernel(self) -> bool:
        """Whether it has weights (..., inputs, units), the parameter "kernel"."""
        return False

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of parameters that training measures and no gradient changes (moving means)."""
        return ()

    def within(self, input_shape: Shape) -> tuple[tuple[str, Layer, Shape], ...]:
        """The layers that a block is made of, in the order of computing: (name, layer, shape that it is fed)."""
        return ()

    def window_axes(self, parameter: Shape) -> int:
        """How many axes of a parameter are a window, before those of inputs and units."""
        return max(0, len(parameter) - 2)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Raises RelumeError where the layer does not fit."""
        raise NotImplementedError

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Name ("kernel", "bias", "activation.slope") -> shape."""
        return {}

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        """Fresh parameters; `gain` is the gain of the activation that feeds the layer."""
        return {}

    def gain(self, fed: float, input_shape: Shape) -> float:
        """The gain for the layer after this one: 1 / sqrt(mean square) of what this one gives; `fed` is that of x."""
        return fed

    def penalties(self) -> dict[str, tuple[float, float]]:
        """Parameter name -> (l1, l2) of the penalty l1 sum|w| + l2 sum w^2."""
        return {}

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """(z, a) by numpy, nothing random. x: (n, *input_shape).

        by_batch: as in training, where a layer may use the mean and variance of these very samples.
        """
        raise NotImplementedError

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """(gradient of x, gradients of the parameters) by numpy, from the gradient of a; `by_batch` as in training."""
        raise NotImplementedError

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        """Prediction in plain numpy, each call on what the one before gave; () where values only pass through."""
        raise NotImplementedError

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        """The layer's compiled program, in forward order; the first that does not prepare gives z, or is
        fed it, the last gives a.

        by_batch: of training."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **to_plain(self)}

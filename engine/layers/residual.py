"""Residual: a skip around some layers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from engine.errors import RelumeError, shown
from engine.fields import field
from engine.layers.activated import trainable_field
from engine.layers.base import Call, Layer, Operation, Parameters, Shape, shape_words
from engine.layers.conv1d import Conv1D
from engine.layers.conv2d import Conv2D
from engine.layers.dense import Dense

PROJECTION = "projection"
DEEPEST = 20  # blocks within each other
Item = TypeVar("Item")


@dataclasses.dataclass(frozen=True)
class Residual(Layer):
    """a = h(x) + s(x), h the layers within, one after the other.

    The skip s gives x as it is where h keeps its shape. Else it is a linear projection to the shape that h gives: a
    Dense layer of rows, a convolution with a window of 1 of signals and maps, with the stride that h has.

    Parameters are those of the layers within, "0.kernel", "1.bias", and "projection.kernel", "projection.bias".

    Source: He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, arXiv:1512.03385 (shortcut B).
    """

    layers: tuple[Layer, ...] = field((), "layers", "Layers", "What the skip goes around.")
    trainable: bool = trainable_field()

    def __post_init__(self) -> None:
        super().__post_init__()
        for number, layer in enumerate(self.layers, 1):
            if not isinstance(layer, Layer):
                raise RelumeError(f"{shown(layer)} is not a layer.", f"Residual, layer {number}", "Use engine.Dense.")
        if self._depth > DEEPEST:
            raise RelumeError(f"More than {DEEPEST} blocks lie within each other.", "Residual", "Put some in a row.")

    @property
    def _depth(self) -> int:
        return 1 + max((layer._depth for layer in self.layers if isinstance(layer, Residual)), default=0)

    # ---- what is within ------------------------------------------------------------------------

    def within(self, input_shape: Shape) -> tuple[tuple[str, Layer, Shape], ...]:
        chain, given = self._chain(input_shape)
        skip = _projection(input_shape, given)
        return (*chain, (PROJECTION, skip, input_shape)) if skip else chain

    def _chain(self, input_shape: Shape) -> tuple[tuple[tuple[str, Layer, Shape], ...], Shape]:
        """The layers of h as (name, layer, fed), and the shape that the last one gives."""
        chain, shape = [], input_shape
        for number, layer in enumerate(self.layers):
            chain.append((str(number), layer, shape))
            try:
                shape = layer.output_shape(shape)
            except RelumeError as error:
                deeper = error.where if error.where.startswith(".") else ""
                raise RelumeError(error.what, f".{number + 1}{deeper}", error.fix) from None
        if not chain:
            raise RelumeError("A residual block without layers does nothing.", "Residual", "Add a layer to it.")
        return tuple(chain), shape

    @property
    def has_units(self) -> bool:
        return True

    # ---- shapes and parameters ------------------------------------------------------------------

    def output_shape(self, input_shape: Shape) -> Shape:
        given = self._chain(input_shape)[1]
        _projection(input_shape, given)  # raises where there is none
        return given

    @property
    def measured(self) -> tuple[str, ...]:
        return tuple(f"{number}.{name}" for number, layer in enumerate(self.layers) for name in layer.measured)

    def penalties(self) -> dict[str, tuple[float, float]]:
        return {
            f"{number}.{name}": strengths
            for number, layer in enumerate(self.layers)
            for name, strengths in layer.penalties().items()
        }

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return _named(self.within(input_shape), lambda layer, fed: layer.parameter_shapes(fed))

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        gains = iter([*self._gains(gain, input_shape)[:-1], gain])  # the last one for the projection
        return _named(self.within(input_shape), lambda layer, fed: layer.initial(fed, rng, next(gains)))

    def gain(self, fed: float, input_shape: Shape) -> float:
        """The mean squares of both ways, 1 / gain^2, add up; that of a projection is 1."""
        skipped = 1.0 / fed if input_shape == self.output_shape(input_shape) else 1.0
        return 1.0 / math.hypot(skipped, 1.0 / self._gains(fed, input_shape)[-1])

    def _gains(self, fed: float, input_shape: Shape) -> list[float]:
        """The gain for each layer within, and for what comes after the last."""
        gains = [fed]
        for _, layer, shape in self._chain(input_shape)[0]:
            gains.append(layer.gain(gains[-1], shape))
        return gains

    # ---- arithmetic ------------------------------------------------------------------------------

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = skip = x
        for name, layer, _ in self.within(x.shape[1:]):
            given = layer.forward(x if name == PROJECTION else a, _of(name, parameters), by_batch)[1]
            a, skip = (a, given) if name == PROJECTION else (given, skip)
        return a + skip, a + skip

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        passed, fed = [], x
        for name, layer, _ in self.within(x.shape[1:]):
            source = x if name == PROJECTION else fed
            z, a = layer.forward(source, _of(name, parameters), by_batch=True)
            passed.append((name, layer, source, z, a))
            fed = a
        gradients: dict[str, np.ndarray] = {}
        along, skipped = gradient, gradient
        for name, layer, source, z, a in reversed(passed):
            after = skipped if name == PROJECTION else along
            before, own = layer.backward(source, z, a, after, _of(name, parameters))
            along, skipped = (along, before) if name == PROJECTION else (before, skipped)
            gradients.update({f"{name}.{key}": value for key, value in own.items()})
        return along + skipped, gradients

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        ways: dict[bool, list[Call]] = {True: [], False: []}
        for name, layer, fed in self.within(input_shape):
            ways[name == PROJECTION].extend(_within(call, name) for call in layer.calls(fed))
        body = Call("in_turn", in_turn, tuple(ways[False]))
        return (Call("residual", residual, (body, *ways[True])),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        inputs, outputs = math.prod(input_shape), math.prod(self.output_shape(input_shape))
        inner = []
        for name, layer, fed in self.within(input_shape):
            for operation in layer.operations(fed, by_batch):
                place, reads_fork = f"{name}.{operation.within}".rstrip("."), operation.reads_fork or name == PROJECTION
                inner.append(dataclasses.replace(operation, within=place, reads_fork=reads_fork))
        return Operation("fork", inputs, inputs, prepares=True), *inner, Operation("add", outputs, outputs)


def in_turn(x: np.ndarray, *functions: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    for function in functions:
        x = function(x)
    return x


def residual(
    x: np.ndarray, body: Callable[[np.ndarray], np.ndarray], *projection: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    skip = x
    for function in projection:
        skip = function(skip)
    return body(x) + skip


def _projection(fed: Shape, given: Shape) -> Layer | None:
    """What makes one shape the other; None where they are the same. Raises RelumeError where nothing does."""
    if fed == given:
        return None
    if len(fed) == len(given) == 1:
        return Dense(given[-1])
    if len(fed) == len(given) and len(given) in (2, 3):
        strides = -(-fed[0] // given[0])
        skip = (Conv1D if len(given) == 2 else Conv2D)(given[-1], 1, strides, "same")
        if skip.output_shape(fed) == given:
            return skip
    raise RelumeError(
        f"The layers of the block give {shape_words(given)}, and no skip makes that of {shape_words(fed)}.",
        "Residual",
        'Keep the positions (padding "same"), or divide them by a stride.',
    )


def _named(
    parts: tuple[tuple[str, Layer, Shape], ...], of: Callable[[Layer, Shape], Mapping[str, Item]]
) -> dict[str, Item]:
    return {f"{name}.{key}": value for name, layer, fed in parts for key, value in of(layer, fed).items()}


def _of(name: str, parameters: Parameters) -> dict[str, np.ndarray]:
    """The parameters of a layer within."""
    start = f"{name}."
    return {key.removeprefix(start): value for key, value in parameters.items() if key.startswith(start)}


def _within(call: Call, name: str) -> Call:
    """The same call on the parameters of a layer within."""

    def renamed(item: Any) -> Any:
        if isinstance(item, Call):
            return _within(item, name)
        return f"{name}.{item}" if isinstance(item, str) else item

    return dataclasses.replace(call, arguments=tuple(renamed(item) for item in call.arguments))

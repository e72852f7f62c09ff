"""What layers with an activation have in common: a = f(z), its learned options, and units that are switched off."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import activations
from engine.errors import RelumeError
from engine.fields import NamedOptions, field, name_of, options_of
from engine.layers.base import Call, Layer, Operation, Parameters, Shape


def activation_field(default: str = "linear") -> Any:
    return field(
        default, "named", "Activation", "What a unit makes of its z.", choices=lambda: activations.names(),
        own=lambda name: activations.own_name(name) if activations.is_own(name) else None,
    )  # fmt: skip


def off_field() -> Any:
    return field((), "units", "Switched off", "Units that give 0, whatever they are fed; they do not learn.")


def trainable_field() -> Any:
    return field(True, "flag", "Trainable", "Off: training leaves the weights of this layer as they are.")


class ActivatedLayer(Layer):
    """Base of layers whose units give f(z); a unit is an index of the last axis.

    Options of learned activations are parameters of shape (units,), called "activation.<option>".
    """

    activation: Any
    off: tuple[int, ...]
    trainable: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_named("activation", activations)

    def check_named(self, name: str, table: Any) -> None:
        """Raises RelumeError where a field's value is no entry of its table, or has options that the entry has not."""
        value: str | NamedOptions = getattr(self, name)
        try:
            table.get(name_of(value)).values(options_of(value))
        except RelumeError as error:
            raise RelumeError(error.what, f"{self.kind}, {name}", error.fix) from None

    @property
    def has_units(self) -> bool:
        return True

    def switched_off(self, input_shape: Shape) -> tuple[int, ...]:
        """The units that give 0; a number beyond the last unit means none."""
        return tuple(unit for unit in self.off if unit < self.output_shape(input_shape)[-1])

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        units = self.output_shape(input_shape)[-1:]
        return {f"activation.{option.name}": units for option in activations.resolve(self.activation)[0].learned}

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        activation, values = activations.resolve(self.activation)
        units = self.output_shape(input_shape)[-1]
        chosen = zip(activation.options, values, strict=True)
        return {f"activation.{option.name}": np.full(units, value) for option, value in chosen if option.learned}

    def gain(self, fed: float, input_shape: Shape) -> float:
        return activations.resolve(self.activation)[0].gain(options_of(self.activation))

    def activated(self, z: np.ndarray, parameters: Parameters) -> np.ndarray:
        """f(z), before units are switched off."""
        return activations.resolve(self.activation)[0].forward(z, *self._options(parameters, z.dtype))

    def activation_backward(
        self, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters, off: tuple[int, ...]
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """(gradient of z, gradients of the learned options) from the gradient of what the layer gives."""
        activation, options = activations.resolve(self.activation)[0], self._options(parameters, z.dtype)
        gradient, gradients = without(gradient, off), {}
        a = activation.forward(z, *options) if off else a
        for option in activation.learned:
            assert option.gradient is not None
            gradients[f"activation.{option.name}"] = per_unit(gradient * option.gradient(z, a, *options))
        return gradient * activation.derivative(z, *options), gradients

    def activation_calls(self, off: tuple[int, ...]) -> tuple[Call, ...]:
        activation, values = activations.resolve(self.activation)
        options = tuple(
            f"activation.{option.name}" if option.learned else float(value)
            for option, value in zip(activation.options, values, strict=True)
        )
        applied = Call(f"activation_{activation.identifier}", activation.function, options)
        return (applied, Call("without", without, (off,))) if off else (applied,)

    def activation_operations(self, values: int, units: int, off: tuple[int, ...]) -> tuple[Operation, ...]:
        """What makes a of z, so many values a sample; none where a is z."""
        activation, options = activations.resolve(self.activation)
        learned = tuple(f"activation.{option.name}" for option in activation.learned)
        constants = tuple(v for o, v in zip(activation.options, options, strict=True) if not o.learned)
        operations, wide = [], (values, values)
        if activation.random:
            operations.append(Operation(activation.random, *wide, constants=constants, trains_only=True, units=units))
        if activation.steps is not None:
            code, numbers = activation.steps
            operations.append(Operation("own formula", *wide, learned, numbers, units=units, geometry=code))
        elif activation.name != "linear":
            operations.append(Operation(f"activation {activation.name}", *wide, learned, constants, units=units))
        if off:
            kept = tuple(float(unit not in off) for unit in range(units))
            operations.append(Operation("switch", *wide, constants=kept, units=units))
        return tuple(operations)

    def _options(self, parameters: Parameters, dtype: Any) -> tuple[Any, ...]:
        activation, values = activations.resolve(self.activation)
        return tuple(
            parameters[f"activation.{option.name}"] if option.learned else dtype.type(value)
            for option, value in zip(activation.options, values, strict=True)
        )


def without(a: np.ndarray, off: tuple[int, ...]) -> np.ndarray:
    """A copy of `a` in which these units are 0; `a` itself where there are none."""
    if not off:
        return a
    kept = a.copy()
    kept[..., list(off)] = 0
    return kept


def per_unit(values: np.ndarray) -> np.ndarray:
    """The sum over all samples and positions."""
    return values.sum(axis=tuple(range(values.ndim - 1)))

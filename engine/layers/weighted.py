"""What layers with weights and an activation have in common: a = f(z), z a weighted sum + bias."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import activations, initializers
from engine.errors import RelumeError
from engine.fields import NamedOptions, field, name_of, options_of
from engine.layers.base import Call, Layer, Operation, Parameters, Shape


def activation_field() -> Any:
    return field(
        "linear", "named", "Activation", "What a unit makes of its sum z.", choices=lambda: activations.names(),
        own=lambda name: activations.own_name(name) if activations.is_own(name) else None,
    )  # fmt: skip


def initializer_field() -> Any:
    return field("auto", "named", "Initializer", "How the kernel starts.", choices=lambda: initializers.names())


def l1_field() -> Any:
    return field(0.0, "float", "L1", "Penalty on the size of kernel weights.", minimum=0, maximum=1e6)


def l2_field() -> Any:
    return field(0.0, "float", "L2", "Penalty on the squares of kernel weights.", minimum=0, maximum=1e6)


def off_field() -> Any:
    return field((), "units", "Switched off", "Units that give 0, whatever they are fed; they do not learn.")


def trainable_field() -> Any:
    return field(True, "flag", "Trainable", "Off: training leaves the weights of this layer as they are.")


class WeightedLayer(Layer):
    """Base of layers with a kernel (..., inputs, units) and a bias (units,); a unit is an index of the last axis.

    Options of learned activations are parameters of shape (units,), called "activation.<option>".
    A kind declares these fields after its own, and says how z comes from x.
    """

    activation: Any
    initializer: Any
    l1: float
    l2: float
    off: tuple[int, ...]
    trainable: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, table in (("activation", activations), ("initializer", initializers)):
            value: str | NamedOptions = getattr(self, name)
            try:
                table.get(name_of(value)).values(options_of(value))  # type: ignore[attr-defined]
            except RelumeError as error:
                raise RelumeError(error.what, f"{self.kind}, {name}", error.fix) from None

    # ---- what a kind says ---------------------------------------------------------------------

    def kernel_shape(self, input_shape: Shape) -> Shape:
        """(..., inputs, units)"""
        raise NotImplementedError

    def weighted(self, input_shape: Shape) -> Call:
        """z from x, kernel and bias."""
        raise NotImplementedError

    def weighted_backward(
        self, x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(gradient of x, gradient of the kernel) from the gradient of z."""
        raise NotImplementedError

    def weighted_operation(self, input_shape: Shape) -> Operation:
        """The compiled block that gives z."""
        raise NotImplementedError

    # ---- what follows -------------------------------------------------------------------------

    def switched_off(self, input_shape: Shape) -> tuple[int, ...]:
        """The units that give 0; a number beyond the last unit means none."""
        return tuple(unit for unit in self.off if unit < self.kernel_shape(input_shape)[-1])

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = self.kernel_shape(input_shape)
        learned = activations.resolve(self.activation)[0].learned
        return {
            "kernel": kernel,
            "bias": kernel[-1:],
            **{f"activation.{option.name}": kernel[-1:] for option in learned},
        }

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        activation, values = activations.resolve(self.activation)
        kernel, bias = initializers.draw_with_bias(self.initializer, rng, self.kernel_shape(input_shape), gain)
        parameters = {"kernel": kernel, "bias": bias}
        for option, value in zip(activation.options, values, strict=True):
            if option.learned:
                parameters[f"activation.{option.name}"] = np.full(kernel.shape[-1], value)
        return parameters

    def gain(self, fed: float) -> float:
        activation = activations.resolve(self.activation)[0]
        return activation.gain(options_of(self.activation))

    def penalties(self) -> dict[str, tuple[float, float]]:
        return {"kernel": (self.l1, self.l2)} if self.l1 or self.l2 else {}

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        z = self.weighted(x.shape[1:])(x, parameters)
        a = activations.resolve(self.activation)[0].forward(z, *self._options(parameters, z.dtype))
        return z, without(a, self.switched_off(x.shape[1:]))

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        activation, options = activations.resolve(self.activation)[0], self._options(parameters, z.dtype)
        off = self.switched_off(x.shape[1:])
        gradient, gradients = without(gradient, off), {}
        a = activation.forward(z, *options) if off else a
        for option in activation.learned:
            assert option.gradient is not None
            gradients[f"activation.{option.name}"] = _per_unit(gradient * option.gradient(z, a, *options))
        gradient = gradient * activation.derivative(z, *options)
        gradients["bias"] = _per_unit(gradient)
        before, gradients["kernel"] = self.weighted_backward(x, gradient, parameters["kernel"])
        return before, gradients

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        activation, values = activations.resolve(self.activation)
        options = tuple(
            f"activation.{option.name}" if option.learned else float(value)
            for option, value in zip(activation.options, values, strict=True)
        )
        applied = (
            self.weighted(input_shape),
            Call(f"activation_{activation.identifier}", activation.function, options),
        )
        off = self.switched_off(input_shape)
        return (*applied, Call("without", without, (off,))) if off else applied

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        activation, values = activations.resolve(self.activation)
        learned = tuple(f"activation.{option.name}" for option in activation.learned)
        constants = tuple(v for o, v in zip(activation.options, values, strict=True) if not o.learned)
        summing, units = self.weighted_operation(input_shape), self.kernel_shape(input_shape)[-1]
        operations, wide = [summing], (summing.outputs, summing.outputs)
        if activation.random:
            operations.append(Operation(activation.random, *wide, constants=constants, trains_only=True, units=units))
        if activation.steps is not None:
            code, numbers = activation.steps
            operations.append(Operation("own formula", *wide, learned, numbers, units=units, geometry=code))
        elif activation.name != "linear":  # else a is z
            operations.append(Operation(f"activation {activation.name}", *wide, learned, constants, units=units))
        off = self.switched_off(input_shape)
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


def _per_unit(values: np.ndarray) -> np.ndarray:
    return values.sum(axis=tuple(range(values.ndim - 1)))

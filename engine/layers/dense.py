"""Dense: every unit sees every input."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine import activations, initializers
from engine.errors import RelumeError
from engine.fields import NamedOptions, field, name_of, options_of
from engine.layers.base import Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class Dense(Layer):
    """a = f(z), z = x kernel + bias; kernel (inputs, units), bias (units,).

    Options of learned activations are parameters of shape (units,), called "activation.<option>".
    """

    units: int = field(1, "int", "Units", "Neurons of the layer.", minimum=1, maximum=1_000_000)
    activation: Any = field(
        "linear", "named", "Activation", "What a unit makes of its sum z.", choices=lambda: activations.names()
    )
    initializer: Any = field(
        "auto", "named", "Initializer", "How the kernel starts.", choices=lambda: initializers.names()
    )
    l1: float = field(0.0, "float", "L1", "Penalty on the size of kernel weights.", minimum=0, maximum=1e6)
    l2: float = field(0.0, "float", "L2", "Penalty on the squares of kernel weights.", minimum=0, maximum=1e6)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, table in (("activation", activations), ("initializer", initializers)):
            value: str | NamedOptions = getattr(self, name)
            try:
                table.get(name_of(value)).values(options_of(value))  # type: ignore[attr-defined]
            except RelumeError as error:
                raise RelumeError(error.what, f"Dense, {name}", error.fix) from None

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise RelumeError(f"Dense takes flat inputs, not the shape {input_shape}.", "Dense", "Flatten them before.")
        return (self.units,)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        learned = activations.resolve(self.activation)[0].learned
        return {
            "kernel": (input_shape[0], self.units),
            "bias": (self.units,),
            **{f"activation.{option.name}": (self.units,) for option in learned},
        }

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        activation, values = activations.resolve(self.activation)
        parameters = {
            "kernel": initializers.draw(self.initializer, rng, (input_shape[0], self.units), gain),
            "bias": np.zeros(self.units),
        }
        for option, value in zip(activation.options, values, strict=True):
            if option.learned:
                parameters[f"activation.{option.name}"] = np.full(self.units, value)
        return parameters

    def gain(self, fed: float) -> float:
        activation = activations.resolve(self.activation)[0]
        return activation.gain(options_of(self.activation))

    def penalties(self) -> dict[str, tuple[float, float]]:
        return {"kernel": (self.l1, self.l2)} if self.l1 or self.l2 else {}

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        z = x @ parameters["kernel"] + parameters["bias"]
        return z, activations.resolve(self.activation)[0].forward(z, *self._options(parameters, z.dtype))

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        activation, options = activations.resolve(self.activation)[0], self._options(parameters, z.dtype)
        gradients = {}
        for option in activation.learned:
            assert option.gradient is not None
            gradients[f"activation.{option.name}"] = (gradient * option.gradient(z, a, *options)).sum(axis=0)
        gradient = gradient * activation.derivative(z, *options)
        gradients["kernel"], gradients["bias"] = x.T @ gradient, gradient.sum(axis=0)
        return gradient @ parameters["kernel"].T, gradients

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        activation, values = activations.resolve(self.activation)
        learned = tuple(f"activation.{option.name}" for option in activation.learned)
        constants = tuple(v for o, v in zip(activation.options, values, strict=True) if not o.learned)
        return (
            Operation("affine", input_shape[0], self.units, ("kernel", "bias")),
            Operation(f"activation {activation.name}", self.units, self.units, learned, constants),
        )

    def _options(self, parameters: Parameters, dtype: Any) -> tuple[Any, ...]:
        activation, values = activations.resolve(self.activation)
        return tuple(
            parameters[f"activation.{option.name}"] if option.learned else dtype.type(value)
            for option, value in zip(activation.options, values, strict=True)
        )

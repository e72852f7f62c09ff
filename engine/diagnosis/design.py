"""Trouble that the design alone shows, told in words before training."""

from __future__ import annotations

import numpy as np

from engine.activations import Activation, get as activation_record
from engine.data.dataset import Dataset
from engine.diagnosis.finding import Finding, Remedy
from engine.errors import RelumeError
from engine.fields import name_of, options_of
from engine.layers import Softmax
from engine.losses import LOSSES, Loss
from engine.outputs import output_units
from engine.spec import NetworkSpec


def check_fit(spec: NetworkSpec, data: Dataset) -> None:
    """Raises RelumeError when the network cannot take the data or give what the loss needs."""
    if not len(data.x_train):
        raise RelumeError("There are no training samples.", "data", "Use a larger share for training.")
    if tuple(spec.input_shape) != tuple(data.x_train.shape[1:]):
        raise RelumeError(
            f"The network takes inputs of shape {spec.input_shape}, the data has {tuple(data.x_train.shape[1:])}.",
            "input shape",
            f"Use input_shape={tuple(data.x_train.shape[1:])}.",
        )
    loss = LOSSES.get(spec.loss)
    if not loss.fits(str(data.task)):
        raise RelumeError(
            f"The loss {loss.name} does not fit a {data.task} task.",
            "loss",
            f"Use one of {', '.join(record.name for record in LOSSES if data.task in record.tasks)}.",
        )
    given = spec.output_shape[-1]
    needed = output_units(spec.loss, data)
    two_classes = data.task == "binary" and loss.outputs is None and not loss.coupled
    if given != needed and not (two_classes and given == 2):
        raise RelumeError(
            f"The last layer has {given} units, but this data with {loss.name} needs {needed}.",
            f"layer {len(spec.layers)}, units",
            f"Give the last layer {needed} units.",
        )


def check_design(spec: NetworkSpec, data: Dataset) -> list[Finding]:
    """Findings on the design: what cannot fit, a double softmax or sigmoid, an output that cannot reach the targets."""
    findings: list[Finding] = []
    last = len(spec.parts) - 1
    try:
        check_fit(spec, data)
    except RelumeError as error:
        findings.append(
            Finding(
                "misfit", last, (), "serious", error.fix, "The network cannot be trained so.", (),
                error.what.removesuffix("."),
            )
        )  # fmt: skip
        return findings
    findings.extend(_flat_layers(spec))
    layer, loss = spec.layers[-1], LOSSES.get(spec.loss)
    if isinstance(layer, Softmax) and loss.link in ("sigmoid", "softmax"):
        findings.append(_squashed_twice(last, "softmax", loss, ()))
    if not hasattr(layer, "activation"):
        return findings
    activation = activation_record(name_of(layer.activation))
    linear = Remedy("Use linear", "activation", {"layer": last, "activation": "linear"})
    squashes = activation.range == "0 to 1" and activation.monotone
    if loss.link in ("sigmoid", "softmax") and squashes:
        findings.append(_squashed_twice(last, activation.name, loss, (linear,)))
    if data.task == "regression":
        low, high = _reach(activation)
        least, most = float(data.y_train.min()), float(data.y_train.max())
        if least < low - 1e-6 or most > high + 1e-6:
            side = f"below {low:g}" if least < low - 1e-6 else f"above {high:g}"
            findings.append(
                Finding(
                    "unreachable targets", last, (), "warning",
                    f"The targets go from {least:.3g} to {most:.3g}, but a {activation.name} output never goes {side}."
                    .replace("-", "\u2212"),
                    f"The range of {activation.name} is {activation.range}. Targets outside it cannot be reached.",
                    (linear,), "The output cannot reach the targets",
                )
            )  # fmt: skip
    elif activation.dies(options_of(layer.activation)):
        findings.append(
            Finding(
                "one-sided output", last, (), "warning",
                f"A {activation.name} output gives only 0 or more.",
                f"{loss.name} needs scores of both signs; and an output unit that dies stops all learning.",
                (linear,), "The output cannot speak against a class",
            )
        )  # fmt: skip
    return findings


def _squashed_twice(last: int, name: str, loss: Loss, remedies: tuple[Remedy, ...]) -> Finding:
    return Finding(
        "double link", last, (), "warning",
        f"Once by {name} in the last layer, once by {loss.link} inside {loss.name}.",
        f"{loss.name} takes raw scores and applies {loss.link} itself. Probabilities as scores lie between 0 and 1, "
        "so the result can never be sure and the gradients are small.",
        remedies, "The output is squashed twice",
    )  # fmt: skip


def _flat_layers(spec: NetworkSpec) -> list[Finding]:
    """Layers whose activation has no slope at all."""
    findings = []
    for number, part in enumerate(spec.parts):
        given = getattr(part.layer, "activation", "linear")
        record = activation_record(name_of(given))
        if record.flat(options_of(given)):
            held = f"weights of layers 1 to {part.number}" if number else "weights of layer 1"
            smooth = Remedy("Use sigmoid", "activation", {"layer": number, "activation": "sigmoid"})
            findings.append(
                Finding(
                    "flat activation", number, (), "serious",
                    f"The slope of {record.name} is 0 everywhere, so the {held} never change.",
                    "A gradient is multiplied by the slope of every activation that it passes. Here it becomes 0, so "
                    "the weights of this layer and of all layers before it never change.",
                    (smooth,), f"A {record.name} cannot be trained",
                )
            )  # fmt: skip
    return findings


def _reach(activation: Activation) -> tuple[float, float]:
    """The least and the largest value it can give; infinite where it goes on growing."""
    z = np.concatenate([np.linspace(-40.0, 40.0, 4001), [-1e6, 1e6]])
    a = activation.forward(z)
    low, high = float(a.min()), float(a.max())
    return (-np.inf if low < -1e3 else low), (np.inf if high > 1e3 else high)

"""The output layer follows the data and the loss; what it gives is read by their rules."""

from __future__ import annotations

import dataclasses

import numpy as np

from engine.data.dataset import Dataset
from engine.layers import Dense, Layer
from engine.losses import LOSSES, LossName, link
from engine.shape_fit import flattened, without_misfits
from engine.spec import NetworkSpec

#: The loss that suits each task when the one chosen does not.
DEFAULT_LOSSES = {
    "binary": "binary_cross_entropy",
    "multiclass": "softmax_cross_entropy",
    "regression": "mean_squared_error",
}


def output_units(loss: LossName, dataset: Dataset) -> int:
    """How many outputs the loss needs for this data: one for two classes, unless the loss is a softmax."""
    if dataset.task == "binary" and LOSSES.get(loss).link != "softmax":
        return 1
    return dataset.outputs


def suits(loss: LossName, dataset: Dataset) -> bool:
    """Whether a loss can be used for this data: its task, and targets that are not below what it takes."""
    record = LOSSES.get(loss)
    if dataset.task != "regression" or record.least_target == -np.inf:
        return dataset.task in record.tasks
    least = min((float(y.min()) for y in (dataset.y_train, dataset.y_test) if len(y)), default=0.0)
    return "regression" in record.tasks and least >= record.least_target


def fit_output(spec: NetworkSpec, dataset: Dataset) -> NetworkSpec:
    """`spec` with the inputs, the last Dense layer and the loss fitted to the data; `spec` itself where all fits.

    A loss that cannot work with the task is replaced by the task's default. An output layer of another width
    becomes linear, which suits every loss; one that fits keeps the activation that was chosen for it.
    Where the inputs have another shape, layers that cannot take it go, and images are flattened before Dense.
    """
    task = dataset.task
    loss = spec.loss if suits(spec.loss, dataset) else DEFAULT_LOSSES[task]
    units = output_units(loss, dataset)
    input_shape = tuple(dataset.x_train.shape[1:])
    kept = spec.layers if input_shape == spec.input_shape else without_misfits(spec.layers, input_shape)
    layers: list[Layer] = list(kept)
    last = _last_dense(kept)
    if last is None:
        layers.append(Dense(units))
    else:
        layer = layers[last]
        assert isinstance(layer, Dense)
        if layer.units != units:
            layers[last] = dataclasses.replace(layer, units=units, activation="linear")
        elif loss != spec.loss:
            layers[last] = dataclasses.replace(layer, activation="linear")
    fitted = flattened(layers, input_shape)
    if (input_shape, fitted, loss) == (spec.input_shape, spec.layers, spec.loss):
        return spec
    return NetworkSpec(input_shape, fitted, loss)


def output_index(spec: NetworkSpec) -> int | None:
    """The index of the last Dense layer, which gives the output; None without one."""
    return _last_dense(spec.layers)


def _last_dense(layers: tuple[Layer, ...]) -> int | None:
    return next((i for i in reversed(range(len(layers))) if isinstance(layers[i], Dense)), None)


def describe_output(spec: NetworkSpec, dataset: Dataset) -> str:
    """What the output is and why: "1 unit + sigmoid, set by the data"."""
    units = output_units(spec.loss, dataset)
    kind = LOSSES.get(spec.loss).link
    count = "1 unit" if units == 1 else f"{units} units"
    squashed = "" if kind == "identity" else f" + {kind}"
    return f"{count}{squashed}, set by the data"


def surface(loss: LossName, output: np.ndarray, dataset: Dataset) -> np.ndarray:
    """What outputs over a plane (outputs, rows, columns) say: probabilities or scores; target units for regression.

    Of two probabilities the second alone is told, which says all.
    """
    regression = str(dataset.task) == "regression"
    if regression and LOSSES.get(loss).link == "identity":
        return output
    width = len(output)
    said = link(loss, np.moveaxis(output, 0, -1).reshape(-1, width), str(dataset.task))
    told = said[:, 1:] if width == 2 and LOSSES.get(loss).tells_probabilities and not regression else said
    return np.moveaxis(np.asarray(told, np.float32).reshape(*output.shape[1:], -1), -1, 0)


def said_name(loss: LossName, class_name: str) -> str:
    """What one output is called: "P(B)" where it is a probability, else "score of B"."""
    return f"P({class_name})" if LOSSES.get(loss).tells_probabilities else f"score of {class_name}"

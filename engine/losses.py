"""Losses: one record each. A loss is a mean over samples and outputs; its gradient is with respect to the outputs.

`value(o, t, r)` and `gradient(o, t, r)` are for one output and its target. Where the loss couples the outputs of a
sample, o is the output less the largest of its row and r the row's log-sum-exp of these; else r is 0. They serve
numpy and the compiled kernels alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from engine import maths
from engine.errors import RelumeError
from engine.maths import Numbers
from engine.registry import Registry

TASKS = ("binary", "multiclass", "regression")


@dataclasses.dataclass(frozen=True, eq=False)
class Loss:
    """One loss. `per_sample` losses are summed over the outputs, the others are averaged over them."""

    name: str
    title: str
    formula: str
    value: Callable[[Numbers, Numbers, Numbers], Numbers]
    gradient: Callable[[Numbers, Numbers, Numbers], Numbers]
    tasks: tuple[str, ...]
    advice: str
    link: str = "identity"  # "sigmoid", "softmax": what turns outputs into probabilities
    coupled: bool = False
    per_sample: bool = False
    low: float = 0.0  # target of the class that is not there
    threshold: float = 0.5  # a single output above it says class 1
    outputs: int | None = None  # the width this loss wants, None for any
    power: int | None = None  # the loss is an error to this power: 2 for squares, 1 for absolute values

    @property
    def tells_probabilities(self) -> bool:
        """Outputs after the link are probabilities; without a link they are scores of any size."""
        return self.link != "identity"

    @property
    def said_range(self) -> tuple[float, float]:
        """What an output says of a class after the link, from "not there" to "there": probabilities, or its targets."""
        return (0.0, 1.0) if self.tells_probabilities else (self.low, 1.0)

    @property
    def said_threshold(self) -> float:
        """A single output above it after the link says class 1."""
        return 0.5 if self.tells_probabilities else self.threshold

    def evaluate(self, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
        """(loss, gradient (n, outputs)) of outputs and encoded targets, both (n, outputs)."""
        with np.errstate(all="ignore"):
            row = np.zeros((len(outputs), 1), outputs.dtype)
            if self.coupled:
                outputs = _from_the_top(outputs)
                row = np.log(np.exp(outputs).sum(axis=1, keepdims=True))
            divisor = len(outputs) * (1 if self.per_sample else outputs.shape[1])
            value = np.sum(self.value(outputs, targets, row), dtype=np.float64) / divisor
            return float(value), self.gradient(outputs, targets, row) / divisor


def _from_the_top(outputs: np.ndarray) -> np.ndarray:
    """Outputs less the largest of their row: a softmax stays the same, and large logits lose no digits."""
    return outputs - outputs.max(axis=1, keepdims=True)


LOSSES: Registry[Loss] = Registry("loss")

LOSSES.add(
    Loss(
        "mean_squared_error", "Mean squared error", "mean of (o - t)^2",
        lambda o, t, r: (o - t) * (o - t),
        lambda o, t, r: 2.0 * (o - t),
        TASKS, "The usual loss of a regression; large errors count most.", power=2,
    )
)  # fmt: skip
LOSSES.add(
    Loss(
        "mean_absolute_error", "Mean absolute error", "mean of |o - t|",
        lambda o, t, r: maths.absolute(o - t),
        lambda o, t, r: maths.sign(o - t),
        TASKS, "Robust: an outlier pulls no harder than any other sample.", power=1,
    )
)  # fmt: skip


def _huber(o: Numbers, t: Numbers, r: Numbers) -> Numbers:
    e = maths.absolute(o - t)
    return maths.where(e < 1.0, 0.5 * e * e, e - 0.5)


LOSSES.add(
    Loss(
        "huber", "Huber", "e^2 / 2 if |e| < 1, else |e| - 1/2",
        _huber,
        lambda o, t, r: maths.minimum(maths.maximum(o - t, -1.0), 1.0),
        TASKS, "Squared for small errors, absolute for large ones.",
    )
)  # fmt: skip
LOSSES.add(
    Loss(
        "softmax_cross_entropy", "Softmax cross-entropy", "-ln softmax(o)[class]",
        lambda o, t, r: maths.where(t == 0.0, 0.0 * t, t * (r - o)),
        lambda o, t, r: maths.exp(o - r) - t,
        ("binary", "multiclass"), "The usual loss of a classification; the outputs are logits, so keep them linear.",
        link="softmax", coupled=True, per_sample=True,
    )
)  # fmt: skip
LOSSES.add(
    Loss(
        "binary_cross_entropy", "Binary cross-entropy", "-ln of the probability of the true class, o a logit",
        lambda o, t, r: maths.softplus(o) - t * o,
        lambda o, t, r: maths.sigmoid(o) - t,
        ("binary",), "The usual loss for two classes; the one output is a logit, so keep it linear.",
        link="sigmoid", threshold=0.0, outputs=1,
    )
)  # fmt: skip
LOSSES.add(
    Loss(
        "hinge", "Hinge", "max(0, 1 - t o), targets -1 and +1",
        lambda o, t, r: maths.maximum(1.0 - t * o, 0.0),
        lambda o, t, r: maths.where(t * o < 1.0, -t, 0.0 * t),
        ("binary",), "A margin for two classes; samples beyond it no longer pull.",
        low=-1.0, threshold=0.0, outputs=1,
    )
)  # fmt: skip


def names() -> tuple[str, ...]:
    """Every loss, in the order of the menus."""
    return LOSSES.names()


def get(name: str) -> Loss:
    """The loss called `name`. Raises RelumeError for an unknown name."""
    return LOSSES.get(name)


def encode_targets(loss_name: str, y: Any, task: str, outputs: int) -> np.ndarray:
    """What the loss compares the outputs with, float32 (n, outputs).

    Args:
        y: class numbers (n,) for "binary" and "multiclass", values (n,) or (n, outputs) for "regression".
        outputs: the width of the network's output.
    Raises:
        RelumeError: the loss, the task and the width cannot work together, or y holds something else.
    """
    loss, where = get(loss_name), "targets"
    if task not in loss.tasks:
        raise RelumeError(f"{loss.title} cannot be used for {task} targets.", where, "Choose another loss.")
    if loss.outputs not in (None, outputs):
        raise RelumeError(f"{loss.title} takes {loss.outputs} output, not {outputs}.", where, "Change the last layer.")
    y = numbers(y)
    if task == "regression":
        values = y.reshape(-1, 1) if y.ndim == 1 else y
        if values.ndim != 2 or values.shape[1] != outputs:
            raise RelumeError(f"Targets of shape {y.shape} do not fit {outputs} outputs.", where)
        with np.errstate(over="ignore"):
            values = np.ascontiguousarray(values, dtype=np.float32)
        if not np.isfinite(values).all():
            raise RelumeError("Targets must be finite numbers in float32.", where)
        return values
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise RelumeError(f"Classes must be one number for each sample, not of shape {y.shape}.", where)
    classes = np.asarray(y, dtype=np.float64)
    if loss.low < 0 and np.isin(classes, (-1.0, 1.0)).all():
        classes = (classes + 1.0) / 2.0  # already as the loss sees them
    count = max(outputs, 2)
    if not ((classes >= 0) & (classes < count) & (classes == np.floor(classes))).all():
        raise RelumeError(f"Classes must be whole numbers from 0 to {count - 1} for {outputs} outputs.", where)
    labels = classes.astype(np.int64)
    if outputs == 1:
        if loss.coupled:
            raise RelumeError(f"{loss.title} needs one output for each class.", where, "Use two outputs or more.")
        return np.where(labels == 1, 1.0, loss.low).astype(np.float32)[:, None]
    encoded = np.full((len(labels), outputs), loss.low, dtype=np.float32)
    encoded[np.arange(len(labels)), labels] = 1.0
    return encoded


def numbers(y: Any) -> np.ndarray:
    """Targets as an array. Raises RelumeError unless they are numbers."""
    try:
        array = np.asarray(y)
    except ValueError:
        raise RelumeError("Targets must be an array of numbers, all rows of one length.", "targets") from None
    if array.dtype.kind not in "fiub":
        raise RelumeError(f"Targets must be numbers, not {array.dtype}.", "targets")
    return array


def link(loss_name: str, outputs: np.ndarray, task: str) -> np.ndarray:
    """Outputs (n, width) as probabilities where the loss has some (hinge and regression losses: unchanged)."""
    kind = get(loss_name).link if task != "regression" else "identity"
    with np.errstate(all="ignore"):
        if kind == "sigmoid":
            return maths.sigmoid(outputs)
        if kind == "softmax":
            shares = np.exp(_from_the_top(outputs))
            return shares / shares.sum(axis=1, keepdims=True)
    return outputs


def classes_of(loss_name: str, outputs: np.ndarray) -> np.ndarray:
    """The class numbers (n,) that outputs (n, width) stand for: the largest, or above the threshold for one output."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > get(loss_name).threshold).astype(np.int64)
    return outputs.argmax(axis=1)


def said_classes(loss_name: str, said: np.ndarray) -> np.ndarray:
    """`classes_of` for outputs that went through `link` already."""
    if said.shape[1] == 1:
        return (said[:, 0] > get(loss_name).said_threshold).astype(np.int64)
    return said.argmax(axis=1)

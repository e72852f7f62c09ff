"""Losses: one record each. A loss is a mean over samples and outputs; its gradient is with respect to the outputs.

`value(o, t, r, *options)` and `gradient(o, t, r, *options)` are for one output and its target. Where the loss couples
the outputs of a sample, o is the output less the largest of its row and r the row's log-sum-exp of these; else r is 0.
They serve numpy and the compiled kernels alike.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine import maths
from engine.errors import RelumeError
from engine.fields import FieldInfo, NamedOptions, checked_number, options_of
from engine.maths import Numbers
from engine.registry import Registry

TASKS = ("binary", "multiclass", "regression")


LossName = str | NamedOptions


@dataclasses.dataclass(frozen=True)
class LossOption:
    """A number of a loss. `smooths`: it changes the targets, not the formula."""

    name: str
    default: float
    info: FieldInfo
    smooths: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Loss:
    """One loss. `per_sample` losses are summed over the outputs, the others are averaged over them.

    Attributes:
        through_softmax: `gradient` gives p dL/dp of each output, p = exp(o - r); the gradient follows: that, less p
            times the sum of the row.
        distributions: targets may be shares, 0 or more, that add up to 1.
    """

    name: str
    title: str
    formula: str
    value: Callable[..., Numbers]
    gradient: Callable[..., Numbers]
    tasks: tuple[str, ...]
    advice: str
    link: str = "identity"  # "sigmoid", "softmax": what turns outputs into probabilities; "exp": into predictions
    coupled: bool = False
    per_sample: bool = False
    low: float = 0.0  # target of the class that is not there
    threshold: float = 0.5  # a single output above it says class 1
    outputs: int | None = None  # the width this loss wants, None for any
    power: int | None = None  # the loss is an error to this power: 2 for squares, 1 for absolute values
    options: tuple[LossOption, ...] = ()
    through_softmax: bool = False
    distributions: bool = False
    least_target: float = -math.inf

    @property
    def tells_probabilities(self) -> bool:
        """Outputs after the link are probabilities; without a link they are scores of any size."""
        return self.link in ("sigmoid", "softmax")

    @property
    def said_range(self) -> tuple[float, float]:
        """What an output says of a class after the link, from "not there" to "there": probabilities, or its targets."""
        return (0.0, 1.0) if self.tells_probabilities else (self.low, 1.0)

    @property
    def said_threshold(self) -> float:
        """A single output above it after the link says class 1."""
        return 0.5 if self.tells_probabilities else self.threshold

    def values(self, options: Mapping[str, float]) -> dict[str, float]:
        """Option values, defaults filled in. Raises RelumeError for unknown names and numbers out of range."""
        known = {option.name: option for option in self.options}
        for name, value in options.items():
            if name not in known:
                fix = f"Options: {', '.join(known) or 'none'}."
                raise RelumeError(f"{self.name} has no option {name!r}.", "loss", fix)
            checked_number(value, known[name].info, f"loss, {name}")
        return {option.name: options.get(option.name, option.default) for option in self.options}

    def constants(self, options: Mapping[str, float]) -> tuple[float, ...]:
        """The numbers that the formula takes."""
        values = self.values(options)
        return tuple(values[option.name] for option in self.options if not option.smooths)

    def fits(self, task: str) -> bool:
        return task in self.tasks or (self.distributions and task == "regression")

    def evaluate(
        self, outputs: np.ndarray, targets: np.ndarray, constants: tuple[float, ...] = (), weights: Any = None
    ) -> tuple[float, np.ndarray]:
        """(loss, gradient (n, outputs)) of outputs and encoded targets, both (n, outputs).

        weights: what samples of each class count, (classes,); None: alike.
        """
        with np.errstate(all="ignore"):
            row = np.zeros((len(outputs), 1), outputs.dtype)
            if self.coupled:
                outputs = _from_the_top(outputs)
                row = np.log(np.exp(outputs).sum(axis=1, keepdims=True))
            divisor = len(outputs) * (1 if self.per_sample else outputs.shape[1])
            value = self.value(outputs, targets, row, *constants)
            gradient = self.gradient(outputs, targets, row, *constants)
            if self.through_softmax:
                gradient = gradient - np.exp(outputs - row) * gradient.sum(axis=1, keepdims=True)
            if weights is not None:
                each = np.asarray(weights, outputs.dtype)[target_classes(targets)][:, None]
                value, gradient = value * each, gradient * each
            return float(np.sum(value, dtype=np.float64) / divisor), gradient / divisor


def _from_the_top(outputs: np.ndarray) -> np.ndarray:
    """Outputs less the largest of their row: a softmax stays the same, and large logits lose no digits."""
    return outputs - outputs.max(axis=1, keepdims=True)


class _Losses(Registry[Loss]):
    """Knows a loss with options by its name too."""

    def get(self, name: LossName) -> Loss:
        return super().get(name.name if isinstance(name, NamedOptions) else name)


LOSSES = _Losses("loss")
_SMOOTHING = LossOption(
    "label_smoothing", 0.0,
    FieldInfo("float", "Smoothing", "Share of every target that all classes get alike.", minimum=0, below=1),
    smooths=True,
)  # fmt: skip
_GAMMA = LossOption("gamma", 2.0, FieldInfo("float", "Gamma", "0: cross-entropy.", minimum=0, maximum=100))

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
        link="softmax", coupled=True, per_sample=True, options=(_SMOOTHING,),
    )
)  # fmt: skip
LOSSES.add(
    Loss(
        "binary_cross_entropy", "Binary cross-entropy", "-ln of the probability of the true class, o a logit",
        lambda o, t, r: maths.softplus(o) - t * o,
        lambda o, t, r: maths.sigmoid(o) - t,
        ("binary",), "The usual loss for two classes; the one output is a logit, so keep it linear.",
        link="sigmoid", threshold=0.0, outputs=1, options=(_SMOOTHING,),
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
LOSSES.add(
    Loss(
        "log_cosh", "Log-cosh", "mean of ln cosh(o - t)",
        lambda o, t, r: maths.absolute(o - t) + maths.softplus(-2.0 * maths.absolute(o - t)) - 0.6931471805599453,
        lambda o, t, r: maths.tanh(o - t),
        TASKS, "Like Huber, without a corner.",
    )
)  # fmt: skip
LOSSES.add(
    Loss(
        "poisson", "Poisson", "e^o - t o: o is the logarithm of what is predicted",
        lambda o, t, r: maths.exp(o) - t * o,
        lambda o, t, r: maths.exp(o) - t,
        ("regression",), "For counts: targets of 0 or more; the outputs are logarithms, so keep them linear.",
        link="exp", least_target=0.0,
    )
)  # fmt: skip


def _divergence(o: Numbers, t: Numbers, r: Numbers) -> Numbers:
    # where t is 0 the logarithm is of 1
    return t * (maths.log1p(maths.where(t > 0.0, t, 1.0) - 1.0) + r - o)


LOSSES.add(
    Loss(
        "kl_divergence", "KL divergence", "sum of t ln(t / softmax(o))",
        _divergence,
        lambda o, t, r: -t,
        ("binary", "multiclass"), "Of class numbers the same as softmax cross-entropy; targets may be shares too.",
        link="softmax", coupled=True, per_sample=True, through_softmax=True, distributions=True, least_target=0.0,
    )
)  # fmt: skip


def _missing(o: Numbers, r: Numbers) -> Numbers:
    """1 - p"""
    return maths.maximum(-maths.expm1(o - r), 0.0)


def _focal_pull(o: Numbers, t: Numbers, r: Numbers, gamma: Numbers) -> Numbers:
    q = _missing(o, r)
    ratio = maths.where(q > 0.0, (o - r) / q, -1.0)
    return t * q**gamma * (gamma * maths.exp(o - r) * ratio - 1.0)


LOSSES.add(
    Loss(
        "focal", "Focal", "-(1 - p)^gamma ln p, p = softmax(o)[class]",
        lambda o, t, r, gamma: maths.where(t == 0.0, 0.0 * t, t * _missing(o, r) ** gamma * (r - o)),
        _focal_pull,
        ("binary", "multiclass"), "Cross-entropy that cares less for what it knows already; for rare classes.",
        link="softmax", coupled=True, per_sample=True, through_softmax=True, options=(_GAMMA,),
    )
)  # fmt: skip


def _binary_focal(o: Numbers, t: Numbers, r: Numbers, gamma: Numbers) -> Numbers:
    u = (2.0 * t - 1.0) * o
    return maths.sigmoid(-u) ** gamma * maths.softplus(-u)


def _binary_focal_gradient(o: Numbers, t: Numbers, r: Numbers, gamma: Numbers) -> Numbers:
    side = 2.0 * t - 1.0
    u = side * o
    q = maths.sigmoid(-u)
    return -side * q**gamma * (gamma * maths.sigmoid(u) * maths.softplus(-u) + q)


LOSSES.add(
    Loss(
        "binary_focal", "Binary focal", "-(1 - p)^gamma ln p, p the probability of the true class, o a logit",
        _binary_focal,
        _binary_focal_gradient,
        ("binary",), "Cross-entropy that cares less for what it knows already; for rare classes.",
        link="sigmoid", threshold=0.0, outputs=1, options=(_GAMMA,),
    )
)  # fmt: skip


def names() -> tuple[str, ...]:
    """Every loss, in the order of the menus."""
    return LOSSES.names()


def get(name: LossName) -> Loss:
    """The loss called `name`, with options or without. Raises RelumeError for an unknown name."""
    return LOSSES.get(name)


def constants_of(loss: LossName) -> tuple[float, ...]:
    """The numbers that the formula of a loss with its options takes."""
    return get(loss).constants(options_of(loss))


def evaluate(loss: LossName, outputs: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """`Loss.evaluate` of a loss with its options."""
    return get(loss).evaluate(outputs, targets, constants_of(loss))


def target_classes(targets: np.ndarray) -> np.ndarray:
    """The class numbers (n,) of encoded targets."""
    return (targets[:, 0] > 0.5).astype(np.int64) if targets.shape[1] == 1 else targets.argmax(axis=1)


def balanced(targets: np.ndarray) -> tuple[float, ...]:
    """Class weights n / (classes x samples of the class): every class counts as much. A class without samples has 1."""
    counts = np.bincount(target_classes(targets), minlength=count_of(targets))
    return tuple(np.where(counts > 0, len(targets) / (len(counts) * np.maximum(counts, 1)), 1.0).tolist())


def encode_targets(loss_name: LossName, y: Any, task: str, outputs: int) -> np.ndarray:
    """What the loss compares the outputs with, float32 (n, outputs).

    Args:
        y: class numbers (n,) for "binary" and "multiclass", values (n,) or (n, outputs) for "regression".
        outputs: the width of the network's output.
    Raises:
        RelumeError: the loss, the task and the width cannot work together, or y holds something else.
    """
    loss, where = get(loss_name), "targets"
    if not loss.fits(task):
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
        if (values < loss.least_target).any():
            what = f"{loss.title} needs targets of at least {loss.least_target:g}, not {float(values.min()):g}."
            raise RelumeError(what, where, "Choose another loss, or no scaling of the targets.")
        if loss.distributions and (np.abs(values.sum(axis=1, dtype=np.float64) - 1.0) > 1e-3).any():
            raise RelumeError(f"{loss.title} needs targets that add up to 1 for every sample.", where)
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
        return _smoothed(loss_name, np.where(labels == 1, 1.0, loss.low).astype(np.float32)[:, None])
    encoded = np.full((len(labels), outputs), loss.low, dtype=np.float32)
    encoded[np.arange(len(labels)), labels] = 1.0
    return _smoothed(loss_name, encoded)


def class_weights(given: str | tuple[float, ...] | None, targets: np.ndarray) -> tuple[float, ...]:
    """What samples of each class count, as a training spec says it; () for alike. Raises RelumeError for too few."""
    if given is None:
        return ()
    weights = balanced(targets) if given == "balanced" else tuple(map(float, given))
    if len(weights) != count_of(targets):
        what = f"{count_of(targets)} classes need as many class weights, not {len(weights)}."
        raise RelumeError(what, "TrainingSpec, class_weights")
    return weights


def told_task(loss: LossName, targets: np.ndarray) -> str:
    """The task that encoded targets are of."""
    record = get(loss)
    if record.tasks == ("regression",):
        return "regression"
    classes = "regression" not in record.tasks or bool(np.isin(targets, (record.low, 1.0)).all())
    if classes and targets.shape[1] == 1:
        return "binary"
    if classes and (not record.fits("regression") or bool((np.count_nonzero(targets == 1.0, axis=1) == 1).all())):
        return "multiclass"
    return "regression"


def _smoothed(loss: LossName, targets: np.ndarray) -> np.ndarray:
    """Targets of which every class got its share of the label smoothing."""
    share = options_of(loss).get(_SMOOTHING.name, 0.0)
    return targets if share == 0.0 else (targets * (1.0 - share) + share / count_of(targets)).astype(np.float32)


def count_of(targets: np.ndarray) -> int:
    """The classes that encoded targets tell apart."""
    return max(2, targets.shape[1])


def numbers(y: Any) -> np.ndarray:
    """Targets as an array. Raises RelumeError unless they are numbers."""
    try:
        array = np.asarray(y)
    except ValueError:
        raise RelumeError("Targets must be an array of numbers, all rows of one length.", "targets") from None
    if array.dtype.kind not in "fiub":
        raise RelumeError(f"Targets must be numbers, not {array.dtype}.", "targets")
    return array


def link(loss_name: LossName, outputs: np.ndarray, task: str) -> np.ndarray:
    """Outputs (n, width) as probabilities, or as what is predicted, where the loss makes them so."""
    kind = get(loss_name).link
    with np.errstate(all="ignore"):
        if kind == "sigmoid":
            return maths.sigmoid(outputs)
        if kind == "softmax":
            shares = np.exp(_from_the_top(outputs))
            return shares / shares.sum(axis=1, keepdims=True)
        if kind == "exp":
            return np.exp(outputs)
    return outputs


def classes_of(loss_name: LossName, outputs: np.ndarray) -> np.ndarray:
    """The class numbers (n,) that outputs (n, width) stand for: the largest, or above the threshold for one output."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > get(loss_name).threshold).astype(np.int64)
    return outputs.argmax(axis=1)


def said_classes(loss_name: LossName, said: np.ndarray) -> np.ndarray:
    """`classes_of` for outputs that went through `link` already."""
    if said.shape[1] == 1:
        return (said[:, 0] > get(loss_name).said_threshold).astype(np.int64)
    return said.argmax(axis=1)

"""What the user designed: frozen, validated, to and from plain data."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine import layers as layer_kinds, losses
from engine.errors import RelumeError, shown
from engine.fields import FieldInfo, NamedOptions, check_fields, checked_number, field, from_plain, to_plain
from engine.layers.base import Layer, Shape, shape_words
from engine.losses import LOSSES
from engine.optimizers import Adam, Optimizer, optimizer_from_dict
from engine.schedules import Schedule, schedule_from_dict

SHORT_BATCHES = ("drop", "merge", "keep")
MOST_PARAMETERS = 100_000_000


@dataclasses.dataclass(frozen=True)
class Part:
    """A layer of a network, or one of those that a block is made of.

    Args:
        path: where it is: "3", or "3.0" within a block; the start of the names of its parameters.
        fed, given: the shapes of what it takes and gives.
        feeder: the index in `parts` of what it takes; -1 for the inputs.
        trains: whether it may train, and so may the blocks that it is in.
    """

    path: str
    layer: Layer
    fed: Shape
    given: Shape
    feeder: int
    trains: bool

    @property
    def block(self) -> str:
        """The path of the block that it is in; "" for a layer of its own."""
        return self.path.rpartition(".")[0]

    @property
    def skips(self) -> bool:
        """Whether it is no layer of the design, but the projection that a block makes by itself."""
        return not self.path.rpartition(".")[2].isdigit()

    @property
    def number(self) -> str:
        """As a person counts: "4", "4.1"; the projection of a block is "4.projection"."""
        return ".".join(str(int(name) + 1) if name.isdigit() else name for name in self.path.split("."))


def _parts(path: str, layer: Layer, fed: Shape, feeder: int, first: int, trains: bool = True) -> list[Part]:
    """The parts of a layer, whose indices begin at `first`; `trains`: what it is in may train."""
    inner: list[Part] = []
    before, trains = feeder, trains and getattr(layer, "trainable", True)
    for name, each, shape in layer.within(fed):
        chained = name.isdigit()
        inner += _parts(f"{path}.{name}", each, shape, before if chained else feeder, first + len(inner), trains)
        before = first + len(inner) - 1 if chained else before
    return [*inner, Part(path, layer, fed, layer.output_shape(fed), feeder, trains)]


@dataclasses.dataclass(frozen=True)
class NetworkSpec:
    """A network: the shape of one input, the layers in order, the loss.

    Args:
        input_shape: (n,) for tables, (height, width, channels) for images.
        layers: from input to output; at least one, and the last one must give a flat row of outputs.
        loss: a name of `engine.losses`, or {"name": ..., option: number}.
    """

    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    loss: str | NamedOptions = field(
        "mean_squared_error", "named", "Loss", "What training makes small.", choices=lambda: LOSSES.names()
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", _checked_shape(self.input_shape))
        try:
            layers = tuple(self.layers)
        except TypeError:
            raise RelumeError("layers must be a sequence of layers.", "NetworkSpec, layers") from None
        object.__setattr__(self, "layers", layers)
        check_fields(self, "NetworkSpec")
        losses.constants_of(self.loss)  # raises for options that it has not
        if not layers:
            raise RelumeError("A network needs at least one layer.", "NetworkSpec, layers", "Add a Dense layer.")
        for number, layer in enumerate(layers, 1):
            if not isinstance(layer, Layer):
                raise RelumeError(
                    f"{shown(layer)} is not a layer.", f"layer {number}", "Use engine.Dense or another kind."
                )
        shape = self.output_shape  # raises where a layer does not fit
        if len(shape) != 1:
            raise RelumeError(
                f"The last layer, {layers[-1].kind}, gives {shape_words(shape)}, not a flat row of outputs.",
                f"layer {len(layers)}",
                "Add Flatten and Dense after it.",
            )
        parameters = self._count(measured=True)
        if parameters > MOST_PARAMETERS:
            raise RelumeError(
                f"The network would have {parameters:,} parameters; {MOST_PARAMETERS:,} is the most.",
                "NetworkSpec, layers",
                "Use fewer units.",
            )

    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The output shape of every layer, without the batch axis."""
        shapes, shape = [], self.input_shape
        for number, layer in enumerate(self.layers, 1):
            try:
                shape = layer.output_shape(shape)
            except RelumeError as error:
                deeper = error.where if error.where.startswith(".") else ""
                raise RelumeError(error.what, f"layer {number}{deeper}", error.fix) from None
            shapes.append(shape)
        return tuple(shapes)

    @functools.cached_property
    def parts(self) -> tuple[Part, ...]:
        """Every layer, and those that blocks are made of, in the order of computing."""
        parts: list[Part] = []
        for number, (layer, fed) in enumerate(zip(self.layers, (self.input_shape, *self.shapes()), strict=False)):
            parts += _parts(str(number), layer, fed, len(parts) - 1, len(parts))
        return tuple(parts)

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {part.path: index for index, part in enumerate(self.parts)}

    def place(self, path: str) -> int | None:
        """The index in `parts` of what is at a path; None where nothing is."""
        return self._places.get(path)

    def key(self, part: int, name: str) -> str:
        """What a parameter of a part is called: (its index in `parts`, "kernel") -> "3.0.kernel"."""
        return f"{self.parts[part].path}.{name}"

    def owner(self, key: str) -> tuple[int, str]:
        """Which part a parameter belongs to, and its name there: "3.0.kernel" -> (its index in `parts`, "kernel")."""
        places = self._places
        path, _, name = key.partition(".")
        while f"{path}.{name.partition('.')[0]}" in places:
            inner, _, name = name.partition(".")
            path = f"{path}.{inner}"
        return places[path], name

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.shapes()[-1]

    def parameter_count(self) -> int:
        """The number of values that training may change."""
        return self._count(measured=False)

    def _count(self, measured: bool) -> int:
        """The number of parameters, with or without those that training measures."""
        fed = zip(self.layers, (self.input_shape, *self.shapes()), strict=False)
        return sum(
            math.prod(extents)
            for layer, shape in fed
            for name, extents in layer.parameter_shapes(shape).items()
            if measured or name not in layer.measured
        )

    def to_dict(self) -> dict[str, Any]:
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: Any) -> NetworkSpec:
        """The inverse of `to_dict`. Raises RelumeError for anything that is not such a mapping."""
        if isinstance(data, Mapping) and isinstance(data.get("layers"), list | tuple):
            data = dict(data)
            data["layers"] = tuple(
                layer_kinds.layer_from_dict(item, f"layer {number}") for number, item in enumerate(data["layers"], 1)
            )
        return from_plain(cls, data)


@dataclasses.dataclass(frozen=True)
class TrainingSpec:
    """How to train: optimizer, batches, when to stop, the seed of everything random."""

    optimizer: Optimizer = dataclasses.field(default_factory=Adam)
    batch_size: int = field(32, "int", "Batch size", "Samples per step.", minimum=1, maximum=10**9)
    epochs: int = field(20, "int", "Epochs", "Training stops after this many epochs.", minimum=0, maximum=10**9)
    seed: int = field(0, "int", "Seed", "Same seed, same run, bit for bit.", minimum=0, maximum=2**53)
    short_batch: str = field(
        "merge",
        "choice",
        "Short last batch",
        "drop: skip it; merge: join it to the batch before; keep: a step of its own.",
        choices=lambda: SHORT_BATCHES,
    )
    target_loss: float | None = field(
        None, "float", "Target loss", "Stop when the training loss is this small.", minimum=0, optional=True
    )
    time_limit: float | None = field(
        None, "float", "Time limit", "Stop after this many seconds of training.", above=0, optional=True
    )
    schedule: Schedule | None = None
    warmup: float = field(
        0.0, "float", "Warm-up", "Epochs in which the learning rate rises from 0, before a schedule begins.",
        minimum=0, maximum=1e9,
    )  # fmt: skip
    clip_value: float | None = field(
        None, "float", "Clip value", "Every number of the gradient is cut to this size.",
        above=0, maximum=1e30, optional=True,
    )  # fmt: skip
    clip_norm: float | None = field(
        None, "float", "Clip norm", "A longer gradient, all numbers together, is scaled to this length.",
        above=0, maximum=1e30, optional=True,
    )  # fmt: skip
    patience: int | None = field(
        None, "int", "Early stopping", "Stop after so many epochs without a better loss, that of the test samples if "
        "there are some.", minimum=1, maximum=10**9, optional=True,
    )  # fmt: skip
    class_weights: str | tuple[float, ...] | None = None  # "balanced", or what samples of each class count in the loss
    restore_best: bool = field(
        True,
        "flag",
        "Keep the best weights",
        "Where training ends, the weights of the epoch with the best loss come back.",
    )

    def __post_init__(self) -> None:
        if not isinstance(self.optimizer, Optimizer):
            raise RelumeError(
                f"{shown(self.optimizer)} is not an optimizer.",
                "TrainingSpec, optimizer",
                "Use engine.Adam(...) or another.",
            )
        if self.schedule is not None and not isinstance(self.schedule, Schedule):
            what, fix = f"{shown(self.schedule)} is not a schedule.", "Use engine.CosineDecay() or another, or None."
            raise RelumeError(what, "TrainingSpec, schedule", fix)
        object.__setattr__(self, "class_weights", _checked_weights(self.class_weights))
        check_fields(self, "TrainingSpec")

    def to_dict(self) -> dict[str, Any]:
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: Any) -> TrainingSpec:
        """The inverse of `to_dict`. Raises RelumeError for anything that is not such a mapping."""
        if isinstance(data, Mapping) and isinstance(data.get("optimizer"), Mapping):
            data = {**data, "optimizer": optimizer_from_dict(data["optimizer"])}
        if isinstance(data, Mapping) and isinstance(data.get("schedule"), Mapping):
            data = {**data, "schedule": schedule_from_dict(data["schedule"])}
        return from_plain(cls, data)


def _checked_weights(value: Any) -> str | tuple[float, ...] | None:
    """Class weights as they are kept. Raises RelumeError for anything else."""
    if value is None or isinstance(value, str) and value == "balanced":
        return value
    place, declared = "TrainingSpec, class_weights", FieldInfo("float", "A class weight", minimum=0, maximum=1e6)
    if not isinstance(value, list | tuple | np.ndarray) or getattr(value, "ndim", 1) != 1:
        fix = 'Use None, "balanced" or a number for each class.'
        raise RelumeError(f"Class weights cannot be {shown(value)}.", place, fix)
    return tuple(float(checked_number(item, declared, place)) for item in value)


def _checked_shape(shape: Any) -> tuple[int, ...]:
    place = "NetworkSpec, input_shape"
    try:
        extents = tuple(shape)
    except TypeError:
        raise RelumeError(f"The input shape must be a tuple such as (2,), not {shape!r}.", place) from None
    if not extents:
        raise RelumeError("The input shape is empty.", place, "Use (n,) for tables.")
    for extent in extents:
        if isinstance(extent, bool) or not isinstance(extent, int | np.integer) or extent < 1:
            raise RelumeError(f"The input shape must hold whole numbers from 1, not {shown(extent)}.", place)
    return tuple(int(extent) for extent in extents)

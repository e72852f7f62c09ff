"""A network: a spec made concrete by parameters."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import losses
from engine.errors import RelumeError, expect, shown
from engine.layers import Flatten
from engine.layers.base import Layer
from engine.layers.weighted import WeightedLayer
from engine.spec import NetworkSpec, Part

if TYPE_CHECKING:
    from engine.kernels.program import Program

ROOM = 64  # numbers
LINE = 64  # bytes of a cache line
_INIT_STREAM = 1  # one seed, separate streams by purpose and layer


class Network:
    """Parameters of a spec and what they compute.

    float32 runs in compiled kernels; float64 is the slow, exact twin in plain numpy, for proofs.
    Inputs are (n, *input_shape); layers count from 0; a unit is an index of the last axis.

    Attributes:
        vector: all parameters in one piece; first what training changes, then what it measures (moving means).
        trainable: how many numbers training may change, the leading part of the vector.
        slices: key -> (place in the vector, shape), layer by layer.
    """

    def __init__(self, spec: NetworkSpec, seed: int = 0, dtype: str = "float32") -> None:
        expect(spec, NetworkSpec, "Network, spec")
        if str(getattr(dtype, "__name__", dtype)) not in ("float32", "float64"):
            raise RelumeError(f"A network computes in float32 or float64, not {shown(dtype)}.", "Network, dtype")
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise RelumeError(f"The seed must be a whole number from 0, not {shown(seed)}.", "Network, seed")
        self.spec, self.seed, self.dtype = spec, int(seed), np.dtype(dtype)
        self.slices, self.trainable = _laid_out(spec)
        self.vector = _vector(sum(math.prod(shape) for _, shape in self.slices.values()), self.dtype)
        self._draw()
        self.held: np.ndarray | None = None  # bool, of the numbers that training may change: those that were frozen
        self._program: Program | None = None

    def frozen(self) -> np.ndarray:
        """Places in the vector that take no step, int64: of layers that are not trainable, and single ones."""
        mask = np.zeros(self.trainable, dtype=bool) if self.held is None else self.held.copy()
        for key, (part, _) in self.slices.items():
            if part.stop <= self.trainable and not self.spec.parts[self.spec.owner(key)[0]].trains:
                mask[part] = True
        return np.flatnonzero(mask)

    def hold(self, key: str, index: Any, on: bool) -> None:
        """Freezes numbers of one parameter, or lets them go. Raises RelumeError where there are none such."""
        part, shape = self.slices.get(key, (slice(0, 0), ())) if isinstance(key, str) else (slice(0, 0), ())
        mask = np.zeros(self.trainable, dtype=bool) if self.held is None else self.held.copy()
        try:
            if part.stop > self.trainable or not shape:
                raise KeyError
            mask[part].reshape(shape)[index] = on
        except (KeyError, IndexError, TypeError, ValueError):
            raise RelumeError(f"There is no weight {shown(key)} at {shown(index)} to freeze.", "parameters") from None
        self.held = mask if mask.any() else None

    def _draw(self) -> None:
        gain = 1.0
        for index, (layer, shape) in enumerate(_fed(self.spec)):
            rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.seed, _INIT_STREAM, index])))
            for name, values in layer.initial(shape, rng, gain).items():
                self._view(f"{index}.{name}")[...] = values
            gain = layer.gain(gain, shape)

    def _view(self, key: str) -> np.ndarray:
        part, shape = self.slices[key]
        return self.vector[part].reshape(shape)

    def _layer_views(self, index: int) -> dict[str, np.ndarray]:
        prefix = f"{index}."
        return {key[len(prefix) :]: self._view(key) for key in self.slices if key.startswith(prefix)}

    def parameters(self) -> dict[str, np.ndarray]:
        """Copies: {"0.kernel": (inputs, units), "0.bias": (units,), ...}."""
        return {key: self._view(key).copy() for key in self.slices}

    def copy(self) -> Network:
        """The same network with parameters of its own."""
        other = copy.copy(self)
        other.vector, other._program = _vector(len(self.vector), self.dtype), None
        other.vector[:] = self.vector
        return other

    def set_parameters(self, mapping: Mapping[str, Any]) -> None:
        """Replaces the parameters that are named. All or none. Raises RelumeError for what does not fit."""
        expect(mapping, Mapping, "set_parameters")
        checked = {}
        for key, value in mapping.items():
            if not isinstance(key, str) or key not in self.slices:
                raise RelumeError(f"There is no parameter {shown(key)}.", fix=f"Known: {', '.join(self.slices)}.")
            shape = self.slices[key][1]
            where = f"layer {int(key.split('.')[0]) + 1}, {key}"
            try:
                array = np.asarray(value)
                if array.dtype.kind not in "fiub":
                    raise TypeError
                with np.errstate(over="ignore"):
                    array = array.astype(self.dtype)
            except (TypeError, ValueError):
                raise RelumeError(f"{key} must hold numbers.", where) from None
            if array.shape != shape:
                raise RelumeError(f"{key} must have the shape {shape}, not {array.shape}.", where)
            if not np.isfinite(array).all():
                raise RelumeError(f"{key} must be finite in {self.dtype}.", where, "Replace NaN and infinity.")
            checked[key] = array
        for key, array in checked.items():
            self._view(key)[...] = array

    def predict(self, x: Any) -> np.ndarray:
        """What the last layer's activation gives: (n, *output_shape); nothing random."""
        inputs = self._checked(x)
        return self.program.predict(inputs) if self.dtype == np.float32 else self._twin(inputs)[-1][1]

    def preactivations(self, x: Any) -> list[np.ndarray]:
        """z of every layer, each (n, *layer_output_shape)."""
        return [z for z, _ in self._forward(x)]

    def activations(self, x: Any) -> list[np.ndarray]:
        """a of every layer, each (n, *layer_output_shape)."""
        return [a for _, a in self._forward(x)]

    def gradients(self, x: Any, y: Any) -> tuple[float, dict[str, np.ndarray]]:
        """(loss + penalty, its gradient by trainable parameter); nothing random acts.

        BatchNorm uses the mean and variance of these samples and leaves the moving ones as they are.

        Args:
            y: class numbers (n,) of an integer type, or values (n, outputs).
        """
        inputs = self._checked(x)
        if not len(inputs):
            raise RelumeError("Gradients need at least one sample.", "gradients, x")
        targets = losses.encode_targets(self.spec.loss, y, self._task(y), self.spec.output_shape[-1])
        if len(targets) != len(inputs):
            raise RelumeError(f"{len(inputs)} inputs but {len(targets)} targets.", "gradients, y")
        if self.dtype == np.float32:
            loss, vector = self.program.gradients(inputs, targets)
            gradients = {key: vector[part].reshape(shape) for key, (part, shape) in self.slices.items()}
        else:
            loss, gradients = self._gradients(inputs, targets.astype(self.dtype))
        for key, l1, l2 in self.penalties():
            kernel = self._view(key)
            loss += float(l1 * np.abs(kernel, dtype=np.float64).sum() + l2 * np.square(kernel, dtype=np.float64).sum())
            gradients[key] = (gradients[key] + l1 * np.sign(kernel) + 2.0 * l2 * kernel).astype(self.dtype)
        return loss, {key: gradients[key] for key, (part, _) in self.slices.items() if part.stop <= self.trainable}

    def penalties(self) -> list[tuple[str, float, float]]:
        """(key, l1, l2) of every penalised parameter."""
        return [
            (f"{index}.{name}", l1, l2)
            for index, layer in enumerate(self.spec.layers)
            for name, (l1, l2) in layer.penalties().items()
        ]

    def with_spec(self, spec: NetworkSpec, seed: int | None = None) -> Network:
        """A network of another spec that keeps what still fits; what is new is drawn from the seed (its own if None).

        Layers are matched from both ends; within a matched layer the units that both have keep their weights.
        """
        network = Network(spec, self.seed if seed is None else seed, str(self.dtype))
        self.carry_over(self.vector, network, network.vector)
        if self.held is not None:
            held = np.zeros(network.trainable, dtype=np.float32)
            self.carry_over(self.held.astype(np.float32), network, held)
            network.held = held > 0 if held.any() else None
        return network

    def carry_over(self, source: np.ndarray, other: Network, target: np.ndarray) -> None:
        """Copies numbers that belong to our parameters to where the same parameters are in another network.

        Inputs and units that both have keep their numbers; a window of another size keeps none, nor do filters whose
        group is another, and behind Flatten an image of another shape none, for its values mean something else.

        Args:
            source, target: one number for each parameter of this and of the other network (weights), or for each that
                training may change (optimizer slots).
        """
        ours, others = self.spec.parts, other.spec.parts
        matches = _matched(ours, others)
        images, other_images = _flattened(self.spec), _flattened(other.spec)
        for key, (part, shape) in other.slices.items():
            new, name = other.spec.owner(key)
            old = matches.get(new)
            if old is None or f"{ours[old].path}.{name}" not in self.slices:
                continue
            old_part, old_shape = self.slices[f"{ours[old].path}.{name}"]
            if old_part.stop > len(source) or part.stop > len(target) or len(old_shape) != len(shape):
                continue
            window = others[new].layer.window_axes(shape)
            if old_shape[:window] != shape[:window]:
                continue
            if len(shape) > 2 and not _same_channels(ours[old].layer, others[new].layer, old_shape == shape):
                continue
            per_input = len(shape) > 1 or not isinstance(others[new].layer, WeightedLayer)
            if per_input and images[old] != other_images[new]:
                continue
            given, taken = source[old_part].reshape(old_shape), target[part].reshape(shape)
            feeder, other_feeder = ours[old].feeder, others[new].feeder
            fed_alike = matches.get(other_feeder, -1) == feeder if other_feeder >= 0 else feeder < 0
            if old_shape == shape:
                taken[...] = given
            elif len(old_shape) == len(shape) and (fed_alike or old_shape[:-1] == shape[:-1]):
                common = tuple(slice(0, min(a, b)) for a, b in zip(old_shape, shape, strict=True))
                taken[common] = given[common]

    @property
    def program(self) -> Program:
        """The compiled kernels on these parameters; made when first needed."""
        if self._program is None:
            from engine.kernels.program import Program

            self._program = Program(self)
        return self._program

    def _checked(self, x: Any) -> np.ndarray:
        try:
            array = np.asarray(x)
            if array.dtype.kind not in "fiub":
                raise TypeError
            with np.errstate(over="ignore"):
                array = np.ascontiguousarray(array, dtype=self.dtype)
        except (TypeError, ValueError):
            raise RelumeError("Inputs must be an array of numbers.", "inputs") from None
        if array.ndim != 1 + len(self.spec.input_shape) or array.shape[1:] != self.spec.input_shape:
            expected = ("n", *self.spec.input_shape)
            raise RelumeError(f"Inputs must have the shape {expected}, not {array.shape}.".replace("'", ""), "inputs")
        return array

    def _task(self, y: Any) -> str:
        loss, array = losses.get(self.spec.loss), losses.numbers(y)
        tasks = loss.tasks
        if tasks == ("regression",) or (loss.distributions and array.ndim == 2 and array.shape[1] > 1):
            return "regression"
        if "regression" in tasks and not (array.dtype.kind in "iub" and array.ndim == 1):
            return "regression"
        return "multiclass" if "multiclass" in tasks and self.spec.output_shape[-1] > 2 else "binary"

    def _forward(self, x: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        inputs = self._checked(x)
        if self.dtype != np.float32:
            return self._twin(inputs)
        passed = self.program.forward(inputs)
        return [values for values, part in zip(passed, self.spec.parts, strict=True) if part.path.isdigit()]

    def _twin(self, inputs: np.ndarray, by_batch: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
        """(z, a) of every layer in plain numpy."""
        passed = []
        with np.errstate(all="ignore"):
            for index, layer in enumerate(self.spec.layers):
                passed.append(layer.forward(inputs, self._layer_views(index), by_batch))
                inputs = passed[-1][1]
        return passed

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        passed = self._twin(inputs, by_batch=True)
        loss, gradient = losses.evaluate(self.spec.loss, passed[-1][1], targets)
        gradients = {}
        for index in reversed(range(len(passed))):
            x = passed[index - 1][1] if index else inputs
            z, a = passed[index]
            with np.errstate(all="ignore"):
                gradient, own = self.spec.layers[index].backward(x, z, a, gradient, self._layer_views(index))
            gradients.update({f"{index}.{name}": value for name, value in own.items()})
        return loss, gradients


def _fed(spec: NetworkSpec) -> list[tuple[Layer, tuple[int, ...]]]:
    """Every layer with the shape that it is fed."""
    return list(zip(spec.layers, (spec.input_shape, *spec.shapes()[:-1]), strict=True))


def _vector(size: int, dtype: np.dtype) -> np.ndarray:
    """Zeros that begin at a cache line, with room after them: kernels read whole registers."""
    raw = np.zeros(size + 2 * ROOM, dtype=dtype)
    start = -raw.ctypes.data % LINE // raw.itemsize
    return raw[start : start + size]


def _laid_out(spec: NetworkSpec) -> tuple[dict[str, tuple[slice, tuple[int, ...]]], int]:
    """(slices, trainable) of `Network`."""
    items = [
        (f"{index}.{name}", extents, name in layer.measured)
        for index, (layer, shape) in enumerate(_fed(spec))
        for name, extents in layer.parameter_shapes(shape).items()
    ]
    trainable = sum(math.prod(extents) for _, extents, measured in items if not measured)
    slices, ends = {}, {False: 0, True: trainable}
    for key, extents, measured in items:
        start = ends[measured]
        ends[measured] += math.prod(extents)
        slices[key] = (slice(start, ends[measured]), extents)
    return slices, trainable


def _flattened(spec: NetworkSpec) -> list[tuple[int, ...]]:
    """For every layer the shape of the image that its flat inputs are made of; () where they were never an image."""
    fed: list[tuple[int, ...]] = []
    given: dict[int, tuple[int, ...]] = {-1: ()}
    for index, part in enumerate(spec.parts):
        image = given[part.feeder]
        fed.append(image)
        if isinstance(part.layer, Flatten) and len(part.fed) > 1:
            image = part.fed
        elif isinstance(part.layer, WeightedLayer) or part.fed != part.given:
            image = ()
        given[index] = image
    return fed


def _same_channels(old: Layer, new: Layer, same_shape: bool) -> bool:
    """Whether channels of a kernel are what they were: groups of another size begin at other channels."""
    groups = getattr(old, "groups", 1)
    return bool(groups == getattr(new, "groups", 1)) and (groups == 1 or same_shape)


def _matched(before: tuple[Part, ...], after: tuple[Part, ...]) -> dict[int, int]:
    """New part -> old part: equal ones from the start, equal ones from the end, then pairs if as many are left.

    A block is compared without what it is made of, which has parts of its own; a projection follows its block.
    """
    designed = [[index for index, part in enumerate(parts) if not part.skips] for parts in (before, after)]
    old, new = (
        [part.layer.kind if part.layer.within(part.fed) else part.layer for part in parts if not part.skips]
        for parts in (before, after)
    )
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    places = {i: i for i in range(head)}
    places.update({len(new) - 1 - i: len(old) - 1 - i for i in range(tail)})
    if len(old) == len(new):
        kinds = [[parts[i].layer.kind for i in own] for parts, own in zip((before, after), designed, strict=True)]
        places.update({i: i for i in range(head, len(new) - tail) if kinds[0][i] == kinds[1][i]})
    pairs = {designed[1][i]: designed[0][j] for i, j in places.items()}
    projections = {part.block: index for index, part in enumerate(before) if part.skips}
    for index, part in enumerate(after):
        block = next((b for b in pairs if part.skips and after[b].path == part.block), None)
        if block is not None and before[pairs[block]].path in projections:
            pairs[index] = projections[before[pairs[block]].path]
    return pairs

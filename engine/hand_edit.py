"""Weights that were set by hand, or frozen, kept so that it can be undone and done again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from engine.trainer import Trainer


class HandEdit:
    """One change of some weights, as `lambda trainer: trainer.redraw(1, (3,))`.

    Nobody waits for it: what the weights were and what they became is noted by the trainer's thread when it obeys.
    """

    def __init__(self, change: Callable[[Trainer], object]) -> None:
        self._change = change
        #: key -> (which of its numbers changed, what they were, what they became)
        self._noted: dict[str, tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]] | None = None

    def do(self, trainer: Trainer) -> None:
        """Makes the change; a second time it brings the same weights."""
        trainer.commands.send(lambda: self._make(trainer) if self._noted is None else self._put(trainer, 2))

    def undo(self, trainer: Trainer) -> None:
        """Sets the weights that were changed, and only them, to what they were before."""
        trainer.commands.send(lambda: self._put(trainer, 1))

    def _make(self, trainer: Trainer) -> None:
        before = self._seen(trainer)
        self._change(trainer)
        noted = {}
        for key, after in self._seen(trainer).items():
            places = np.nonzero(after != before[key])
            if len(places[0]):
                noted[key] = (places, before[key][places], after[places])
        self._noted = noted

    def _seen(self, trainer: Trainer) -> dict[str, np.ndarray]:
        """What may change, by parameter."""
        return trainer.network.parameters()

    def _put(self, trainer: Trainer, which: int) -> None:
        parameters = trainer.network.parameters()
        wanted = {}
        for key, note in (self._noted or {}).items():
            if key in parameters:
                wanted[key] = parameters[key]
                wanted[key][note[0]] = note[which]
        trainer.edit_parameters(wanted, wait=False)


class HandFreeze(HandEdit):
    """Some units of a layer (its index in `spec.parts`), or one number of a parameter (its key), frozen or let go."""

    def __init__(self, what: int | str, index: tuple[int, ...], on: bool) -> None:
        super().__init__(lambda trainer: trainer.freeze(what, index, on))

    def _seen(self, trainer: Trainer) -> dict[str, np.ndarray]:
        network = trainer.network
        held = np.zeros(network.trainable, dtype=bool) if network.held is None else network.held
        slices = network.slices.items()
        return {key: held[part].reshape(shape) for key, (part, shape) in slices if part.stop <= network.trainable}

    def _put(self, trainer: Trainer, which: int) -> None:
        for key, note in (self._noted or {}).items():
            for on in (False, True):
                chosen = tuple(places[note[which] == on] for places in note[0])
                if len(chosen[0]):
                    trainer.freeze(key, chosen, on)

"""Where a run stood before a call: what its steps change is copied, where that is cheap, to go back to."""

from __future__ import annotations

import numpy as np

MOST = 1 << 18  # numbers, of parameters and slots, that are copied before every call


class Mark:
    """Parameters and slots as they were.

    Args:
        vector: the parameters.
        slots: float32 (slots, numbers of a slot), those of the optimizer.

    Attributes:
        memory: the copy, parameters first; a step that is taken with care has its own there.
    """

    def __init__(self, vector: np.ndarray, slots: np.ndarray) -> None:
        self.memory = np.zeros((1 + len(slots), slots.shape[1]), dtype=np.float32)
        self._vector, self._slots = vector, slots
        self._more: list[tuple[np.ndarray, np.ndarray]] = []

    @property
    def cheap(self) -> bool:
        """Whether it may be set before every call."""
        return self.memory.size <= MOST

    def set(self, *more: np.ndarray) -> None:
        """Keeps how things are, and arrays that are not of the network."""
        self.memory[0, : len(self._vector)], self.memory[1:] = self._vector, self._slots
        self._more = [(array, array.copy()) for array in more]

    def go_back(self) -> None:
        """All is as it was when the mark was set."""
        self.put_back(len(self._vector))
        for array, kept in self._more:
            array[...] = kept

    def put_back(self, count: int) -> None:
        """So many parameters, and the slots, are as the copy has them."""
        self._vector[:count], self._slots[...] = self.memory[0, :count], self.memory[1:]

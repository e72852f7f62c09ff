"""How many samples a picture of a network in training is made of: as many as can be afforded."""

from __future__ import annotations

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 400, 600, 800, 1200, 1600, 2400, 3200, 5000)
#: What a processor is taken to do in a second until it is measured, in floating point operations.
GUESS = 3e10
#: Pictures of one size before it may change: one that the system held up says little.
LOOKS = 8
TOO_LONG = 1.3


class LiveSize:
    """A number of samples that follows what the pictures took, in steps, and rests once it fits.

    Args:
        seconds: what a picture may take.
        flops: work of a sample.
        most: samples.
        looks: pictures of one size before it may change.
        least: samples, whatever they take.
    """

    def __init__(self, seconds: float, flops: float, most: int, looks: int = LOOKS, least: int = 0) -> None:
        self._sizes = [size for size in SIZES if least <= size < most] + [most]
        self._seconds, self._looks = seconds, looks
        self._place = 0
        while self._place + 1 < len(self._sizes) and self._sizes[self._place + 1] * flops <= GUESS * seconds:
            self._place += 1
        self._took: list[float] = []

    @property
    def count(self) -> int:
        return self._sizes[self._place]

    def took(self, seconds: float) -> None:
        """A picture of `count` samples took so long."""
        self._took.append(seconds)
        if len(self._took) < self._looks:
            return
        least, self._took = min(self._took), []
        if least > TOO_LONG * self._seconds:
            self._place = max(0, self._place - 1)
        elif self._place + 1 < len(self._sizes):
            ahead = self._sizes[self._place + 1]
            self._place += ahead * least <= self._seconds * self.count

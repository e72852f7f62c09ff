"""The formulas of the made data sets, with the shapes and ranges of TensorFlow Playground.

Every function takes (samples, noise, classes, points, dice): how many points, how noisy (0 to 0.5), how many
classes, and two random streams, so that more noise moves the same points. It returns (x (n, inputs), y).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Made = tuple[np.ndarray, np.ndarray]
Random = np.random.Generator

RADIUS = 5.0
PLANE = 6.0


def _labels(samples: int, classes: int) -> np.ndarray:
    """Class numbers in order, as evenly as the count allows."""
    return np.sort(np.arange(samples) % classes)


def circles(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
    """A disc inside rings. Noise mislabels: a point has the class of the place it would have strayed to."""
    wanted = _labels(samples, classes)
    widths = np.array([5.0] + [3.0] * (classes - 1))
    widths *= 0.8 / widths.sum()
    gap = 0.2 / (classes - 1)
    starts = np.concatenate([[0.0], np.cumsum(widths[:-1] + gap)])
    radius = RADIUS * (starts[wanted] + widths[wanted] * points.random(samples))
    angle = 2 * np.pi * points.random(samples)
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    strayed = np.hypot(*(x + dice.uniform(-RADIUS, RADIUS, x.shape) * noise).T)
    y: np.ndarray = np.asarray(np.searchsorted(RADIUS * (starts[1:] - gap / 2), strayed))
    return x, y


def xor(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
    """Quadrants; equal signs are class 1. Noise mislabels near the axes."""
    x = points.uniform(-RADIUS, RADIUS, (samples, 2))
    x += np.where(x > 0, 0.3, -0.3)
    strayed = x + dice.uniform(-RADIUS, RADIUS, x.shape) * noise
    return x, (strayed.prod(axis=1) >= 0).astype(np.int64)


def gaussians(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
    """One cloud per class, on a circle; its variance grows from 0.5 to 4 with the noise."""
    y = _labels(samples, classes)
    angle = np.pi / 4 + 2 * np.pi * y / classes
    centre = 2 * np.sqrt(2.0) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return centre + np.sqrt(0.5 + 7 * noise) * points.standard_normal((samples, 2)), y


def spiral(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
    """One arm per class, 1.75 turns."""
    y = _labels(samples, classes)
    counts = np.bincount(y, minlength=classes)
    along = np.concatenate([np.arange(count) / max(count, 1) for count in counts])
    angle = 1.75 * along * 2 * np.pi + 2 * np.pi * y / classes
    x = RADIUS * along[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return x + dice.uniform(-1, 1, x.shape) * noise, y


def moons(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
    """Two half circles that reach into each other."""
    outer, inner = np.linspace(0, np.pi, samples // 2), np.linspace(0, np.pi, samples - samples // 2)
    along = np.concatenate([np.cos(outer), 1 - np.cos(inner)])
    up = np.concatenate([np.sin(outer), 0.5 - np.sin(inner)])
    x = (np.stack([along, up], axis=1) - [0.5, 0.25]) * (10 / 3)
    y = np.repeat([0, 1], [len(outer), len(inner)])
    return x + 2 * noise * dice.standard_normal(x.shape), y


def plane(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
    """y = (x1 + x2) / 12; noise moves the point that is measured."""
    x = points.uniform(-PLANE, PLANE, (samples, 2))
    strayed = x + dice.uniform(-PLANE, PLANE, x.shape) * noise
    return x, strayed.sum(axis=1, keepdims=True) / (2 * PLANE)


#: x, y, sign of the hills and hollows of `multi_gaussians`
HILLS = np.array([[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]])


def multi_gaussians(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
    """Six hills and hollows: the nearest one decides, falling from +-1 at its centre to 0 at a distance of 2."""
    x = points.uniform(-PLANE, PLANE, (samples, 2))
    strayed = x + dice.uniform(-PLANE, PLANE, x.shape) * noise
    distance = np.linalg.norm(strayed[:, None, :] - HILLS[None, :, :2], axis=2)
    height = HILLS[:, 2] * np.clip(1 - distance / 2, 0, 1)
    return x, np.take_along_axis(height, np.abs(height).argmax(axis=1)[:, None], axis=1)


def _curve(function: Callable[[np.ndarray], np.ndarray], reach: float) -> Callable[..., Made]:
    """y = function(x) for x even in -reach..reach; noise adds a normal error, in units of the curve's own spread."""

    def make(samples: int, noise: float, classes: int, points: Random, dice: Random) -> Made:
        x = points.uniform(-reach, reach, (samples, 1))
        spread = float(np.std(function(np.linspace(-reach, reach, 1001))))
        return x, function(x) + noise * spread * dice.standard_normal(x.shape)

    return make


absolute = _curve(np.abs, float(np.sqrt(3.0)))
sine = _curve(np.sin, float(np.pi))
cubic = _curve(lambda x: x**3, 1.5)
x_sin_5x = _curve(lambda x: x * np.sin(5 * x), 2.0)
step = _curve(lambda x: np.where(x < 0, -1.0, 1.0), 2.0)

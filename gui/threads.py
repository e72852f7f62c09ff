"""How many threads a training step may use, as the settings say."""

from __future__ import annotations

import contextlib
import importlib

from gui import settings


def apply() -> None:
    """Tells the compiled kernels; for the trainer's thread, where they are loaded."""
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("engine.kernels.threads").set_threads(settings.threads())

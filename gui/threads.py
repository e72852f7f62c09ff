"""How many threads a training step may use, as the settings say."""

from __future__ import annotations

from gui import settings


def apply() -> None:
    """Tells the compiled kernels; for the trainer's thread, where they are loaded."""
    from engine.kernels.threads import set_threads

    set_threads(settings.threads())

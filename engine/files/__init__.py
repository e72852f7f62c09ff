"""What leaves the program and comes back: projects, weights, plots. Names are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Project": "project",
    "save_project": "project",
    "load_project": "project",
    "export_weights": "weights",
    "ExportReport": "weights",
    "export_figure": "figures",
    "FORMATS": "figures",
}

__all__ = [*_HOMES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"engine.files.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'engine.files' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""Relume's engine: everything that computes. It never imports a window.

Names are loaded when they are first used, so that `import engine` stays light: the window opens before
compiled kernels and data libraries are read.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

# One thread for numpy's matrix products: the training thread needs the other core, and two threads that wait for
# each other on a busy machine take 100 times as long for a small product. Before numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_MODULES = (
    "activations",
    "datasets",
    "diagnosis",
    "examples",
    "files",
    "initializers",
    "losses",
    "optimizers",
    "schedules",
)
_HOMES = {
    "RelumeError": "errors",
    "NetworkSpec": "spec",
    "TrainingSpec": "spec",
    "Dense": "layers",
    "Conv1D": "layers",
    "Conv2D": "layers",
    "MaxPool2D": "layers",
    "AveragePool2D": "layers",
    "Flatten": "layers",
    "GlobalAveragePool2D": "layers",
    "GlobalMaxPool2D": "layers",
    "BatchNorm": "layers",
    "Dropout": "layers",
    "GLU": "layers",
    "CReLU": "layers",
    "GaussianNoise": "layers",
    "AlphaDropout": "layers",
    "LayerNorm": "layers",
    "Reshape": "layers",
    "Residual": "layers",
    "Activation": "layers",
    "Maxout": "layers",
    "Softmax": "layers",
    "SGD": "optimizers",
    "RMSprop": "optimizers",
    "Adagrad": "optimizers",
    "Adam": "optimizers",
    "AdamW": "optimizers",
    "AMSGrad": "optimizers",
    "Adamax": "optimizers",
    "NAdam": "optimizers",
    "RAdam": "optimizers",
    "Adadelta": "optimizers",
    "Lion": "optimizers",
    "StepDecay": "schedules",
    "ExponentialDecay": "schedules",
    "PolynomialDecay": "schedules",
    "CosineDecay": "schedules",
    "OneCycle": "schedules",
    "ReduceLROnPlateau": "schedules",
    "Network": "network",
    "Trainer": "trainer",
    "Dataset": "data.dataset",
    "DataSpec": "data.spec",
    "Snapshot": "telemetry",
    "History": "telemetry",
}

__all__ = [*_MODULES, *_HOMES]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"engine.{_HOMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"engine.{name}")
    raise AttributeError(f"module 'engine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""The table of activations. A new one is a record in a file here."""

from engine.activations.base import (
    ACTIVATIONS,
    Activation,
    Option,
    get,
    names,
    normal_mean,
    resolve,
)

# Their records, in the order of the menus.
from engine.activations import rectifiers, learned, smooth, sigmoids, shrinkage, shapes  # isort: skip # noqa: F401

__all__ = ["ACTIVATIONS", "Activation", "Option", "get", "names", "normal_mean", "resolve"]

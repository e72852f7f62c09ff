"""The table of activations. A new one is a record in a file here."""

from engine.activations.base import ACTIVATIONS, Activation, Option, normal_mean
from engine.activations.own import is_own, own_name
from engine.activations.table import get, names, resolve

# Their records, in the order of the menus.
from engine.activations import rectifiers, learned, smooth, sigmoids, shrinkage, shapes  # isort: skip # noqa: F401

__all__ = ["ACTIVATIONS", "Activation", "Option", "get", "is_own", "names", "normal_mean", "own_name", "resolve"]

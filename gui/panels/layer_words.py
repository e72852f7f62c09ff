"""What a card says of its layer beside its fields: how its window moves, what it gives, how much it learns."""

from __future__ import annotations

import dataclasses
import math

from engine.fields import FieldInfo
from engine.layers import Conv1D, Residual
from engine.layers.base import Layer, Shape
from engine.spec import Part
from gui.numbers import count

ACTIVATION = "activation"
MAIN = ("units", "filters")  # how many units there are: beside the title
#: Fields that a card tells in few words; of others only its editors tell.
SHORT = {
    "kernel_size": "{0} × {0}", "pool_size": "{0} × {0}", "strides": "stride {0}", "padding": "{0}",
    "signal": "{0} long", "dilation_rate": "dilation {0}", "groups": "{0} groups",
}  # fmt: skip
BY_OTHERS = ("units", "layers")  # kinds of fields that are set elsewhere
USUAL = {"strides": (None, 1), "padding": ("valid",), "dilation_rate": (1,), "groups": (1,)}  # goes without saying


def declared_fields(kind: type[Layer]) -> dict[str, FieldInfo]:
    """What a card edits of a kind of layer, in its order; units are chosen where they are seen, layers are frozen by
    the menu."""
    fields = {item.name: item.metadata.get("info") for item in dataclasses.fields(kind) if item.name != "trainable"}
    return {
        name: declared for name, declared in fields.items() if declared is not None and declared.kind not in BY_OTHERS
    }


def window_words(layer: Layer) -> str:
    """ "5 × 5, stride 2, same"; "5 long, same" of signals; "" for a layer without a window."""
    if isinstance(layer, Residual):
        return "adds what it is fed to what these give"
    told = [(name, getattr(layer, name)) for name in SHORT if hasattr(layer, name)]
    if isinstance(layer, Conv1D):
        told[0] = ("signal", layer.kernel_size)
    return ", ".join(SHORT[name].format(value) for name, value in told if value not in USUAL.get(name, ()))


def shape_words(shape: Shape) -> str:
    """ "24 × 24 × 16", or "128 values"."""
    if len(shape) > 1:
        return " × ".join(count(extent) for extent in shape)
    return f"{count(shape[0])} value{'s' * (shape[0] != 1)}"


def parameter_count(part: Part) -> int:
    """Those that are learned."""
    shapes = part.layer.parameter_shapes(part.fed).items()
    return sum(math.prod(shape) for name, shape in shapes if name not in part.layer.measured)


def size_words(part: Part) -> str:
    """ "24 × 24 × 16, 416 parameters"."""
    total, shape = parameter_count(part), shape_words(part.given)
    return f"{shape}, {count(total)} parameter{'s' * (total != 1)}" if total else shape

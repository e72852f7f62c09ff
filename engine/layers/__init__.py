"""The kinds of layers. A new kind is one file here and one line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import RelumeError
from engine.fields import from_plain
from engine.kinds import Kind
from engine.layers.activation import Activation
from engine.layers.alpha_dropout import AlphaDropout
from engine.layers.average_pool2d import AveragePool2D
from engine.layers.base import Layer, Operation
from engine.layers.batch_norm import BatchNorm
from engine.layers.conv1d import Conv1D
from engine.layers.conv2d import Conv2D
from engine.layers.crelu import CReLU
from engine.layers.dense import Dense
from engine.layers.dropout import Dropout
from engine.layers.flatten import Flatten
from engine.layers.gaussian_noise import GaussianNoise
from engine.layers.global_average_pool2d import GlobalAveragePool2D
from engine.layers.global_max_pool2d import GlobalMaxPool2D
from engine.layers.glu import GLU
from engine.layers.layer_norm import LayerNorm
from engine.layers.max_pool2d import MaxPool2D
from engine.layers.maxout import Maxout
from engine.layers.reshape import Reshape
from engine.layers.residual import DEEPEST, Residual
from engine.layers.softmax import Softmax
from engine.registry import Registry

__all__ = [
    "GLU",
    "LAYERS",
    "Activation",
    "AlphaDropout",
    "AveragePool2D",
    "BatchNorm",
    "Conv1D",
    "CReLU",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePool2D",
    "GlobalMaxPool2D",
    "Layer",
    "LayerNorm",
    "MaxPool2D",
    "Maxout",
    "Operation",
    "Reshape",
    "Residual",
    "Softmax",
    "layer_from_dict",
]


LAYERS: Registry[Kind] = Registry("kind of layer")
_ADD = LAYERS.add
_ADD(Kind("Dense", Dense, "Dense", "Every unit sees every input."))
_ADD(Kind("Conv2D", Conv2D, "Convolution", "A small window of weights slides over the image: one map per filter."))
_ADD(Kind("Conv1D", Conv1D, "Convolution of signals", "A short window of weights slides along a signal."))
_ADD(Kind("MaxPool2D", MaxPool2D, "Max pooling", "Smaller maps: keeps the largest value of each window."))
_ADD(Kind("AveragePool2D", AveragePool2D, "Average pooling", "Smaller maps: the mean of each window."))
_ADD(Kind("GlobalAveragePool2D", GlobalAveragePool2D, "Global average pool", "The mean of each map: one value a map."))
_ADD(Kind("GlobalMaxPool2D", GlobalMaxPool2D, "Global max pool", "The largest value of each map: one value a map."))
_ADD(Kind("Flatten", Flatten, "Flatten", "Turns maps into one row of values, as Dense needs them."))
_ADD(Kind("Reshape", Reshape, "Reshape", "Gives the same values another shape: rows become maps or signals."))
_ADD(Kind("Activation", Activation, "Activation", "A function of every value, apart from the weights."))
_ADD(Kind("BatchNorm", BatchNorm, "Batch norm", "Centres and scales every unit by the batch's own measure."))
_ADD(Kind("LayerNorm", LayerNorm, "Layer norm", "Centres and scales each sample by the mean of its own units."))
_ADD(Kind("Residual", Residual, "Residual block", "Some layers with a way around them: both ways are added."))
_ADD(Kind("Dropout", Dropout, "Dropout", "Switches a random share of the values off while training."))
_ADD(Kind("AlphaDropout", AlphaDropout, "Alpha dropout", "Dropout for SELU networks: keeps mean and variance."))
_ADD(Kind("GaussianNoise", GaussianNoise, "Gaussian noise", "Adds random numbers while training."))
_ADD(Kind("CReLU", CReLU, "CReLU", "Both sides of every value through a ReLU: twice as many."))
_ADD(Kind("Maxout", Maxout, "Maxout", "Each unit gives the largest of several weighted sums."))
_ADD(Kind("Softmax", Softmax, "Softmax", "The values of each sample as shares of 1."))
_ADD(Kind("GLU", GLU, "Gated linear unit", "One half of the values lets the other through: half as many."))


def layer_from_dict(item: Any, where: str = "layer") -> Layer:
    """The inverse of `Layer.to_dict`. Raises RelumeError naming `where` for anything else."""
    if isinstance(item, Layer):
        return item
    if where.count(".") > DEEPEST:
        raise RelumeError(f"More than {DEEPEST} blocks lie within each other.", where, "Put some in a row.")
    if not isinstance(item, Mapping) or "kind" not in item:
        raise RelumeError("A layer must be a mapping with its kind.", where, 'For example {"kind": "Dense"}.')
    fields = {key: value for key, value in item.items() if key != "kind"}
    if isinstance(fields.get("layers"), list | tuple):
        fields["layers"] = tuple(
            layer_from_dict(inner, f"{where}.{number}") for number, inner in enumerate(fields["layers"], 1)
        )
    try:
        return from_plain(LAYERS.get(item["kind"]).cls, fields, where)
    except RelumeError as error:
        place = error.where if error.where.startswith(where) else f"{where}, {error.where}".strip(", ")
        raise RelumeError(error.what, place, error.fix) from None

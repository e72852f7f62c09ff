"""A trained network as a PyTorch module: a script that builds it and loads the weights from the file beside it."""

from __future__ import annotations

import dataclasses
import importlib.util
import runpy
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.data.cells import decode
from engine.files import network_graph, weight_script
from engine.files.formulas import Formulas
from engine.files.graph import Graph, Node

if TYPE_CHECKING:
    from engine.files.weights import Export

_LONG = 50  # characters; what is longer gets a line and a name of its own

_WEIGHTS = '''WEIGHTS = Path(__file__).with_name({weights!r})
SOURCES = {{  # of the module: the name in the file of weights, and how its axes are turned
{sources}
}}


class Network(nn.Module):
    """Inputs (rows, {shape}) -> outputs of the last layer (rows, {outputs})."""

    def __init__(self):
        super().__init__()
{init}

    def forward(self, x):
{forward}


def load(path):
    """The module with its trained weights, ready to predict."""
    arrays = load_file(path)
    module = Network().to(torch.{dtype})
    state = {{name: arrays[key].permute(order) for name, (key, order) in SOURCES.items()}}
    module.load_state_dict(state, strict=False)  # BatchNorm counts batches, which is not needed here
    return module.eval()


@functools.cache
def _trained():
    return load(WEIGHTS)'''

_FORMULAS = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}", "power": "{0} ** {1}",
    "negative": "-{0}", "matmul": "{0} @ {1}", "greater": "{0} > {1}", "less": "{0} < {1}", "equal": "{0} == {1}",
    "greater_equal": "{0} >= {1}", "less_equal": "{0} <= {1}", "not_equal": "{0} != {1}", "and": "{0} & {1}",
    "or": "{0} | {1}", "not": "~{0}",
}  # fmt: skip
_METHODS = {
    "transpose": "{0}.permute{axes}", "reshape": "{0}.reshape{sizes}", "cast": "{0}.to(torch.{dtype})",
    "sum": "{0}.sum(dim={axes}, keepdim=True)", "mean": "{0}.mean(dim={axes}, keepdim=True)",
    "max": "{0}.amax(dim={axes}, keepdim=True)", "min": "{0}.amin(dim={axes}, keepdim=True)",
}  # fmt: skip
_FUNCTIONS = {
    "absolute": "torch.abs({0})", "rint": "torch.round({0})", "softplus": "F.softplus({0})",
    "softmax": "torch.softmax({0}, dim={axis})", "where": "torch.where({0}, {1}, {2})",
    "maximum": "torch.maximum({0}, {1})", "minimum": "torch.minimum({0}, {1})", "affine": "F.linear({0}, {1}.T, {2})",
    "max_pool": "F.max_pool2d({0}, {window}, {strides})",
    "convolution": "F.conv{d}d({0}, {1}, {2}, {strides}, 0, {dilations}, {groups})",
    "batch_norm": "F.batch_norm({0}, {3}, {4}, {1}, {2}, eps={epsilon})",
} | {
    name: f"torch.{name}({{0}})"
    for name in (
        "exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan",
        "sqrt", "sign", "floor", "ceil", "erf", "relu", "sigmoid",
    )
}  # fmt: skip
_LIBRARIES = [
    "import torch",
    "import torch.nn.functional as F",
    "from safetensors.torch import load_file",
    "from torch import nn",
]


def source_of(export: Export, weights: str) -> str:
    """The script; `weights` is the name of the file beside it. Raises RelumeError for what cannot be written as one."""
    spec, dtype = export.network.spec, export.network.dtype
    traced = network_graph.layers_alone(export, dtype)
    module = _Module(traced)
    body = _WEIGHTS.format(
        weights=weights,
        sources="\n".join(f"    {name!r}: {source!r}," for name, source in module.sources.items()),
        shape=", ".join(map(str, spec.input_shape)),
        outputs=", ".join(map(str, spec.output_shape)),
        init="\n".join(f"        {line}" for line in module.init or ["pass"]),
        forward="\n".join(f"        {line}" for line in module.forward),
        dtype=dtype,
    )
    formulas = Formulas()
    formulas.imports |= {"import functools", "from pathlib import Path"}
    if "_decoded(" in body:
        body = weight_script.DECODED + body
        formulas.imports.add("import base64")
    shaped = f"x.reshape(len(x), {', '.join(map(str, spec.input_shape))})"
    network = ["    with torch.no_grad():", f"        return _trained()(torch.from_numpy({shaped})).numpy()"]
    return weight_script.frame(export, "a PyTorch module", _LIBRARIES, body, network, formulas)


def run(export: Export, raw: np.ndarray, script: Path, weights: Path) -> np.ndarray | None:
    """What the script predicts with these weights; None where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        return None
    predict = runpy.run_path(str(script))["predict"]
    predict.__globals__["WEIGHTS"] = weights
    columns = [dataclasses.astuple(column) for column in export.preprocessing.columns]
    return predict(decode(raw, columns) if columns else raw)


class _Module:
    """The lines of the module. What is used once and short stands where it is used.

    Attributes:
        init, forward: lines of these methods.
        sources: the module's own name of a parameter -> (its key in the file, the order of its axes).
    """

    def __init__(self, traced: network_graph.Traced) -> None:
        self.init: list[str] = []
        self.forward: list[str] = []
        self.sources: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._texts: dict[int, str] = {id(traced.given): "x"}
        self._names = 0
        self._place = ""
        nodes = Graph.order(traced.output)
        self._uses = Counter(id(item) for node in nodes for item in node.inputs)
        self._handed_on = {id(item) for node in nodes for item in node.inputs if item.place != node.place}
        for node in nodes:
            if node.operation not in ("input", "constant") and _source(node) is None:
                self._add(node)
        self.forward.append(f"return {self._bare(traced.output)}")

    def _add(self, node: Node) -> None:
        if node.place != self._place:
            self._place = node.place
            self.forward.append(f"# {node.place}")
        text = self._layer(node) or self._text(node)
        if self._uses[id(node)] > 1 or len(text) > _LONG or id(node) in self._handed_on:
            self._names += 1
            self.forward.append(f"h{self._names} = {text}")
            text = f"h{self._names}"
        self._texts[id(node)] = text

    def _bare(self, node: Node) -> str:
        """What stands for a node in an argument."""
        if id(node) not in self._texts:
            self._texts[id(node)] = self._number(node) if node.operation == "constant" else self._parameter(node)
        return self._texts[id(node)]

    def _operand(self, node: Node) -> str:
        """The same within a formula."""
        text = self._bare(node)
        wrapped = text.startswith("-") or (node.operation in (*_FORMULAS, "average_pool") and not text.isidentifier())
        return f"({text})" if wrapped else text

    def _number(self, node: Node) -> str:
        value = node.attributes["value"]
        if value.shape == ():
            return str(value).replace("inf", "float('inf')").replace("nan", "float('nan')")
        self._names += 1
        text = weight_script.array_text(value, 8)
        self.init.append(f"self.register_buffer('c{self._names}', torch.from_numpy({text}), persistent=False)")
        return f"self.c{self._names}"

    def _parameter(self, node: Node) -> str:
        """A parameter of the module itself, with its axes as they are here."""
        source = _source(node)
        assert source is not None
        name = f"layer{source[0].replace('.', '_')}"
        while self.sources.setdefault(name, source) != source:
            name += "_turned"
        line = f"self.{name} = nn.Parameter(torch.empty({tuple(node.shape)}))"
        if line not in self.init:
            self.init.append(line)
        return f"self.{name}"

    def _layer(self, node: Node) -> str:
        """A layer of PyTorch's own, where there is one."""
        more, x = node.attributes, self._padded(node)
        found = [_source(item) for item in node.inputs[1:]]
        names, dimensions = ["weight", "bias"], len(node.shape) - 2
        if node.operation == "affine":
            made = f"nn.Linear({node.inputs[1].shape[0]}, {node.shape[1]})"
            found[0] = found[0] and (found[0][0], tuple(reversed(found[0][1])))
        elif node.operation == "convolution":
            channels = f"{node.inputs[0].shape[1]}, {node.shape[1]}"
            made = f"nn.Conv{dimensions}d({channels}, {_short(more['window'])}, {_short(more['strides'])}"
            made += f", dilation={_short(more['dilations'])}" if max(more["dilations"]) > 1 else ""
            made += f", groups={more['groups']})" if more["groups"] > 1 else ")"
        elif node.operation == "batch_norm":
            made = f"nn.BatchNorm{max(dimensions, 1)}d({node.shape[1]}, eps={more['epsilon']})"
            names += ["running_mean", "running_var"]
        else:
            return ""
        name = f"layer{node.place.split('.')[0]}"
        if not all(found) or f"{name}.{names[0]}" in self.sources:
            return ""
        self.init.append(f"self.{name} = {made}")
        self.sources |= {f"{name}.{own}": source for own, source in zip(names, found, strict=True) if source}
        return f"self.{name}({x})"

    def _padded(self, node: Node) -> str:
        pads = node.attributes.get("pads", ())
        if not any(pads):
            return self._bare(node.inputs[0])
        sides = len(pads) // 2
        widths = tuple(pads[side + end] for side in reversed(range(sides)) for end in (0, sides))
        fill = ", value=float('-inf')" if node.operation == "max_pool" else ""
        return f"F.pad({self._bare(node.inputs[0])}, {widths}{fill})"

    def _text(self, node: Node) -> str:
        more, first = dict(node.attributes), node.inputs[0]
        if node.operation == "slice":
            spans = zip(*(more[key] for key in ("starts", "ends", "steps")), first.shape, strict=True)
            cuts = [":" if span[:3] == (0, span[3], 1) else ":".join(map(str, span[:3])) for span in spans]
            return f"{self._operand(first)}[{', '.join(cuts)}]"
        if node.operation == "pad":
            widths = [size for width in reversed(more["widths"]) for size in width]
            return f"F.pad({self._bare(first)}, {tuple(widths)}, value={more['value']!r})"
        if node.operation == "concatenate":
            return f"torch.cat(({', '.join(map(self._bare, node.inputs))}), dim={more['axis']})"
        if node.operation == "average_pool":
            return self._average(node)
        if node.operation in _FORMULAS:
            return _FORMULAS[node.operation].format(*map(self._operand, node.inputs))
        if node.operation in _METHODS:
            return _METHODS[node.operation].format(
                self._operand(first), **more, sizes=node.sizes or "(())", dtype=node.dtype
            )
        numbers = [item.operation == "constant" and item.shape == () for item in node.inputs]
        given = [self._bare(item) for item in node.inputs]
        if node.operation in ("maximum", "minimum") and numbers == [False, True]:
            end = "min" if node.operation == "maximum" else "max"
            return f"{self._operand(first)}.clamp({end}={given[1]})"
        if node.operation in ("maximum", "minimum") or all(numbers[1:]) and node.operation == "where":
            given = [f"x.new_tensor({text})" if number else text for text, number in zip(given, numbers, strict=True)]
        elif node.operation in ("convolution", "max_pool"):
            given[0] = self._padded(node)
        elif node.operation == "affine":
            given[1] = self._operand(node.inputs[1])
        short = {key: _short(value) if isinstance(value, tuple) else value for key, value in more.items()}
        return _FUNCTIONS[node.operation].format(*given, **short, d=len(node.shape) - 2)

    def _average(self, node: Node) -> str:
        """What lies beyond the edges is not counted."""
        size, stride = (_short(node.attributes[key]) for key in ("window", "strides"))
        x = self._bare(node.inputs[0])
        padded = self._padded(node)
        pooled = f"F.avg_pool2d({padded}, {size}, {stride})"
        if padded == x:
            return pooled
        return f"{pooled} / F.avg_pool2d({padded.replace(x, f'torch.ones_like({x})', 1)}, {size}, {stride})"


def _short(sizes: tuple[int, ...]) -> str:
    """One number where all are the same."""
    return str(sizes[0] if len(set(sizes)) == 1 else sizes)


def _source(node: Node) -> tuple[str, tuple[int, ...]] | None:
    """The parameter that a node is, and the order of its axes."""
    if node.operation == "parameter":
        return node.attributes["name"], tuple(range(len(node.shape)))
    if node.operation == "transpose" and node.inputs[0].operation == "parameter":
        return node.inputs[0].attributes["name"], node.attributes["axes"]
    return None

"""A trained network as an ONNX file: raw values in, probabilities or target units out, in float32.

Operators of opset 18 (2022) in their plain form, so that runtimes of many years read the file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.files import network_graph
from engine.files.graph import Graph, Node

if TYPE_CHECKING:
    import onnx

    from engine.files.weights import Export

OPSET, IR_VERSION = 18, 8  # of one ONNX release
INPUT, OUTPUT = "raw", "predicted"

_SINGLE = {
    "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "power": "Pow", "maximum": "Max",
    "minimum": "Min", "negative": "Neg", "exp": "Exp", "log": "Log", "tanh": "Tanh", "sin": "Sin", "cos": "Cos",
    "tan": "Tan", "sinh": "Sinh", "cosh": "Cosh", "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "sqrt": "Sqrt",
    "absolute": "Abs", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "rint": "Round", "erf": "Erf", "relu": "Relu",
    "sigmoid": "Sigmoid", "softplus": "Softplus", "greater": "Greater", "less": "Less",
    "greater_equal": "GreaterOrEqual", "less_equal": "LessOrEqual", "equal": "Equal", "and": "And", "or": "Or",
    "not": "Not", "where": "Where",
    "matmul": "MatMul", "affine": "Gemm",
}  # fmt: skip


def model_of(export: Export) -> onnx.ModelProto:
    """The model, checked by ONNX's own checker. Raises RelumeError for what cannot be written as one."""
    import onnx
    from onnx import helper

    traced = network_graph.whole(export, np.float32)
    writer = _Writer(export)
    for node in Graph.order(traced.output):
        writer.add(node)
    writer.emit("Identity", writer.name(traced.output), output=OUTPUT)
    graph = helper.make_graph(
        writer.operations,
        "network",
        [_described(INPUT, traced.given)],
        [_described(OUTPUT, traced.output)],
        writer.initializers,
        doc_string=_words(export),
    )
    model = helper.make_model(
        graph, producer_name="Relume", ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)]
    )
    model.doc_string = graph.doc_string
    helper.set_model_props(model, export.facts())
    onnx.checker.check_model(model, full_check=True)
    return model


def run(path: Path, raw: np.ndarray) -> np.ndarray:
    """What the file predicts, by ONNX Runtime."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    fed = np.ascontiguousarray(raw, dtype=np.float32).reshape(len(raw), *given.shape[1:])
    return session.run(None, {given.name: fed})[0]


def _described(name: str, node: Node) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(node.dtype), ["rows", *node.shape[1:]])


def _words(export: Export) -> str:
    steps = export.preprocessing
    names = "; ".join(steps.raw_names) if len(steps.raw_names) <= 100 else f"{len(steps.raw_names)} values"
    given = f"Raw values (rows, columns), the columns being: {names}."
    if steps.columns:
        given += " A text column is one column of 0 and 1 for each of its values; a missing number is NaN."
    return f"{given} Scaling and made inputs are part of the model."


class _Writer:
    """Operators and arrays of the file, in order."""

    def __init__(self, export: Export) -> None:
        self.operations: list[Any] = []
        self.initializers: list[Any] = []
        self._parameters = export.network.parameters()
        self._names: dict[int, str] = {}  # of what a node gives, by the node's id
        self._arrays: dict[int, tuple[str, np.ndarray]] = {}  # of nodes whose numbers are known: a name and these
        self._taken = {INPUT, OUTPUT}
        self._place = ""

    def add(self, node: Node) -> None:
        source = self._arrays.get(id(node.inputs[0])) if len(node.inputs) == 1 else None
        if node.operation == "input":
            self._names[id(node)] = INPUT
        elif node.operation == "constant":
            self._arrays[id(node)] = ("constant", node.attributes["value"])
        elif node.operation == "parameter":
            name = node.attributes["name"]
            self._arrays[id(node)] = (name, self._parameters[name].astype(node.dtype))
        elif source is not None and node.operation in ("transpose", "reshape"):
            name, array = source
            turned = array.transpose(node.attributes["axes"]) if node.operation == "transpose" else array
            self._arrays[id(node)] = (name, turned.reshape(node.shape))
        else:
            inputs = [self.name(item) for item in node.inputs]
            self._place = node.place
            if node.operation in _SINGLE:
                self._names[id(node)] = self.emit(_SINGLE[node.operation], *inputs)
            else:
                self._names[id(node)] = _SEVERAL[node.operation](self, node, *inputs)

    def name(self, node: Node) -> str:
        """What the output of `node` is called; known numbers become an initializer."""
        if id(node) not in self._names:
            name, array = self._arrays[id(node)]
            self._names[id(node)] = self.array(array, name)
        return self._names[id(node)]

    def array(self, values: Any, name: str = "constant") -> str:
        from onnx import numpy_helper

        name = self._free(name)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(np.shape(values)), name))
        return name

    def emit(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Adds an operator and returns the name of what it gives."""
        from onnx import helper

        name = self._free(f"{self._place}/{operator}")
        self.operations.append(helper.make_node(operator, inputs, [output or name], name=name, **attributes))
        return output or name

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self._taken:
            number, free = number + 1, f"{name}_{number + 1}"
        self._taken.add(free)
        return free


# ---- what has no single operator, or wants more words -----------------------------------------


def _integers(writer: _Writer, *values: int) -> str:
    return writer.array(np.array(values, dtype=np.int64), "sizes")


def _expm1(writer: _Writer, node: Node, x: str) -> str:
    """tanh(x / 2) (e^x + 1), exact near 0."""
    half, one = (writer.array(node.dtype.type(value)) for value in (0.5, 1.0))
    slope = writer.emit("Tanh", writer.emit("Mul", x, half))
    return writer.emit("Mul", slope, writer.emit("Add", writer.emit("Exp", x), one))


def _log1p(writer: _Writer, node: Node, x: str) -> str:
    """ln(u) x / (u - 1) with u = 1 + x, which makes good what u has lost; where u is 1, x; ln(u) for large x."""
    one = writer.array(node.dtype.type(1.0))
    u = writer.emit("Add", x, one)
    logarithm, less = writer.emit("Log", u), writer.emit("Sub", u, one)
    good = writer.emit("Div", writer.emit("Mul", logarithm, x), less)
    near = writer.emit("Where", writer.emit("Equal", u, one), x, good)
    return writer.emit("Where", writer.emit("Greater", x, one), logarithm, near)


def _not_equal(writer: _Writer, node: Node, x: str, y: str) -> str:
    return writer.emit("Not", writer.emit("Equal", x, y))


def _cast(writer: _Writer, node: Node, x: str) -> str:
    from onnx import helper

    return writer.emit("Cast", x, to=helper.np_dtype_to_tensor_dtype(node.dtype))


def _reshape(writer: _Writer, node: Node, x: str) -> str:
    return writer.emit("Reshape", x, _integers(writer, *node.sizes))


def _transpose(writer: _Writer, node: Node, x: str) -> str:
    return writer.emit("Transpose", x, perm=node.attributes["axes"])


def _slice(writer: _Writer, node: Node, x: str) -> str:
    bounds = zip(*(node.attributes[key] for key in ("starts", "ends", "steps")), node.inputs[0].shape, strict=True)
    cut = [(*bound[:3], axis) for axis, bound in enumerate(bounds) if bound[:3] != (0, bound[3], 1)]
    starts, ends, steps, axes = (_integers(writer, *column) for column in zip(*cut, strict=True))
    return writer.emit("Slice", x, starts, ends, axes, steps)


def _pad(writer: _Writer, node: Node, x: str) -> str:
    before, after = zip(*node.attributes["widths"], strict=True)
    return writer.emit(
        "Pad", x, _integers(writer, *before, *after), writer.array(node.dtype.type(node.attributes["value"]))
    )


def _concatenate(writer: _Writer, node: Node, *parts: str) -> str:
    return writer.emit("Concat", *parts, axis=node.attributes["axis"])


def _reduction(operator: str) -> Callable[..., str]:
    return lambda writer, node, x: writer.emit(operator, x, _integers(writer, *node.attributes["axes"]), keepdims=1)


def _windowed(operator: str) -> Callable[..., str]:
    def emitted(writer: _Writer, node: Node, *inputs: str) -> str:
        more = dict(node.attributes)
        more["kernel_shape"] = more.pop("window")
        if "groups" in more:
            more["group"] = more.pop("groups")
        return writer.emit(operator, *inputs, **more)

    return emitted


def _softmax(writer: _Writer, node: Node, x: str) -> str:
    return writer.emit("Softmax", x, axis=node.attributes["axis"])


def _batch_norm(writer: _Writer, node: Node, *inputs: str) -> str:
    return writer.emit("BatchNormalization", *inputs, epsilon=node.attributes["epsilon"])


_SEVERAL: dict[str, Callable[..., str]] = {
    "expm1": _expm1,
    "log1p": _log1p,
    "not_equal": _not_equal,
    "cast": _cast,
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _concatenate,
    "convolution": _windowed("Conv"),
    "max_pool": _windowed("MaxPool"),
    "average_pool": _windowed("AveragePool"),
    "batch_norm": _batch_norm,
    "softmax": _softmax,
    "sum": _reduction("ReduceSum"),
    "mean": _reduction("ReduceMean"),
    "max": _reduction("ReduceMax"),
    "min": _reduction("ReduceMin"),
}

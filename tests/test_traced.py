"""Plain numpy code writes itself down: what layers and formulas may be made of, in ONNX Runtime and in PyTorch."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import onnxruntime
import pytest

from engine.errors import RelumeError
from engine.files import onnx_file, torch_script, weights
from engine.files.traced import _ARITHMETIC, _COMPOSED
from engine.layers import Dense, Flatten
from engine.layers.base import Call, Layer, Operation, Parameters, Shape
from engine.network import Network
from engine.spec import NetworkSpec

WITH_TORCH = importlib.util.find_spec("torch") is not None


@dataclasses.dataclass(frozen=True)
class Odd(Layer):
    """A layer that is one function (x, gamma, beta, epsilon) -> a."""

    function: ClassVar[Callable[..., Any]]

    def output_shape(self, input_shape: Shape) -> Shape:
        ones = np.ones(3, dtype=np.float32)
        with np.errstate(all="ignore"):
            return type(self).function(np.ones((1, *input_shape), np.float32), ones, ones, np.float32(1.0)).shape[1:]

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"gamma": (3,), "beta": (3,)}

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        return {"gamma": rng.normal(size=3), "beta": rng.normal(size=3)}

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = self.calls(x.shape[1:])[0](x, parameters)
        return a, a

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("odd", type(self).function, ("gamma", "beta", 1e-3)),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        return ()


def exported(function: Callable[..., Any], shape: Shape) -> weights.Export:
    cls = type("Odd", (Odd,), {"function": staticmethod(function)})
    network = Network(NetworkSpec(shape, (cls(), Flatten(), Dense(2, "tanh"))), 3, "float64")
    return weights._export(network, None, None)


def agrees(function: Callable[..., Any], shape: Shape, folder: Path, raw: np.ndarray | None = None) -> None:
    export = exported(function, shape)
    if raw is None:
        raw = np.random.default_rng(0).normal(size=(7, *shape)).astype(np.float32)
    expected = export.predict(raw)
    assert np.isfinite(expected).all()
    model = onnx_file.model_of(export)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"raw": raw})[0], expected, atol=1e-5)
    if WITH_TORCH:
        script, arrays = folder / "w.torch.py", folder / "w.safetensors"
        script.write_text(torch_script.source_of(export, arrays.name), "utf-8")
        weights._write_safetensors(export, arrays)
        found = torch_script.run(export, raw, script, arrays)
        np.testing.assert_allclose(found, expected, atol=1e-12)  # in float64, as the network


def norm(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    off = x - x.mean(axis=-1, keepdims=True)
    return gamma * off / np.sqrt((off * off).mean(axis=-1, keepdims=True) + epsilon) + beta


def norm_of_all(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    flat = x.reshape(len(x), -1)
    spread = np.sqrt(flat.var(axis=1, keepdims=True) + epsilon)
    return ((flat - flat.mean(axis=1)[:, None]) / spread).reshape(x.shape) * gamma + beta


def norm_of_rows(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    rows = x.reshape(-1, x.shape[-1])
    return ((rows - np.mean(rows, axis=1, keepdims=True)) / (rows.std(axis=1, keepdims=True) + epsilon)).reshape(
        x.shape
    )


def gated(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    a, b = np.split(np.concatenate((x, gamma * x), axis=-1), 2, axis=-1)
    return a / (1.0 + np.exp(-b))


def without(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    kept = x.copy()
    kept[..., [0, 2]] = 0
    return kept


def by_parts(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    z = np.zeros_like(x)
    z[..., 0:2] += x[..., 1:3] * 2.0
    z[..., 2:] = x[..., 2:]
    return z


def summed(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    z = np.zeros((len(x), *x.shape[1:]), dtype=x.dtype) + beta
    for k in range(3):
        z += x[..., k : k + 1] * gamma[k]
    return z


def shares(x: Any, gamma: Any, beta: Any, epsilon: Any) -> Any:
    powers = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return powers / np.sum(powers, axis=-1, keepdims=True)


CODE: dict[str, Callable[..., Any]] = {
    "norm": norm,
    "norm of all": norm_of_all,
    "norm of rows": norm_of_rows,
    "both signs": lambda x, *_: np.concatenate([np.maximum(x, 0.0), np.maximum(-x, 0.0)], axis=-1),
    "gated": gated,
    "largest piece": lambda x, gamma, beta, _: np.stack([x * gamma, x + beta, -x], axis=-1).max(axis=-1),
    "pieces in a row": lambda x, *_: x.reshape(*x.shape[:-1], 1, 3).max(axis=-1),
    "reshaped": lambda x, *_: x.reshape(len(x), *x.shape[1:][::-1]),
    "without units": without,
    "written by parts": by_parts,
    "summed in place": summed,
    "around a product": lambda x, *_: x + np.tanh(np.tensordot(x, np.diag([1.0, 2.0, 3.0]).astype(x.dtype), 1)),
    "shares": shares,
    "padded": lambda x, *_: np.pad(x, (*((0, 0),) * (x.ndim - 1), (1, 2)), constant_values=0.5),
    "axis moved": lambda x, *_: np.moveaxis(x[..., None] * np.ones(2, x.dtype), -1, 1),
    "turned": lambda x, *_: np.swapaxes(x[:, None] * 2.0, 1, -1),
    "every other": lambda x, *_: x[..., ::2] - x[..., :1],
    "clipped": lambda x, gamma, *_: np.clip(x, -0.5, 0.5) + np.where((x > 0.0) & (x < 1.0), gamma, 0.0),
    "a number": lambda x, *_: np.broadcast_to(np.ones_like(x), x.shape) + 0.0 * x,
}


@pytest.mark.parametrize("shape", [(3,), (4, 3), (5, 4, 3)], ids=str)
@pytest.mark.parametrize("name", CODE)
def test_code_that_layers_may_be_made_of(tmp_path, name: str, shape: Shape) -> None:
    agrees(CODE[name], shape, tmp_path)


@pytest.mark.parametrize("name", sorted({*_ARITHMETIC, *_COMPOSED} - {"erfc (vectorized)"}))
def test_every_function_of_numbers(tmp_path, name: str) -> None:
    ufunc = getattr(np, name)
    raw = np.linspace(-0.9, 0.9, 21, dtype=np.float32).reshape(7, 3)
    if name in ("log", "sqrt", "reciprocal", "arccosh"):
        raw = np.abs(raw) + (1.1 if name == "arccosh" else 0.1)
    both = name == "power" or ufunc.nin == 2
    base = 1.5 if name == "power" else 0.0
    agrees(lambda x, gamma, *_: ufunc(x + base, gamma) if both else ufunc(x) * 1.0, (3,), tmp_path, raw)


def test_small_and_large_numbers_keep_their_digits(tmp_path) -> None:
    raw = np.array([[-1e-6, 1e-6, 3e-8], [-90.0, 80.0, 0.0], [-1e4, 20.0, 1e-3]], dtype=np.float32)
    for function in (np.expm1, lambda x: np.log1p(np.exp(-np.abs(x)))):
        export = exported(lambda x, *_, function=function: np.minimum(function(x), 50.0), (3,))
        model = onnx_file.model_of(export)
        inner = model.graph.node[[node.op_type for node in model.graph.node].index("Gemm")].input[0]
        model.graph.output.append(onnx.helper.make_tensor_value_info(inner, onnx.TensorProto.FLOAT, ["rows", 3]))
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        expected = np.minimum(function(raw.astype(np.float64)), 50.0)
        np.testing.assert_allclose(session.run([inner], {"raw": raw})[0], expected, rtol=1e-6, atol=1e-38)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, *_: x - x.mean(axis=0), "mixes samples"),
        (lambda x, *_: x + x[:1], "looks at single samples"),
        (lambda x, *_: x[:, ::-1], "backwards"),
        (lambda x, *_: np.sort(x, axis=-1), "uses numpy's sort"),
        (lambda x, *_: x if x.max() > 0 else -x, "mixes samples"),
        (lambda x, *_: x if x[:, 0] > 0 else -x, "decides by the numbers"),
        (lambda x, *_: np.asarray(x) + 1.0, "asks for the numbers"),
        (lambda x, *_: x.T, "moves the axis of the samples"),
        (lambda x, *_: np.add.accumulate(x, axis=1), "add.accumulate"),
        (lambda x, *_: x.nonsense(), "nonsense"),
        (lambda x, *_: x[:, np.array([0, 2, 1])], "picks numbers out"),
        (lambda x, *_: np.concatenate([x, x]), "across the samples"),
    ],
)
def test_what_cannot_be_told_is_refused(function: Callable[..., Any], words: str) -> None:
    class Sneaky(Odd):
        def output_shape(self, input_shape: Shape) -> Shape:
            return input_shape

    Sneaky.function = staticmethod(function)
    network = Network(NetworkSpec((3,), (Dense(3), Sneaky(), Dense(2))), 3, "float64")
    with pytest.raises(RelumeError, match="layer 2, Sneaky") as told:
        onnx_file.model_of(weights._export(network, None, None))
    assert words in str(told.value)

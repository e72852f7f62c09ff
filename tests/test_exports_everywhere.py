"""ONNX files and PyTorch scripts say what the program says: every layer, every activation, random networks.

`make proof` runs 200 networks; otherwise there are some.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.numpy

import engine
from engine import activations
from engine.data.preprocessing import Preprocessing, RawColumn
from engine.files import export_weights, weights
from engine.layers import LAYERS, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D
from engine.losses import LOSSES
from engine.network import Network
from engine.spec import NetworkSpec
from tests import random_networks
from tests.counts import count

SOME = count(40, 200)
TRACED = [".onnx", pytest.param(".torch.py", marks=pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is not installed; `make proof` brings it."
))]  # fmt: skip


def said(path: Path, raw: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of the file."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    return session.run(None, {given.name: raw.astype(np.float32).reshape(len(raw), *given.shape[1:])})[0]


def agrees(network: Network, path: Path, preprocessing: Preprocessing | None = None) -> None:
    """Within 1e-5 of the largest output, on random raw inputs; an ONNX file is checked by ONNX's own checker too."""
    report = export_weights(network, path, preprocessing)
    export = weights._export(network, preprocessing, None)
    raw = np.random.default_rng(3).normal(size=(33, len(export.preprocessing.raw_names))).astype(np.float32)
    expected, probes = export.predict(raw), weights._probes(export, None)  # those of the report
    allowed, others = (1e-5 * max(1.0, float(np.abs(a).max())) for a in (expected, export.predict(probes)))
    assert np.isfinite(expected).all() and report.largest_difference is not None
    assert report.largest_difference <= others
    if path.suffix == ".onnx":
        onnx.checker.check_model(path, full_check=True)
        found = said(path, raw)
        assert found.shape == expected.shape and found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=allowed)
        for rows in (raw[:1], raw[:0]):
            np.testing.assert_allclose(said(path, rows), expected[: len(rows)], rtol=0, atol=allowed)


def fed_by(shape: tuple[int, ...], made: Layer) -> Network:
    """The layer with something before and after it."""
    flat = (Flatten(),) if len(made.output_shape(shape)) > 1 else ()
    spec = NetworkSpec(shape, (made, *flat, Dense(2, "tanh")))
    return random_networks.moved(Network(spec, 2))


OWN = (
    "= x*sigmoid(a*x) + b*sin(x)", "= where(x > 0, x, a*expm1(x))", "= max(0, x)**1.5 + log(1 + x^2) - clip(x, -1, 1)",
    "= sqrt(abs(x) + 1)*sign(x)*(softplus(x) + step(x)) if x >= a else tanh(x)**3/e",
)  # fmt: skip


@pytest.mark.parametrize("ending", TRACED)
@pytest.mark.parametrize("name", [*activations.names(), *OWN])
def test_every_activation(tmp_path, name: str, ending: str) -> None:
    spec = NetworkSpec((4,), (Dense(9, name), Dense(2)))
    agrees(random_networks.moved(Network(spec, 2)), tmp_path / f"w{ending}")


@pytest.mark.parametrize("ending", [*TRACED, ".py"])
@pytest.mark.parametrize("kind", LAYERS.names())
def test_every_kind_of_layer(tmp_path, kind: str, ending: str) -> None:
    rng, found = np.random.default_rng(1), 0
    for shape in random_networks.SHAPES * 2:
        made = random_networks.layer(rng, kind, shape)
        if made is not None:
            agrees(fed_by(shape, made), tmp_path / f"w{ending}")
            found += 1
    assert found, "no shape fits this kind: add one to random_networks.SHAPES"


@pytest.mark.parametrize("ending", TRACED)
@pytest.mark.parametrize("name", LOSSES.names())
def test_every_loss_with_its_link(tmp_path, name: str, ending: str) -> None:
    outputs = LOSSES.get(name).outputs or 3
    network = Network(NetworkSpec((4,), (Dense(9, "tanh"), Dense(outputs)), name), 2)
    agrees(random_networks.moved(network), tmp_path / f"w{ending}")


@pytest.mark.parametrize("seed", range(SOME))
def test_random_networks_with_onnx_runtime(tmp_path, seed: int) -> None:
    network, preprocessing = random_networks.network(seed)
    agrees(network, tmp_path / "w.onnx", preprocessing)


@pytest.mark.parametrize("seed", range(1000, 1000 + (SOME + 3) // 4))
def test_random_networks_with_pytorch(tmp_path, seed: int) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed; `make proof` brings it.")
    network, preprocessing = random_networks.network(seed)
    agrees(network, tmp_path / "w.torch.py", preprocessing)


# ---- what stands in the files -----------------------------------------------------------------


def image_network() -> Network:
    layers = (Conv2D(4, 3, activation="relu"), MaxPool2D(2), Dropout(0.2), Flatten(), Dense(5, "silu"), Dense(3))
    return Network(NetworkSpec((8, 8, 1), layers, "softmax_cross_entropy"), 1)


def test_an_onnx_file_has_the_operators_that_people_expect(tmp_path) -> None:
    export_weights(image_network(), tmp_path / "w.onnx")
    model = onnx.load(tmp_path / "w.onnx")
    operators = [node.op_type for node in model.graph.node]
    assert [name for name in operators if name not in ("Transpose", "Reshape", "Identity")] == [
        "Conv", "Relu", "MaxPool", "Gemm", "Sigmoid", "Mul", "Gemm", "Softmax"
    ]  # fmt: skip
    assert operators.count("Transpose") == 2
    assert {"0.kernel", "0.bias", "4.kernel", "5.bias"} <= {array.name for array in model.graph.initializer}
    assert (model.ir_version, model.opset_import[0].version) == (8, 18)
    assert [(item.name, len(item.type.tensor_type.shape.dim)) for item in model.graph.input] == [("raw", 4)]


def test_an_onnx_file_carries_the_facts_and_its_words(tmp_path) -> None:
    data = engine.datasets.load("iris", scaling="standard")
    network = Network(NetworkSpec((4,), (Dense(3),), "softmax_cross_entropy"), 1)
    export_weights(network, tmp_path / "w.onnx", dataset=data)
    model = onnx.load(tmp_path / "w.onnx")
    facts = {item.key: item.value for item in model.metadata_props}
    assert NetworkSpec.from_dict(json.loads(facts["spec"])) == network.spec
    assert Preprocessing.from_dict(json.loads(facts["preprocessing"])) == data.preprocessing
    assert (facts["task"], json.loads(facts["names"])) == ("multiclass", list(data.class_names))
    assert all(name in model.doc_string for name in data.preprocessing.raw_names)
    np.testing.assert_allclose(said(tmp_path / "w.onnx", data.raw_test).sum(axis=1), 1.0, rtol=1e-5)


def test_a_table_becomes_numbers_and_a_missing_one_is_filled(tmp_path) -> None:
    columns = (RawColumn("colour", ("red", "blue")), RawColumn("size", fill=7.0))
    steps = Preprocessing(("colour red", "colour blue", "size"), columns=columns)
    network = random_networks.moved(Network(NetworkSpec((3,), (Dense(1, "tanh"),)), 1))
    export_weights(network, tmp_path / "w.onnx", steps)
    missing, filled = np.array([[0.0, 1.0, np.nan]]), np.array([[0.0, 1.0, 7.0]])
    np.testing.assert_array_equal(said(tmp_path / "w.onnx", missing), said(tmp_path / "w.onnx", filled))
    assert "one column of 0 and 1" in onnx.load(tmp_path / "w.onnx").doc_string


def test_large_raw_values_keep_their_digits(tmp_path) -> None:
    """A year less its mean: in float32 nothing would be left of it."""
    steps = Preprocessing(("year", "y"), None, (2_000_000.3, 0.0), (0.01, 1.0))
    network = Network(NetworkSpec((2,), (Dense(1, "tanh"),)), 1)
    export_weights(network, tmp_path / "w.onnx", steps)
    raw = np.array([[2_000_000.25, 0.5], [2_000_000.5, 0.1]], dtype=np.float32)
    expected = weights._export(network, steps, None).predict(raw)
    np.testing.assert_allclose(said(tmp_path / "w.onnx", raw), expected, atol=1e-6)


def test_a_pytorch_script_finds_its_weights_and_has_pytorchs_layers(tmp_path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; `make proof` brings it.")
    network = image_network()
    report = export_weights(network, tmp_path / "mine.torch.py")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.safetensors", "mine.torch.py"]
    export_weights(network, tmp_path / "other.safetensors")
    arrays = [safetensors.numpy.load_file(tmp_path / f"{name}.safetensors") for name in ("mine", "other")]
    assert all(np.array_equal(array, arrays[1][key]) for key, array in arrays[0].items()) and arrays[0]
    assert report.largest_difference is not None and report.largest_difference <= 1e-5

    (tmp_path / "renamed.py").write_bytes((tmp_path / "mine.torch.py").read_bytes())
    place = importlib.util.spec_from_file_location("renamed", tmp_path / "renamed.py")
    assert place is not None and place.loader is not None
    script = importlib.util.module_from_spec(place)
    place.loader.exec_module(script)
    module = script.load(tmp_path / "mine.safetensors")
    kinds = [type(child).__name__ for child in module.children()]
    assert kinds == ["Conv2d", "Linear", "Linear"] and not module.training
    x = np.random.default_rng(1).normal(size=(5, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(module(torch.tensor(x)).detach().numpy(), network.predict(x), atol=1e-5)
    np.testing.assert_allclose(script.predict(x).sum(axis=1), 1.0, rtol=1e-5)
    module.train()
    module(torch.tensor(x)).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_without_pytorch_the_script_is_written_and_not_compared(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    report = export_weights(image_network(), tmp_path / "w.torch.py")
    assert report.largest_difference is None and (tmp_path / "w.safetensors").exists()


@pytest.mark.parametrize("ending", [".onnx", ".torch.py"])
def test_a_cancelled_export_leaves_every_old_file(tmp_path, ending: str) -> None:
    def cancel() -> None:
        raise engine.RelumeError("Cancelled.")

    old = [tmp_path / f"w{ending}", tmp_path / "w.safetensors"]
    for path in old:
        path.write_text("old")
    with pytest.raises(engine.RelumeError, match="Cancelled"):
        export_weights(image_network(), tmp_path / f"w{ending}", check=cancel)
    assert [path.read_text() for path in old] == ["old", "old"] and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("ending", [".onnx", ".torch.py"])
def test_what_cannot_be_told_as_operations_is_said_with_its_layer(tmp_path, monkeypatch, ending: str) -> None:
    odd = dataclasses.replace(activations.get("tanh"), function=lambda z: np.linalg.norm(z) * z)
    monkeypatch.setitem(activations.ACTIVATIONS._records, "tanh", odd)
    network = Network(NetworkSpec((2,), (Dense(2), Dense(1, "tanh"))), 1)
    with pytest.raises(engine.RelumeError, match=r"layer 2, Dense: .*it uses numpy's norm.*\.npz"):
        export_weights(network, tmp_path / f"w{ending}")
    assert not list(tmp_path.iterdir())

"""Trained weights for other programs: arrays, ONNX, and scripts that predict from raw inputs.

Every file carries the network's design and the preprocessing, and is read back before it takes its name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine import losses
from engine.data.dataset import Dataset
from engine.data.preprocessing import Preprocessing
from engine.errors import RelumeError, expect
from engine.files import weight_script
from engine.files.atomic import replacing
from engine.network import Network

_PROBES = 256


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What was written, and how far predictions of the file are from the network's (0 for equal bits).

    The difference is None where what runs the file is not installed.
    """

    path: Path
    largest_difference: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class Export:
    """What a writer is given. `names` are the classes' (the targets' for a regression), () when unknown."""

    network: Network
    preprocessing: Preprocessing
    task: str
    names: tuple[str, ...]
    files: tuple[str, ...] = ()  # names that are written, in the format's order

    def facts(self) -> dict[str, str]:
        """What files hold beside the arrays, as JSON texts."""
        return {
            "spec": _json(self.network.spec.to_dict()),
            "preprocessing": _json(self.preprocessing.to_dict()),
            "task": self.task,
            "names": _json(list(self.names)),
        }

    def predict(self, raw: np.ndarray, network: Network | None = None) -> np.ndarray:
        """Raw inputs -> probabilities or target units, as the program itself gives them."""
        network = network or self.network
        outputs = network.predict(self.preprocessing.apply(raw).reshape(len(raw), *network.spec.input_shape))
        said = losses.link(network.spec.loss, outputs, self.task)
        return self.preprocessing.targets_to_units(said) if self.task == "regression" else said


def export_weights(
    network: Network,
    path: Path | str,
    preprocessing: Preprocessing | None = None,
    dataset: Dataset | None = None,
    check: Callable[[], object] | None = None,
) -> ExportReport:
    """Writes `network` to `path`; the format follows the suffix: .npz .safetensors .onnx .py .torch.py (`FORMATS`).

    With a data set the file predicts from raw inputs, and is compared with the network on its samples. Arrays of .npz
    and .safetensors are named as in `network.parameters()`; "spec", "preprocessing", "task" and "names" are JSON texts
    (arrays of one text in .npz, metadata in .safetensors and .onnx); of an own table the preprocessing names the
    columns with the values of each text. `check` may raise at the last moment and leave the old files. Raises
    RelumeError.
    """
    expect(network, Network, "export_weights, network")
    expect(path, (str, Path), "export_weights, path")
    path = Path(path)
    chosen = format_of(path)
    if chosen is None:
        raise RelumeError(
            f"Weights cannot be written as {path.suffix or 'a file without a suffix'}.", path.name,
            f"End the name in {', '.join(format.ending for format in FORMATS)}.",
        )  # fmt: skip
    export = _export(network, preprocessing, dataset)
    paths = chosen.files(path)
    export = dataclasses.replace(export, files=tuple(file.name for file in paths))
    raw = _probes(export, dataset)
    with contextlib.ExitStack() as stack:  # the last is put in place first, and from then on nothing is asked
        files = [stack.enter_context(replacing(file, check if file is paths[-1] else None)) for file in paths]
        chosen.write(export, *files)
        expected, found = export.predict(raw), chosen.read(export, raw, *files)
    if found is None:
        return ExportReport(path, None)
    with np.errstate(all="ignore"):
        difference = np.abs(expected.astype(np.float64) - found.astype(np.float64))
    return ExportReport(path, float(np.max(difference, initial=0.0)))


def _export(network: Network, preprocessing: Preprocessing | None, dataset: Dataset | None) -> Export:
    width = int(np.prod(network.spec.input_shape))
    if preprocessing is None:
        names = tuple(f"x{i + 1}" for i in range(width))
        preprocessing = dataset.preprocessing if dataset is not None else Preprocessing(names)
    if len(preprocessing.input_names) != width:
        raise RelumeError("The preprocessing belongs to another network.", "preprocessing")
    if dataset is not None:
        named = dataset.target_names if dataset.task == "regression" else dataset.class_names
        return Export(network, preprocessing, str(dataset.task), tuple(named))
    tasks = losses.get(network.spec.loss).tasks
    return Export(network, preprocessing, "regression" if "regression" in tasks else tasks[-1], ())


def _probes(export: Export, dataset: Dataset | None) -> np.ndarray:
    """Raw inputs to compare on: the data's own, or random ones."""
    columns = len(export.preprocessing.raw_names)
    if dataset is not None:
        parts = [raw[:_PROBES] for raw in (dataset.raw_train, dataset.raw_test)]
        return np.concatenate([part.reshape(len(part), columns) for part in parts])
    return np.random.default_rng(0).normal(size=(_PROBES, columns)).astype(np.float32)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rebuilt(export: Export, arrays: Mapping[str, np.ndarray]) -> Network:
    """A network from what was read; what was written must come back bit for bit."""
    for key, array in export.network.parameters().items():
        if key not in arrays or arrays[key].dtype != array.dtype or arrays[key].tobytes() != array.tobytes():
            raise RelumeError(f"{key} did not come back as it was written.", "export", "Export it again.")
    network = Network(export.network.spec, dtype=str(export.network.dtype))
    network.set_parameters({key: arrays[key] for key in export.network.slices})
    return network


def _write_npz(export: Export, path: Path) -> None:
    texts: dict[str, Any] = {name: np.array(text) for name, text in export.facts().items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **export.network.parameters(), **texts)


def _read_npz(export: Export, raw: np.ndarray, path: Path) -> np.ndarray:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return export.predict(raw, _rebuilt(export, {key: archive[key] for key in archive.files}))


def _write_safetensors(export: Export, path: Path) -> None:
    from safetensors.numpy import save

    path.write_bytes(save(export.network.parameters(), metadata=export.facts()))


def _read_safetensors(export: Export, raw: np.ndarray, path: Path) -> np.ndarray:
    from safetensors.numpy import load

    return export.predict(raw, _rebuilt(export, load(path.read_bytes())))


def _write_script(export: Export, path: Path) -> None:
    path.write_text(weight_script.source_of(export), encoding="utf-8", newline="\n")


def _read_script(export: Export, raw: np.ndarray, path: Path) -> np.ndarray:
    arrays, predicted = weight_script.run(path, raw, export.preprocessing.columns)
    _rebuilt(export, arrays)
    return predicted


def _write_onnx(export: Export, path: Path) -> None:
    from engine.files import onnx_file

    path.write_bytes(onnx_file.model_of(export).SerializeToString())


def _read_onnx(export: Export, raw: np.ndarray, path: Path) -> np.ndarray:
    from engine.files import onnx_file

    return onnx_file.run(path, raw)


def _write_torch(export: Export, path: Path, weights: Path) -> None:
    from engine.files import torch_script

    path.write_text(torch_script.source_of(export, export.files[1]), encoding="utf-8", newline="\n")
    _write_safetensors(export, weights)


def _read_torch(export: Export, raw: np.ndarray, path: Path, weights: Path) -> np.ndarray | None:
    from engine.files import torch_script

    _read_safetensors(export, raw, weights)
    return torch_script.run(export, raw, path, weights)


@dataclasses.dataclass(frozen=True)
class Format:
    """One way to write weights.

    Args:
        ending: of the file's name.
        words: what it is for, on the screen.
        write: (export, files) writes them.
        read: (export, raw inputs, files) -> predictions of what was written, None where it cannot be run here.
        beside: endings of further files that are written with it.
    """

    ending: str
    words: str
    write: Callable[..., None]
    read: Callable[..., np.ndarray | None]
    beside: tuple[str, ...] = ()

    def files(self, path: Path) -> tuple[Path, ...]:
        """All files that are written: `path` itself, then those beside it."""
        stem = path.name[: -len(self.ending)]
        return path, *(path.with_name(stem + ending) for ending in self.beside)


def format_of(path: Path) -> Format | None:
    """The format that a file's name asks for, by its longest ending."""
    fitting = [format for format in FORMATS if path.name.lower().endswith(format.ending)]
    return max(fitting, key=lambda format: len(format.ending), default=None)


FORMATS = (
    Format(".npz", "NumPy arrays, the network's design and the data's scaling", _write_npz, _read_npz),
    Format(
        ".safetensors", "for other frameworks, with the same facts as metadata", _write_safetensors, _read_safetensors
    ),
    Format(".onnx", "for ONNX Runtime and other programs; predicts from raw inputs", _write_onnx, _read_onnx),
    Format(".py", "a plain NumPy script that predicts from raw inputs", _write_script, _read_script),
    Format(
        ".torch.py",
        "a PyTorch module, with its weights as .safetensors beside it",
        _write_torch,
        _read_torch,
        beside=(".safetensors",),
    ),
)

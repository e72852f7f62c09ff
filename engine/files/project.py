"""A project file: the document, the user's own table, and the run at rest, so that training goes on bit for bit.

Members: document.json (spec, training, data, pace), table (the bytes of the user's own table), run.json (the plain
numbers of the run) and run/<part>/<name>.npy (its arrays).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.checkpoint import Checkpoint
from engine.data.spec import DataSpec
from engine.errors import RelumeError, expect
from engine.files import container
from engine.spec import NetworkSpec, TrainingSpec

_PARTS = ("parameters", "stepper", "history", "monitor", "units", "counters")


@dataclasses.dataclass(frozen=True)
class Project:
    """Everything that is kept of a document. `pace` is in epochs per second, None is full speed."""

    spec: NetworkSpec
    training: TrainingSpec
    data: DataSpec
    checkpoint: Checkpoint | None = None
    pace: float | None = None


def save_project(path: Path | str, project: Project) -> Path:
    """Writes the project, atomically: the old file stays whole until the new one is on the disk.

    The same project gives the same bytes. Raises RelumeError naming the file.
    """
    expect(project, Project, "save_project, project")
    expect(path, (str, Path), "save_project, path")
    table = project.data.table
    document = {
        "spec": project.spec.to_dict(),
        "training": project.training.to_dict(),
        "data": project.data.outline(),
        "pace": project.pace,
    }
    members = {"document.json": container.encode_json(document)}
    if table is not None:
        members["table"] = table.data
    if project.checkpoint is not None:
        members |= _encode_run(project.checkpoint)
    container.write_container(path, members)
    return Path(path)


def load_project(path: Path | str) -> Project:
    """Reads a project. Raises RelumeError: not a Relume project, damaged, made by a newer version."""
    expect(path, (str, Path), "load_project, path")
    name = Path(path).name or str(path)
    members = container.read_container(path)
    try:
        document = container.decode_json(members["document.json"])
        data = document["data"]
        if "table" in members:
            data["table"]["data"] = members["table"]
        return Project(
            NetworkSpec.from_dict(document["spec"]),
            TrainingSpec.from_dict(document["training"]),
            DataSpec.from_dict(data),
            _decode_run(members) if "run.json" in members else None,
            _pace(document["pace"]),
        )
    except RelumeError as error:
        raise RelumeError(error.what, f"{name}, {error.where}".rstrip(", "), error.fix) from None
    except container.BROKEN:
        raise container.damaged(name) from None


def _pace(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise RelumeError("The speed must be a number above 0.", "pace")
    return float(value)


def _encode_run(checkpoint: Checkpoint) -> dict[str, bytes]:
    numbers: dict[str, Any] = {}
    arrays: dict[str, bytes] = {}
    for part in _PARTS:
        values: Mapping[str, Any] = getattr(checkpoint, part)
        if part == "history":  # rows hold NaN, which JSON has no word for
            values = {**values, "rows": np.asarray(values.get("rows", []), dtype=np.float64)}
        for key, value in values.items():
            if isinstance(value, np.ndarray):
                arrays[f"run/{part}/{key}.npy"] = container.encode_array(value)
            else:
                plain = value.item() if isinstance(value, np.generic) else value
                numbers.setdefault(part, {})[key] = plain
    return {"run.json": container.encode_json(numbers), **arrays}


def _decode_run(members: Mapping[str, bytes]) -> Checkpoint:
    numbers = container.decode_json(members["run.json"])
    found: dict[str, dict[str, Any]] = {part: dict(numbers.get(part, {})) for part in _PARTS}
    for name, data in members.items():
        if name.startswith("run/") and name.endswith(".npy"):
            _, part, key = name.removesuffix(".npy").split("/", 2)
            found[part][key] = container.decode_array(data)
    rows = found["history"].get("rows")
    if rows is not None:
        found["history"]["rows"] = rows.tolist()
    return Checkpoint(**found)

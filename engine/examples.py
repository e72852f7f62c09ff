"""The built-in examples: one JSON file each in resources/examples, shown in the order of the file names."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import RelumeError
from engine.registry import Registry
from engine.spec import NetworkSpec, TrainingSpec

if TYPE_CHECKING:
    from engine.data.spec import DataSpec

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "examples"

GROUPS = ("First steps", "Dead neurons", "Images", "Regression", "Tables")

#: What `main.py` trains where there is no screen.
BUILT_IN = "spiral"


@dataclasses.dataclass(frozen=True)
class Example:
    """A ready-made document: data, network and training, with the words of its card in the gallery."""

    name: str
    title: str
    line: str  # what there is to see, in one line
    group: str  # one of GROUPS
    size: str  # "2 inputs, 8-8"
    data: DataSpec
    spec: NetworkSpec
    training: TrainingSpec
    pace: float | None  # epochs per second, None for full speed

    @property
    def seconds(self) -> float | None:
        """How long a run takes at its pace; None at full speed."""
        return None if self.pace is None else self.training.epochs / self.pace

    @property
    def duration(self) -> str:
        """The same in words: "about 5 s", "a moment" at full speed."""
        if self.seconds is None:
            return "a moment"
        if self.seconds < 90:
            return f"about {max(1, round(self.seconds))} s"
        return f"about {round(self.seconds / 60)} min"


def read_example(path: Path | str) -> Example:
    """Reads and checks one example file. Raises RelumeError naming the file."""
    from engine.data.spec import DataSpec

    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RelumeError(f"The example cannot be read: {error.strerror}.", str(path)) from None
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise RelumeError(f"The example is not valid JSON: {error}.", str(path), "Mend or remove the file.") from None
    try:
        words, pace = _checked(content)
        return Example(
            **words,
            data=DataSpec.from_dict(content["data"]),
            spec=NetworkSpec.from_dict(content["spec"]),
            training=TrainingSpec.from_dict(content["training"]),
            pace=pace,
        )
    except RelumeError as error:
        where = f"{path}, {error.where}" if error.where else str(path)
        raise RelumeError(error.what, where, error.fix) from None


@functools.cache
def examples() -> Registry[Example]:
    """All examples. Raises RelumeError for a broken file."""
    registry: Registry[Example] = Registry("example")
    for path in sorted(FOLDER.glob("*.json")):
        example = read_example(path)
        if example.name in registry:
            raise RelumeError(f"Two examples are called {example.name!r}.", str(path), "Rename one of them.")
        registry.add(example)
    return registry


def names() -> tuple[str, ...]:
    return examples().names()


def get(name: str) -> Example:
    """The example called `name`. Raises RelumeError with the nearest names otherwise."""
    return examples().get(name)


def groups() -> tuple[tuple[str, int], ...]:
    """(group, how many examples it has), in the order of the chips."""
    counts = {group: sum(example.group == group for example in examples()) for group in GROUPS}
    return tuple((group, count) for group, count in counts.items() if count)


def __getattr__(name: str) -> Any:
    if name == "EXAMPLES":
        return examples()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _checked(content: Any) -> tuple[dict[str, str], float | None]:
    """The words and the pace of an example's plain data, checked."""
    wanted = {"name", "title", "line", "group", "size", "data", "spec", "training", "pace"}
    if not isinstance(content, Mapping):
        raise RelumeError("An example must be a mapping of fields.")
    if wanted - set(content):
        raise RelumeError(f"The field {sorted(wanted - set(content))[0]!r} is missing.")
    if set(content) - wanted:
        raise RelumeError(f"Unknown field {sorted(set(content) - wanted)[0]!r}.")
    words = {key: content[key] for key in ("name", "title", "line", "group", "size")}
    for key, value in words.items():
        if not isinstance(value, str) or not value.strip():
            raise RelumeError(f"The field {key!r} must be text.")
    if words["group"] not in GROUPS:
        raise RelumeError(f"There is no group {words['group']!r}.", fix=f"Groups: {', '.join(GROUPS)}.")
    pace = content["pace"]
    if pace is None:
        return words, None
    if isinstance(pace, bool) or not isinstance(pace, int | float) or not 0 < pace < 1e6:
        raise RelumeError("The field 'pace' must be epochs per second or null.")
    return words, float(pace)

"""The field table of a spec: one declaration drives checks, plain data and editors."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.errors import RelumeError, shown


@dataclasses.dataclass(frozen=True)
class FieldInfo:
    """What an editor and a check must know of one field."""

    kind: str  # "int", "float", "text", "choice", "named", "flag", "units", "shape", "layers"
    label: str
    help: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None  # exclusive lower bound
    below: float | None = None  # exclusive upper bound
    choices: Callable[[], tuple[str, ...]] | None = None  # late, so that tables may grow
    optional: bool = False
    own: Callable[[str], str | None] | None = None  # of a name beyond the choices: how it is kept, None if it is none


EXTENT = FieldInfo("int", "An extent", minimum=-1, maximum=10**9)


def field(default: Any, kind: str, label: str, help: str = "", kw_only: bool = False, **limits: Any) -> Any:
    """A dataclass field with its FieldInfo; kw_only: it is given by name, so that others keep their places."""
    declared = {"info": FieldInfo(kind, label, help, **limits)}
    return dataclasses.field(default=default, kw_only=kw_only, metadata=declared)


def info(cls: Any, name: str) -> FieldInfo:
    """The FieldInfo of one field of a spec class."""
    return dataclasses.fields(cls)[[f.name for f in dataclasses.fields(cls)].index(name)].metadata["info"]


def check_fields(record: Any, where: str = "") -> None:
    """Normalises and checks every declared field of a frozen dataclass. Raises RelumeError."""
    for item in dataclasses.fields(record):
        declared = item.metadata.get("info")
        if declared is None:
            continue
        place = f"{where or type(record).__name__}, {item.name}"
        value = _checked(getattr(record, item.name), declared, place)
        object.__setattr__(record, item.name, value)


def _checked(value: Any, declared: FieldInfo, place: str) -> Any:
    if value is None:
        if declared.optional:
            return None
        raise RelumeError(f"{declared.label} is missing.", place, "Give a value.")
    if declared.kind == "flag":
        if not isinstance(value, bool):
            raise RelumeError(f"{declared.label} must be true or false, not {shown(value)}.", place)
        return value
    if declared.kind in ("int", "float"):
        return checked_number(value, declared, place)
    if declared.kind == "choice":
        options = declared.choices() if declared.choices else ()
        if not isinstance(value, str) or value not in options:
            raise RelumeError(
                f"{declared.label} cannot be {shown(value)}.", place, f"Choose one of {', '.join(options)}."
            )
        return value
    if declared.kind == "named":
        return _checked_named(value, declared, place)
    if declared.kind == "units":
        return _checked_units(value, declared, place)
    if declared.kind == "shape":
        return checked_shape(value, declared, place)
    if declared.kind == "layers":
        if not isinstance(value, list | tuple):
            raise RelumeError(f"{declared.label} must be a list of layers, not {shown(value)}.", place)
        return tuple(value)
    if not isinstance(value, str):
        raise RelumeError(f"{declared.label} must be text, not {shown(value)}.", place)
    return value


def checked_number(value: Any, declared: FieldInfo, place: str) -> int | float:
    """The number, if it is one and in range. Raises RelumeError."""
    noun = "a whole number" if declared.kind == "int" else "a number"
    if isinstance(value, bool | str | complex) or not hasattr(value, "__float__") or _ndim(value):
        raise RelumeError(f"{declared.label} must be {noun}, not {shown(value)}.", place)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise RelumeError(f"{declared.label} must be {noun}, not {shown(value)}.", place) from None
    if not math.isfinite(number):
        raise RelumeError(f"{declared.label} must be finite, not {shown(value)}.", place)
    if declared.kind == "int" and number != int(number):
        raise RelumeError(f"{declared.label} must be a whole number, not {shown(value)}.", place)
    low, high = declared.minimum, declared.maximum
    wrong = (
        (low is not None and number < low)
        or (high is not None and number > high)
        or (declared.above is not None and number <= declared.above)
        or (declared.below is not None and number >= declared.below)
    )
    if wrong:
        raise RelumeError(f"{declared.label} must be {_range_words(declared)}, not {shown(value)}.", place)
    return int(number) if declared.kind == "int" else number


def _checked_units(value: Any, declared: FieldInfo, place: str) -> tuple[int, ...]:
    """Numbers of units, each once, in order."""
    if not isinstance(value, list | tuple):
        raise RelumeError(f"{declared.label} must be a list of units, not {shown(value)}.", place)
    single = dataclasses.replace(declared, kind="int", minimum=0)
    return tuple(sorted({int(checked_number(item, single, place)) for item in value}))


def checked_shape(value: Any, declared: FieldInfo, place: str = "") -> tuple[int, ...]:
    """Extents from 1, at most one of them -1; or a text such as "28 x 28 x 1"."""
    words = re.split(r"\s*[x×,]\s*", value.strip("() ")) if isinstance(value, str) else value
    try:
        extents = tuple(int(checked_number(_number(item), EXTENT, place)) for item in words)
    except (TypeError, ValueError):
        extents = ()
    if not 1 <= len(extents) <= 3 or 0 in extents or extents.count(-1) > 1:
        raise RelumeError(f"{declared.label} cannot be {shown(value)}.", place, "For example 28 x 28 x 1, or -1 x 1.")
    return extents


def _number(item: Any) -> Any:
    return int(item) if isinstance(item, str) else item


def _ndim(value: Any) -> int:
    return len(getattr(value, "shape", None) or ())


def _plain_number(number: float) -> str:
    """1000000 and 0.5, not 1e+06; very large and very small ones with their powers."""
    return f"{number:.0f}" if number == round(number) and abs(number) < 1e9 else f"{number:g}"


def _range_words(declared: FieldInfo) -> str:
    parts = []
    if declared.minimum is not None:
        parts.append(f"at least {_plain_number(declared.minimum)}")
    if declared.above is not None:
        parts.append(f"above {_plain_number(declared.above)}")
    if declared.maximum is not None:
        parts.append(f"at most {_plain_number(declared.maximum)}")
    if declared.below is not None:
        parts.append(f"below {_plain_number(declared.below)}")
    return " and ".join(parts)


def _checked_named(value: Any, declared: FieldInfo, place: str) -> Any:
    """A name, or {"name": ..., option: number}; a mapping becomes a frozen NamedOptions."""
    name: Any
    options: dict[Any, Any]
    if isinstance(value, NamedOptions):
        name, options = value.name, dict(value.options)
    elif isinstance(value, Mapping):
        options = dict(value)
        name = options.pop("name", None)
    else:
        name, options = value, {}
    known = declared.choices() if declared.choices else ()
    own = _own_name(name, declared, place)
    if own is not None:
        name = own
    elif not isinstance(name, str) or name not in known:
        import difflib

        near = difflib.get_close_matches(shown(name).strip("'"), known, n=3, cutoff=0.5)
        fix = f"Did you mean {' or '.join(near)}?" if near else f"Choose one of {', '.join(known)}."
        raise RelumeError(f"{declared.label} cannot be {shown(name)}.", place, fix)
    if not options:
        return name
    for key, number in options.items():
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise RelumeError(f"The option {shown(key)} of {name} must be a finite number, not {shown(number)}.", place)
    return NamedOptions(name, tuple(sorted((str(k), float(v)) for k, v in options.items())))


def _own_name(name: Any, declared: FieldInfo, place: str) -> str | None:
    try:
        return declared.own(name) if declared.own and isinstance(name, str) else None
    except RelumeError as error:
        raise RelumeError(error.what, f"{place}, {error.where}", error.fix) from None


@dataclasses.dataclass(frozen=True)
class NamedOptions:
    """A table entry with options that differ from its defaults, hashable."""

    name: str
    options: tuple[tuple[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name, **dict(self.options)}


def name_of(value: str | NamedOptions) -> str:
    """The entry's name, whether options were given or not."""
    return value if isinstance(value, str) else value.name


def options_of(value: str | NamedOptions) -> dict[str, float]:
    """The options that were given, {} for a plain name."""
    return {} if isinstance(value, str) else dict(value.options)


def to_plain(record: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """A spec's fields as plain data (JSON types)."""
    names = [f.name for f in dataclasses.fields(record) if f.name not in without]
    return {name: _plain(getattr(record, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, NamedOptions):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def from_plain(cls: Any, data: Any, where: str = "") -> Any:
    """Builds `cls` from plain data; unknown keys are told, not ignored. Raises RelumeError."""
    place = where or cls.__name__
    if not isinstance(data, Mapping):
        raise RelumeError(f"{place} must be a mapping of fields, not {type(data).__name__}.", place)
    known = {f.name for f in dataclasses.fields(cls)}
    unknown = sorted(str(k) for k in data if k not in known)
    if unknown:
        raise RelumeError(f"Unknown field {shown(unknown[0])}.", place, f"Known fields: {', '.join(sorted(known))}.")
    missing = [
        f.name
        for f in dataclasses.fields(cls)
        if f.name not in data and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise RelumeError(f"The field {missing[0]!r} is missing.", place)
    return cls(**data)

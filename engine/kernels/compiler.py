"""Numba, loaded when something must be compiled: a program whose kernels are all on the disk starts without it."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any

_lessons: list[Callable[[], None]] = []  # what it must be taught before it compiles
_lock = threading.RLock()


class Late:
    """A module that is imported when one of its names is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(importlib.import_module(self._name), name)
        setattr(self, name, value)
        return value


types, cgutils = Late("numba.core.types"), Late("numba.core.cgutils")
_extending, _templates = Late("numba.extending"), Late("numba.core.typing.templates")


def register_jitable(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """numba.extending.register_jitable: compiled code may call the function."""
    return _taught(lambda function: _extending.register_jitable(**options)(function))


def intrinsic(definition: Any = None, /, *, prefer_literal: bool = False, of: Any = None) -> Any:
    """numba.extending.intrinsic: a function that writes down its own instructions, or those of another one."""

    def register(function: Callable[..., Any]) -> None:
        handle = of or function
        template = _templates.make_intrinsic_template(handle, function, handle.__name__, prefer_literal=prefer_literal)
        _templates.infer(template)
        _templates.infer_global(handle, types.Function(template))

    teach = _taught(register)
    return teach if definition is None else teach(definition)


def _taught(lesson: Callable[[Callable[..., Any]], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        _lessons.append(lambda: lesson(function))
        return function

    return note


def load() -> None:
    """Imports numba and all that it imports for its first function, and teaches it what compiled code calls; what it
    knows already costs nothing."""
    with _lock:
        target = importlib.import_module("numba.core.registry").cpu_target
        while _lessons:
            _lessons.pop(0)()
        target.typing_context.refresh()
        target.target_context.refresh()


def compile(function: Callable[..., Any], signature: str, options: dict[str, Any]) -> tuple[Any, str, bytes]:
    """(what keeps the code alive, its symbol, its object file) of a function of int64 words."""
    with _lock:
        load()
        compiled = importlib.import_module("numba").cfunc(signature, **options)(function)
        return compiled, compiled._wrapper_name, compiled._library._get_compiled_object()

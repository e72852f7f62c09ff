"""The only place that configures the compiler: its flags, and kernels themselves."""

from __future__ import annotations

import ctypes
import hashlib
import threading
import types
from collections.abc import Callable
from typing import Any

from engine.kernels import compiler, machine, object_files

# "nnan" and "ninf" are left out: isnan must keep working.
_LEAN = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}  # only other compiled code calls it
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "arcp", "nsz", "afn", "reassoc"}, **_LEAN}
WIDE_OPTIONS: dict[str, Any] = {"error_model": "numpy"}  # float64, as numpy has it
EXACT = ("contract", "nsz")  # of instructions in sums that rely on exact cancellation

_lock = threading.RLock()
misses: list[str] = []  # kernels that had to be compiled in this process


def bound(function: Callable[..., Any], name: str, /, **names: Any) -> Callable[..., Any]:
    """A copy of a function under its own name, with more global names: one compiled kernel for each set of them.

    The disk knows kernels by name, so the name gets a digest of what is bound.
    """
    digest = hashlib.sha256()
    for value in names.values():
        if isinstance(value, types.FunctionType):
            _digest_code(value, digest)
        else:
            digest.update(repr(value).encode())
    name = f"{name}_{digest.hexdigest()[:8]}"
    copy = types.FunctionType(function.__code__, {**function.__globals__, **names}, name)
    copy.__qualname__ = name
    copy.__module__ = function.__module__
    return copy


def _plain_code(code: types.CodeType) -> tuple[Any, ...]:
    """What a code object does, the same in every process."""
    constants = [_plain_code(value) if isinstance(value, types.CodeType) else value for value in code.co_consts]
    return code.co_code, code.co_names, constants


def _digest_code(function: types.FunctionType, digest: Any) -> None:
    code = function.__code__
    digest.update(repr(_plain_code(code)).encode())
    for name in code.co_names:
        helper = function.__globals__.get(name)
        if isinstance(helper, types.FunctionType):
            _digest_code(helper, digest)


def jitable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function for others to call in compiled code."""
    return compiler.register_jitable(**OPTIONS)(function)


def _name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"


class Kernel:
    """One piece of compiled code. It compiles when it is first needed, or comes from the disk."""

    def __init__(self, title: str, make: Callable[[], Callable[..., Any]], signature: str) -> None:
        self.title = title
        self._make, self._signature = make, signature
        self._compiled: Any = None  # keeps code alive that was compiled here
        self._address = 0

    @property
    def name(self) -> str:
        """What its file is called."""
        return _name_of(self._make())

    @property
    def ready(self) -> bool:
        return self._address != 0

    def compile(self) -> bool:
        """Makes the kernel ready, at once if it already is; True where the disk did not have it."""
        with _lock:
            if self.ready:
                return False
            function = self._make()
            name = _name_of(function)
            kept = object_files.read(name)
            if kept is not None:
                self._address = machine.load(*kept)
                return False
            self._compiled, symbol, code = compiler.compile(function, self._signature, OPTIONS)
            object_files.write(name, symbol, code)
            misses.append(self.title)
            self._address = int(self._compiled.address)
            return True

    @property
    def address(self) -> int:
        """Where the compiled code is."""
        self.compile()
        return self._address


class Loop(Kernel):
    """A kernel of so many words that Python calls; foreign calls do not hold the interpreter's lock."""

    def __init__(self, title: str, make: Callable[[], Callable[..., Any]], count: int) -> None:
        super().__init__(title, make, f"void({','.join(['int64'] * count)})")
        self._kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * count)
        self._call: Any = None

    def __call__(self, *arguments: int) -> None:
        if self._call is None:
            self._call = self._kind(self.address)
        self._call(*arguments)

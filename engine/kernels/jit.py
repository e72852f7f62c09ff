"""The only place that configures the compiler: its flags, its disk cache, and how kernels are compiled."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding
import numba
import numpy as np
from numba import config, extending

from engine.kernels.head_start import base_folder

# "nnan" and "ninf" are left out: isnan must keep working.
_LEAN = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}  # only other compiled code calls it
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "arcp", "nsz", "afn", "reassoc"}, **_LEAN}
# For sums that rely on exact cancellation.
EXACT_OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz"}, **_LEAN}

_MANIFEST = "manifest.json"
_lock = threading.RLock()
_cache: Path | None = None
_ready = False
misses: list[str] = []  # kernels that had to be compiled in this process


def cache_folder() -> Path:
    """Where compiled kernels are kept: one folder for each version of the sources, the compiler and the processor."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    for name in ("maths.py", "activations", "losses.py", "optimizers", "kernels"):
        for path in sorted(root.joinpath(name).glob("*.py")) or [root / name]:
            digest.update(path.read_bytes())
    versions = (numba.__version__, llvmlite.__version__, platform.python_version(), platform.machine())
    processor = (llvmlite.binding.get_host_cpu_name(), llvmlite.binding.get_host_cpu_features().flatten())
    digest.update(repr((versions, processor)).encode())
    return base_folder() / f"kernels-{digest.hexdigest()[:16]}"


def prepare_cache() -> None:
    """Points the compiler to its cache folder. Files that are not as they were written are thrown away first."""
    global _cache, _ready
    with _lock:
        if _ready:
            return
        _ready = True
        try:
            folder = cache_folder()
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f"probe-{os.getpid()}"
            probe.write_bytes(b"")
            probe.unlink()
            _drop_damaged(folder)
        except OSError:
            return  # no cache: everything is compiled in memory
        _cache = folder
        setattr(config, "CACHE_DIR", str(folder))  # noqa: B010  numba adds its settings while it runs


def has_disk_cache() -> bool:
    """Whether what is compiled is kept for the next process."""
    return _cache is not None


def is_cache_empty() -> bool:
    """Whether there is a disk cache and nothing in it: nothing was compiled yet, or other sources were."""
    prepare_cache()
    return _cache is not None and not _files(_cache)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.nb[ic]") if path.is_file())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _drop_damaged(folder: Path) -> None:
    try:
        known = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if not isinstance(known, dict):
        known = {}
    for path in _files(folder):
        if known.get(path.relative_to(folder).as_posix()) != _digest(path):
            path.unlink(missing_ok=True)


def record() -> None:
    """Writes down what the cache folder holds, so that damage is noticed at the next start."""
    if _cache is None:
        return
    with contextlib.suppress(OSError):
        text = json.dumps({path.relative_to(_cache).as_posix(): _digest(path) for path in _files(_cache)})
        temporary = _cache / f"manifest-{os.getpid()}"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, _cache / _MANIFEST)


def bound(function: Callable[..., Any], name: str, /, **names: Any) -> Callable[..., Any]:
    """A copy of a function under its own name, with more global names: one compiled kernel for each set of them.

    The disk cache knows functions by name, so the name gets a digest of the functions that are bound.
    """
    digest = hashlib.sha256()
    for value in names.values():
        if isinstance(value, types.FunctionType):
            _digest_code(value, digest)
    name = f"{name}_{digest.hexdigest()[:8]}"
    copy = types.FunctionType(function.__code__, {**function.__globals__, **names}, name)
    copy.__qualname__ = name
    copy.__module__ = function.__module__
    return copy


def _digest_code(function: types.FunctionType, digest: Any) -> None:
    code = function.__code__
    digest.update(repr((code.co_code, code.co_names, code.co_consts)).encode())
    for name in code.co_names:
        helper = function.__globals__.get(name)
        if isinstance(helper, types.FunctionType):
            _digest_code(helper, digest)


def formula(function: Callable[..., Any]) -> Callable[..., Any]:
    """A formula for float32 kernels: the same code with its numbers as float32."""
    return _inlined(_narrowed(function))


def _inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """For use in loops, which become SIMD code only without calls."""
    return extending.register_jitable(forceinline=True, **OPTIONS)(function)


def overloaded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Teaches the compiler what a function of formulas is, inlined as they are."""
    options: Any = {"forceinline": True, **OPTIONS}
    return extending.overload(function, jit_options=options, inline="never")


def wide_formula(function: Callable[..., Any]) -> Callable[..., Any]:
    """A formula for kernels in float64."""
    copy = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    return extending.register_jitable(error_model="numpy")(copy)


def _narrowed(function: Callable[..., Any]) -> Callable[..., Any]:
    code = function.__code__
    constants = tuple(np.float32(value) if isinstance(value, float) else value for value in code.co_consts)
    helpers = {
        name: _narrowed(function.__globals__[name])
        for name in code.co_names
        if isinstance(function.__globals__.get(name), types.FunctionType)
    }
    names = {**function.__globals__, **{name: _inlined(f) for name, f in helpers.items()}}
    return types.FunctionType(code.replace(co_consts=constants), names, function.__name__, function.__defaults__)


class Kernel:
    """One piece of compiled code. It compiles when it is first needed, or comes from the disk cache."""

    def __init__(self, title: str, make: Callable[[], Callable[..., Any]], signature: str) -> None:
        self.title = title
        self._make, self._signature = make, signature
        self._compiled: Any = None

    @property
    def ready(self) -> bool:
        return self._compiled is not None

    def compile(self) -> bool:
        """Makes the kernel ready, at once if it already is; True where the disk cache did not have it."""
        with _lock:
            if self._compiled is not None:
                return False
            self._compiled = self._compile()
            return not self._compiled.cache_hits

    def _compile(self) -> Any:
        prepare_cache()
        function = self._make()
        cached = _cache is not None
        try:
            compiled = self._build(function, cached)
        except Exception:  # noqa: BLE001  a cache file that cannot be read: compile afresh, without it
            if not cached:
                raise
            compiled, cached = self._build(function, False), False
        if not compiled.cache_hits:
            misses.append(self.title)
            if cached:
                record()
        return compiled

    def _build(self, function: Callable[..., Any], cached: bool) -> Any:
        return numba.cfunc(self._signature, cache=cached, **OPTIONS)(function)

    @property
    def address(self) -> int:
        """Where the compiled code is."""
        self.compile()
        return int(self._compiled.address)


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

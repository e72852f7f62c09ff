"""Machine code in memory: object files of kernels become functions with addresses. Needs no compiler."""

from __future__ import annotations

import ctypes
from typing import Any

from llvmlite import binding

# Compiled functions name these for errors that kernels cannot raise.
_OF_ERRORS = (
    "numba_do_raise", "numba_gil_ensure", "numba_gil_release", "numba_runtime_build_excinfo_struct", "numba_unpickle",
)  # fmt: skip
_engine: Any = None


def load(symbol: str, code: bytes) -> int:
    """The address of a function in an object file of this processor."""
    global _engine
    if _engine is None:
        _engine = _made()
    _engine.add_object_file(binding.ObjectFileRef.from_data(code))
    _engine.finalize_object()
    return int(_engine.get_function_address(symbol))


def _made() -> Any:
    """An engine like the compiler's own."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    missing = ctypes.cast(ctypes.pythonapi.Py_FatalError, ctypes.c_void_p).value
    for name in _OF_ERRORS:
        if not binding.address_of_symbol(name):
            binding.add_symbol(name, missing)
    target = binding.Target.from_default_triple()
    static = {"reloc": "static"} if target.name.startswith("x86") else {}
    machine = target.create_target_machine(codemodel="jitdefault", cpu=binding.get_host_cpu_name(), **static)
    return binding.create_mcjit_compiler(binding.parse_assembly(""), machine)

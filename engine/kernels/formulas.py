"""Formulas, written once for numpy, in compiled code: of float32 numbers in loops, of float64 where that is said."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from engine.kernels import compiler, vector_maths
from engine.kernels.instructions import teach
from engine.kernels.jit import WIDE_OPTIONS

_MATHS = types.SimpleNamespace(**vector_maths.FUNCTIONS)


def formula(function: Callable[..., Any]) -> Callable[..., Any]:
    """A formula of float32 numbers, for loops: it becomes SIMD code there."""
    own = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    teach(own, _written(function))
    return own


def _written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The formula over values that write down instructions."""
    return _copy(function, _written, maths=_MATHS)


def wide_formula(function: Callable[..., Any]) -> Callable[..., Any]:
    """A formula of float64 numbers."""
    return compiler.register_jitable(**WIDE_OPTIONS)(_copy(function, wide_formula))


def _copy(
    function: Callable[..., Any], of_helper: Callable[[Callable[..., Any]], Callable[..., Any]], **names: Any
) -> Callable[..., Any]:
    """The function, with `of_helper` of the functions that it calls, and these global names."""
    code, known = function.__code__, function.__globals__
    helpers = {
        name: of_helper(known[name]) for name in code.co_names if isinstance(known.get(name), types.FunctionType)
    }
    return types.FunctionType(code, {**known, **helpers, **names}, function.__name__, function.__defaults__)

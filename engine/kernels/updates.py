"""Optimizers: a pass over all parameters, by the number of values kept for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels.block import block_kernel
from engine.kernels.compiler import register_jitable
from engine.kernels.formulas import formula, wide_formula
from engine.kernels.instructions import teach
from engine.kernels.jit import OPTIONS, Kernel
from engine.kernels.layout import CONSTANTS, G0, INPUTS, LANE_WORDS, OUTPUTS, P0, P1, SUMS, TIME, WORDS
from engine.kernels.memory import doubles_as_tuple, floats, narrow, words
from engine.optimizers import Optimizer


def size_bits(x: Any) -> Any:
    """Bits that order float32 numbers by |x|; infinity and NaN come last."""
    return x.bits() & 0x7FFFFFFF


teach(size_bits, size_bits)


@register_jitable(**OPTIONS)
def time(moment: Any) -> Any:
    return np.float64(words(moment, LANE_WORDS)[TIME])


def _update_0(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = o[INPUTS]
    w, g = floats(o[P0], n), floats(o[G0], n)
    c = narrow(coefficients(time(moment), *doubles_as_tuple(o[CONSTANTS], COUNT)))  # type: ignore[name-defined] # noqa: F821
    top = np.int32(0)
    for i in range(n):
        new = rule(w[i], g[i], c)  # type: ignore[name-defined] # noqa: F821
        w[i] = new[0]
        top = max(top, size_bits(new[0]))
    words(o[SUMS], 1)[0] = np.int64(top)


def _update_1(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = o[INPUTS]
    w, g, s = floats(o[P0], n), floats(o[G0], n), floats(o[P1], n)
    c = narrow(coefficients(time(moment), *doubles_as_tuple(o[CONSTANTS], COUNT)))  # type: ignore[name-defined] # noqa: F821
    top = np.int32(0)
    for i in range(n):
        new = rule(w[i], g[i], s[i], c)  # type: ignore[name-defined] # noqa: F821
        w[i], s[i] = new[0], new[1]
        top = max(top, max(size_bits(new[0]), size_bits(new[1])))
    words(o[SUMS], 1)[0] = np.int64(top)


def _update_2(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = o[INPUTS]
    w, g, s, q = floats(o[P0], n), floats(o[G0], n), floats(o[P1], n), floats(o[P1] + 4 * o[OUTPUTS], n)
    c = narrow(coefficients(time(moment), *doubles_as_tuple(o[CONSTANTS], COUNT)))  # type: ignore[name-defined] # noqa: F821
    top = np.int32(0)
    for i in range(n):
        new = rule(w[i], g[i], s[i], q[i], c)  # type: ignore[name-defined] # noqa: F821
        w[i], s[i], q[i] = new[0], new[1], new[2]
        top = max(top, max(size_bits(new[0]), max(size_bits(new[1]), size_bits(new[2]))))
    words(o[SUMS], 1)[0] = np.int64(top)


def _update_3(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = o[INPUTS]
    w, g, s, q = floats(o[P0], n), floats(o[G0], n), floats(o[P1], n), floats(o[P1] + 4 * o[OUTPUTS], n)
    p = floats(o[P1] + 8 * o[OUTPUTS], n)
    c = narrow(coefficients(time(moment), *doubles_as_tuple(o[CONSTANTS], COUNT)))  # type: ignore[name-defined] # noqa: F821
    top = np.int32(0)
    for i in range(n):
        new = rule(w[i], g[i], s[i], q[i], p[i], c)  # type: ignore[name-defined] # noqa: F821
        w[i], s[i], q[i], p[i] = new[0], new[1], new[2], new[3]
        top = max(top, max(max(size_bits(new[0]), size_bits(new[1])), max(size_bits(new[2]), size_bits(new[3]))))
    words(o[SUMS], 1)[0] = np.int64(top)


_UPDATES = (_update_0, _update_1, _update_2, _update_3)
_optimizers: dict[Any, Kernel] = {}


def optimizer_kernel(optimizer: Optimizer) -> Kernel:
    """The compiled update of this kind of optimizer."""
    rule = optimizer.rule
    if rule not in _optimizers:
        count, coefficients = len(optimizer.numbers()), type(optimizer).coefficients
        _optimizers[rule] = block_kernel(
            f"{optimizer.kind} {rule.__name__.strip('_')}", _UPDATES[len(optimizer.slots)],
            rule=lambda: formula(rule), coefficients=lambda: wide_formula(coefficients), COUNT=lambda: count,
        )  # fmt: skip
    return _optimizers[rule]

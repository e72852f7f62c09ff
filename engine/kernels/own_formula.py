"""Own formulas: one interpreter for all, step by step over blocks of numbers that stay in the first level of the cache.

Nothing is compiled for a formula. Its program is `engine.formula.steps`; letters are parameters, one number per unit.
WORK: a word that says whether the numbers of the formula lie in their registers, the addresses of the registers, then
the registers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import maths
from engine.formula import steps
from engine.formula.steps import (
    BACKWARD,
    FIRST_LETTER,
    FORWARD,
    LETTERS,
    MOST_REGISTERS,
    NUMBERS,
    REGISTERS,
    RESULTS,
    STEP,
    Y as Y_REGISTER,
    Z as Z_REGISTER,
)  # fmt: skip
from engine.kernels import vector_maths  # noqa: F401  registers the functions of formulas
from engine.kernels.block import Block, block_kernel
from engine.kernels.elementwise import STRIDE, whole
from engine.kernels.jit import jitable
from engine.kernels.layout import (
    CONSTANTS,
    FRESH,
    G0,
    GEOMETRY,
    GY,
    LANE_WORDS,
    OUTPUTS,
    P0,
    PRODUCT,
    UNITS,
    WORDS,
    WORK,
    X,
    Y,
)  # fmt: skip
from engine.kernels.memory import call_three, floats, words

F = np.float32
BLOCK = 512  # numbers of a register
TABLE = MOST_REGISTERS + 16  # words before the registers: a multiple of a cache line
assert BLOCK % STRIDE == 0
(
    COPY, ADD, SUBTRACT, MULTIPLY, DIVIDE, NEGATIVE, GREATER, GREATER_EQUAL, WHERE, MAXIMUM, MINIMUM, EXP, EXPM1, LOG,
    LOG1P, SQRT, SIN, COS, TANH, SIGMOID, SOFTPLUS, ABSOLUTE, SIGN,
) = range(len(steps.KINDS))  # fmt: skip


def _interpret(program: Any, table: Any, n: Any) -> None:
    """Runs a program on n numbers; n is a multiple of STRIDE."""
    for step in range(words(program, 1)[0]):
        w, t = words(program + 8 + 8 * STEP * step, STEP), words(table, MOST_REGISTERS)
        kind = w[0]
        r, a, b, c = floats(t[w[1]], n), floats(t[w[2]], n), floats(t[w[3]], n), floats(t[w[4]], n)
        if kind == COPY:
            for i in range(n):
                r[i] = a[i]
        elif kind == ADD:
            for i in range(n):
                r[i] = a[i] + b[i]
        elif kind == SUBTRACT:
            for i in range(n):
                r[i] = a[i] - b[i]
        elif kind == MULTIPLY:
            for i in range(n):
                r[i] = a[i] * b[i]
        elif kind == DIVIDE:
            for i in range(n):
                r[i] = a[i] / b[i]
        elif kind == NEGATIVE:
            for i in range(n):
                r[i] = -a[i]
        elif kind == GREATER:
            for i in range(n):
                r[i] = F(1.0) if a[i] > b[i] else F(0.0)
        elif kind == GREATER_EQUAL:
            for i in range(n):
                r[i] = F(1.0) if a[i] >= b[i] else F(0.0)
        elif kind == WHERE:
            for i in range(n):
                yes, no = b[i], c[i]  # read before it is known which: a choice between reads is no SIMD code
                r[i] = yes if a[i] != F(0.0) else no
        elif kind == MAXIMUM:
            for i in range(n):
                r[i] = maths.maximum(a[i], b[i])
        elif kind == MINIMUM:
            for i in range(n):
                r[i] = maths.minimum(a[i], b[i])
        elif kind == EXP:
            for i in range(n):
                r[i] = maths.exp(a[i])
        elif kind == EXPM1:
            for i in range(n):
                r[i] = maths.expm1(a[i])
        elif kind == LOG:
            for i in range(n):
                r[i] = maths.log(a[i])
        elif kind == LOG1P:
            for i in range(n):
                r[i] = maths.log1p(a[i])
        elif kind == SQRT:
            for i in range(n):
                r[i] = maths.sqrt(a[i])
        elif kind == SIN:
            for i in range(n):
                r[i] = maths.sin(a[i])
        elif kind == COS:
            for i in range(n):
                r[i] = maths.cos(a[i])
        elif kind == TANH:
            for i in range(n):
                r[i] = maths.tanh(a[i])
        elif kind == SIGMOID:
            for i in range(n):
                r[i] = maths.sigmoid(a[i])
        elif kind == SOFTPLUS:
            for i in range(n):
                r[i] = maths.softplus(a[i])
        elif kind == ABSOLUTE:
            for i in range(n):
                r[i] = maths.absolute(a[i])
        elif kind == SIGN:
            for i in range(n):
                r[i] = maths.sign(a[i])


@jitable
def _prepared(op: Any, rows: Any) -> Any:
    """(table, numbers taken at a time): numbers and letters in their registers."""
    o = words(op, WORDS)
    code, u = words(o[GEOMETRY], RESULTS + 1), o[UNITS]
    table, first = o[WORK] + 8, o[WORK] + 8 * TABLE
    t = words(table, MOST_REGISTERS)
    letters, numbers = code[LETTERS], code[NUMBERS]
    if words(o[WORK], 1)[0] == 0:
        constants = floats(o[CONSTANTS], numbers)
        for k in range(FIRST_LETTER, code[REGISTERS]):
            t[k] = first + 4 * BLOCK * (k - FIRST_LETTER)
        for k in range(numbers):
            number, register = constants[k], floats(t[FIRST_LETTER + letters + k], BLOCK)
            for i in range(BLOCK):
                register[i] = number
        words(o[WORK], 1)[0] = 1
    if letters == 0:
        return table, BLOCK
    if u > BLOCK:
        return table, 0
    lines = min(BLOCK // u, rows * (o[OUTPUTS] // u))
    for k in range(letters):
        p = floats(o[P0 + k], u)
        for line in range(lines):
            register = floats(t[FIRST_LETTER + k] + 4 * line * u, u)
            for j in range(u):
                register[j] = p[j]
    return table, BLOCK // u * u


@jitable
def _placed(op: Any, start: Any, total: Any, table: Any, most: Any) -> Any:
    """How many numbers from `start` on are next; z and a in their registers, and the letters of wide layers."""
    o, t = words(op, WORDS), words(table, MOST_REGISTERS)
    t[Z_REGISTER], t[Y_REGISTER] = o[X] + 4 * start, o[Y] + 4 * start
    if most > 0:
        return min(most, total - start)
    unit = start % o[UNITS]
    for k in range(words(o[GEOMETRY], RESULTS + 1)[LETTERS]):
        t[FIRST_LETTER + k] = o[P0 + k] + 4 * unit
    return min(BLOCK, o[UNITS] - unit)


def _forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    code, total = words(o[GEOMETRY], RESULTS + 1), rows * o[OUTPUTS]
    table, most = _prepared(op, rows)
    start = 0
    while start < total:
        n = _placed(op, start, total, table, most)
        call_three(o[PRODUCT], o[GEOMETRY] + 8 * code[FORWARD], table, whole(n))
        start += n


def _backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    code, total, u = words(o[GEOMETRY], RESULTS + 1), rows * o[OUTPUTS], o[UNITS]
    table, most = _prepared(op, rows)
    t, letters = words(table, MOST_REGISTERS), code[LETTERS]
    results = words(o[GEOMETRY] + 8 * code[RESULTS], 1 + letters)
    if words(moment, LANE_WORDS)[FRESH] != 0:
        for k in range(letters):
            gp = floats(o[G0 + k], u)
            for j in range(u):
                gp[j] = F(0.0)
    start = 0
    while start < total:
        n = _placed(op, start, total, table, most)
        call_three(o[PRODUCT], o[GEOMETRY] + 8 * code[BACKWARD], table, whole(n))
        for k in range(letters):  # line by line: the order of every sum is that of the rows
            done = 0
            while done < n:
                unit = (start + done) % u
                width = min(u - unit, n - done)
                gp, d = floats(o[G0 + k] + 4 * unit, width), floats(t[results[1 + k]] + 4 * done, width)
                g = floats(o[GY] + 4 * (start + done), width)
                for j in range(width):
                    gp[j] += g[j] * d[j]
                done += width
        g, slope = floats(o[GY] + 4 * start, n), floats(t[results[0]], n)
        for i in range(n):
            g[i] = g[i] * slope[i]
        start += n


def own_formula() -> Block:
    return Block(
        block_kernel("own formula forward", _forward),
        block_kernel("own formula backward", _backward),
        shared=block_kernel("own formula interpreter", _interpret),
        in_place=True,
        scratch=lambda inputs, outputs, geometry, rows: 2 * TABLE + BLOCK * (geometry[REGISTERS] - FIRST_LETTER),
    )

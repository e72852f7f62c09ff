"""What an activation costs on this machine: nanoseconds per value, measured with the compiled code that trains."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.errors import RelumeError
from engine.fields import NamedOptions
from engine.kernels import blocks, layout as at
from engine.kernels.program import Program
from engine.layers import Dense
from engine.network import Network
from engine.spec import NetworkSpec

UNITS = 2048
ROUNDS, ROUND_SECONDS = 9, 0.004


class Cost(NamedTuple):
    """Nanoseconds per value, one thread."""

    forward: float
    backward: float


def cost(activation: str | NamedOptions) -> Cost:
    """The medians of some rounds, of values that lie in the cache. Takes about a tenth of a second, compiling apart.

    Raises RelumeError for an unknown activation."""
    layer = Dense(UNITS, activation)
    operation = next((o for o in layer.operations((1,))[1:] if not o.trains_only), None)
    if operation is None:
        return Cost(0.0, 0.0)  # linear: nothing is computed
    program = Program(Network(NetworkSpec((1,), (layer,))), training=True)
    program.make()
    block = blocks.find(operation.block)
    row = next((o for o in program.operations[0] if o[at.FORWARD] == block.forward.address), None)
    if row is None or block.backward is None:
        raise RelumeError("This activation cannot be measured.", "cost")
    lane, rows = program.lane_table[0], program.tile
    lane[at.FRESH] = 1
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)
    arguments = row.ctypes.data, rows, lane.ctypes.data
    forward, backward = (_nanoseconds(kind(k.address), arguments) for k in (block.forward, block.backward))
    return Cost(forward / (rows * UNITS), backward / (rows * UNITS))


def _nanoseconds(function: Callable[..., Any], arguments: tuple[int, ...]) -> float:
    """Of one call."""
    calls, taken = 1, 0.0
    while taken < ROUND_SECONDS:
        calls *= 2
        taken = _seconds(function, arguments, calls)
    return 1e9 * statistics.median(_seconds(function, arguments, calls) for _ in range(ROUNDS)) / calls


def _seconds(function: Callable[..., Any], arguments: tuple[int, ...], calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        function(*arguments)
    return time.perf_counter() - began

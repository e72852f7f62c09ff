"""The step that ends a batch: gradients of all lanes together, penalties, the optimizer.

A large vector is cut into parts that threads can share; where a part ends depends on the network only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine.kernels.jit import OPTIONS, Kernel
from engine.kernels.layout import (
    APPLY_PART,
    BACKUP,
    BORN,
    BY_GRADIENT,
    BY_WEIGHTS,
    CAREFUL,
    COLLECT_PART,
    COMMIT,
    COUNT,
    CREW,
    DIVERGED,
    FORWARD,
    GRADIENT,
    LANE_TABLE,
    LANE_WORDS,
    MEASURE,
    NORMS,
    OPERATIONS,
    OPTIMIZER,
    OUTPUTS,
    PARTS,
    PENALIZED,
    PENALTIES,
    PLACE,
    RUN_TOGETHER,
    RUN_WORDS,
    SHARE_BEGIN,
    SHARE_END,
    SHARE_OPTIMIZER,
    SHARE_TOP,
    SLOT_COUNT,
    SLOTS,
    STEP,
    SUMS,
    TENSOR_COUNT,
    TENSOR_WORDS,
    TENSORS,
    TIME,
    TRAINABLE,
    USED_LANES,
    VECTOR,
    WORDS,
)  # fmt: skip
from engine.kernels.memory import call, call_three, call_two, doubles, floats, words
from engine.kernels.threads import share
from engine.kernels.updates import size_bits

INFINITE = np.int32(0x7F800000)
LARGE = np.int32(0x58635FA9)  # bits of 1e15: below it no update can overflow


@register_jitable(**OPTIONS)
def copy(source: Any, target: Any, count: Any) -> None:
    """Copies float32 memory."""
    s, t = floats(source, count), floats(target, count)
    for j in range(count):
        t[j] = s[j]


def _run_together(run: int, kernel: int, count: int) -> None:
    """kernel(run, lane) for the first lanes, with the threads that help."""
    r = words(run, RUN_WORDS)
    if r[CREW] != 0 and count > 1:
        share(r[CREW], run, kernel, r[LANE_TABLE], count)
    else:
        for k in range(count):
            call_two(kernel, run, r[LANE_TABLE] + 8 * LANE_WORDS * k)


@register_jitable(**OPTIONS)
def largest(address: Any, begin: Any, end: Any) -> Any:
    """Bits of the largest |v|; infinity and NaN are the largest."""
    values = floats(address, end)
    top = np.int32(0)
    for i in range(begin, end):
        top = max(top, size_bits(values[i]))
    return top


@register_jitable(**OPTIONS)
def _first_infinite(r: Any, values: Any) -> Any:
    tensors = words(r[TENSORS], TENSOR_WORDS * r[TENSOR_COUNT])
    for t in range(r[TENSOR_COUNT]):
        if largest(values, tensors[TENSOR_WORDS * t], tensors[TENSOR_WORDS * t + 1]) >= INFINITE:
            return t
    return -1


def _collect(run: int, part: int) -> None:
    """The gradient of a part: the sum over lanes, penalties, its largest number."""
    r, m = words(run, RUN_WORDS), words(part, LANE_WORDS)
    begin, end = m[SHARE_BEGIN], m[SHARE_END]
    gradient = words(r[LANE_TABLE], LANE_WORDS)[GRADIENT]
    g, w = floats(gradient, end), floats(r[VECTOR], end)
    for k in range(1, r[USED_LANES]):
        other = floats(words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)[GRADIENT], end)
        for i in range(begin, end):
            g[i] += other[i]
    if r[PENALIZED] != 0:
        tensors, penalties = (
            words(r[TENSORS], TENSOR_WORDS * r[TENSOR_COUNT]),
            floats(r[PENALTIES], 2 * r[TENSOR_COUNT]),
        )
        for t in range(r[TENSOR_COUNT]):
            l1, l2 = penalties[2 * t], np.float32(2.0) * penalties[2 * t + 1]
            if l1 != np.float32(0.0) or l2 != np.float32(0.0):
                for i in range(max(begin, tensors[TENSOR_WORDS * t]), min(end, tensors[TENSOR_WORDS * t + 1])):
                    side = np.float32(1.0) if w[i] > 0 else (np.float32(-1.0) if w[i] < 0 else np.float32(0.0))
                    g[i] += l1 * side + l2 * w[i]
    m[SHARE_TOP] = np.int64(largest(gradient, begin, end))


@register_jitable(**OPTIONS)
def _measure(run: Any) -> None:
    """The mean size of the gradient, tensor by tensor."""
    r = words(run, RUN_WORDS)
    tensors, norms = words(r[TENSORS], TENSOR_WORDS * r[TENSOR_COUNT]), doubles(r[NORMS], r[TENSOR_COUNT])
    for t in range(r[TENSOR_COUNT]):
        begin, size = tensors[TENSOR_WORDS * t], tensors[TENSOR_WORDS * t + 1] - tensors[TENSOR_WORDS * t]
        g, total = floats(words(r[LANE_TABLE], LANE_WORDS)[GRADIENT] + 4 * begin, size), np.float32(0.0)
        for i in range(size):
            total += abs(g[i])
        norms[t] = np.float64(total) / size


def _measure_sizes(run: int) -> None:
    _measure(run)


def _apply(run: int, part: int) -> None:
    m = words(part, LANE_WORDS)
    call(words(m[SHARE_OPTIMIZER], WORDS)[FORWARD], m[SHARE_OPTIMIZER], 0, part)


def _take(run: int) -> None:
    """One step of training; none where something would not be finite."""
    r = words(run, RUN_WORDS)
    first, parts, n = words(r[LANE_TABLE], LANE_WORDS), r[PARTS], r[TRAINABLE]
    call_three(r[RUN_TOGETHER], run, r[COLLECT_PART], parts)
    top = np.int64(0)
    for k in range(parts):
        m = words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)
        if m[SHARE_TOP] >= INFINITE:
            _measure(run)
            r[DIVERGED], r[PLACE] = BY_GRADIENT, _first_infinite(r, first[GRADIENT])
            return
        top = max(top, m[SHARE_TOP], words(words(m[SHARE_OPTIMIZER], WORDS)[SUMS], 1)[0])
        m[TIME] = r[STEP] - r[BORN] + 1
    if r[MEASURE] != 0:
        _measure(run)
    if top >= LARGE:
        r[CAREFUL] = 1
    careful, stride = r[CAREFUL] != 0, words(r[OPTIMIZER], WORDS)[OUTPUTS]
    if careful:
        copy(r[VECTOR], r[BACKUP], n)
        copy(r[SLOTS], r[BACKUP] + 4 * stride, r[SLOT_COUNT] * stride)
    call_three(r[RUN_TOGETHER], run, r[APPLY_PART], parts)
    if careful:
        bad = _first_infinite(r, r[VECTOR])
        for k in range(r[SLOT_COUNT]):
            if bad < 0:
                bad = _first_infinite(r, r[SLOTS] + 4 * k * stride)
        if bad >= 0:
            _measure(run)
            r[DIVERGED], r[PLACE] = BY_WEIGHTS, bad
            copy(r[BACKUP], r[VECTOR], n)
            copy(r[BACKUP] + 4 * stride, r[SLOTS], r[SLOT_COUNT] * stride)
            return
    for k in range(r[COUNT]):
        o = first[OPERATIONS] + 8 * WORDS * k
        if words(o, WORDS)[COMMIT] != 0:
            call(words(o, WORDS)[COMMIT], o, 0, r[LANE_TABLE])


TOGETHER = Kernel("lanes together", lambda: _run_together, "void(int64,int64,int64)")
COLLECT = Kernel("gradients together", lambda: _collect, "void(int64,int64)")
APPLY = Kernel("optimizer of a part", lambda: _apply, "void(int64,int64)")
MEASURE_SIZES = Kernel("sizes of gradients", lambda: _measure_sizes, "void(int64)")
TAKE = Kernel("step", lambda: _take, "void(int64)")

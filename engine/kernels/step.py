"""The step that ends a batch: gradients of all lanes together, penalties, the optimizer.

A large vector is cut into shares for threads, of pieces (`shares.py`); where they end depends on the network only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels.compiler import register_jitable
from engine.kernels.jit import OPTIONS, Kernel
from engine.kernels.layout import (
    APPLY,
    BACKUP,
    BORN,
    BY_GRADIENT,
    BY_WEIGHTS,
    CALM,
    CAREFUL,
    CLIP_NORM,
    COLLECT,
    COMMIT,
    COUNT,
    CREW,
    DEFERRED,
    DEFERS,
    DIVERGED,
    FORWARD,
    G0,
    GRADIENT,
    GY,
    INPUTS,
    LANE_TABLE,
    LANE_WORDS,
    MARKED,
    MEASURE,
    MEASURE_GRADIENT,
    NORMS,
    OPERATIONS,
    OPTIMIZER,
    OUTPUTS,
    P0,
    P1,
    PENALIZE,
    PENALIZED,
    PENALTIES,
    PHASES,
    PIECE_BEGIN,
    PIECE_END,
    PIECE_OPERATION,
    PIECE_ROW,
    PIECE_ROWS,
    PIECE_TENSOR,
    PIECE_WORDS,
    PRODUCT,
    ROWS,
    RUN_TOGETHER,
    RUN_WORDS,
    SHARE_COUNT,
    SHARE_OPTIMIZER,
    SHARE_PIECES,
    SHARE_SCRATCH,
    SHARE_SUMS,
    SHARE_TOP,
    SHARES,
    SLOT_COUNT,
    SLOTS,
    STEP,
    STEP_SHARE,
    SUMS,
    TENSOR_COUNT,
    TENSOR_WORDS,
    TENSORS,
    TIME,
    TRAINABLE,
    UNSURE,
    USED_LANES,
    VECTOR,
    WORDS,
    ZEROS,
    X,
)  # fmt: skip
from engine.kernels.memory import call, call_four, call_one, call_product, call_three, call_two, doubles, floats, words
from engine.kernels.threads import share
from engine.kernels.updates import size_bits

INFINITE = np.int32(0x7F800000)
LARGE = np.int32(0x58635FA9)  # bits of 1e15: below it no update can overflow
MILLION = np.int32(0x49742400)  # bits of 1e6: sums of a thousand products of two such numbers stay below LARGE


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
def _gathered(r: Any, m: Any, piece: Any) -> Any:
    """Where the gradient of a piece is, the sum over lanes; that of a deferred kernel is made now."""
    if piece[PIECE_OPERATION] < 0:
        begin, n = piece[PIECE_BEGIN], piece[PIECE_END] - piece[PIECE_BEGIN]
        gradient = words(r[LANE_TABLE], LANE_WORDS)[GRADIENT] + 4 * begin
        g = floats(gradient, n)
        for k in range(1, r[USED_LANES]):
            other = floats(words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)[GRADIENT] + 4 * begin, n)
            for i in range(n):
                g[i] += other[i]
        return gradient
    for k in range(r[USED_LANES]):
        lane = words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)
        o = words(lane[OPERATIONS] + 8 * WORDS * piece[PIECE_OPERATION], WORDS)
        start, stride = (o[ZEROS], 0) if k == 0 else (m[SHARE_SCRATCH], o[OUTPUTS])
        call_product(
            o[PRODUCT], piece[PIECE_ROWS], o[OUTPUTS], lane[ROWS], o[X] + 4 * piece[PIECE_ROW], 1, o[INPUTS], o[GY],
            o[OUTPUTS], start, stride, m[SHARE_SCRATCH], o[OUTPUTS],
        )  # fmt: skip
    return m[SHARE_SCRATCH]


def _penalize(run: int, begin: int, end: int, gradient: int) -> None:
    """Adds the penalties' gradient to that of a piece."""
    r = words(run, RUN_WORDS)
    tensors, penalties = words(r[TENSORS], TENSOR_WORDS * r[TENSOR_COUNT]), floats(r[PENALTIES], 2 * r[TENSOR_COUNT])
    w, g = floats(r[VECTOR], end), floats(gradient - 4 * begin, end)
    for t in range(r[TENSOR_COUNT]):
        l1, l2 = penalties[2 * t], np.float32(2.0) * penalties[2 * t + 1]
        if l1 != np.float32(0.0) or l2 != np.float32(0.0):
            for i in range(max(begin, tensors[TENSOR_WORDS * t]), min(end, tensors[TENSOR_WORDS * t + 1])):
                side = np.float32(1.0) if w[i] > 0 else (np.float32(-1.0) if w[i] < 0 else np.float32(0.0))
                g[i] += l1 * side + l2 * w[i]


@register_jitable(**OPTIONS)
def _sum_of_sizes(gradient: Any, n: Any) -> Any:
    g, total = floats(gradient, n), np.float32(0.0)
    for i in range(n):
        total += abs(g[i])
    return np.float64(total)


@register_jitable(**OPTIONS)
def _updated(r: Any, m: Any, piece: Any, gradient: Any) -> Any:
    """Lets the optimizer change the numbers of a piece; bits of the largest of them."""
    o, begin = words(m[SHARE_OPTIMIZER], WORDS), 4 * piece[PIECE_BEGIN]
    o[INPUTS], o[G0] = piece[PIECE_END] - piece[PIECE_BEGIN], gradient
    o[P0], o[P1] = r[VECTOR] + begin, r[SLOTS] + begin
    call(o[FORWARD], m[SHARE_OPTIMIZER], 0, r[LANE_TABLE])
    return words(o[SUMS], 1)[0]


def _step_share(run: int, share: int) -> None:
    """One phase of a share's step, or both, piece by piece: then a gradient is used while it is near."""
    r, m = words(run, RUN_WORDS), words(share, LANE_WORDS)
    phases, whole = r[PHASES], words(r[LANE_TABLE], LANE_WORDS)[GRADIENT]
    sums, top, weight = doubles(m[SHARE_SUMS], 1), np.int32(0), np.int64(0)
    for k in range(m[SHARE_COUNT]):
        piece = words(m[SHARE_PIECES] + 8 * PIECE_WORDS * k, PIECE_WORDS)
        begin, end = piece[PIECE_BEGIN], piece[PIECE_END]
        gradient = whole + 4 * begin
        if phases & COLLECT != 0:
            gradient = _gathered(r, m, piece)
            if r[PENALIZED] != 0:
                call_four(r[PENALIZE], run, begin, end, gradient)
            if r[DEFERS] != 0:
                sums[k] = _sum_of_sizes(gradient, end - begin)
        if phases == COLLECT:
            top = max(top, largest(gradient, 0, end - begin))
            if piece[PIECE_OPERATION] >= 0:
                copy(gradient, whole + 4 * begin, end - begin)
        if phases & APPLY != 0:
            weight = max(weight, _updated(r, m, piece, gradient))
    if phases & APPLY != 0:
        words(words(m[SHARE_OPTIMIZER], WORDS)[SUMS], 1)[0] = weight
    else:
        m[SHARE_TOP] = np.int64(top)


def _calm(run: int, lane: int) -> None:
    """Whether no number of a lane's gradient can be large, that of deferred kernels by |x| and |gy|."""
    r, moment = words(run, RUN_WORDS), words(lane, LANE_WORDS)
    rows, top = moment[ROWS], np.int32(0)
    for k in range(r[COUNT]):
        o = words(moment[OPERATIONS] + 8 * WORDS * k, WORDS)
        if o[DEFERRED] != 0:
            top = max(top, max(largest(o[X], 0, rows * o[INPUTS]), largest(o[GY], 0, rows * o[OUTPUTS])))
    for s in range(r[SHARES]):
        m = words(r[LANE_TABLE] + 8 * LANE_WORDS * s, LANE_WORDS)
        for k in range(m[SHARE_COUNT]):
            piece = words(m[SHARE_PIECES] + 8 * PIECE_WORDS * k, PIECE_WORDS)
            if piece[PIECE_OPERATION] < 0:
                top = max(top, largest(moment[GRADIENT], piece[PIECE_BEGIN], piece[PIECE_END]))
    moment[CALM] = 1 if top < MILLION else 0


def _measure(run: int) -> None:
    """The mean size of the gradient, tensor by tensor."""
    r = words(run, RUN_WORDS)
    tensors, norms = words(r[TENSORS], TENSOR_WORDS * r[TENSOR_COUNT]), doubles(r[NORMS], r[TENSOR_COUNT])
    for t in range(r[TENSOR_COUNT]):
        begin, size = tensors[TENSOR_WORDS * t], tensors[TENSOR_WORDS * t + 1] - tensors[TENSOR_WORDS * t]
        total = np.float64(0.0)
        if r[DEFERS] == 0:
            total = _sum_of_sizes(words(r[LANE_TABLE], LANE_WORDS)[GRADIENT] + 4 * begin, size)
        norms[t] = total / size
    if r[DEFERS] == 0:
        return
    for s in range(r[SHARES]):
        m = words(r[LANE_TABLE] + 8 * LANE_WORDS * s, LANE_WORDS)
        sums = doubles(m[SHARE_SUMS], 1)
        for k in range(m[SHARE_COUNT]):
            t = words(m[SHARE_PIECES] + 8 * PIECE_WORDS * k, PIECE_WORDS)[PIECE_TENSOR]
            norms[t] += sums[k] / (tensors[TENSOR_WORDS * t + 1] - tensors[TENSOR_WORDS * t])


@register_jitable(**OPTIONS)
def _share(r: Any, k: Any) -> Any:
    return words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)


@register_jitable(**OPTIONS)
def _largest_written(r: Any) -> Any:
    """Bits of the largest number that the optimizer wrote in the last step."""
    top = np.int64(0)
    for k in range(r[SHARES]):
        top = max(top, words(words(_share(r, k)[SHARE_OPTIMIZER], WORDS)[SUMS], 1)[0])
    return top


@register_jitable(**OPTIONS)
def _is_calm(r: Any) -> Any:
    """Whether the step needs no look at its gradient before, nor at its weights after."""
    if r[DEFERS] == 0 or r[CAREFUL] != 0 or r[PENALIZED] != 0:
        return False
    for k in range(r[USED_LANES]):
        if _share(r, k)[CALM] == 0:
            return False
    return _largest_written(r) < LARGE


@register_jitable(**OPTIONS)
def _together(run: Any, r: Any, phases: Any) -> None:
    r[PHASES] = phases
    call_three(r[RUN_TOGETHER], run, r[STEP_SHARE], r[SHARES])


@register_jitable(**OPTIONS)
def _begun(r: Any) -> Any:
    """The first lane, which knows the time of the step."""
    first = words(r[LANE_TABLE], LANE_WORDS)
    first[TIME] = r[STEP] - r[BORN] + 1
    return first


@register_jitable(**OPTIONS)
def _commit(r: Any, first: Any) -> None:
    """What operations do once a step is taken."""
    for k in range(r[COUNT]):
        o = first[OPERATIONS] + 8 * WORDS * k
        if words(o, WORDS)[COMMIT] != 0:
            call(words(o, WORDS)[COMMIT], o, 0, r[LANE_TABLE])


def _take_alone(run: int) -> None:
    """One step of a run with a mark, of one lane and one share."""
    r = words(run, RUN_WORDS)
    first = _begun(r)
    if r[PENALIZED] != 0:
        call_four(r[PENALIZE], run, 0, r[TRAINABLE], first[GRADIENT])
    if _updated(r, first, words(first[SHARE_PIECES], PIECE_WORDS), first[GRADIENT]) >= LARGE:
        r[DIVERGED] = UNSURE
        return
    if r[MEASURE] != 0:
        call_one(r[MEASURE_GRADIENT], run)
    _commit(r, first)


def _take(run: int) -> None:
    """One step of training; none where something would not be finite."""
    r = words(run, RUN_WORDS)
    first = _begun(r)
    if r[MARKED] != 0 or _is_calm(r):
        _together(run, r, COLLECT | APPLY)
        if r[MARKED] != 0 and _largest_written(r) >= LARGE:
            r[DIVERGED] = UNSURE
            return
        if r[MEASURE] != 0:
            call_one(r[MEASURE_GRADIENT], run)
    elif not _take_with_care(run, r, first):
        return
    _commit(r, first)


@register_jitable(**OPTIONS)
def _take_with_care(run: Any, r: Any, first: Any) -> Any:
    """Looks at the gradient first, and after a large number at the weights too.

    False where no step was taken, or one that is to be put back."""
    _together(run, r, COLLECT)
    top = np.int64(0)
    for k in range(r[SHARES]):
        top = max(top, _share(r, k)[SHARE_TOP])
    if top >= INFINITE:
        call_one(r[MEASURE_GRADIENT], run)
        r[DIVERGED] = BY_GRADIENT
        return False
    if r[MEASURE] != 0:
        call_one(r[MEASURE_GRADIENT], run)
    if max(top, _largest_written(r)) >= LARGE:
        r[CAREFUL] = 1
    if r[CLIP_NORM] != 0:
        call_one(r[CLIP_NORM], run)
    careful, n, stride = r[CAREFUL] != 0, r[TRAINABLE], words(r[OPTIMIZER], WORDS)[OUTPUTS]
    if careful:
        copy(r[VECTOR], r[BACKUP], n)
        copy(r[SLOTS], r[BACKUP] + 4 * stride, r[SLOT_COUNT] * stride)
    _together(run, r, APPLY)
    if careful:
        bad = largest(r[VECTOR], 0, n) >= INFINITE or largest(r[SLOTS], 0, r[SLOT_COUNT] * stride) >= INFINITE
        if bad:
            call_one(r[MEASURE_GRADIENT], run)
            r[DIVERGED] = BY_WEIGHTS
            return False
    return True


TOGETHER = Kernel("lanes together", lambda: _run_together, "void(int64,int64,int64)")
STEP_OF_SHARE = Kernel("step of a share", lambda: _step_share, "void(int64,int64)")
CALM_OF_LANE = Kernel("size of gradients to come", lambda: _calm, "void(int64,int64)")
PENALTY = Kernel("penalties", lambda: _penalize, "void(int64,int64,int64,int64)")
MEASURE_SIZES = Kernel("sizes of gradients", lambda: _measure, "void(int64)")
ALONE = Kernel("step of one lane", lambda: _take_alone, "void(int64)")
TAKE = Kernel("step", lambda: _take, "void(int64)")

"""The loops that run programs: the only compiled functions that Python calls. None of them holds the GIL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine.kernels.blocks import mixed, size_bits
from engine.kernels.jit import OPTIONS, Loop
from engine.kernels.layout import (
    ALL_SAMPLES,
    BACKWARD,
    BATCH,
    BATCH_SAMPLES,
    BATCH_SIZE,
    BORN,
    BY_GRADIENT,
    BY_LOSS,
    BY_WEIGHTS,
    CAREFUL,
    DIVERGED,
    DROP,
    EPOCH,
    FORWARD,
    LOSS_SUM,
    MERGE,
    PLACE,
    PREPARE,
    ROW,
    SAMPLES,
    SEED,
    SHORT,
    SHUFFLED,
    START,
    STEP,
    STOP,
    SUMS,
    TILES,
)  # fmt: skip
from engine.kernels.memory import call, floats, words

INFINITE = np.int32(0x7F800000)
LARGE = np.int32(0x58635FA9)  # bits of 1e15: below it no update can overflow


@register_jitable(**OPTIONS)
def _row_address(table: Any, row: Any) -> Any:
    return np.int64(table.ctypes.data + 8 * row * table.shape[1])


@register_jitable(**OPTIONS)
def _copy(source: Any, target: Any) -> None:
    for j in range(target.shape[0]):
        target[j] = source[j]


@register_jitable(**OPTIONS)
def _prepare(operations: Any) -> None:
    for k in range(operations.shape[0]):
        if operations[k, PREPARE] != 0:
            call(operations[k, PREPARE], _row_address(operations, k), 0, 0, 0)


@register_jitable(**OPTIONS)
def _forwards(operations: Any, rows: Any, first: Any, step: Any) -> None:
    for k in range(operations.shape[0]):
        call(operations[k, FORWARD], _row_address(operations, k), rows, first, step)


@register_jitable(**OPTIONS)
def _backwards(operations: Any, rows: Any, first: Any, step: Any) -> None:
    for k in range(operations.shape[0] - 1, -1, -1):
        if operations[k, BACKWARD] != 0:
            call(operations[k, BACKWARD], _row_address(operations, k), rows, first, step)


@register_jitable(**OPTIONS)
def _scores(tail: Any, rows: Any, batch: Any) -> None:
    for k in range(tail.shape[0]):
        call(tail[k, FORWARD], _row_address(tail, k), rows, batch, 0)


def _forward(operations: Any, copies: Any, x: Any, x_tile: Any) -> None:
    """Every row of x through the program; copies: (from, to, width) of the buffers that are wanted."""
    n, tile = x.shape[0], x_tile.shape[0]
    for first in range(0, n, tile):
        rows = min(tile, n - first)
        for r in range(rows):
            _copy(x[first + r], x_tile[r])
        _forwards(operations, rows, first, 0)
        for k in range(copies.shape[0]):
            size = rows * copies[k, 2]
            _copy(floats(copies[k, 0], size), floats(copies[k, 1] + 4 * first * copies[k, 2], size))


def _evaluate(operations: Any, tail: Any, x: Any, targets: Any, x_tile: Any, t_tile: Any, backward: Any) -> None:
    """Sums of loss and metric over all rows as one batch; with `backward` the gradients too."""
    n, tile = x.shape[0], x_tile.shape[0]
    if backward:
        _prepare(operations)
    for first in range(0, n, tile):
        rows = min(tile, n - first)
        for r in range(rows):
            _copy(x[first + r], x_tile[r])
            _copy(targets[first + r], t_tile[r])
        _forwards(operations, rows, first, 0)
        _scores(tail, rows, n)
        if backward:
            _backwards(operations, rows, first, 0)


@register_jitable(**OPTIONS)
def _shuffle(order: Any, seed: Any, epoch: Any) -> None:
    n = order.shape[0]
    key = mixed(np.uint64(seed)) ^ mixed(np.uint64(epoch) + np.uint64(0x5851F42D4C957F2D))
    for i in range(n):
        order[i] = i
    for i in range(n - 1, 0, -1):
        high = mixed(key + np.uint64(i)) >> np.uint64(32)
        j = np.int64((high * np.uint64(i + 1)) >> np.uint64(32))
        order[i], order[j] = order[j], order[i]


@register_jitable(**OPTIONS)
def _begin_batch(s: Any, n: Any) -> Any:
    """Sets the places of the next batch; False where the epoch has none left."""
    left, size = n - s[START], s[BATCH_SIZE]
    if left == 0 or (s[START] > 0 and s[SHORT] == DROP and left < size):
        return False
    take = min(size, left)
    if s[SHORT] == MERGE and left < 2 * size:
        take = left
    s[STOP] = s[START] + take
    return True


@register_jitable(**OPTIONS)
def _scan(values: Any) -> Any:
    """(sum of |v|, bits of the largest |v|)"""
    total, top = np.float32(0.0), np.int32(0)
    for i in range(values.shape[0]):
        total += abs(values[i])
        top = max(top, size_bits(values[i]))
    return total, top


@register_jitable(**OPTIONS)
def _penalize(tensors: Any, penalties: Any, vector: Any, gradient: Any) -> None:
    for t in range(tensors.shape[0]):
        l1, l2 = penalties[t, 0], np.float32(2.0) * penalties[t, 1]
        if l1 != np.float32(0.0) or l2 != np.float32(0.0):
            w, g = vector[tensors[t, 0] : tensors[t, 1]], gradient[tensors[t, 0] : tensors[t, 1]]
            for i in range(w.shape[0]):
                side = np.float32(1.0) if w[i] > 0 else (np.float32(-1.0) if w[i] < 0 else np.float32(0.0))
                g[i] += l1 * side + l2 * w[i]


@register_jitable(**OPTIONS)
def _first_infinite(tensors: Any, values: Any) -> Any:
    for t in range(tensors.shape[0]):
        if _scan(values[tensors[t, 0] : tensors[t, 1]])[1] >= INFINITE:
            return t
    return -1


@register_jitable(**OPTIONS)
def _update(
    s: Any, tensors: Any, penalties: Any, norms: Any, optimizer: Any, vector: Any, gradient: Any, slots: Any,
    backup: Any,
) -> Any:  # fmt: skip
    """One step of the optimizer; False, and nothing changed, where something would not be finite."""
    _penalize(tensors, penalties, vector, gradient)
    top = np.int32(0)
    for t in range(tensors.shape[0]):
        total, largest = _scan(gradient[tensors[t, 0] : tensors[t, 1]])
        if largest >= INFINITE:
            s[DIVERGED], s[PLACE] = BY_GRADIENT, t
            return False
        norms[t] = np.float64(total) / (tensors[t, 1] - tensors[t, 0])
        top = max(top, largest)
    if max(top, np.int32(words(optimizer[0, SUMS], 1)[0])) >= LARGE:
        s[CAREFUL] = 1
    careful = s[CAREFUL] != 0
    if careful:
        _copy(vector, backup[0])
        for k in range(slots.shape[0]):
            _copy(slots[k], backup[k + 1])
    call(optimizer[0, FORWARD], _row_address(optimizer, 0), 0, 0, s[STEP] - s[BORN] + 1)
    if careful:
        bad = _first_infinite(tensors, vector)
        for k in range(slots.shape[0]):
            if bad < 0:
                bad = _first_infinite(tensors, slots[k])
        if bad >= 0:
            s[DIVERGED], s[PLACE] = BY_WEIGHTS, bad
            _copy(backup[0], vector)
            for k in range(slots.shape[0]):
                _copy(backup[k + 1], slots[k])
            return False
    return True


def _train(
    tiles: int, batches: int, until: int, operations: Any, tail: Any, optimizer: Any, tensors: Any, penalties: Any,
    s: Any, sums: Any, epoch_sums: Any, last_sums: Any, norms: Any, order: Any, x: Any, targets: Any, x_tile: Any,
    t_tile: Any, vector: Any, gradient: Any, slots: Any, backup: Any,
) -> None:  # fmt: skip
    """At most so many tiles and batches of training, up to epoch `until`.

    sums, epoch_sums, last_sums: the running batch, the running epoch, the last finished epoch (its last entry
    counts its samples). Stops where something is not finite, before the step is taken.
    """
    n, tile = x.shape[0], x_tile.shape[0]
    s[TILES], s[DIVERGED] = 0, 0
    _prepare(operations)
    words(optimizer[0, SUMS], 1)[0] = np.int64(_scan(vector)[1])
    while tiles > 0 and batches > 0 and s[EPOCH] < until:
        if s[SHUFFLED] != s[EPOCH]:
            _shuffle(order, s[SEED], s[EPOCH])
            s[SHUFFLED] = s[EPOCH]
        if s[ROW] == 0:
            if not _begin_batch(s, n):
                _end_epoch(s, epoch_sums, last_sums)
                continue
            for k in range(sums.shape[0]):
                sums[k] = 0.0
        size = s[STOP] - s[START]
        rows = min(tile, size - s[ROW])
        for r in range(rows):
            sample = order[s[START] + s[ROW] + r]
            _copy(x[sample], x_tile[r])
            _copy(targets[sample], t_tile[r])
        _forwards(operations, rows, s[ROW], s[STEP])
        _scores(tail, rows, size)
        if not np.isfinite(sums[LOSS_SUM]):
            s[DIVERGED], s[PLACE] = BY_LOSS, rows
            s[ROW] = 0
            return
        _backwards(operations, rows, s[ROW], s[STEP])
        s[ROW] += rows
        s[TILES] += 1
        tiles -= 1
        if s[ROW] < size:
            continue
        s[ROW] = 0
        if not _update(s, tensors, penalties, norms, optimizer, vector, gradient, slots, backup):
            return
        for k in range(sums.shape[0]):
            epoch_sums[k] += sums[k]
        s[STEP] += 1
        s[BATCH] += 1
        s[SAMPLES] += size
        s[ALL_SAMPLES] += size
        s[BATCH_SAMPLES] = size
        s[START] = s[STOP]
        batches -= 1
        left = n - s[START]
        if left == 0 or (s[SHORT] == DROP and left < s[BATCH_SIZE]):
            _end_epoch(s, epoch_sums, last_sums)
        _prepare(operations)


@register_jitable(**OPTIONS)
def _end_epoch(s: Any, epoch_sums: Any, last_sums: Any) -> None:
    for k in range(epoch_sums.shape[0]):
        last_sums[k] = epoch_sums[k]
        epoch_sums[k] = 0.0
    last_sums[epoch_sums.shape[0]] = s[SAMPLES]
    s[EPOCH] += 1
    s[BATCH], s[START], s[STOP], s[SAMPLES] = 0, 0, 0, 0


_ROWS, _TABLE = "int64[::1]", "int64[:,::1]"
_FLOATS, _MATRIX, _DOUBLES = "float32[::1]", "float32[:,::1]", "float64[::1]"
_SAMPLES = "Array(float32, 2, 'C', True)"  # read-only: a data set's arrays are


PREDICT = Loop("forward loop", lambda: _forward, f"void({_TABLE},{_TABLE},{_SAMPLES},{_MATRIX})")
EVALUATE = Loop(
    "evaluation loop", lambda: _evaluate,
    f"void({_TABLE},{_TABLE},{_SAMPLES},{_SAMPLES},{_MATRIX},{_MATRIX},boolean)",
)  # fmt: skip
TRAIN = Loop(
    "training loop", lambda: _train,
    f"void(int64,int64,int64,{_TABLE},{_TABLE},{_TABLE},{_TABLE},{_MATRIX},{_ROWS},{_DOUBLES},{_DOUBLES},{_DOUBLES},"
    f"{_DOUBLES},{_ROWS},{_SAMPLES},{_SAMPLES},{_MATRIX},{_MATRIX},{_FLOATS},{_FLOATS},{_MATRIX},{_MATRIX})",
)  # fmt: skip

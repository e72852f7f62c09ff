"""The loops that run programs: the only compiled functions that Python calls. None of them holds the GIL."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine.kernels.elementwise import mixed
from engine.kernels.jit import OPTIONS, Kernel, Loop
from engine.kernels.layout import (
    ALL_SAMPLES,
    BACKUP,
    BACKWARD,
    BAD,
    BAD_LANE,
    BATCH,
    BATCH_SAMPLES,
    BATCH_SIZE,
    BORN,
    BY_GRADIENT,
    BY_LOSS,
    BY_WEIGHTS,
    CAREFUL,
    COMMIT,
    COUNT,
    CREW,
    DIVERGED,
    DROP,
    EPOCH,
    EPOCH_SUMS,
    FIRST,
    FORWARD,
    FRESH,
    GRADIENT,
    INPUT_WIDTH,
    LANE_SUMS,
    LANE_TABLE,
    LANE_WORDS,
    LANES,
    LAST_SUMS,
    LOSS_SUM,
    MERGE,
    NORMS,
    OPERATIONS,
    OPTIMIZER,
    ORDER,
    OUTPUT_WIDTH,
    OUTPUTS,
    PENALTIES,
    PLACE,
    RENEW,
    ROW,
    ROWS,
    RUN_LANE,
    RUN_WORDS,
    SAMPLES,
    SEED,
    SHORT,
    SHUFFLE,
    SHUFFLED,
    SIZE,
    SLOT_COUNT,
    SLOTS,
    START,
    STEP,
    STOP,
    SUM_COUNT,
    SUMS,
    T_TILE,
    TAIL,
    TAKE_STEP,
    TENSOR_COUNT,
    TENSOR_WORDS,
    TENSORS,
    TILE_ROWS,
    TILES,
    TIME,
    TRAIN_SAMPLES,
    TRAIN_T,
    TRAIN_X,
    TRAINABLE,
    VECTOR,
    WORDS,
    X_TILE,
)  # fmt: skip
from engine.kernels.memory import call, call_four, call_two, doubles, floats, words
from engine.kernels.threads import share
from engine.kernels.updates import size_bits

INFINITE = np.int32(0x7F800000)
LARGE = np.int32(0x58635FA9)  # bits of 1e15: below it no update can overflow


@register_jitable(**OPTIONS)
def _copy(source: Any, target: Any, count: Any) -> None:
    s, t = floats(source, count), floats(target, count)
    for j in range(count):
        t[j] = s[j]


@register_jitable(**OPTIONS)
def _call_all(operations: Any, count: Any, kind: Any, rows: Any, moment: Any) -> None:
    for k in range(count):
        o = operations + 8 * WORDS * k
        block = words(o, WORDS)[kind]
        if block != 0:
            call(block, o, rows, moment)


@register_jitable(**OPTIONS)
def _forwards(lane: Any, count: Any, rows: Any) -> None:
    _call_all(words(lane, LANE_WORDS)[OPERATIONS], count, FORWARD, rows, lane)


@register_jitable(**OPTIONS)
def _scores(lane: Any, rows: Any) -> None:
    _call_all(words(lane, LANE_WORDS)[TAIL], 2, FORWARD, rows, lane)


@register_jitable(**OPTIONS)
def _backwards(lane: Any, count: Any, rows: Any) -> None:
    operations = words(lane, LANE_WORDS)[OPERATIONS]
    for k in range(count - 1, -1, -1):
        o = operations + 8 * WORDS * k
        block = words(o, WORDS)[BACKWARD]
        if block != 0:
            call(block, o, rows, lane)


def _forward(lane: int, count: int, tile: int, n: int, x: int, width: int, copies: int, copied: int) -> None:
    """Every row of x through the program; copies: rows of (from, to, width), the buffers that are wanted."""
    wanted = words(copies, 3 * copied)
    x_tile = words(lane, LANE_WORDS)[X_TILE]
    for first in range(0, n, tile):
        rows = min(tile, n - first)
        _copy(x + 4 * first * width, x_tile, rows * width)
        _forwards(lane, count, rows)
        for k in range(copied):
            size = wanted[3 * k + 2]
            _copy(wanted[3 * k], wanted[3 * k + 1] + 4 * first * size, rows * size)


def _evaluate(
    lane: int, count: int, tile: int, n: int, x: int, width: int, targets: int, outputs: int, backward: int
) -> None:
    """Sums of loss and metric over all rows as one batch; with `backward` the gradients too."""
    moment = words(lane, LANE_WORDS)
    moment[SIZE], moment[TIME] = n, 0
    for first in range(0, n, tile):
        rows = min(tile, n - first)
        moment[FIRST], moment[FRESH] = first, 1 if first == 0 else 0
        moment[RENEW] = moment[FRESH]
        _copy(x + 4 * first * width, moment[X_TILE], rows * width)
        _copy(targets + 4 * first * outputs, moment[T_TILE], rows * outputs)
        _forwards(lane, count, rows)
        _scores(lane, rows)
        if backward != 0:
            _backwards(lane, count, rows)


def _run_lane(run: int, lane: int) -> None:
    """One tile of a lane: forward, scores, backward."""
    r, moment = words(run, RUN_WORDS), words(lane, LANE_WORDS)
    rows, i, u = moment[ROWS], r[INPUT_WIDTH], r[OUTPUT_WIDTH]
    order = words(r[ORDER] + 8 * (r[START] + moment[FIRST]), rows)
    for k in range(rows):
        _copy(r[TRAIN_X] + 4 * order[k] * i, moment[X_TILE] + 4 * k * i, i)
        _copy(r[TRAIN_T] + 4 * order[k] * u, moment[T_TILE] + 4 * k * u, u)
    _forwards(lane, r[COUNT], rows)
    _scores(lane, rows)
    if np.isfinite(doubles(moment[LANE_SUMS], 1)[LOSS_SUM]):
        _backwards(lane, r[COUNT], rows)
    else:
        moment[BAD] = 1


def _shuffle(order: int, n: int, seed: int, epoch: int) -> None:
    places = words(order, n)
    key = mixed(np.uint64(seed)) ^ mixed(np.uint64(epoch) + np.uint64(0x5851F42D4C957F2D))
    for i in range(n):
        places[i] = i
    for i in range(n - 1, 0, -1):
        high = mixed(key + np.uint64(i)) >> np.uint64(32)
        j = np.int64((high * np.uint64(i + 1)) >> np.uint64(32))
        places[i], places[j] = places[j], places[i]


@register_jitable(**OPTIONS)
def _scan(address: Any, count: Any) -> Any:
    """(sum of |v|, bits of the largest |v|)"""
    values = floats(address, count)
    total, top = np.float32(0.0), np.int32(0)
    for i in range(count):
        total += abs(values[i])
        top = max(top, size_bits(values[i]))
    return total, top


@register_jitable(**OPTIONS)
def _penalize(w: Any, g: Any, size: Any, l1: Any, l2: Any) -> None:
    for i in range(size):
        side = np.float32(1.0) if w[i] > 0 else (np.float32(-1.0) if w[i] < 0 else np.float32(0.0))
        g[i] += l1 * side + l2 * w[i]


@register_jitable(**OPTIONS)
def _first_infinite(r: Any, values: Any) -> Any:
    tensors = words(r[TENSORS], TENSOR_WORDS * r[TENSOR_COUNT])
    for t in range(r[TENSOR_COUNT]):
        begin, end = tensors[TENSOR_WORDS * t], tensors[TENSOR_WORDS * t + 1]
        if _scan(values + 4 * begin, end - begin)[1] >= INFINITE:
            return t
    return -1


def _take_step(run: int, used: int) -> None:
    """The optimizer's step with the gradients of the lanes that were used; none where something would not be finite."""
    r = words(run, RUN_WORDS)
    lanes, n = r[LANE_TABLE], r[TRAINABLE]
    gradient = words(lanes, LANE_WORDS)[GRADIENT]
    g = floats(gradient, n)
    for k in range(1, used):
        other = floats(words(lanes + 8 * LANE_WORDS * k, LANE_WORDS)[GRADIENT], n)
        for i in range(n):
            g[i] += other[i]
    tensors, penalties = words(r[TENSORS], TENSOR_WORDS * r[TENSOR_COUNT]), floats(r[PENALTIES], 2 * r[TENSOR_COUNT])
    norms = doubles(r[NORMS], r[TENSOR_COUNT])
    top = np.int32(0)
    for t in range(r[TENSOR_COUNT]):
        begin, size = tensors[TENSOR_WORDS * t], tensors[TENSOR_WORDS * t + 1] - tensors[TENSOR_WORDS * t]
        l1, l2 = penalties[2 * t], np.float32(2.0) * penalties[2 * t + 1]
        if l1 != np.float32(0.0) or l2 != np.float32(0.0):
            _penalize(floats(r[VECTOR] + 4 * begin, size), floats(gradient + 4 * begin, size), size, l1, l2)
        total, largest = _scan(gradient + 4 * begin, size)
        if largest >= INFINITE:
            r[DIVERGED], r[PLACE] = BY_GRADIENT, t
            return
        norms[t] = np.float64(total) / size
        top = max(top, largest)
    optimizer = words(r[OPTIMIZER], WORDS)
    if max(top, np.int32(words(optimizer[SUMS], 1)[0])) >= LARGE:
        r[CAREFUL] = 1
    careful, stride = r[CAREFUL] != 0, optimizer[OUTPUTS]
    if careful:
        _copy(r[VECTOR], r[BACKUP], n)
        _copy(r[SLOTS], r[BACKUP] + 4 * stride, r[SLOT_COUNT] * stride)
    words(lanes, LANE_WORDS)[TIME] = r[STEP] - r[BORN] + 1
    call(optimizer[FORWARD], r[OPTIMIZER], 0, lanes)
    if careful:
        bad = _first_infinite(r, r[VECTOR])
        for k in range(r[SLOT_COUNT]):
            if bad < 0:
                bad = _first_infinite(r, r[SLOTS] + 4 * k * stride)
        if bad >= 0:
            r[DIVERGED], r[PLACE] = BY_WEIGHTS, bad
            _copy(r[BACKUP], r[VECTOR], n)
            _copy(r[BACKUP] + 4 * stride, r[SLOTS], r[SLOT_COUNT] * stride)
            return
    _call_all(words(lanes, LANE_WORDS)[OPERATIONS], r[COUNT], COMMIT, 0, lanes)


@register_jitable(**OPTIONS)
def _begin_batch(r: Any) -> Any:
    """Sets the places of the next batch; False where the epoch has none left."""
    left, size = r[TRAIN_SAMPLES] - r[START], r[BATCH_SIZE]
    if left == 0 or (r[START] > 0 and r[SHORT] == DROP and left < size):
        return False
    take = min(size, left)
    if r[SHORT] == MERGE and left < 2 * size:
        take = left
    r[STOP] = r[START] + take
    for k in range(r[LANES]):
        moment = words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)
        sums = doubles(moment[LANE_SUMS], r[SUM_COUNT])
        for j in range(r[SUM_COUNT]):
            sums[j] = 0.0
    return True


@register_jitable(**OPTIONS)
def _run_tiles(run: Any, r: Any) -> Any:
    """The next tile of every lane; False where a loss was not finite."""
    size, tile = r[STOP] - r[START], r[TILE_ROWS]
    busy = 0
    for k in range(r[LANES]):
        moment = words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)
        moment[FIRST], moment[FRESH] = r[ROW], 1 if r[ROW] < (k + 1) * tile else 0
        moment[RENEW] = 1 if moment[FRESH] != 0 or r[TILES] == 0 else 0
        moment[BAD], moment[SIZE], moment[TIME] = 0, size, r[STEP]
        moment[ROWS] = min(tile, size - r[ROW])
        if moment[ROWS] > 0:
            busy += 1
            r[ROW] += moment[ROWS]
    if r[CREW] != 0 and busy > 1:
        share(r[CREW], run, r[RUN_LANE], r[LANE_TABLE], busy)
    else:
        for k in range(busy):
            call_two(r[RUN_LANE], run, r[LANE_TABLE] + 8 * LANE_WORDS * k)
    for k in range(busy):
        moment = words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)
        if moment[BAD] != 0:
            r[DIVERGED], r[PLACE], r[BAD_LANE] = BY_LOSS, moment[ROWS], k
            return False
    return True


def _train(run: int, tiles: int, batches: int, until: int) -> None:
    """At most so many rounds of tiles and batches of training, up to epoch `until`.

    Stops where something is not finite, before the step is taken.
    """
    r = words(run, RUN_WORDS)
    r[TILES], r[DIVERGED] = 0, 0
    first_sums, epoch_sums = (
        doubles(words(r[LANE_TABLE], LANE_WORDS)[LANE_SUMS], r[SUM_COUNT]),
        doubles(r[EPOCH_SUMS], r[SUM_COUNT]),
    )
    words(words(r[OPTIMIZER], WORDS)[SUMS], 1)[0] = np.int64(_scan(r[VECTOR], r[TRAINABLE])[1])
    while tiles > 0 and batches > 0 and r[EPOCH] < until:
        if r[SHUFFLED] != r[EPOCH]:
            call_four(r[SHUFFLE], r[ORDER], r[TRAIN_SAMPLES], r[SEED], r[EPOCH])
            r[SHUFFLED] = r[EPOCH]
        if r[ROW] == 0 and not _begin_batch(r):
            _end_epoch(r)
            continue
        size = r[STOP] - r[START]
        if not _run_tiles(run, r):
            r[ROW] = 0
            return
        r[TILES] += 1
        tiles -= 1
        if r[ROW] < size:
            continue
        r[ROW] = 0
        used = min(r[LANES], (size + r[TILE_ROWS] - 1) // r[TILE_ROWS])
        call_two(r[TAKE_STEP], run, used)
        if r[DIVERGED] != 0:
            return
        for k in range(1, used):
            more = doubles(words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)[LANE_SUMS], r[SUM_COUNT])
            for j in range(r[SUM_COUNT]):
                first_sums[j] += more[j]
        for j in range(r[SUM_COUNT]):
            epoch_sums[j] += first_sums[j]
        r[STEP] += 1
        r[BATCH] += 1
        r[SAMPLES] += size
        r[ALL_SAMPLES] += size
        r[BATCH_SAMPLES] = size
        r[START] = r[STOP]
        batches -= 1
        left = r[TRAIN_SAMPLES] - r[START]
        if left == 0 or (r[SHORT] == DROP and left < r[BATCH_SIZE]):
            _end_epoch(r)


@register_jitable(**OPTIONS)
def _end_epoch(r: Any) -> None:
    sums, last = doubles(r[EPOCH_SUMS], r[SUM_COUNT]), doubles(r[LAST_SUMS], r[SUM_COUNT] + 1)
    for j in range(r[SUM_COUNT]):
        last[j], sums[j] = sums[j], 0.0
    last[r[SUM_COUNT]] = r[SAMPLES]
    r[EPOCH] += 1
    r[BATCH], r[START], r[STOP], r[SAMPLES] = 0, 0, 0, 0


PREDICT = Loop("forward loop", lambda: _forward, 8)
EVALUATE = Loop("evaluation loop", lambda: _evaluate, 9)
TRAIN = Loop("training loop", lambda: _train, 4)
LANE = Kernel("lane", lambda: _run_lane, "void(int64,int64)")
STEP_TAKER = Kernel("step", lambda: _take_step, "void(int64,int64)")
SHUFFLER = Kernel("shuffle", lambda: _shuffle, "void(int64,int64,int64,int64)")
PARTS = (LANE, STEP_TAKER, SHUFFLER)

"""The loops that run programs: the only compiled functions that Python calls. None of them holds the GIL."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels import step
from engine.kernels.compiler import register_jitable
from engine.kernels.jit import OPTIONS, Kernel, Loop
from engine.kernels.layout import (
    ALL_SAMPLES,
    BACKWARD,
    BAD,
    BAD_LANE,
    BAD_ROWS,
    BATCH,
    BATCH_SAMPLES,
    BATCH_SIZE,
    BY_LOSS,
    CALM_LANE,
    CAREFUL,
    COUNT,
    DEFERS,
    DIVERGED,
    DROP,
    EPOCH,
    EPOCH_SUMS,
    FIRST,
    FORWARD,
    FRESH,
    INPUT_WIDTH,
    LANE_SUMS,
    LANE_TABLE,
    LANE_WORDS,
    LANES,
    LAST_SUMS,
    LOSS_SUM,
    MEASURE,
    MEASURE_GRADIENT,
    MERGE,
    OPERATIONS,
    OPTIMIZER,
    ORDER,
    OUTPUT_WIDTH,
    PART_FIRST,
    PART_ROWS,
    PENALIZED,
    PLAIN_STEP,
    RENEW,
    ROW,
    ROWS,
    RUN_LANE,
    RUN_TOGETHER,
    RUN_WORDS,
    SAMPLES,
    SEED,
    SHORT,
    SHUFFLE,
    SHUFFLED,
    SIZE,
    START,
    STEP,
    STEP_SHARE,
    STOP,
    SUM_COUNT,
    SUMS,
    T_TILE,
    TAIL,
    TAKE_STEP,
    TILE_ROWS,
    TILES,
    TIME,
    TRAIN_SAMPLES,
    TRAIN_T,
    TRAIN_X,
    TRAINABLE,
    USED_LANES,
    VECTOR,
    WORDS,
    X_TILE,
)  # fmt: skip
from engine.kernels.memory import call, call_four, call_one, call_three, call_two, doubles, floats, words
from engine.kernels.noise import mixed
from engine.kernels.step import copy, largest


@register_jitable(**OPTIONS)
def _forwards(lane: Any, count: Any, rows: Any) -> None:
    """Every operation, each on those of so many rows that are its own."""
    moment = words(lane, LANE_WORDS)
    first = moment[FIRST]
    for k in range(count):
        address = moment[OPERATIONS] + 8 * WORDS * k
        o = words(address, WORDS)
        own = min(rows - o[PART_FIRST], o[PART_ROWS])
        if own > 0:
            moment[FIRST] = first + o[PART_FIRST]
            call(o[FORWARD], address, own, lane)
    moment[FIRST] = first


@register_jitable(**OPTIONS)
def _scores(lane: Any, rows: Any) -> None:
    tail = words(lane, LANE_WORDS)[TAIL]
    for k in range(2):
        address = tail + 8 * WORDS * k
        call(words(address, WORDS)[FORWARD], address, rows, lane)


@register_jitable(**OPTIONS)
def _backwards(lane: Any, count: Any, rows: Any) -> None:
    """The operations the other way round. An operation's gradient is fresh where its last part begins it."""
    moment = words(lane, LANE_WORDS)
    first, fresh, renew = moment[FIRST], moment[FRESH], moment[RENEW]
    for k in range(count - 1, -1, -1):
        address = moment[OPERATIONS] + 8 * WORDS * k
        o = words(address, WORDS)
        own = min(rows - o[PART_FIRST], o[PART_ROWS])
        if o[BACKWARD] != 0 and own > 0:
            begins = 1 if o[PART_FIRST] + own >= rows else 0
            moment[FIRST], moment[FRESH], moment[RENEW] = first + o[PART_FIRST], fresh * begins, renew * begins
            call(o[BACKWARD], address, own, lane)
    moment[FIRST], moment[FRESH], moment[RENEW] = first, fresh, renew


def _forward(lane: int, count: int, tile: int, n: int, x: int, width: int, copies: int, copied: int) -> None:
    """Every row of x through the program; copies: rows of (from, to, width), the buffers that are wanted."""
    wanted = words(copies, 3 * copied)
    moment = words(lane, LANE_WORDS)
    x_tile = moment[X_TILE]
    for first in range(0, n, tile):
        rows = min(tile, n - first)
        moment[FIRST] = first
        copy(x + 4 * first * width, x_tile, rows * width)
        _forwards(lane, count, rows)
        for k in range(copied):
            size = wanted[3 * k + 2]
            copy(wanted[3 * k], wanted[3 * k + 1] + 4 * first * size, rows * size)


def _survey(lane: int, count: int, tile: int, n: int, x: int, width: int, entries: int, entry_count: int) -> None:
    """Every row of x through the program; per entry the largest z, the sum of a and how often a is not 0, by unit.

    An entry: z, a, numbers per sample, units, and where the three results are (float32, float64, int64); 0 for the
    last two where only the first is wanted.
    """
    moment = words(lane, LANE_WORDS)
    for first in range(0, n, tile):
        rows = min(tile, n - first)
        copy(x + 4 * first * width, moment[X_TILE], rows * width)
        _forwards(lane, count, rows)
        for k in range(entry_count):
            entry = words(entries + 56 * k, 7)
            if entry[5] != 0:
                _add_activity(entry, rows)
        for k in range(entry_count):
            _raise_heights(words(entries + 56 * k, 7), rows)


@register_jitable(**OPTIONS)
def _add_activity(entry: Any, rows: Any) -> None:
    """The sums of a, and how often it is not 0."""
    size, u = entry[2], entry[3]
    total, active = doubles(entry[5], u), words(entry[6], u)
    for r in range(0, rows * size, u):
        a = floats(entry[1] + 4 * r, u)
        for j in range(u):
            total[j] += np.float64(a[j])
        for j in range(u):
            active[j] += np.int64(a[j] != np.float32(0.0))


@register_jitable(**OPTIONS)
def _raise_heights(entry: Any, rows: Any) -> None:
    """The largest z; z is lost. Its halves are compared as a whole, which is quick however few units there are."""
    u = entry[3]
    left, top = rows * entry[2] // u, floats(entry[4], u)
    z = floats(entry[0], u)
    while left > 1:
        half = left // 2
        left -= half
        other = floats(entry[0] + 4 * left * u, half * u)
        for i in range(half * u):
            z[i] = other[i] if other[i] > z[i] else z[i]
    for j in range(u):
        top[j] = z[j] if z[j] > top[j] else top[j]


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
        copy(x + 4 * first * width, moment[X_TILE], rows * width)
        copy(targets + 4 * first * outputs, moment[T_TILE], rows * outputs)
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
        copy(r[TRAIN_X] + 4 * order[k] * i, moment[X_TILE] + 4 * k * i, i)
        copy(r[TRAIN_T] + 4 * order[k] * u, moment[T_TILE] + 4 * k * u, u)
    _forwards(lane, r[COUNT], rows)
    _scores(lane, rows)
    if np.isfinite(doubles(moment[LANE_SUMS], 1)[LOSS_SUM]):
        _backwards(lane, r[COUNT], rows)
        if r[DEFERS] != 0 and r[PENALIZED] == 0 and r[CAREFUL] == 0:
            call_two(r[CALM_LANE], run, lane)
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
    if r[LANES] == 1:
        call_two(r[RUN_LANE], run, r[LANE_TABLE])
    else:
        call_three(r[RUN_TOGETHER], run, r[RUN_LANE], busy)
    for k in range(busy):
        moment = words(r[LANE_TABLE] + 8 * LANE_WORDS * k, LANE_WORDS)
        if moment[BAD] != 0:
            r[DIVERGED], r[BAD_ROWS], r[BAD_LANE] = BY_LOSS, moment[ROWS], k
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
    words(words(r[OPTIMIZER], WORDS)[SUMS], 1)[0] = np.int64(largest(r[VECTOR], 0, r[TRAINABLE]))
    stepped = False
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
            if stepped and r[MEASURE] == 0:
                call_one(r[MEASURE_GRADIENT], run)  # of the step before: nothing was written over it yet
            return
        r[TILES] += 1
        tiles -= 1
        if r[ROW] < size:
            continue
        r[ROW] = 0
        used = min(r[LANES], (size + r[TILE_ROWS] - 1) // r[TILE_ROWS])
        r[USED_LANES] = used
        last = tiles == 0 or batches == 1 or r[TRAIN_SAMPLES] - r[STOP] < r[BATCH_SIZE]
        r[MEASURE] = 1 if last or used > 1 or size > r[TILE_ROWS] or r[DEFERS] != 0 else 0
        stepped = True
        call_one(r[TAKE_STEP], run)
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
SURVEY = Loop("survey loop", lambda: _survey, 8)
TRAIN = Loop("training loop", lambda: _train, 4)
LANE = Kernel("lane", lambda: _run_lane, "void(int64,int64)")
SHUFFLER = Kernel("shuffle", lambda: _shuffle, "void(int64,int64,int64,int64)")
#: What a run calls by address: word of the run -> kernel. Any step; that of one lane while nothing is large.
PARTS = {RUN_LANE: LANE, SHUFFLE: SHUFFLER, MEASURE_GRADIENT: step.MEASURE_SIZES}
OF_STEP = {PLAIN_STEP: step.TAKE, STEP_SHARE: step.STEP_OF_SHARE, RUN_TOGETHER: step.TOGETHER}
OF_LONE_STEP = {PLAIN_STEP: step.ALONE}
OF_DEFERRED = {CALM_LANE: step.CALM_OF_LANE}
LOOPS = (TRAIN, EVALUATE, PREDICT, SURVEY)
_PARTS = (PARTS, OF_STEP, OF_LONE_STEP, OF_DEFERRED)
EVERY = (*(kernel for parts in _PARTS for kernel in parts.values()), step.PENALTY, *LOOPS)

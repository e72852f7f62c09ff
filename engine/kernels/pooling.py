"""Pooling: the largest value or the mean of every window, channel by channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from engine.kernels.affine import zero
from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import cgutils, intrinsic, register_jitable
from engine.kernels.jit import OPTIONS
from engine.kernels.layout import GEOMETRY, GX, GY, WORDS, X, Y
from engine.kernels.memory import of_words, words
from engine.kernels.product import LANES, column_mask, load_vector, pointer, spread, store_vector, vector, word
from engine.layers.windows import GEOMETRY_WORDS

WRITTEN_OUT = (2, 3)  # the usual sizes of windows, whose places need no loops
_NOTHING = ir.Constant(vector, [0.0] * LANES)
_LOWEST = ir.Constant(vector, [-math.inf] * LANES)
_NAN = ir.Constant(vector, [math.nan] * LANES)
_FALSE = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [0] * LANES)

Places = Callable[[Callable[[Any], None]], None]  # calls a function with the offset of every place of a window


class _Window:
    """One window while its code is written: where it lies in the buffers, and its places."""

    def __init__(self, builder: Any, mask: Any, scale: Any, addresses: list[Any], places: Places) -> None:
        self.builder, self.mask, self.scale, self.places = builder, mask, scale, places
        self._addresses = dict(zip(("x", "y", "gy", "gx"), addresses, strict=True))

    def place(self, buffer: str, offset: Any = None) -> Any:
        return pointer(self.builder, self._addresses[buffer], word(0) if offset is None else offset, vector)

    def load(self, buffer: str, offset: Any = None) -> Any:
        return load_vector(self.builder, self.place(buffer, offset))

    def store(self, buffer: str, value: Any, offset: Any = None) -> None:
        store_vector(self.builder, value, self.place(buffer, offset))

    def variable(self, value: Any) -> Any:
        variable = cgutils.alloca_once(self.builder, value.type)
        self.builder.store(value, variable)
        return variable


def _write_row(body: Callable[[_Window], None], sizes: tuple[int, ...] = WRITTEN_OUT) -> Any:
    """What an intrinsic returns: `body` for every window of a row of `count`, for at most LANES channels; windows of
    these sizes are written out.

    Arguments: columns, count, high, wide, down, across (from place to place), step (from window to window), then where
    the first window and what comes of it lie in x, y and their gradients.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        columns, count, high, wide, down, across, step, *addresses = arguments
        mask = column_mask(builder, columns)
        size = builder.uitofp(builder.mul(high, wide), ir.FloatType())
        scale = spread(builder, builder.fdiv(ir.Constant(ir.FloatType(), 1.0), size), vector)

        def row(places: Places) -> None:
            with cgutils.for_range(builder, count) as loop:
                offsets = [builder.mul(loop.index, builder.mul(word(4), by)) for by in (step, across, across, step)]
                begins = [builder.add(a, offset) for a, offset in zip(addresses, offsets, strict=True)]
                body(_Window(builder, mask, scale, begins, places))

        def offset(y: Any, x: Any) -> Any:
            return builder.add(builder.mul(y, down), builder.mul(x, across))

        def written_out(size: int) -> Places:
            def places(visit: Callable[[Any], None]) -> None:
                for y in range(size):
                    for x in range(size):
                        visit(offset(word(y), word(x)))

            return places

        def in_loops(visit: Callable[[Any], None]) -> None:
            with cgutils.for_range(builder, high) as y, cgutils.for_range(builder, wide) as x:
                visit(offset(y.index, x.index))

        def choose(sizes: tuple[int, ...]) -> None:
            if not sizes:
                row(in_loops)
                return
            sides = [builder.icmp_signed("==", side, word(sizes[0])) for side in (high, wide)]
            with builder.if_else(builder.and_(*sides)) as (usual, other):
                with usual:
                    row(written_out(sizes[0]))
                with other:
                    choose(sizes[1:])

        choose(sizes)
        return context.get_dummy_value()

    return of_words(11), emit


def _write_largest(w: _Window) -> None:
    b, best, missing = w.builder, w.variable(_LOWEST), w.variable(_FALSE)

    def compare(offset: Any) -> None:
        value, top = w.load("x", offset), b.load(best)
        b.store(b.select(b.fcmp_ordered(">", value, top), value, top), best)
        b.store(b.or_(b.load(missing), b.fcmp_unordered("uno", value, value)), missing)  # a NaN is passed on

    w.places(compare)
    w.store("y", b.select(b.load(missing), _NAN, b.load(best)))


def _write_to_largest(w: _Window) -> None:
    """The gradient goes to the first place of the window where x equals y."""
    b, top = w.builder, w.load("y")
    left = w.variable(b.select(w.mask, w.load("gy"), _NOTHING))

    def give(offset: Any) -> None:
        rest, hit = b.load(left), b.fcmp_ordered("==", w.load("x", offset), top)
        w.store("gx", b.fadd(w.load("gx", offset), b.select(hit, rest, _NOTHING)), offset)
        b.store(b.select(hit, _NOTHING, rest), left)

    w.places(give)


def _write_once_to_largest(w: _Window) -> None:
    """The same where every place is in one window: whatever was there is written over."""
    b, top, left = w.builder, w.load("y"), w.variable(w.load("gy"))

    def give(offset: Any) -> None:
        rest, hit = b.load(left), b.fcmp_ordered("==", w.load("x", offset), top)
        w.store("gx", b.select(hit, rest, _NOTHING), offset)
        b.store(b.select(hit, _NOTHING, rest), left)

    w.places(give)


def _write_mean(w: _Window) -> None:
    b, total = w.builder, w.variable(_NOTHING)
    w.places(lambda offset: b.store(b.fadd(b.load(total), w.load("x", offset)), total))
    w.store("y", b.fmul(b.load(total), w.scale))


def _write_to_all(w: _Window) -> None:
    b = w.builder
    given = b.select(w.mask, b.fmul(w.load("gy"), w.scale), _NOTHING)
    w.places(lambda offset: w.store("gx", b.fadd(w.load("gx", offset), given), offset))


def _write_once_to_all(w: _Window) -> None:
    """The same where every place is in one window."""
    given = w.builder.fmul(w.load("gy"), w.scale)
    w.places(lambda offset: w.store("gx", given, offset))


@intrinsic
def _largest(typing, columns, count, high, wide, down, across, step, x, y, gy, gx):  # noqa: ANN001, ANN202
    return _write_row(_write_largest)


@intrinsic
def _to_largest(typing, columns, count, high, wide, down, across, step, x, y, gy, gx):  # noqa: ANN001, ANN202
    return _write_row(_write_to_largest)


@intrinsic
def _once_to_largest(typing, columns, count, high, wide, down, across, step, x, y, gy, gx):  # noqa: ANN001, ANN202
    return _write_row(_write_once_to_largest, WRITTEN_OUT[:1])


@intrinsic
def _mean(typing, columns, count, high, wide, down, across, step, x, y, gy, gx):  # noqa: ANN001, ANN202
    return _write_row(_write_mean)


@intrinsic
def _to_all(typing, columns, count, high, wide, down, across, step, x, y, gy, gx):  # noqa: ANN001, ANN202
    return _write_row(_write_to_all)


@intrinsic
def _once_to_all(typing, columns, count, high, wide, down, across, step, x, y, gy, gx):  # noqa: ANN001, ANN202
    return _write_row(_write_once_to_all, WRITTEN_OUT[:1])


@register_jitable(**OPTIONS)
def _span(position: Any, extent: Any, size: Any, stride: Any, before: Any) -> Any:
    """(first place of the source, places) of a window along one axis."""
    start = position * stride - before
    first = max(start, 0)
    return first, min(start + size, extent) - first


@register_jitable(**OPTIONS)
def _is_once(g: Any) -> Any:
    """Whether every place is in one window, and the channels fill a register."""
    height, width, c, high_rows, columns, size, stride = g[0], g[1], g[2], g[4], g[5], g[6], g[7]
    return stride == size and c >= LANES and high_rows * size >= height + g[8] and columns * size >= width + g[9]


def _over_windows(op: Any, rows: Any, moment: Any) -> None:
    """`windows` over every row of windows, in runs of those that are alike: at the edges they are smaller.

    What is written, not added to, is written in whole registers: the last channels a second time, and the numbers after
    few channels before their turn comes.
    """
    o = words(op, WORDS)
    g = words(o[GEOMETRY], GEOMETRY_WORDS)
    height, width, c, high_rows, columns, size, stride = g[0], g[1], g[2], g[4], g[5], g[6], g[7]
    above, before, x, y, gy, gx = g[8], g[9], o[X], o[Y], o[GY], o[GX]
    adds = once = False
    if BACKWARD:  # type: ignore[name-defined] # noqa: F821
        if gx == 0:
            return
        once = _is_once(g)
        adds = not once
        if adds:
            zero(gx, rows * height * width * c)
    whole = min(columns, (width - size + before) // stride + 1)  # from here on windows are cut off on the right
    for r in range(rows):
        for row in range(high_rows):
            top, high = _span(row, height, size, stride, above)
            column = 0
            while column < columns:
                left, wide = _span(column, width, size, stride, before)
                count = whole - column if wide == size else 1
                source = 4 * ((r * height + top) * width + left) * c
                target = 4 * ((r * high_rows + row) * columns + column) * c
                for k in range(0, c, LANES):
                    j = k if adds else max(0, min(k, c - LANES))
                    s, t = source + 4 * j, target + 4 * j
                    if once:
                        windows_once(  # type: ignore[name-defined] # noqa: F821
                            c - j, count, high, wide, width * c, c, stride * c, x + s, y + t, gy + t, gx + s
                        )
                    else:
                        windows(  # type: ignore[name-defined] # noqa: F821
                            c - j, count, high, wide, width * c, c, stride * c, x + s, y + t, gy + t, gx + s
                        )
                column += count


def _pool(name: str, forward: Any, backward: Any, once: Any) -> Block:
    return Block(
        block_kernel(
            f"{name} forward", _over_windows, windows=lambda: forward, windows_once=lambda: forward,
            BACKWARD=lambda: False,
        ),
        block_kernel(
            f"{name} backward", _over_windows, windows=lambda: backward, windows_once=lambda: once,
            BACKWARD=lambda: True,
        ),
    )  # fmt: skip


def max_pool() -> Block:
    return _pool("max pool", _largest, _to_largest, _once_to_largest)


def average_pool() -> Block:
    return _pool("average pool", _mean, _to_all, _once_to_all)

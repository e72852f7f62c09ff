"""Products of matrices: all sums of an inner tile live in registers, one level of loops or three.

The tiles are written in the compiler's own language (LLVM), because no plain loop keeps its sums in registers.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from llvmlite import binding, ir

from engine.kernels.compiler import cgutils, intrinsic, register_jitable, types
from engine.kernels.jit import OPTIONS, Kernel

_FEATURES = binding.get_host_cpu_features()
_WIDE = bool(_FEATURES.get("avx512f"))
LANES = 16 if _WIDE else (8 if _FEATURES.get("avx") else 4)  # float32 numbers in one register
ROWS = 8 if _WIDE or not _FEATURES.get("avx") else 6  # rows of the largest inner tile

DEPTH, HEIGHT, WIDTH = 256, 96, 128  # of the parts of a (HEIGHT) and b (WIDTH) that are copied close together
APART = DEPTH + 1  # rows from strip to strip of b: a power of two would put them in the same lines of the cache
STRIPS, PANEL = APART * WIDTH, DEPTH * HEIGHT
LINE = 16  # numbers of a cache line
AHEAD = 8  # rows that are fetched before they are copied
COPIES = 4  # of the innermost body of a product
SMALL = 16384  # a smaller b is used where it lies,
FEW = 6 * ROWS  # and for so few rows a larger one too

_number, word, _lane = ir.FloatType(), ir.IntType(64), ir.IntType(32)
vector = ir.VectorType(_number, LANES)
_mask = ir.VectorType(ir.IntType(1), LANES)
_VOID = ir.VoidType()


def pointer(builder: Any, base: Any, index: Any, kind: Any = _number) -> Any:
    """Address `base` (int64, bytes) moved by `index` numbers."""
    moved = builder.gep(builder.inttoptr(base, _number.as_pointer()), [index])
    return builder.bitcast(moved, kind.as_pointer()) if kind is not _number else moved


def spread(builder: Any, value: Any, kind: Any) -> Any:
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _lane(0))
    everywhere = ir.Constant(ir.VectorType(_lane, LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), everywhere)


def load_vector(builder: Any, pointer: Any) -> Any:
    item = builder.load(pointer)
    item.align = 4
    return item


def store_vector(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, pointer).align = 4


def _sums(builder: Any, height: int, width: int, start_rows: Sequence[Any]) -> dict[tuple[int, int], Any]:
    """Where the vectors of a tile are summed up: registers, in the end. They begin with these rows."""
    sums = {(i, j): cgutils.alloca_once(builder, vector) for i in range(height) for j in range(width)}
    for (i, j), place in sums.items():
        builder.store(load_vector(builder, pointer(builder, start_rows[i], word(j * LANES), vector)), place)
    return sums


def _add_product(builder: Any, x: Any, y: Any, place: Any) -> None:
    """Adds x y to a sum, rounded once."""
    kind = ir.FunctionType(vector, [vector] * 3)
    fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
    builder.store(builder.call(fma, [x, y, builder.load(place)]), place)


def emit_tile(
    builder: Any, height: int, width: int, columns: Any, levels: Sequence[tuple[Any, Any, Any]],
    a_rows: Sequence[Any], b: Any, start_rows: Sequence[Any], c_rows: Sequence[Any], by_column: bool = False,
) -> None:  # fmt: skip
    """c = start + a b for `height` rows of `width` vectors; of the last one what is within so many columns.

    levels: (count, step in a, step in b) of the loops that sum, the innermost last. Rows are addresses; those of a
    are (address, numbers after it): where rows lie side by side, one address and plain numbers make the better code.
    by_column: every column has an a of its own, beside that of the column before.
    """
    sums = _sums(builder, height, width, start_rows)

    def loops(left: Sequence[tuple[Any, Any, Any]], a_offset: Any, b_offset: Any) -> None:
        if left:
            count, a_step, b_step = left[0]
            with cgutils.for_range(builder, count) as loop:
                loops(
                    left[1:],
                    builder.add(a_offset, builder.mul(loop.index, a_step)),
                    builder.add(b_offset, builder.mul(loop.index, b_step)),
                )
            return
        b_row = [
            load_vector(builder, pointer(builder, b, builder.add(b_offset, word(j * LANES)), vector))
            for j in range(width)
        ]
        for i in range(height):
            base, after = a_rows[i]
            if not by_column:
                number = builder.load(pointer(builder, base, builder.add(a_offset, word(after))))
                value = spread(builder, number, vector)
            for j in range(width):
                if by_column:
                    beside = builder.add(a_offset, word(after + j * LANES))
                    value = load_vector(builder, pointer(builder, base, beside, vector))
                _add_product(builder, value, b_row[j], sums[i, j])

    loops(levels, word(0), word(0))
    _store_rows(builder, width, sums, c_rows, builder.sub(columns, word(LANES * (width - 1))))


def _copy_body(builder: Any, loop: Any, copies: int) -> None:
    """Asks for so many copies of a loop's body, one after the other."""
    module, (_, latch) = builder.module, loop.index.incomings[-1]
    wish = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.count"), _lane(copies)])
    node = module.add_metadata([wish, _lane(len(module.metadata))])
    node.operands = (node, wish)  # a loop is told by a node that names itself first
    latch.terminator.set_metadata("llvm.loop", node)


def _store_rows(builder: Any, width: int, sums: dict[tuple[int, int], Any], c_rows: Sequence[Any], left: Any) -> None:
    """Writes a tile; `left`: columns of its last vectors, more than LANES count as these."""
    results = {key: builder.load(place) for key, place in sums.items()}

    def write(mask: Any) -> None:
        """Lanes outside the mask are written back as they were: a masked store is slow on some processors. All are read
        first, or the compiler makes masked stores of it."""
        places = {key: pointer(builder, c_rows[key[0]], word(key[1] * LANES), vector) for key in results}
        last = [key for key in results if mask is not None and key[1] == width - 1]
        before = {key: load_vector(builder, places[key]) for key in last}
        for key, value in results.items():
            kept = builder.select(mask, value, before[key]) if key in before else value
            store_vector(builder, kept, places[key])

    def write_part() -> None:
        """Rows of one number are written number by number: vectors would overlap from row to row."""
        if width > 1:
            write(column_mask(builder, left))
            return
        with builder.if_else(builder.icmp_signed(">", left, word(1))) as (several, one):
            with several:
                write(column_mask(builder, left))
            with one:
                for (i, _), value in results.items():
                    builder.store(builder.extract_element(value, _lane(0)), pointer(builder, c_rows[i], word(0)))

    with builder.if_else(builder.icmp_signed(">=", left, word(LANES))) as (whole, part):
        with whole:
            write(None)
        with part:
            write_part()


def _tile_function(module: Any, name: str, arguments: int, body: Any) -> Any:
    """A function of the module, made once: `body(builder, arguments)` fills it."""
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(_VOID, [word] * arguments), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    body(builder, list(function.args))
    builder.ret_void()
    return function


def column_mask(builder: Any, columns: Any) -> Any:
    lanes = ir.Constant(ir.VectorType(_lane, LANES), list(range(LANES)))
    return builder.icmp_signed("<", lanes, spread(builder, builder.trunc(columns, _lane), ir.VectorType(_lane, LANES)))


def _emit_dispatch(builder: Any, rows: Any, columns: Any, arguments: Sequence[Any], tile: Any, name: str) -> None:
    """Calls `tile(height, width)`, a function, for the rows (1 to ROWS) and columns at hand, if there are groups."""
    with builder.if_then(builder.icmp_signed(">", arguments[0], word(0))):
        wide = builder.icmp_signed(">", columns, word(LANES))
        place = builder.sub(builder.add(builder.select(wide, word(ROWS), word(0)), rows), word(1))
        table = _table(builder.module, name, [tile(height, width) for width in (1, 2) for height in range(1, ROWS + 1)])
        builder.call(builder.load(builder.gep(table, [word(0), place])), arguments)


def _table(module: Any, name: str, functions: Sequence[Any]) -> Any:
    """A constant of the module, made once: functions of one kind."""
    if name not in module.globals:
        kind = ir.ArrayType(functions[0].type, len(functions))
        table = ir.GlobalVariable(module, kind, name)
        table.linkage, table.global_constant, table.initializer = "internal", True, ir.Constant(kind, functions)
    return module.globals[name]


def tile_emitter(name: str, arguments: int, body: Any) -> Any:
    """What an intrinsic f(rows, groups, columns, *arguments) emits: so many groups of so many rows (1 to ROWS) of at
    most 2 LANES columns. body(builder, height, width, columns, group, arguments) writes one tile."""

    def tile(module: Any, height: int, width: int) -> Any:
        def fill(builder: Any, values: Any) -> None:
            groups, columns = values[:2]
            with cgutils.for_range(builder, groups) as loop:
                body(builder, height, width, columns, loop.index, values[2:])

        return _tile_function(module, f"{name}_{height}_{width}", arguments + 2, fill)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        rows, columns = values[0], values[2]
        _emit_dispatch(builder, rows, columns, values[1:], functools.partial(tile, builder.module), f"{name}_table")
        return context.get_dummy_value()

    return emit


def _anchors(builder: Any, base: Any, row: Any, height: int) -> list[Any]:
    """Addresses of every third of the rows, which are `row` bytes apart: an instruction reaches two more from each."""
    found = [base]
    while 3 * len(found) < height:
        found.append(builder.add(found[-1], builder.mul(row, word(3))))
    return found


def _around(builder: Any, anchors: Sequence[Any], row: Any, height: int) -> list[Any]:
    """Addresses of all rows, from those of every third."""
    steps = word(0), row, builder.shl(row, word(1))
    return [builder.add(anchors[i // 3], steps[i % 3]) for i in range(height)]


def _same(builder: Any, value: Any) -> Any:
    """The value, about which the compiler knows nothing more."""
    return builder.asm(ir.FunctionType(word, [word]), "", "=r,0", [value], False)


def _body(b: Any, height: int, width: int, columns: Any, group: Any, values: Any) -> None:
    """A tile of a product, whose a may lie row by row or column by column.

    Left to itself the compiler makes an address for every row of a: more than there are registers.
    """
    k, a, a_row, a_step, bb, b_step, start, start_row, c, c_row = values
    a_row, a_step, b_step, start_row, c_row = (b.shl(x, word(2)) for x in (a_row, a_step, b_step, start_row, c_row))
    first = b.mul(group, word(height))

    def anchors(base: Any, row: Any) -> list[Any]:
        return _anchors(b, b.add(base, b.mul(first, row)), row, height)

    sums = _sums(b, height, width, _around(b, anchors(start, start_row), start_row, height))
    walks = [cgutils.alloca_once_value(b, place) for place in (bb, *anchors(a, a_row))]
    with cgutils.for_range(b, k) as loop:
        b_place, *a_places = places = [_same(b, b.load(walk)) for walk in walks]
        b_row = [load_vector(b, pointer(b, b_place, word(j * LANES), vector)) for j in range(width)]
        for i, place in enumerate(_around(b, a_places, a_row, height)):
            value = spread(b, b.load(pointer(b, place, word(0))), vector)
            for j in range(width):
                _add_product(b, value, b_row[j], sums[i, j])
        for walk, place in zip(walks, places, strict=True):
            b.store(b.add(place, b_step if place is b_place else a_step), walk)
    _copy_body(b, loop, COPIES if height * width >= ROWS else 1)
    c_rows = _around(b, anchors(c, c_row), c_row, height)
    _store_rows(b, width, sums, c_rows, b.sub(columns, word(LANES * (width - 1))))


_TILE = tile_emitter("tile", 10, _body)


@intrinsic
def _strip(
    typing: Any, split: Any, columns: Any, k: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any, start: Any,
    start_row: Any, c: Any, c_row: Any,
) -> Any:  # fmt: skip
    """At most 2 LANES columns of c = start + a b; `split`: of the rows, as `split_rows` gives it.

    Written down where it is called: as a function it would be compiled twice, alone and in its caller."""

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        columns, k, a, a_row, a_step, b, b_step, start, start_row, c, c_row = values[1:]
        tiles, height, larger = cgutils.unpack_tuple(builder, values[0])
        higher = builder.add(height, word(1))
        done = builder.mul(builder.mul(larger, higher), word(4))

        moved = [builder.add(x, builder.mul(done, row)) for x, row in ((a, a_row), (start, start_row), (c, c_row))]
        for rows, groups, (x, begin, result) in (
            (higher, larger, (a, start, c)), (height, builder.sub(tiles, larger), moved)
        ):  # fmt: skip
            _TILE(
                context, builder, None,
                [rows, groups, columns, k, x, a_row, a_step, b, b_step, begin, start_row, result, c_row],
            )  # fmt: skip
        return context.get_dummy_value()

    return types.void(split, *[types.int64] * 11), emit


@intrinsic
def _fetch(typing: Any, address: Any) -> Any:
    """Asks for a cache line that is soon read."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(_VOID, [byte, _lane, _lane, _lane])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(fetch, [builder.inttoptr(arguments[0], byte), _lane(0), _lane(3), _lane(1)])
        return context.get_dummy_value()

    return types.void(types.int64), emit


@intrinsic
def _move_two(typing: Any, source: Any, target: Any) -> Any:
    """Copies 2 LANES numbers: no loop over so few becomes vectors."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for j in range(2):
            value = load_vector(builder, pointer(builder, arguments[0], word(j * LANES), vector))
            store_vector(builder, value, pointer(builder, arguments[1], word(j * LANES), vector))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), emit


@register_jitable(**OPTIONS)
def _pack(rows: Any, columns: Any, source: Any, source_row: Any, target: Any, target_row: Any, across: Any) -> None:
    """Copies rows in groups of 2 LANES columns; the first of a group, number j of row r, to r target_row + j across."""
    for r in range(rows):
        for j in range(0, columns, 2 * LANES):
            for line in range(0, 2 * LANES, LINE):
                _fetch(source + 4 * ((r + AHEAD) * source_row + j + line))
            _move_two(source + 4 * (r * source_row + j), target + 4 * (r * target_row + j * across))


@intrinsic(prefer_literal=True)
def _stack(typing: Any, size: Any) -> Any:
    """Address of `size` float32 numbers (a literal) that live until the function returns."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        with builder.goto_entry_block():
            place = builder.alloca(ir.ArrayType(_number, size.literal_value))
            place.align = 64
        return builder.ptrtoint(place, word)

    return types.int64(size), emit


@register_jitable(**OPTIONS)
def split_rows(m: Any) -> Any:
    """(tiles, rows of a tile, tiles that have one row more): as few tiles as can be, of nearly equal height."""
    if m <= ROWS:
        return 1, m, 0
    tiles = (m + ROWS - 1) // ROWS
    height = m // tiles
    return tiles, height, m - tiles * height


def product(
    m: int, n: int, k: int, a: int, a_row: int, a_step: int, b: int, b_step: int, start: int, start_row: int,
    c: int, c_row: int,
) -> None:  # fmt: skip
    """c (m x n) = start + a (m x k) b (k x n): addresses of float32 memory, strides in numbers.

    Compiled as a kernel. One of a_row and a_step is 1. A start_row of 0 starts every row alike (a bias, or zeros).
    Sums run over k in order. Up to 2 LANES - 1 numbers after a, b, start and a row of c are read, and those of c
    written back unchanged. Parts of large matrices are copied close together first, for the caches' sake.
    """
    if m <= FEW or k * n < SMALL:
        split = split_rows(m)
        for j in range(0, n, 2 * LANES):
            _strip(
                split, n - j, k, a, a_row, a_step, b + 4 * j, b_step, start + 4 * j, start_row, c + 4 * j, c_row
            )  # fmt: skip
        return
    strips, panel = _stack(STRIPS), _stack(PANEL)
    parts = (k + DEPTH - 1) // DEPTH
    deep = (k + parts - 1) // parts
    for low in range(0, k, deep):
        depth = min(deep, k - low)
        for left in range(0, n, WIDTH):
            right = min(left + WIDTH, n)
            _pack(depth, right - left, b + 4 * (low * b_step + left), b_step, strips, 2 * LANES, APART)
            for first in range(0, m, HEIGHT):
                split = split_rows(min(HEIGHT, m - first))
                a_part, row, step = a + 4 * (first * a_row + low * a_step), a_row, a_step
                if a_step > LANES:
                    _pack(depth, min(HEIGHT, m - first), a_part, a_step, panel, HEIGHT, 1)
                    a_part, row, step = panel, 1, HEIGHT
                for j in range(left, right, 2 * LANES):
                    result = c + 4 * (first * c_row + j)
                    begin, begin_row = start + 4 * (first * start_row + j), start_row
                    if low > 0:
                        begin, begin_row = result, c_row
                    _strip(
                        split, n - j, depth, a_part, row, step, strips + 4 * (j - left) * APART, 2 * LANES, begin,
                        begin_row, result, c_row,
                    )  # fmt: skip


SIGNATURE_OF_PRODUCT = f"void({','.join(['int64'] * 12)})"
MATRIX_PRODUCT = Kernel("matrix product", lambda: product, SIGNATURE_OF_PRODUCT)


@intrinsic
def _turn_block(typing: Any, source: Any, source_row: Any, target: Any, target_row: Any) -> Any:
    """target = the transposed 8 x 8 block at source."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, source_row, target, target_row = arguments
        four, eight = (ir.VectorType(_number, size) for size in (4, 8))

        def load(i: int, j: int) -> Any:
            item = builder.load(pointer(builder, source, builder.add(builder.mul(word(i), source_row), word(j)), four))
            item.align = 4
            return item

        def pick(x: Any, y: Any, places: list[int]) -> Any:
            return builder.shuffle_vector(x, y, ir.Constant(ir.VectorType(_lane, 8), places))

        for side in (0, 4):
            rows = [pick(load(i, side), load(i + 4, side), list(range(8))) for i in range(4)]  # of i and i + 4
            pairs = [
                pick(rows[i], rows[i + 1], places)
                for i in (0, 2)
                for places in ([0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15])
            ]
            for column in range(4):
                places = [2, 3, 10, 11, 6, 7, 14, 15] if column % 2 else [0, 1, 8, 9, 4, 5, 12, 13]
                turned = pick(pairs[column // 2], pairs[column // 2 + 2], places)
                place = pointer(builder, target, builder.mul(word(side + column), target_row), eight)
                builder.store(turned, place).align = 4
        return context.get_dummy_value()

    return types.void(*[types.int64] * 4), emit


@intrinsic
def _move_number(typing: Any, source: Any, target: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = builder.load(builder.inttoptr(arguments[0], _number.as_pointer()))
        builder.store(value, builder.inttoptr(arguments[1], _number.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), emit


@register_jitable(**OPTIONS)
def turn(source: Any, rows: Any, columns: Any, target: Any) -> None:
    """target (columns x rows) = the transposed source (rows x columns); addresses of float32 memory."""
    whole_rows, whole_columns = rows // 8 * 8, columns // 8 * 8
    for i in range(0, whole_rows, LINE):  # so that a line of the target is written at once
        for j in range(0, whole_columns, 8):
            for k in range(i, min(i + LINE, whole_rows), 8):
                _turn_block(source + 4 * (k * columns + j), columns, target + 4 * (j * rows + k), rows)
    for i in range(whole_rows if whole_columns == columns else 0, rows):
        for j in range(whole_columns if i < whole_rows else 0, columns):
            _move_number(source + 4 * (i * columns + j), target + 4 * (j * rows + i))

"""Compiled code works on addresses: views on them, calls through them, and the matrix product's inner tile."""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import carray, types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from engine.kernels.jit import OPTIONS

_FEATURES = binding.get_host_cpu_features()
_WIDE = bool(_FEATURES.get("avx512f"))
LANES = 16 if _WIDE else (8 if _FEATURES.get("avx") else 4)  # float32 numbers in one register
ROWS = 8 if _WIDE or not _FEATURES.get("avx") else 6  # rows of the largest inner tile


@intrinsic
def _float_pointer(typing: Any, address: Any) -> Any:
    result = types.CPointer(types.float32)
    return result(types.int64), lambda c, b, s, a: b.inttoptr(a[0], c.get_value_type(result))


@intrinsic
def _double_pointer(typing: Any, address: Any) -> Any:
    result = types.CPointer(types.float64)
    return result(types.int64), lambda c, b, s, a: b.inttoptr(a[0], c.get_value_type(result))


@intrinsic
def _word_pointer(typing: Any, address: Any) -> Any:
    result = types.CPointer(types.int64)
    return result(types.int64), lambda c, b, s, a: b.inttoptr(a[0], c.get_value_type(result))


@register_jitable(**OPTIONS)
def floats(address: Any, size: Any) -> Any:
    """float32 view of memory."""
    return carray(_float_pointer(address), (size,))


@register_jitable(**OPTIONS)
def doubles(address: Any, size: Any) -> Any:
    """float64 view of memory."""
    return carray(_double_pointer(address), (size,))


@register_jitable(**OPTIONS)
def words(address: Any, size: Any) -> Any:
    """int64 view of memory."""
    return carray(_word_pointer(address), (size,))


def _caller(count: int) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * count)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return emit


@intrinsic
def call(typing: Any, address: Any, operation: Any, rows: Any, first: Any, step: Any) -> Any:
    """Calls a block."""
    word = types.int64
    return types.void(word, word, word, word, word), _caller(4)


@intrinsic
def call_product(
    typing: Any, address: Any, m: Any, n: Any, k: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any,
    start: Any, start_row: Any, c: Any, c_row: Any,
) -> Any:  # fmt: skip
    """Calls the matrix product."""
    return types.void(*[types.int64] * 13), _caller(12)


@intrinsic
def narrow(typing: Any, numbers: Any) -> Any:
    """A tuple of numbers as float32."""
    result = types.UniTuple(types.float32, len(numbers))

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = cgutils.unpack_tuple(builder, arguments[0])
        cast = [context.cast(builder, v, t, types.float32) for v, t in zip(values, signature.args[0], strict=True)]
        return context.make_tuple(builder, result, cast)

    return result(numbers), emit


@intrinsic(prefer_literal=True)
def inner_tile(
    typing: Any, rows: Any, vectors: Any, columns: Any, k: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any,
    start: Any, start_row: Any, c: Any, c_row: Any,
) -> Any:  # fmt: skip
    """c = start + a b for `rows` x (`vectors` x LANES) numbers, all sums in registers.

    rows and vectors are literals; with 0 vectors only the first `columns` lanes of one vector are touched.
    Strides are in numbers; rows of b, start and c are contiguous.
    """
    height, width = rows.literal_value, vectors.literal_value
    word = types.int64
    signature = types.void(rows, vectors, *[word] * 11)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _emit_tile(builder, height, width, *arguments[2:])
        return context.get_dummy_value()

    return signature, emit


def _emit_tile(
    builder: Any, height: int, width: int, columns: Any, k: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any,
    start: Any, start_row: Any, c: Any, c_row: Any,
) -> None:  # fmt: skip
    module, number, word, lane = builder.module, ir.FloatType(), ir.IntType(64), ir.IntType(32)
    vector = ir.VectorType(number, LANES)
    masked, width = width == 0, max(width, 1)
    fma = cgutils.get_or_insert_function(module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{LANES}f32")
    everywhere = ir.Constant(ir.VectorType(lane, LANES), [0] * LANES)

    def pointer(base: Any, index: Any, kind: Any) -> Any:
        moved = builder.gep(builder.inttoptr(base, number.as_pointer()), [index])
        return builder.bitcast(moved, kind.as_pointer())

    def spread(value: Any, kind: Any) -> Any:
        one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, lane(0))
        return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), everywhere)

    mask_type = ir.VectorType(ir.IntType(1), LANES)
    if masked:
        lanes = ir.Constant(ir.VectorType(lane, LANES), list(range(LANES)))
        mask = builder.icmp_signed("<", lanes, spread(builder.trunc(columns, lane), ir.VectorType(lane, LANES)))

    def load(base: Any, index: Any) -> Any:
        if not masked:
            item = builder.load(pointer(base, index, vector))
            item.align = 4
            return item
        kind = ir.FunctionType(vector, [vector.as_pointer(), lane, mask_type, vector])
        reader = cgutils.get_or_insert_function(module, kind, f"llvm.masked.load.v{LANES}f32.p0")
        zero = ir.Constant(vector, [0.0] * LANES)
        return builder.call(reader, [pointer(base, index, vector), lane(4), mask, zero])

    def store(value: Any, base: Any, index: Any) -> None:
        if not masked:
            builder.store(value, pointer(base, index, vector)).align = 4
            return
        kind = ir.FunctionType(ir.VoidType(), [vector, vector.as_pointer(), lane, mask_type])
        writer = cgutils.get_or_insert_function(module, kind, f"llvm.masked.store.v{LANES}f32.p0")
        builder.call(writer, [value, pointer(base, index, vector), lane(4), mask])

    def at(row: int, stride: Any, column: int) -> Any:
        return builder.add(builder.mul(word(row), stride), word(column * LANES))

    places = [(i, j) for i in range(height) for j in range(width)]
    sums = {place: cgutils.alloca_once(builder, vector) for place in places}
    for i, j in places:
        builder.store(load(start, at(i, start_row, j)), sums[i, j])
    with cgutils.for_range(builder, k) as loop:
        b_offset, a_offset = builder.mul(loop.index, b_step), builder.mul(loop.index, a_step)
        b_vectors = [load(b, builder.add(b_offset, word(j * LANES))) for j in range(width)]
        for i in range(height):
            a_index = builder.add(a_offset, builder.mul(word(i), a_row))
            a_value = spread(builder.load(pointer(a, a_index, number)), vector)
            for j in range(width):
                builder.store(builder.call(fma, [a_value, b_vectors[j], builder.load(sums[i, j])]), sums[i, j])
    for i, j in places:
        store(builder.load(sums[i, j]), c, at(i, c_row, j))


def _column(width: int) -> Any:
    """Tiles down one strip of columns; width 0 is the strip that does not fill a vector."""

    def run(left, m, k, a, a_row, a_step, b, b_step, start, start_row, c, c_row):  # type: ignore[no-untyped-def]
        i = 0
        while i + ROWS <= m:
            inner_tile(ROWS, width, left, k, a + 4 * i * a_row, a_row, a_step, b, b_step,
                       start + 4 * i * start_row, start_row, c + 4 * i * c_row, c_row)  # fmt: skip
            i += ROWS
        while i + 2 <= m:
            inner_tile(2, width, left, k, a + 4 * i * a_row, a_row, a_step, b, b_step,
                       start + 4 * i * start_row, start_row, c + 4 * i * c_row, c_row)  # fmt: skip
            i += 2
        if i < m:
            inner_tile(1, width, left, k, a + 4 * i * a_row, a_row, a_step, b, b_step,
                       start + 4 * i * start_row, start_row, c + 4 * i * c_row, c_row)  # fmt: skip

    return register_jitable(**OPTIONS)(run)


_column_2, _column_1, _column_0 = _column(2), _column(1), _column(0)


def product(
    m: int, n: int, k: int, a: int, a_row: int, a_step: int, b: int, b_step: int, start: int, start_row: int,
    c: int, c_row: int,
) -> None:  # fmt: skip
    """c (m x n) = start + a (m x k) b (k x n): addresses of float32 memory, strides in numbers.

    Compiled as a kernel. A start_row of 0 starts every row alike (a bias, or zeros). Sums run over k in order.
    """
    j = 0
    while j < n:
        left = n - j
        bj, sj, cj = b + 4 * j, start + 4 * j, c + 4 * j
        if left >= 2 * LANES:
            _column_2(left, m, k, a, a_row, a_step, bj, b_step, sj, start_row, cj, c_row)
            j += 2 * LANES
        elif left >= LANES:
            _column_1(left, m, k, a, a_row, a_step, bj, b_step, sj, start_row, cj, c_row)
            j += LANES
        else:
            _column_0(left, m, k, a, a_row, a_step, bj, b_step, sj, start_row, cj, c_row)
            j = n


SIGNATURE_OF_PRODUCT = "void(int64,int64,int64,int64,int64,int64,int64,int64,int64,int64,int64,int64)"

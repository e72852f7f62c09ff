"""Compiled code works on addresses: views on them, calls through them, and words that threads share."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from engine.kernels.compiler import cgutils, intrinsic, types


def of_words(count: int) -> Any:
    """The signature of an intrinsic that takes words and gives nothing."""
    return types.void(*[types.int64] * count)


def _view(kind: Any) -> Any:
    result = types.CPointer(kind)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(result))

    return result(types.int64, types.int64), emit


@intrinsic
def floats(typing: Any, address: Any, size: Any) -> Any:
    """float32 memory of a size that only the reader needs: nothing checks an index."""
    return _view(types.float32)


@intrinsic
def doubles(typing: Any, address: Any, size: Any) -> Any:
    """float64 memory, as `floats`."""
    return _view(types.float64)


@intrinsic
def words(typing: Any, address: Any, size: Any) -> Any:
    """int64 memory, as `floats`."""
    return _view(types.int64)


def _caller(count: int) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * count)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return emit


@intrinsic
def call(typing: Any, address: Any, operation: Any, rows: Any, moment: Any) -> Any:
    """Calls a block."""
    word = types.int64
    return types.void(word, word, word, word), _caller(3)


@intrinsic
def call_two(typing: Any, address: Any, a: Any, b: Any) -> Any:
    """Calls a kernel of two words."""
    return of_words(3), _caller(2)


@intrinsic
def call_three(typing: Any, address: Any, a: Any, b: Any, c: Any) -> Any:
    """Calls a kernel of three words."""
    return of_words(4), _caller(3)


@intrinsic
def call_four(typing: Any, address: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Calls a kernel of four words."""
    return of_words(5), _caller(4)


@intrinsic
def call_product(
    typing: Any, address: Any, m: Any, n: Any, k: Any, a: Any, a_row: Any, a_step: Any, b: Any, b_step: Any,
    start: Any, start_row: Any, c: Any, c_row: Any,
) -> Any:  # fmt: skip
    """Calls the matrix product."""
    return of_words(13), _caller(12)


@intrinsic
def narrow(typing: Any, numbers: Any) -> Any:
    """A tuple of numbers as float32."""
    result = types.UniTuple(types.float32, len(numbers))

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = cgutils.unpack_tuple(builder, arguments[0])
        cast = [context.cast(builder, v, t, types.float32) for v, t in zip(values, signature.args[0], strict=True)]
        return context.make_tuple(builder, result, cast)

    return result(numbers), emit


def _as_tuple(kind: Any, count: Any) -> Any:
    result = types.UniTuple(kind, count.literal_value)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = builder.inttoptr(arguments[0], context.get_value_type(kind).as_pointer())
        values = [builder.load(builder.gep(first, [ir.IntType(64)(k)])) for k in range(count.literal_value)]
        return context.make_tuple(builder, result, values)

    return result(types.int64, count), emit


@intrinsic(prefer_literal=True)
def floats_as_tuple(typing: Any, address: Any, count: Any) -> Any:
    """`count` (a literal) float32 numbers as a tuple."""
    return _as_tuple(types.float32, count)


@intrinsic(prefer_literal=True)
def doubles_as_tuple(typing: Any, address: Any, count: Any) -> Any:
    """`count` (a literal) float64 numbers as a tuple."""
    return _as_tuple(types.float64, count)


@intrinsic(prefer_literal=True)
def memories(typing: Any, address: Any, count: Any) -> Any:
    """`count` (a literal) float32 memories, whose addresses lie side by side, as a tuple."""
    kind = types.CPointer(types.float32)
    result = types.UniTuple(kind, count.literal_value)

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(64)
        first = builder.inttoptr(arguments[0], word.as_pointer())
        addresses = [builder.load(builder.gep(first, [word(k)])) for k in range(count.literal_value)]
        return context.make_tuple(
            builder, result, [builder.inttoptr(place, context.get_value_type(kind)) for place in addresses]
        )

    return result(types.int64, count), emit


@intrinsic
def each_at(typing: Any, given: Any, index: Any) -> Any:
    """The number at an index of each of some memories, as a tuple."""
    result = types.UniTuple(types.float32, len(given))

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = cgutils.unpack_tuple(builder, arguments[0])
        numbers = [builder.load(builder.gep(place, [arguments[1]])) for place in places]
        return context.make_tuple(builder, result, numbers)

    return result(given, types.int64), emit


@intrinsic
def call_with_flag(typing: Any, address: Any, item: Any, flag: Any) -> Any:
    """Calls int function(void *, int)."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, flag = ir.IntType(64), ir.IntType(32)
        kind = ir.FunctionType(flag, [word, flag])
        function = builder.inttoptr(arguments[0], kind.as_pointer())
        return builder.call(function, [arguments[1], builder.trunc(arguments[2], flag)])

    return types.int32(types.int64, types.int64, types.int64), emit


@intrinsic
def call_one(typing: Any, address: Any, item: Any) -> Any:
    """Calls a function of one word."""
    return types.void(types.int64, types.int64), _caller(1)


def _atomic(operation: str) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw(operation, place, arguments[1], "seq_cst")

    return types.int64(types.int64, types.int64), emit


@intrinsic
def atomic_add(typing: Any, address: Any, amount: Any) -> Any:
    """Adds to a word that threads share; returns what it was."""
    return _atomic("add")


@intrinsic
def atomic_swap(typing: Any, address: Any, value: Any) -> Any:
    """Sets a word that threads share; returns what it was."""
    return _atomic("xchg")


@intrinsic
def atomic_read(typing: Any, address: Any) -> Any:
    """A word that threads share."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(place, "seq_cst", 8)

    return types.int64(types.int64), emit

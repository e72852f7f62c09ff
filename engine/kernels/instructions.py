"""Functions written down as instructions: Python runs them once, over values that note what is done with them.

For the compiler a function of its own is 20 to 60 ms of work; one that is written down here is 1 ms.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from engine.kernels.compiler import cgutils, intrinsic, types
from engine.kernels.jit import EXACT

FLOAT, WORD = ir.FloatType(), ir.IntType(32)


class Value:
    """What an instruction gave. `flags`: of the operations with it; none: those of the kernel that it is in."""

    kind: Any

    def __init__(self, builder: Any, value: Any, flags: tuple[str, ...] = ()) -> None:
        self.builder, self.value, self.flags = builder, value, flags

    def flagged(self, flags: tuple[str, ...]) -> Any:
        return type(self)(self.builder, self.value, flags)

    def made(self, cls: type[Any], value: Any) -> Any:
        """What another instruction gave, under the same flags."""
        return cls(self.builder, value, self.flags)

    @classmethod
    def value_of(cls, other: Any) -> Any:
        """The instruction of a value, or of a number of Python, which becomes one of this kind."""
        return other.value if isinstance(other, Value) else ir.Constant(cls.kind, other)


class Truth(Value):
    """Whether a comparison holds."""

    kind = ir.IntType(1)

    def __or__(self, other: Any) -> Truth:
        return self.made(Truth, self.builder.or_(self.value, self.value_of(other)))


class Word(Value):
    """An int32."""

    kind = WORD

    def _with(self, operation: Callable[..., Any], other: Any) -> Word:
        return self.made(Word, operation(self.value, self.value_of(other)))

    def __add__(self, other: Any) -> Word:
        return self._with(self.builder.add, other)

    def __sub__(self, other: Any) -> Word:
        return self._with(self.builder.sub, other)

    def __and__(self, other: Any) -> Word:
        return self._with(self.builder.and_, other)

    def __xor__(self, other: Any) -> Word:
        return self._with(self.builder.xor, other)

    def __lshift__(self, other: Any) -> Word:
        return self._with(self.builder.shl, other)

    def __rshift__(self, other: Any) -> Word:
        return self._with(self.builder.ashr, other)

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return self.made(Truth, self.builder.icmp_signed("!=", self.value, self.value_of(other)))

    def as_bits(self) -> Number:
        """The float32 with these bits."""
        return self.made(Number, self.builder.bitcast(self.value, FLOAT))

    def as_number(self) -> Number:
        return self.made(Number, self.builder.sitofp(self.value, FLOAT))


class Number(Value):
    """A float32."""

    kind = FLOAT

    @classmethod
    def value_of(cls, other: Any) -> Any:
        return super().value_of(other if isinstance(other, Value) else float(np.float32(other)))

    def _with(self, operation: Callable[..., Any], a: Any, b: Any) -> Number:
        return self.made(Number, operation(self.value_of(a), self.value_of(b), flags=self.flags))

    def __add__(self, other: Any) -> Number:
        return self._with(self.builder.fadd, self, other)

    def __radd__(self, other: Any) -> Number:
        return self._with(self.builder.fadd, other, self)

    def __sub__(self, other: Any) -> Number:
        return self._with(self.builder.fsub, self, other)

    def __rsub__(self, other: Any) -> Number:
        return self._with(self.builder.fsub, other, self)

    def __mul__(self, other: Any) -> Number:
        return self._with(self.builder.fmul, self, other)

    def __rmul__(self, other: Any) -> Number:
        return self._with(self.builder.fmul, other, self)

    def __truediv__(self, other: Any) -> Number:
        return self._with(self.builder.fdiv, self, other)

    def __rtruediv__(self, other: Any) -> Number:
        return self._with(self.builder.fdiv, other, self)

    def __neg__(self) -> Number:
        return self.made(Number, self.builder.fneg(self.value, flags=self.flags))

    def __pow__(self, other: Any) -> Number:
        return self.called("llvm.pow.f32", self, other)

    def __abs__(self) -> Number:
        return self.called("llvm.fabs.f32", self)

    def _compared(self, how: str, other: Any) -> Truth:
        compare = self.builder.fcmp_unordered if how == "!=" else self.builder.fcmp_ordered
        return self.made(Truth, compare(how, self.value, self.value_of(other), flags=self.flags))

    def __lt__(self, other: Any) -> Truth:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Truth:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Truth:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Truth:
        return self._compared(">=", other)

    def __eq__(self, other: object) -> Truth:  # type: ignore[override]
        return self._compared("==", other)

    def __ne__(self, other: object) -> Truth:  # type: ignore[override]
        return self._compared("!=", other)

    def bits(self) -> Word:
        return self.made(Word, self.builder.bitcast(self.value, WORD))

    def called(self, name: str, *numbers: Any) -> Number:
        """What a function of LLVM gives for these numbers."""
        kind = ir.FunctionType(FLOAT, [FLOAT] * len(numbers))
        function = cgutils.get_or_insert_function(self.builder.module, kind, name)
        return self.made(Number, self.builder.call(function, [self.value_of(number) for number in numbers]))


def fma(x: Number, y: Any, z: Any) -> Number:
    """x y + z, rounded once."""
    return x.called("llvm.fma.f32", x, y, z)


def larger(x: Number, y: Any) -> Number:
    """NaN if either is; one instruction beside a constant, which a comparison is not."""
    return x.called("llvm.maximum.f32", x, y)


def smaller(x: Number, y: Any) -> Number:
    return x.called("llvm.minimum.f32", x, y)


def pick(condition: Truth, yes: Any, no: Any) -> Number:
    """`yes` where the condition holds, `no` elsewhere."""
    return condition.made(Number, condition.builder.select(condition.value, *map(Number.value_of, (yes, no))))


def exactly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Its sums rely on exact cancellation: they keep their order."""

    def written(*numbers: Any) -> Any:
        flags = next(number.flags for number in numbers if isinstance(number, Value))
        result = function(*(number.flagged(EXACT) if isinstance(number, Value) else number for number in numbers))
        if isinstance(result, tuple):
            return tuple(number.flagged(flags) for number in result)
        return result.flagged(flags)

    return written


def teach(function: Callable[..., Any], written: Callable[..., Any]) -> None:
    """In compiled code `function` is what `written` does with such values: float32, tuples of them, and truths."""

    def definition(typing: Any, *kinds: Any) -> Any:
        if not all(_known(kind) for kind in kinds):
            return None
        scratch = ir.Function(
            ir.Module(), ir.FunctionType(ir.VoidType(), [_shape_of(kind) for kind in kinds]), "scratch"
        )
        result = _kind_of(_written(written, ir.IRBuilder(scratch.append_basic_block()), kinds, scratch.args))

        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            told = _written(written, builder, signature.args, arguments)
            if isinstance(told, tuple):
                return context.make_tuple(builder, result, [Number.value_of(number) for number in told])
            return Number.value_of(told)

        return result(*kinds), emit

    names = ("typing", *inspect.signature(function).parameters)
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    definition.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    intrinsic(definition, of=function)


def _known(kind: Any) -> bool:
    return kind in (types.float32, types.boolean) or (isinstance(kind, types.UniTuple) and kind.dtype == types.float32)


def _shape_of(kind: Any) -> Any:
    if isinstance(kind, types.UniTuple):
        return ir.ArrayType(FLOAT, kind.count)
    return Truth.kind if kind == types.boolean else FLOAT


def _written(written: Callable[..., Any], builder: Any, kinds: Any, arguments: Any) -> Any:
    values: list[Any] = []
    for kind, value in zip(kinds, arguments, strict=True):
        if isinstance(kind, types.UniTuple):
            values.append(tuple(Number(builder, number) for number in cgutils.unpack_tuple(builder, value)))
        else:
            values.append((Truth if kind == types.boolean else Number)(builder, value))
    return written(*values)


def _kind_of(result: Any) -> Any:
    if isinstance(result, tuple):
        return types.UniTuple(types.float32, len(result))
    return types.int32 if isinstance(result, Word) else types.float32

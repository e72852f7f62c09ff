"""The blocks of a program: small pieces of work, each compiled on its own when it is first needed."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable
from numba.np.unsafe.ndarray import to_fixed_tuple

from engine import activations, losses, maths
from engine.errors import RelumeError
from engine.kernels import vector_maths  # noqa: F401  registers the functions of formulas
from engine.kernels.jit import OPTIONS, Kernel, bound, formula, wide_formula
from engine.kernels.layout import (
    CONSTANTS,
    CORRECT,
    G0,
    G1,
    GX,
    GY,
    INPUTS,
    KEY,
    LOSS_SUM,
    ONE,
    OUTPUTS,
    P0,
    P1,
    PRODUCT,
    SQUARES,
    SUMS,
    WORDS,
    WORK,
    ZEROS,
    X,
    Y,
)  # fmt: skip
from engine.kernels.memory import (
    SIGNATURE_OF_PRODUCT,
    call_product,
    doubles,
    floats,
    narrow,
    product,
    words,
)  # fmt: skip
from engine.kernels.vector_maths import bits
from engine.optimizers import Optimizer

SIGNATURE = "void(int64,int64,int64,int64)"
F = np.float32


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """What an operation calls; backward and prepare may be missing."""

    forward: Kernel
    backward: Kernel | None = None
    prepare: Kernel | None = None

    def kernels(self) -> list[Kernel]:
        return [kernel for kernel in (self.forward, self.backward, self.prepare) if kernel is not None]


def _kernel(title: str, function: Callable[..., Any], /, **names: Any) -> Kernel:
    """`names` are made when the kernel is: values are functions without arguments."""
    label = "".join(c if c.isalnum() else "_" for c in title)

    def make() -> Callable[..., Any]:
        return bound(function, label, **{name: value() for name, value in names.items()})

    return Kernel(title, make, SIGNATURE)


MATRIX_PRODUCT = Kernel("matrix product", lambda: product, SIGNATURE_OF_PRODUCT)


# Affine: z = x kernel + bias.


def _affine_forward(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    i, u = o[INPUTS], o[OUTPUTS]
    call_product(o[PRODUCT], rows, u, i, o[X], i, 1, o[P0], u, o[P1], 0, o[Y], u)


def _affine_prepare(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    i, u = o[INPUTS], o[OUTPUTS]
    if o[GX] == 0:
        return
    kernel, turned = floats(o[P0], i * u), floats(o[WORK], i * u)
    for r in range(0, i, 8):
        for c in range(u):
            for k in range(r, min(r + 8, i)):
                turned[c * i + k] = kernel[k * u + c]


def _affine_backward(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    i, u = o[INPUTS], o[OUTPUTS]
    fresh = first == 0
    start, stride = (o[ZEROS], 0) if fresh else (o[G0], u)
    call_product(o[PRODUCT], i, u, rows, o[X], 1, i, o[GY], u, start, stride, o[G0], u)
    call_product(o[PRODUCT], 1, u, rows, o[ONE], 0, 0, o[GY], u, o[ZEROS] if fresh else o[G1], 0, o[G1], u)
    if o[GX] != 0:
        call_product(o[PRODUCT], rows, i, u, o[GY], u, 1, o[WORK], i, o[ZEROS], 0, o[GX], i)


# Activations: a = f(z), by the number and kind of their options.


def _forward(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    z, a = floats(o[X], n), floats(o[Y], n)
    for i in range(n):
        a[i] = function(z[i])  # type: ignore[name-defined] # noqa: F821


def _backward(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    z, a, gz, ga = floats(o[X], n), floats(o[Y], n), floats(o[GX], n), floats(o[GY], n)
    for i in range(n):
        gz[i] = ga[i] * slope(z[i], a[i])  # type: ignore[name-defined] # noqa: F821


def _forward_constant(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    z, a, c = floats(o[X], n), floats(o[Y], n), floats(o[CONSTANTS], 1)[0]
    for i in range(n):
        a[i] = function(z[i], c)  # type: ignore[name-defined] # noqa: F821


def _backward_constant(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    z, a, gz, ga = floats(o[X], n), floats(o[Y], n), floats(o[GX], n), floats(o[GY], n)
    c = floats(o[CONSTANTS], 1)[0]
    for i in range(n):
        gz[i] = ga[i] * slope(z[i], a[i], c)  # type: ignore[name-defined] # noqa: F821


def _forward_learned(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    p = floats(o[P0], u)
    for r in range(rows):
        z, a = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        for j in range(u):
            a[j] = function(z[j], p[j])  # type: ignore[name-defined] # noqa: F821


def _backward_learned(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    p, gp = floats(o[P0], u), floats(o[G0], u)
    if first == 0:
        for j in range(u):
            gp[j] = F(0.0)
    for r in range(rows):
        z, a = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        gz, ga = floats(o[GX] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u)
        for j in range(u):
            gp[j] += ga[j] * option_gradient(z[j], a[j], p[j])  # type: ignore[name-defined] # noqa: F821
            gz[j] = ga[j] * slope(z[j], a[j], p[j])  # type: ignore[name-defined] # noqa: F821


def _activation(name: str) -> Block:
    record = activations.get(name)
    if len(record.options) > 1:
        raise RelumeError(f"{name} has more options than a kernel takes.", fix="Use one option.")
    function, slope = lambda: formula(record.function), lambda: formula(record.slope)  # noqa: E731
    if record.learned:
        gradient = record.learned[0].gradient
        assert gradient is not None
        return Block(
            _kernel(f"{name} forward", _forward_learned, function=function),
            _kernel(f"{name} backward", _backward_learned, slope=slope, option_gradient=lambda: formula(gradient)),
        )
    ways = (_forward_constant, _backward_constant) if record.options else (_forward, _backward)
    return Block(
        _kernel(f"{name} forward", ways[0], function=function), _kernel(f"{name} backward", ways[1], slope=slope)
    )


# Dropout: a mask from (seed and layer, step, element).


@register_jitable(**OPTIONS)
def mixed(x: Any) -> Any:
    """splitmix64: 64 random bits from any 64."""
    x = np.uint64(x) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _masked(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    source, target = floats(o[FROM], n), floats(o[TO], n)  # type: ignore[name-defined] # noqa: F821
    numbers = floats(o[CONSTANTS], 2)
    rate, scale = np.uint64(np.float64(numbers[0]) * 4294967296.0), numbers[1]
    key = mixed(np.uint64(o[KEY]) ^ mixed(np.uint64(step)))
    base = np.uint64(first * o[OUTPUTS])
    for i in range(n):
        dropped = (mixed(key + base + np.uint64(i)) >> np.uint64(32)) < rate
        target[i] = F(0.0) if dropped else source[i] * scale


# Losses: the gradient for the outputs, the sum of the values. `first` holds the rows of the whole batch.


def _loss(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    n = rows * u
    y, t, g = floats(o[X], n), floats(o[P0], n), floats(o[GX], n)
    scale = F(1.0 / np.float64(first * u))
    total = F(0.0)
    for i in range(n):
        total += value(y[i], t[i], F(0.0))  # type: ignore[name-defined] # noqa: F821
        g[i] = gradient(y[i], t[i], F(0.0)) * scale  # type: ignore[name-defined] # noqa: F821
    doubles(o[SUMS], 1)[LOSS_SUM] += total / np.float64(u)


def _coupled_loss(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    n = rows * u
    y, t, g, w = floats(o[X], n), floats(o[P0], n), floats(o[GX], n), floats(o[WORK], n)
    for r in range(rows):
        k = r * u
        top = y[k]
        for j in range(k + 1, k + u):
            top = y[j] if y[j] > top else top
        for j in range(k, k + u):
            w[j] = top
    for i in range(n):
        w[i] = y[i] - w[i]
        g[i] = exp(w[i])  # type: ignore[name-defined] # noqa: F821
    for r in range(rows):
        k = r * u
        total = F(0.0)
        for j in range(k, k + u):
            total += g[j]
        row = F(np.log(np.float64(total)))
        for j in range(k, k + u):
            g[j] = row
    scale = F(1.0 / np.float64(first))
    loss = F(0.0)
    for i in range(n):
        row = g[i]
        loss += value(w[i], t[i], row)  # type: ignore[name-defined] # noqa: F821
        g[i] = gradient(w[i], t[i], row) * scale  # type: ignore[name-defined] # noqa: F821
    doubles(o[SUMS], 1)[LOSS_SUM] += np.float64(loss)


def _accuracy_of_one(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    y, t, c = floats(o[X], rows), floats(o[P0], rows), floats(o[CONSTANTS], 1)[0]
    right = 0
    for r in range(rows):
        right += (y[r] > c) == (t[r] > F(0.5))
    doubles(o[SUMS], 2)[CORRECT] += np.float64(right)


def _accuracy(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    right = 0
    for r in range(rows):
        y, t = floats(o[X] + 4 * r * u, u), floats(o[P0] + 4 * r * u, u)
        best, label = 0, 0
        for j in range(1, u):
            best = j if y[j] > y[best] else best
            label = j if t[j] > t[label] else label
        right += best == label
    doubles(o[SUMS], 2)[CORRECT] += np.float64(right)


def _squares(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    sums = doubles(o[SUMS], SQUARES + 3 * u)
    for r in range(rows):
        y, t = floats(o[X] + 4 * r * u, u), floats(o[P0] + 4 * r * u, u)
        for j in range(u):
            e, v = np.float64(y[j]) - np.float64(t[j]), np.float64(t[j])
            sums[SQUARES + j] += e * e
            sums[SQUARES + u + j] += v
            sums[SQUARES + 2 * u + j] += v * v


def _exp(x: Any) -> Any:
    return maths.exp(x)


def _loss_block(name: str) -> Block:
    record = losses.get(name)
    value, gradient = lambda: formula(record.value), lambda: formula(record.gradient)  # noqa: E731
    if record.coupled:
        return Block(_kernel(record.title, _coupled_loss, value=value, gradient=gradient, exp=lambda: formula(_exp)))
    return Block(_kernel(record.title, _loss, value=value, gradient=gradient))


# Optimizers: a pass over all parameters, by the number of values kept for each.


@register_jitable(**OPTIONS)
def size_bits(x: Any) -> Any:
    """Bits that order float32 numbers by |x|; infinity and NaN come last."""
    return np.int32(bits(x) & np.int32(0x7FFFFFFF))


def _update_0(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = o[INPUTS]
    w, g = floats(o[P0], n), floats(o[G0], n)
    c = narrow(coefficients(np.float64(step), *to_fixed_tuple(doubles(o[CONSTANTS], COUNT), COUNT)))  # type: ignore[name-defined] # noqa: F821
    top = np.int32(0)
    for i in range(n):
        new = rule(w[i], g[i], c)  # type: ignore[name-defined] # noqa: F821
        w[i] = new[0]
        top = max(top, size_bits(new[0]))
    words(o[SUMS], 1)[0] = np.int64(top)


def _update_1(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = o[INPUTS]
    w, g, s = floats(o[P0], n), floats(o[G0], n), floats(o[P1], n)
    c = narrow(coefficients(np.float64(step), *to_fixed_tuple(doubles(o[CONSTANTS], COUNT), COUNT)))  # type: ignore[name-defined] # noqa: F821
    top = np.int32(0)
    for i in range(n):
        new = rule(w[i], g[i], s[i], c)  # type: ignore[name-defined] # noqa: F821
        w[i], s[i] = new[0], new[1]
        top = max(top, size_bits(new[0]))
    words(o[SUMS], 1)[0] = np.int64(top)


def _update_2(op: Any, rows: Any, first: Any, step: Any) -> None:
    o = words(op, WORDS)
    n = o[INPUTS]
    w, g, s, q = floats(o[P0], n), floats(o[G0], n), floats(o[P1], n), floats(o[P1] + 4 * n, n)
    c = narrow(coefficients(np.float64(step), *to_fixed_tuple(doubles(o[CONSTANTS], COUNT), COUNT)))  # type: ignore[name-defined] # noqa: F821
    top = np.int32(0)
    for i in range(n):
        new = rule(w[i], g[i], s[i], q[i], c)  # type: ignore[name-defined] # noqa: F821
        w[i], s[i], q[i] = new[0], new[1], new[2]
        top = max(top, size_bits(new[0]))
    words(o[SUMS], 1)[0] = np.int64(top)


_UPDATES = (_update_0, _update_1, _update_2)
_optimizers: dict[Any, Kernel] = {}


def optimizer_kernel(optimizer: Optimizer) -> Kernel:
    """The compiled update of this kind of optimizer."""
    rule = optimizer.rule
    if rule not in _optimizers:
        count, coefficients = len(optimizer.numbers()), type(optimizer).coefficients
        _optimizers[rule] = _kernel(
            f"{optimizer.kind} {rule.__name__.strip('_')}", _UPDATES[len(optimizer.slots)],
            rule=lambda: formula(rule), coefficients=lambda: wide_formula(coefficients), COUNT=lambda: count,
        )  # fmt: skip
    return _optimizers[rule]


_FIXED: dict[str, Callable[[], Block]] = {
    "affine": lambda: Block(
        _kernel("affine forward", _affine_forward),
        _kernel("affine backward", _affine_backward),
        _kernel("affine prepare", _affine_prepare),
    ),
    "dropout": lambda: Block(
        _kernel("dropout forward", _masked, FROM=lambda: X, TO=lambda: Y),
        _kernel("dropout backward", _masked, FROM=lambda: GY, TO=lambda: GX),
    ),
    "metric accuracy": lambda: Block(_kernel("accuracy", _accuracy)),
    "metric accuracy of one": lambda: Block(_kernel("accuracy of one output", _accuracy_of_one)),
    "metric r2": lambda: Block(_kernel("R squared", _squares)),
}


@functools.cache
def find(name: str) -> Block:
    """The block called `name`: "affine", "dropout", "activation relu", "loss huber", "metric accuracy"."""
    kind, _, rest = name.partition(" ")
    if kind == "activation":
        return _activation(rest)
    if kind == "loss":
        return _loss_block(rest)
    return _FIXED[name]()

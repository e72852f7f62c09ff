"""What a formula is made of: a tree of small nodes that share what is equal, its values, its derivative.

Smart constructors simplify a little (0 x, 1 x, numbers among themselves). `maximum` keeps a number on the right: at a
tie its slope is the one of the right side, that of `minimum` the one of the left, so that relu has slope 0 at 0.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from engine import maths


@dataclasses.dataclass(frozen=True, eq=False)
class Node:
    """A number, a name ("x", a letter), or what its kind makes of its parts; equal nodes are the same object."""

    kind: str
    parts: tuple[Node, ...] = ()
    number: float = 0.0  # of the kinds "number" and "power" (the exponent)
    name: str = ""

    def names(self) -> set[str]:
        """Every name that it depends on."""
        return {self.name} if self.kind == "name" else set().union(*(part.names() for part in self.parts))


#: kind -> how numpy works it out. Comparisons are conditions of "where".
KINDS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "negative": lambda a: -a,
    "greater": lambda a, b: a > b, "greater_equal": lambda a, b: a >= b,
    "where": maths.where, "maximum": maths.maximum, "minimum": maths.minimum,
    "exp": maths.exp, "expm1": maths.expm1, "log": maths.log, "log1p": maths.log1p, "sqrt": maths.sqrt,
    "sin": maths.sin, "cos": maths.cos, "tanh": maths.tanh, "sigmoid": maths.sigmoid, "softplus": maths.softplus,
    "absolute": maths.absolute, "sign": maths.sign,
}  # fmt: skip
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "greater": ">", "greater_equal": ">="}


@functools.lru_cache(maxsize=10_000)
def _node(kind: str, parts: tuple[Node, ...], value: float, name: str) -> Node:
    return Node(kind, parts, value, name)


def number(value: float) -> Node:
    return _node("number", (), float(value), "")


def name(text: str) -> Node:
    return _node("name", (), 0.0, text)


ZERO, ONE = number(0.0), number(1.0)


def make(kind: str, *parts: Node) -> Node:
    """The node, simplified."""
    if all(part.kind == "number" for part in parts) and kind not in ("greater", "greater_equal", "where"):
        with np.errstate(all="ignore"):
            value = float(KINDS[kind](*(np.float64(part.number) for part in parts)))
        if math.isfinite(value):
            return number(value)
    a, b = parts[0], parts[-1]
    match kind:
        case "add":
            if ZERO in (a, b):
                return b if a is ZERO else a
            if b.kind == "negative":
                return make("subtract", a, b.parts[0])
        case "subtract":
            if b is ZERO:
                return a
            if a is ZERO:
                return make("negative", b)
            if b.kind == "negative":
                return make("add", a, b.parts[0])
        case "multiply":
            if ZERO in (a, b):
                return ZERO
            if ONE in (a, b):
                return b if a is ONE else a
            if a.kind == "negative" or b.kind == "negative":
                one, two = (part.parts[0] if part.kind == "negative" else part for part in (a, b))
                product = make("multiply", one, two)
                return product if a.kind == b.kind else make("negative", product)
            if b.kind == "number":
                return make("multiply", b, a)
        case "divide":
            if a is ZERO or b is ONE:
                return a
            if b.kind == "number" and b.number and math.isfinite(1.0 / b.number):
                return make("multiply", number(1.0 / b.number), a)
        case "negative":
            if a.kind == "negative":
                return a.parts[0]
        case "maximum" | "minimum":
            if a.kind == "number":
                return make(kind, b, a)
        case "where":
            if parts[1] is parts[2]:
                return parts[1]
    return _of_choices(kind, parts) or _node(kind, parts, 0.0, "")


def _of_choices(kind: str, parts: tuple[Node, ...]) -> Node | None:
    """Of choices between numbers by one condition, and of numbers, another such choice."""
    choices = [part for part in parts if part.kind == "where"]
    plain = all(part.kind in ("number", "where") for part in parts) and kind in ("add", "subtract", "multiply")
    if not plain or not choices or any(choice.parts[0] is not choices[0].parts[0] for choice in choices):
        return None
    if any(side.kind != "number" for choice in choices for side in choice.parts[1:]):
        return None
    yes, no = (make(kind, *(part.parts[side] if part.kind == "where" else part for part in parts)) for side in (1, 2))
    return make("where", choices[0].parts[0], yes, no)


def power(base: Node, exponent: float) -> Node:
    """base ** exponent"""
    if exponent == 0.0:
        return ONE
    if exponent == 1.0:
        return base
    if base.kind == "number" and (base.number > 0.0 or (base.number and exponent == round(exponent))):
        return number(base.number**exponent)
    return _node("power", (base,), float(exponent), "")


def evaluate(node: Node, values: Mapping[str, Any]) -> Any:
    """Its value by numpy, from those of its names; conditions give truth values."""
    known: dict[Node, Any] = {}

    def value(node: Node) -> Any:
        if node.kind == "number":
            return node.number
        if node.kind == "name":
            return values[node.name]
        if node not in known:
            parts = [value(part) for part in node.parts]
            if node.kind == "power":
                whole = node.number == round(node.number)
                known[node] = parts[0] ** (int(node.number) if whole and node.number > 0 else node.number)
            else:
                known[node] = KINDS[node.kind](*parts)
        return known[node]

    return value(node)


def source(node: Node) -> str:
    """Python that says the same with the functions of `engine.maths`."""
    if node.kind == "number":
        return repr(node.number) if node.number >= 0.0 else f"({node.number!r})"
    if node.kind == "name":
        return node.name
    parts = [source(part) for part in node.parts]
    if node.kind == "power":
        return f"({parts[0]} ** {node.number!r})"
    if node.kind == "negative":
        return f"(-{parts[0]})"
    if node.kind in _SIGNS:
        return f"({parts[0]} {_SIGNS[node.kind]} {parts[1]})"
    return f"maths.{node.kind}({', '.join(parts)})"


def derivative(node: Node, by: str) -> Node:
    """d node / d name, by rule."""
    known: dict[Node, Node] = {}

    def derived(node: Node) -> Node:
        if node.kind == "number":
            return ZERO
        if node.kind == "name":
            return ONE if node.name == by else ZERO
        if node not in known:
            known[node] = _rule(node, tuple(derived(part) for part in node.parts))
        return known[node]

    return derived(node)


def _rule(node: Node, slopes: tuple[Node, ...]) -> Node:
    parts = node.parts
    a, da = parts[0], slopes[0]
    b, db = parts[-1], slopes[-1]
    match node.kind:
        case "add" | "subtract" | "negative":
            return make(node.kind, *slopes)
        case "multiply":
            return make("add", make("multiply", da, b), make("multiply", a, db))
        case "divide":  # (a' - (a / b) b') / b
            return make("divide", make("subtract", da, make("multiply", node, db)), b)
        case "where":
            return make("where", a, slopes[1], slopes[2])
        case "maximum":
            return make("where", make("greater", a, b), da, db)
        case "minimum":
            return make("where", make("greater", a, b), db, da)
        case "greater" | "greater_equal" | "sign":
            return ZERO
    return make("multiply", da, _outer(node, a)) if da is not ZERO else ZERO


def _outer(node: Node, a: Node) -> Node:
    """The derivative of a function of one number at a."""
    match node.kind:
        case "power":
            return make("multiply", number(node.number), power(a, node.number - 1.0))
        case "exp":
            return node
        case "expm1":
            return make("exp", a)
        case "log":
            return make("divide", ONE, a)
        case "log1p":
            return make("divide", ONE, make("add", ONE, a))
        case "sqrt":
            return make("divide", number(0.5), node)
        case "sin":
            return make("cos", a)
        case "cos":
            return make("negative", make("sin", a))
        case "tanh":
            return make("subtract", ONE, make("multiply", node, node))
        case "sigmoid":
            return make("multiply", node, make("subtract", ONE, node))
        case "softplus":
            return make("sigmoid", a)
    return make("sign", a)  # of absolute

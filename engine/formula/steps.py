"""A formula as a program: steps over registers, each a block of numbers. The interpreter is `kernels/own_formula.py`.

Words: registers, numbers, letters, the steps of forward, then of backward, where slope and letters' gradients are:

    HEADER   REGISTERS, NUMBERS, LETTERS, FORWARD, BACKWARD (offsets of the programs), RESULTS (an offset)
    program  count of steps, then STEP words each: kind, register written, three registers read
    results  register of the slope, registers of d a / d letter

Registers: Z, Y, the letters, the numbers, then the working ones. A step never writes what it reads.
"""

from __future__ import annotations

import functools

from engine.formula import tree
from engine.formula.tree import Node

REGISTERS, NUMBERS, LETTERS, FORWARD, BACKWARD, RESULTS, HEADER = 0, 1, 2, 3, 4, 5, 6
STEP = 5
Z, Y, FIRST_LETTER = 0, 1, 2
KINDS = (
    "copy", "add", "subtract", "multiply", "divide", "negative", "greater", "greater_equal", "where", "maximum",
    "minimum", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "sigmoid", "softplus", "absolute", "sign",
)  # fmt: skip
MOST_STEPS, MOST_REGISTERS = 400, 48

Words = tuple[int, ...]
Step = tuple[int, int, int, int, int]


@functools.lru_cache(maxsize=256)
def program(node: Node, letters: tuple[str, ...]) -> tuple[Words, tuple[float, ...]] | None:
    """(words, numbers); None where it would take too many steps."""
    slopes = [_lowered(tree.derivative(node, by)) for by in ("x", *letters)]
    result = _lowered(node)
    numbers: dict[float, int] = {}
    for root in (result, *slopes):
        for part in _order(root):
            if part.kind == "number":
                numbers.setdefault(part.number, FIRST_LETTER + len(letters) + len(numbers))
    named = {tree.name("x"): Z} | {tree.name(text): FIRST_LETTER + k for k, text in enumerate(letters)}
    named |= {tree.number(value): register for value, register in numbers.items()}
    first = FIRST_LETTER + len(letters) + len(numbers)
    forward, _, one = _allocated([result], named, first, target=True)
    backward, results, two = _allocated(slopes, {result: Y, **named}, first)
    registers = max(one, two)
    if registers > MOST_REGISTERS or len(forward) + len(backward) > MOST_STEPS:
        return None
    programs = [(len(steps), *(word for step in steps for word in step)) for steps in (forward, backward)]
    places = (HEADER, HEADER + len(programs[0]), HEADER + len(programs[0]) + len(programs[1]))
    words = (registers, len(numbers), len(letters), *places, *programs[0], *programs[1], *results)
    return words, tuple(numbers)


def _lowered(node: Node) -> Node:
    """The same with powers as products, roots, or exp(n log b), and choices between 1 and 0 as their conditions."""
    known: dict[Node, Node] = {}

    def lowered(node: Node) -> Node:
        if node.kind in ("number", "name"):
            return node
        if node not in known:
            parts = [lowered(part) for part in node.parts]
            if node.kind == "where" and parts[1:] == [tree.ONE, tree.ZERO]:
                known[node] = parts[0]  # a condition is 1 or 0 here
            else:
                known[node] = _power(parts[0], node.number) if node.kind == "power" else tree.make(node.kind, *parts)
        return known[node]

    return lowered(node)


def _power(base: Node, exponent: float) -> Node:
    if exponent < 0.0:
        return tree.make("divide", tree.ONE, _power(base, -exponent))
    if exponent == round(exponent):
        if exponent <= 1.0:
            return base if exponent else tree.ONE
        half = _power(base, exponent // 2.0)
        square = tree.make("multiply", half, half)
        return tree.make("multiply", square, base) if exponent % 2.0 else square
    if 2.0 * exponent == round(2.0 * exponent):
        return tree.make("multiply", _power(base, exponent - 0.5), tree.make("sqrt", base))
    return tree.make("exp", tree.make("multiply", tree.number(exponent), tree.make("log", base)))


def _order(root: Node) -> list[Node]:
    """Every node once, parts before what is made of them."""
    seen: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in seen:
            for part in node.parts:
                visit(part)
            seen[node] = None

    visit(root)
    return list(seen)


def _allocated(
    roots: list[Node], known: dict[Node, int], first: int, target: bool = False
) -> tuple[list[Step], list[int], int]:
    """(steps, registers of the roots, how many registers there are); target: the root is written to Y."""
    order: dict[Node, None] = {}

    def visit(node: Node) -> None:
        if node not in known and node not in order:
            for part in node.parts:
                visit(part)
            order[node] = None

    for root in roots:
        visit(root)
    last = {part: place for place, node in enumerate(order) for part in node.parts}
    last |= dict.fromkeys(roots, len(order))
    where, top = dict(known), first
    free: list[int] = []
    steps: list[Step] = []
    for place, node in enumerate(order):
        if target and node is roots[0]:
            where[node] = Y
        elif free:
            where[node] = free.pop()
        else:
            where[node], top = top, top + 1
        read = [where[part] for part in node.parts]
        read += [read[0]] * (3 - len(read))
        steps.append((KINDS.index(node.kind), where[node], read[0], read[1], read[2]))
        free += [where[part] for part in dict.fromkeys(node.parts) if part not in known and last[part] == place]
    if target and roots[0] in known:
        source = known[roots[0]]
        steps.append((KINDS.index("copy"), Y, source, source, source))
    return steps, [where[root] for root in roots], top

"""Reads a formula with Python's own grammar and a list of what may stand in it."""

from __future__ import annotations

import ast
import dataclasses
import math

from engine.errors import RelumeError
from engine.formula import tree
from engine.formula.tree import Node

LONGEST, DEEPEST, MOST_LETTERS = 200, 40, 4
CONSTANTS = {"pi": math.pi, "e": math.e}
#: name -> how many numbers it takes; max and min take two or more.
FUNCTIONS = {
    "abs": 1, "exp": 1, "expm1": 1, "log": 1, "log1p": 1, "sqrt": 1, "sin": 1, "cos": 1, "tanh": 1, "sigmoid": 1,
    "softplus": 1, "relu": 1, "sign": 1, "step": 1, "min": 2, "max": 2, "clip": 3, "where": 3,
}  # fmt: skip
_SIGNS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
_COMPARED = {ast.Gt: "greater", ast.GtE: "greater_equal", ast.Lt: "greater", ast.LtE: "greater_equal"}
_KINDS = {"abs": "absolute", "min": "minimum", "max": "maximum"}
_ALLOWED = "numbers, x, letters, + - * / **, comparisons and functions"


class FormulaError(RelumeError):
    """What is wrong with a formula and at which character (from 0); None where it is with the whole of it."""

    def __init__(self, what: str, expression: str, position: int | None, fix: str = "") -> None:
        self.expression = expression
        self.position = None if position is None else max(0, min(position, len(expression)))
        place = "" if self.position is None else f", character {self.position + 1}"
        super().__init__(what, f"own formula{place}", fix)

    @property
    def caret(self) -> str:
        """The formula, and under it a mark at the place, if there is one."""
        if self.position is None:
            return self.expression
        return f"{self.expression}\n{' ' * self.position}^"


@dataclasses.dataclass(frozen=True)
class Reading:
    """A formula that was understood."""

    expression: str
    node: Node
    letters: tuple[str, ...]  # in the order of the alphabet


def tidy(text: str) -> str:
    """The formula as it is kept: one line, single spaces."""
    return " ".join(text.split())


def read(text: str) -> Reading:
    """The formula as a tree. Raises FormulaError."""
    expression = tidy(text)
    if not expression:
        raise FormulaError("The formula is empty.", expression, 0, "Write one in x, for example x*sigmoid(a*x).")
    if len(expression) > LONGEST:
        raise FormulaError(f"The formula is longer than {LONGEST} characters.", expression, LONGEST, "Shorten it.")
    for place, character in enumerate(expression):
        if not (character.isascii() and character.isprintable()):
            raise FormulaError(f"The character {character!r} cannot be read.", expression, place)
    return _Reader(expression).read()


class _Reader:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        # x^2 is read as x**2; `places` says where a character came from
        pieces = [(place, c) for place, one in enumerate(expression) for c in ("**" if one == "^" else one)]
        self.text = "".join(c for _, c in pieces)
        self.places = [place for place, _ in pieces]
        self.letters: dict[str, int] = {}

    def read(self) -> Reading:
        try:
            parsed = ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            place = (error.offset or 0) - 1 if error.lineno == 1 else len(self.text)
            raise self._error("This cannot be read as a formula.", place, f"Allowed: {_ALLOWED}.") from None
        except (ValueError, RecursionError, MemoryError):
            raise self._error("The formula cannot be read.", 0, "Write it with fewer brackets.") from None
        node = self._node(parsed, 0)
        if len(self.letters) > MOST_LETTERS:
            last = sorted(self.letters.values())[MOST_LETTERS]
            raise self._error(f"More than {MOST_LETTERS} letters are learned.", last, "Write numbers for some.")
        if "x" not in node.names():
            raise self._error("x has no effect in this formula.", 0, "x is the sum that the unit is given.")
        return Reading(self.expression, node, tuple(sorted(self.letters.keys() & node.names())))

    def _error(self, what: str, place: int, fix: str = "") -> FormulaError:
        place = self.places[place] if 0 <= place < len(self.places) else len(self.expression)
        return FormulaError(what, self.expression, place, fix)

    def _node(self, item: ast.expr, depth: int) -> Node:
        place, deeper = item.col_offset, depth + 1
        if depth > DEEPEST:
            raise self._error("The formula is nested too deeply.", place, "Write it in fewer brackets.")
        match item:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return self._number(value, place)
            case ast.Name(id=text):
                return self._name(text, place)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return tree.make("negative", self._node(operand, deeper))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._node(operand, deeper)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                exponent = self._node(right, deeper)
                if exponent.kind != "number" or abs(exponent.number) > 64:
                    fix = "Write exp(b*log(a)) for a power that changes."
                    raise self._error("An exponent must be a number from -64 to 64.", right.col_offset, fix)
                return tree.power(self._node(left, deeper), exponent.number)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SIGNS:
                return tree.make(_SIGNS[type(op)], self._node(left, deeper), self._node(right, deeper))
            case ast.IfExp(test=test, body=body, orelse=other):
                return tree.make(
                    "where", self._condition(test, deeper), *(self._node(v, deeper) for v in (body, other))
                )
            case ast.Call(func=ast.Name(id=text), args=given, keywords=[]):
                return self._call(text, given, item, deeper)
            case ast.Compare():
                raise self._error("A comparison gives no number.", place, "Write where(x > 0, a, b).")
        raise self._error("This may not stand in a formula.", place, f"Allowed: {_ALLOWED}.")

    def _number(self, value: int | float, place: int) -> Node:
        try:
            wide = float(value)
        except OverflowError:
            wide = math.inf
        if abs(wide) > 1e30:
            raise self._error("This number is too large.", place)
        return tree.number(wide)

    def _name(self, text: str, place: int) -> Node:
        if text in CONSTANTS:
            return tree.number(CONSTANTS[text])
        if text in FUNCTIONS:
            raise self._error(f"{text} wants brackets.", place, f"Write {text}(x).")
        if text != "x":
            if len(text) > 1 or not text.isalpha():
                fix = "Names are x, pi, e, and single letters, which are learned."
                raise self._error(f"There is no {text} in a formula.", place, fix)
            self.letters.setdefault(text, place)
        return tree.name(text)

    def _condition(self, item: ast.expr, depth: int) -> Node:
        match item:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
                sides = [self._node(left, depth), self._node(right, depth)]
                return tree.make(_COMPARED[type(op)], *(sides if isinstance(op, ast.Gt | ast.GtE) else sides[::-1]))
        raise self._error("A condition is one comparison.", item.col_offset, "Write x > 0; also >=, <, <=.")

    def _call(self, text: str, given: list[ast.expr], item: ast.expr, depth: int) -> Node:
        if text not in FUNCTIONS:
            fix = f"Functions: {', '.join(FUNCTIONS)}."
            raise self._error(f"There is no function called {text}.", item.col_offset, fix)
        wanted, several = FUNCTIONS[text], text in ("min", "max")
        if len(given) < wanted or (len(given) > wanted and not several):
            noun = f"{wanted} number{'s' if wanted > 1 else ''}" + (" or more" if several else "")
            raise self._error(f"{text} takes {noun}, not {len(given)}.", item.col_offset)
        if text == "where":
            return tree.make("where", self._condition(given[0], depth), *(self._node(v, depth) for v in given[1:]))
        parts = [self._node(part, depth) for part in given]
        x = parts[0]
        match text:
            case "relu":
                return tree.make("maximum", x, tree.ZERO)
            case "step":
                return tree.make("where", tree.make("greater", x, tree.ZERO), tree.ONE, tree.ZERO)
            case "clip":
                return tree.make("minimum", tree.make("maximum", x, parts[1]), parts[2])
            case "min" | "max":
                for part in parts[1:]:
                    x = tree.make(_KINDS[text], x, part)
                return x
        return tree.make(_KINDS.get(text, text), x)

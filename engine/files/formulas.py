"""The source of a formula with everything that it uses, as plain Python that needs numpy and the standard library.

Formulas are written once, in their records; here they are read from there, never written anew.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from engine.activations.own import Written
from engine.errors import RelumeError


class Formulas:
    """Collects functions and what they use. `lines` are definitions in an order in which they can stand."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self._definitions: dict[str, str] = {}

    @property
    def lines(self) -> list[str]:
        return list(self._definitions.values())

    def add(self, function: Callable[..., Any], name: str) -> None:
        """Defines `function`, of one record, under `name`. Raises RelumeError where its source is not to be had."""
        if name in self._definitions:
            return
        try:
            node = _node_of(function)
        except (OSError, TypeError, SyntaxError, IndentationError):
            node = None
        if node is None:
            raise RelumeError(f"The formula of {name} has no source to write down.", "export", "Choose .npz.")
        scope = function.__globals__  # type: ignore[attr-defined]
        body: list[ast.stmt] = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
        self._define(ast.FunctionDef(name, node.args, body, [], lineno=1), scope, name)

    def _define(self, node: ast.stmt, scope: dict[str, Any], name: str) -> None:
        plain = ast.fix_missing_locations(_Plain(self, scope).visit(copy.deepcopy(node)))
        self._definitions[name] = ast.unparse(plain)

    def use(self, name: str, scope: dict[str, Any]) -> None:
        """Sees to it that a global name of a module is defined."""
        value = scope.get(name)
        if isinstance(value, types.ModuleType):
            self.imports.add(f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else ""))
        elif name in scope and name not in self._definitions:
            node = _top_level(scope["__name__"]).get(name)
            if node is not None:
                self._define(node, scope, name)


class _Plain(ast.NodeTransformer):
    """Leaves annotations and docstrings out, and turns `maths.exp` into `exp`."""

    def __init__(self, formulas: Formulas, scope: dict[str, Any]) -> None:
        self.formulas, self.scope = formulas, scope

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
        given, rest = node.args, node.args.vararg
        plain = [ast.arg(a.arg) for a in given.args]
        arguments = ast.arguments([], plain, rest and ast.arg(rest.arg), [], [], None, given.defaults)
        return self.generic_visit(ast.FunctionDef(node.name, arguments, body, [], lineno=1))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        module = self.scope.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if isinstance(module, types.ModuleType) and module.__name__.startswith("engine."):
            self.formulas.use(node.attr, vars(module))
            return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load):
            self.formulas.use(node.id, self.scope)
        return node


@functools.cache
def _tree(module: str) -> ast.Module:
    import importlib

    return ast.parse(inspect.getsource(importlib.import_module(module)))


def _top_level(module: str) -> dict[str, ast.stmt]:
    """The functions and plain values that a module defines, by name."""
    found: dict[str, ast.stmt] = {}
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node
    return found


def _node_of(function: Callable[..., Any]) -> ast.Lambda | ast.FunctionDef | None:
    """Where the source says `function`: the innermost definition around the place of its code."""
    if isinstance(function, Written):
        return ast.parse(function.source).body[0]  # type: ignore[return-value]
    code = function.__code__  # type: ignore[attr-defined]
    places = [(line, column) for line, _, column, _ in code.co_positions() if line and column is not None]
    places = [place for place in places if place[1] or place[0] > code.co_firstlineno]
    best: ast.Lambda | ast.FunctionDef | None = None
    for node in ast.walk(_tree(function.__module__)):
        if not isinstance(node, ast.Lambda | ast.FunctionDef) or node.lineno != code.co_firstlineno:
            continue
        end = (node.end_lineno or 0, node.end_col_offset or 0)
        inside = all((node.lineno, node.col_offset) <= place <= end for place in places)
        if inside and [a.arg for a in node.args.args] == list(code.co_varnames[: code.co_argcount]):
            best = node
    return best

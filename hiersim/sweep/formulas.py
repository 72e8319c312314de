"""Numbers that a file defines from a result's own: ``cost_usd: 3.2e-9 * tiers.dram.capacity_bytes``."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hiersim.report.numbers import Number

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {"min": min, "max": max, "abs": abs}
_QUOTED = re.compile(r"`([^`]+)`")
LONGEST = 1000
"""Characters of a formula."""


@dataclass(frozen=True)
class Formula:
    """Arithmetic over numbers by dotted name: ``+ - * / **``, ``min``, ``max`` and ``abs``.

    A name with other characters than letters, digits, ``_`` and dots stands in backquotes.
    """

    text: str
    tree: ast.expr
    quoted: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The dotted names that it uses, each once."""
        return list(dict.fromkeys(_names(self.tree, self.quoted)))

    def value(self, numbers: Mapping[str, Number]) -> float | None:
        """Return its value in the units of the numbers; ``None`` where one is missing, or nothing finite comes out."""
        try:
            found = _value(self.tree, numbers, self.quoted)
        except (KeyError, ArithmeticError, TypeError):
            return None
        return found if isinstance(found, float) and abs(found) < float("inf") else None


def formula(text: str) -> Formula:
    """Read a formula.

    Raises:
        ValueError: it is not one; the message says what cannot stand in it.
    """
    quoted: list[str] = []

    def name(match: re.Match[str]) -> str:
        quoted.append(match[1])
        return f" _q{len(quoted) - 1} "

    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    try:
        tree = ast.parse(_QUOTED.sub(name, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"`{text}` is not a formula, such as 2e-9 * tiers.dram.capacity_bytes") from None
    _check(tree)
    return Formula(text, tree, tuple(quoted))


def _check(node: ast.AST) -> None:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        _check(node.left)
        _check(node.right)
    elif isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        _check(node.operand)
    elif isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or node.keywords or not node.args:
            raise ValueError(f"`{ast.unparse(node)}`: the functions are {', '.join(_FUNCTIONS)}")
        for argument in node.args:
            _check(argument)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ValueError(f"`{ast.unparse(node)}` is not a number")
    elif not _dotted(node):
        raise ValueError(
            f"`{ast.unparse(node)}` cannot stand in a formula: only numbers, names, + - * / ** and brackets"
        )


def _dotted(node: ast.AST) -> str:
    """Return the dotted name of a node, or an empty text if it is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (above := _dotted(node.value)):
        return f"{above}.{node.attr}"
    return ""


def _named(node: ast.AST, quoted: tuple[str, ...]) -> str:
    name = _dotted(node)
    return quoted[int(name[2:])] if name.startswith("_q") and name[2:].isdecimal() else name


def _names(node: ast.AST, quoted: tuple[str, ...]) -> list[str]:
    if name := _named(node, quoted):
        return [name]
    below = node.args if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
    return [name for child in below for name in _names(child, quoted)]


def _value(node: ast.AST, numbers: Mapping[str, Number], quoted: tuple[str, ...]) -> float:
    """Work a node out in floats, so that no power can grow without end."""
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if name := _named(node, quoted):
        return float(numbers[name])
    if isinstance(node, ast.Call):
        function: Any = _FUNCTIONS[node.func.id]  # type: ignore[attr-defined]
        found: float = function(*(_value(argument, numbers, quoted) for argument in node.args))
        return found
    if isinstance(node, ast.UnaryOp):
        return _OPERATORS[type(node.op)](_value(node.operand, numbers, quoted))
    assert isinstance(node, ast.BinOp)
    return _OPERATORS[type(node.op)](_value(node.left, numbers, quoted), _value(node.right, numbers, quoted))

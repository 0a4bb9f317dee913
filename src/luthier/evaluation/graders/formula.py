"""The formulas of multi graders: numbers, names, + - * / ^ and eight functions, read by a Pratt parser of our own.

`^` is a power and binds from the right; a minus sign before it binds weaker, so -2^2 is -4, as on paper.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

LONGEST, DEEPEST = 10_000, 60
_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([^\W\d]\w*)|([-+*/^(),]))")
_BINDING = {"+": 10, "-": 10, "*": 20, "/": 20, "^": 40}
_MINUS = 30
# Names, the fewest and the most arguments.
_ARGUMENTS = {
    "min": (1, 100),
    "max": (1, 100),
    "abs": (1, 1),
    "floor": (1, 1),
    "ceil": (1, 1),
    "exp": (1, 1),
    "sqrt": (1, 1),
    "log": (1, 1),
}


class FormulaError(Exception):
    """A formula that cannot be read, or has no value for these numbers."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Operation:
    """An operator or function on what stands below it; a minus sign has one operand."""

    sign: str
    operands: tuple[Node, ...]


Node = Number | Name | Operation


@dataclass(frozen=True)
class Formula:
    text: str
    root: Node

    def value(self, numbers: Mapping[str, float]) -> float:
        """Raises FormulaError for a division by zero, the root of a negative number, or anything beyond all numbers."""
        try:
            found = _value(self.root, numbers)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise FormulaError(f"{self.text!r} has no value here: {error}") from None
        if not math.isfinite(found):
            raise FormulaError(f"{self.text!r} has no finite value here")
        return found


def parse_formula(text: str, names: Sequence[str]) -> Formula:
    """``names`` are the variables. Raises FormulaError, with the place where it is wrong."""
    if len(text) > LONGEST:
        raise FormulaError(f"a formula of {len(text)} characters, where {LONGEST} are allowed")
    reader = _Reader(_tokens(text), frozenset(names))
    root = reader.read(0)
    if reader.next is not None:
        raise FormulaError(f"{reader.next!r} stands where the formula should end")
    return Formula(text, root)


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise FormulaError(f"{text[place:].strip()[:20]!r} (character {place + 1}) is no number, name or sign")
        found.append(token[0].strip())
        place = token.end()
    return found


class _Reader:
    """Reads tokens from left to right; an operator takes what binds tighter than it."""

    def __init__(self, tokens: Sequence[str], names: frozenset[str]):
        self._tokens, self._names = tokens, names
        self._place = self._depth = 0

    @property
    def next(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def read(self, tightness: int) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise FormulaError(f"nested more than {DEEPEST} deep")
        left = self._beginning()
        while (sign := self.next) in _BINDING and _BINDING[sign] > tightness:
            self._place += 1
            # From the right: what follows a power may be a power.
            right = self.read(_BINDING[sign] - 1 if sign == "^" else _BINDING[sign])
            left = Operation(sign, (left, right))
        self._depth -= 1
        return left

    def _beginning(self) -> Node:
        token = self._take()
        if token == "-":
            return Operation("-", (self.read(_MINUS),))
        if token == "(":
            inside = self.read(0)
            self._expect(")")
            return inside
        if token[0].isdigit() or token[0] == ".":
            return Number(float(token))
        if self.next == "(" and token in _ARGUMENTS:
            return Operation(token, self._arguments(token))
        if token in self._names:
            return Name(token)
        known = ", ".join(sorted(self._names)) or "none"
        raise FormulaError(f"{token!r} is neither a grader ({known}) nor a function ({', '.join(_ARGUMENTS)})")

    def _arguments(self, function: str) -> tuple[Node, ...]:
        self._expect("(")
        found = [self.read(0)]
        while self.next == ",":
            self._place += 1
            found.append(self.read(0))
        self._expect(")")
        fewest, most = _ARGUMENTS[function]
        if not fewest <= len(found) <= most:
            raise FormulaError(f"{function} of {len(found)} values")
        return tuple(found)

    def _take(self) -> str:
        token = self.next
        if token is None:
            raise FormulaError("it ends too early")
        self._place += 1
        return token

    def _expect(self, sign: str) -> None:
        if (token := self._take()) != sign:
            raise FormulaError(f"{token!r} where {sign!r} should be")


def _value(node: Node, numbers: Mapping[str, float]) -> float:
    match node:
        case Number(value):
            return value
        case Name(name):
            return float(numbers[name])
        case Operation(sign, operands):
            # A list of operands that came one after another, a + b + c, leans to the left as deep as it is long.
            return _apply(sign, [_value(operand, numbers) for operand in operands])
        case _:
            assert_never(node)


def _apply(sign: str, values: Sequence[float]) -> float:
    match sign, values:
        case "-", [value]:
            return -value
        case "+", [left, right]:
            return left + right
        case "-", [left, right]:
            return left - right
        case "*", [left, right]:
            return left * right
        case "/", [left, right]:
            return left / right
        case "^", [left, right]:
            return math.pow(left, right)
        case _:
            return _FUNCTIONS[sign](values)


_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "abs": lambda values: abs(values[0]),
    "floor": lambda values: float(math.floor(values[0])),
    "ceil": lambda values: float(math.ceil(values[0])),
    "exp": lambda values: math.exp(values[0]),
    "sqrt": lambda values: math.sqrt(values[0]),
    "log": lambda values: math.log(values[0]),
}

"""Weight functions as text: `step(0.5)`, `constant(0.1) + step(0.5) * linear`, `spline(-1:0, 0.5:1)`.

sum      = product ("+" product)*
product  = factor ("*" factor)*
factor   = name [ "(" point ("," point)* ")" ]  |  "(" sum ")"
point    = number [ ":" number ]
number   = as in `weightlab.literals`

A text has at most 4,000 characters, 100 functions, and brackets 20 deep.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from weightlab.assignment.function import WeightFunction
from weightlab.assignment.functions import ALL, Product, Sum
from weightlab.errors import InputError, shown, unknown
from weightlab.literals import NUMBER, read_number

__all__ = ["parse"]

_LENGTH, _FUNCTIONS, _DEPTH = 4000, 100, 20
_TOKEN = re.compile(rf"\s*(?:(?P<number>{NUMBER})|(?P<name>[A-Za-z_]\w*)|(?P<mark>[-()*+,:]))", re.ASCII)
_BY_NAME = {function.name: function for function in ALL}
_Part = TypeVar("_Part")


def parse(text: str) -> WeightFunction:
    """The weight function that `text` writes. Raises InputError that shows where it stops making sense, or for a text
    beyond the bounds.
    """
    if not isinstance(text, str):
        raise InputError(f"a weight function is a text such as 'step(0.5)', not {type(text).__name__}")
    if len(text) > _LENGTH:
        raise _unreadable(text, f"it has {len(text):,} characters, at most {_LENGTH:,} are read")
    reader = _Reader(text, _tokens(text))
    function = _sum(reader)
    if reader.peek() is not None:
        raise reader.error("expected '+', '*' or the end")
    return function


@dataclass
class _Reader:
    """The tokens of a text, and how far they were read.

    text: what is read.
    tokens: (kind, token, position) of each.
    at: which token is next.
    depth: in how many brackets that is.
    functions: how many were read.
    """

    text: str
    tokens: list[tuple[str, str, int]]
    at: int = field(default=0)
    depth: int = field(default=0)
    functions: int = field(default=0)

    def peek(self) -> str | None:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, *, kind: str | None = None, mark: str | None = None) -> str:
        if self.at < len(self.tokens):
            found, token, _ = self.tokens[self.at]
            if found == kind or token == mark:
                self.at += 1
                return token
        raise self.error(f"expected '{mark}'" if mark else f"expected a {kind}")

    def error(self, what: str) -> InputError:
        rest = self.text[self.tokens[self.at][2] :] if self.at < len(self.tokens) else ""
        return _unreadable(self.text, f"{what} {f'at {shown(rest)}' if rest else 'at its end'}")


def _unreadable(text: str, why: str) -> InputError:
    return InputError(f"can't read the weight function {shown(text)}: {why}")


def _tokens(text: str) -> list[tuple[str, str, int]]:
    tokens: list[tuple[str, str, int]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        # "a+1" would read as the number +1: a sign belongs to a number only where a value may stand
        if match and match["number"] and match["number"][0] in "+-" and tokens and tokens[-1][1] not in "(,:":
            match = re.compile(r"\s*(?P<mark>[-+])", re.ASCII).match(text, at)
        if match is None:
            raise _unreadable(text, f"unexpected {shown(text[at:].strip()[0])}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind], match.start(kind)))
        at = match.end()
    return tokens


def _sum(reader: _Reader) -> WeightFunction:
    terms = _separated(reader, "+", _product)
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def _product(reader: _Reader) -> WeightFunction:
    factors = _separated(reader, "*", _factor)
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _separated(reader: _Reader, mark: str, part: Callable[[_Reader], _Part]) -> list[_Part]:
    parts = [part(reader)]
    while reader.peek() == mark:
        reader.take(mark=mark)
        parts.append(part(reader))
    return parts


def _factor(reader: _Reader) -> WeightFunction:
    if reader.peek() == "(":
        reader.take(mark="(")
        reader.depth += 1
        if reader.depth > _DEPTH:
            raise _unreadable(reader.text, f"its brackets are more than {_DEPTH} deep")
        inner = _sum(reader)
        reader.take(mark=")")
        reader.depth -= 1
        return inner
    name = reader.take(kind="name")
    reader.functions += 1
    if reader.functions > _FUNCTIONS:
        raise _unreadable(reader.text, f"it has more than {_FUNCTIONS} functions")
    if name not in _BY_NAME:
        raise unknown("weight function", name, _BY_NAME)
    points: list[tuple[float, ...]] = []
    if reader.peek() == "(":
        reader.take(mark="(")
        points = _separated(reader, ",", _point)
        reader.take(mark=")")
    return _BY_NAME[name].read(points)


def _point(reader: _Reader) -> tuple[float, ...]:
    x = _number(reader)
    if reader.peek() != ":":
        return (x,)
    reader.take(mark=":")
    return x, _number(reader)


def _number(reader: _Reader) -> float:
    return float(read_number(reader.take(kind="number")))

"""Values and arguments that are written as text: a number, a text in quotes, None, True or False, or a list of such.

value  = number | text | "None" | "True" | "False" | "(" value ")"
       | "[" [value ("," value)* [","]] "]"
       | "(" ")" | "(" value "," [value ("," value)* [","]] ")"
       | "{" [key ":" value ("," key ":" value)* [","]] "}"
key    = number | text | "None" | "True" | "False"
number = ["+" | "-"] (digits ["." [digits]] | "." digits) [("e" | "E") ["+" | "-"] digits]
text   = in single or double quotes, printable, without the quote and without a backslash

What is read is what Python reads; what Python knows beyond that (names, calls, sums, 0x10, 1_000, sets, bytes) is
refused, and so is a text of more than 1,000 characters, of brackets more than 8 deep, and a number that is longer than
40 characters or that no float holds. Nothing is ever evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from weightlab.errors import InputError, shown

__all__ = ["NUMBER", "Literal", "read_arguments", "read_number", "read_options", "read_value"]

Literal = float | int | str | bool | None | list["Literal"] | tuple["Literal", ...] | dict["Literal", "Literal"]

NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"

_LENGTH, _DEPTH, _DIGITS = 1000, 8, 40
_NAME = "[A-Za-z_][A-Za-z_0-9]*"
_WORD = rf"{_NAME}(?:[.-][A-Za-z_0-9]+)*"


def _token(name: str) -> re.Pattern[str]:
    return re.compile(
        rf""" *(?:(?P<number>{NUMBER})|(?P<text>'[^'\\]*'|"[^"\\]*")|(?P<name>{name})|(?P<mark>[][(){{}},:=]))"""
    )


_TOKENS = {False: _token(_NAME), True: _token(_WORD)}  # by whether a bare word is a text
_OCTAL = re.compile(r"[-+]?0+[1-9][0-9]*")  # 07 is no number in Python
_NAMED: dict[str, bool | None] = {"None": None, "True": True, "False": False}
_TRUTH = {"true": True, "false": False}
_Part = TypeVar("_Part")


def read_value(text: str) -> Literal:
    """The value that a text writes, as `ast.literal_eval` has it. Raises InputError for anything but the above."""
    reader = _Reader.of(text)
    value = reader.value()
    reader.expect_end()
    return value


def read_arguments(text: str) -> tuple[list[Literal], dict[str, Literal]]:
    """The arguments of a call, "(0.5, margin=1)", as [0.5] and {"margin": 1}.

    Raises InputError as `read_value` does, and for a name that is given twice or stands before a plain value.
    """
    reader = _Reader.of(text)
    reader.expect("(")
    found = reader.several(")", reader.argument)
    reader.expect_end()
    named: dict[str, Literal] = {}
    for name, value in found:
        if name is None and named:
            raise InputError(f"can't read {shown(text)}: values without a name come first")
        if name in named:
            raise InputError(f"can't read {shown(text)}: {name} is given twice")
        if name is not None:
            named[name] = value
    return [value for name, value in found if name is None], named


def read_options(text: str) -> dict[str, Literal]:
    """The options behind a name, "(test=small, seed=3, strict=true)", each with a name of its own.

    Here a bare word is a text, with points and hyphens in it or not, and true and false are truth values, as one writes
    them on a command line.
    Raises InputError as `read_value` does, for a value without a name, and for a name that is given twice.
    """
    reader = _Reader.of(text, words=True)
    reader.expect("(")
    found = reader.several(")", reader.argument)
    reader.expect_end()
    named: dict[str, Literal] = {}
    for name, value in found:
        if name is None:
            raise InputError(f"can't read {shown(text)}: write options with their names, as in (name=value)")
        if name in named:
            raise InputError(f"can't read {shown(text)}: {name} is given twice")
        named[name] = value
    return named


def read_number(text: str) -> float | int:
    """The number that a text of the form `NUMBER` writes, whole without point and exponent.

    Raises InputError where it is longer than 40 characters, or no float: too large, or so small that it would be 0.
    """
    if len(text) > _DIGITS:
        raise InputError(f"the number {text[:12]}… must be of at most {_DIGITS} characters, not {len(text):,}")
    value = float(text)
    if not math.isfinite(value):
        raise InputError(f"the number {text} must be below 1.8e308: no float is as large")
    if value == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        raise InputError(f"the number {text} must be 0 or above 4.9e-324: no float is as small")
    return value if re.search("[.eE]", text) else int(text)


@dataclass
class _Reader:
    """The tokens of a text, and how far they were read.

    text: what is read.
    tokens: (kind, token, position) of each, and an end.
    words: whether a bare word is a text.
    at: which token is next.
    """

    text: str
    tokens: list[tuple[str, str, int]]
    words: bool = False
    at: int = field(default=0)

    @classmethod
    def of(cls, text: str, *, words: bool = False) -> _Reader:
        """At its beginning. Raises InputError for a text that is too long, or has something that is no token."""
        if len(text) > _LENGTH:
            raise InputError(f"can't read {shown(text)}: it has {len(text):,} characters, at most {_LENGTH:,} are read")
        tokens: list[tuple[str, str, int]] = []
        at, end = 0, len(text.rstrip(" "))
        while at < end:
            match = _TOKENS[words].match(text, at)
            if match is None:
                raise _unexpected(text, at, "a value")
            kind = str(match.lastgroup)
            tokens.append((kind, match[kind], match.start(kind)))
            at = match.end()
        return cls(text, [*tokens, ("end", "", end)], words)

    def value(self, depth: int = 0) -> Literal:
        """The next value; depth: of how many brackets it is in."""
        kind, token, at = self.tokens[self.at]
        if kind == "mark" and token in "[({":
            if depth == _DEPTH:
                raise InputError(f"can't read {shown(self.text)}: its brackets are more than {_DEPTH} deep")
            self.at += 1
            return self.bracketed(token, depth + 1)
        self.at += 1
        if kind == "number" and not _OCTAL.fullmatch(token):
            return read_number(token)
        if kind == "text" and token.isprintable():
            return token[1:-1]
        if kind == "name" and token in _NAMED:
            return _NAMED[token]
        if kind == "name" and self.words:
            return _TRUTH.get(token, token)
        raise _unexpected(self.text, at, "a value")

    def bracketed(self, opening: str, depth: int) -> Literal:
        """The list, tuple, dictionary or value in brackets behind an opening one."""
        if opening == "[":
            return self.several("]", lambda: self.value(depth))
        if opening == "{":
            return self.dictionary(self.several("}", lambda: self.entry(depth)))
        values = self.several(")", lambda: self.value(depth))
        is_tuple = len(values) != 1 or self.tokens[self.at - 2][1] == ","
        return tuple(values) if is_tuple else values[0]

    def entry(self, depth: int) -> tuple[Literal, Literal]:
        """key: value."""
        if self.tokens[self.at][0] == "mark":
            raise _unexpected(self.text, self.tokens[self.at][2], "a key")
        key = self.value(depth)
        self.expect(":")
        return key, self.value(depth)

    def dictionary(self, entries: list[tuple[Literal, Literal]]) -> dict[Literal, Literal]:
        """Of entries with a key each."""
        found = dict(entries)
        if len(found) < len(entries):
            raise InputError(f"can't read {shown(self.text)}: a key is given twice")
        return found

    def argument(self) -> tuple[str | None, Literal]:
        """value, or name=value."""
        name = None
        if self.tokens[self.at][0] == "name" and self.tokens[self.at + 1][1] == "=":
            name = self.tokens[self.at][1]
            self.at += 2
        return name, self.value(1)

    def several(self, closing: str, read: Callable[[], _Part]) -> list[_Part]:
        """Parts with commas between them and perhaps one behind the last, and the closing bracket."""
        parts: list[_Part] = []
        while not self.took(closing):
            parts.append(read())
            if not self.took(","):
                self.expect(closing)
                break
        return parts

    def took(self, mark: str) -> bool:
        """Whether a mark is next, which it then goes past."""
        if self.tokens[self.at][:2] != ("mark", mark):
            return False
        self.at += 1
        return True

    def expect(self, mark: str) -> None:
        """Go past a mark."""
        if not self.took(mark):
            raise _unexpected(self.text, self.tokens[self.at][2], f"'{mark}'")

    def expect_end(self) -> None:
        """Nothing is left."""
        if self.tokens[self.at][0] != "end":
            raise _unexpected(self.text, self.tokens[self.at][2], "the end")


def _unexpected(text: str, at: int, wanted: str) -> InputError:
    rest = text[at : at + 20].rstrip(" ")
    form = ": a value is a number, a text in quotes, None, True, False or a list of such" if wanted == "a value" else ""
    return InputError(f"can't read {shown(text)}: {shown(rest) if rest else 'its end'} where {wanted} should be{form}")

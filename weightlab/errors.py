"""Errors that are said in one line: what was given, what is wrong with it and what is allowed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real

__all__ = [
    "InputError",
    "RunError",
    "check_number",
    "check_whole",
    "describe",
    "nearest",
    "one_line",
    "printable",
    "reason",
    "shown",
    "unknown",
]

_LINE = 800  # characters of a message; the longest that lists all losses has 500
_VALUE = 80  # characters of a value in it
_NEAR = 0.7  # stpe and step have 0.75, lin and spline 0.67, nope and infonce 0.55
_BEGUN = 3  # letters that stand for the name that they begin


class InputError(ValueError):
    """What was given can't be used; the message is one line for the person who gave it (exit code 2).

    Whatever the message quotes, it is one line of printable characters, and no longer than a person reads.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))


class RunError(RuntimeError):
    """What was asked for can't go on, for a reason outside of this code; the message is one line (exit code 1)."""

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a `name` that is none of the `known` ones, with the nearest of them where one is near."""
    names = sorted(known)
    near = nearest(name, names)
    hint = "known are " + ", ".join(names) if near is None else f"did you mean '{printable(near)}'?"
    return InputError(f"unknown {kind} '{_cut(printable(str(name)), _VALUE)}': {hint}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of the `known` names that `name` was meant to be, by its beginning or its spelling, but for case."""
    given, folded = str(name).casefold(), {each.casefold(): each for each in known}
    begun = [each for each in folded if each.startswith(given)] if len(given) >= _BEGUN else []
    near = sorted(begun, key=len) or difflib.get_close_matches(given, folded, n=1, cutoff=_NEAR)
    return folded[near[0]] if near else None


def check_number(
    name: str, value: object, low: float = -math.inf, high: float = math.inf, *, above: float = -math.inf
) -> float:
    """`value` as a plain float. Raises InputError unless it is finite, low ≤ value ≤ high and value > above."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} must be a number, not {shown(value)}")
    number = _as_float(value)
    if math.isfinite(number) and low <= number <= high and number > above:
        return number + 0.0  # −0 becomes 0, which reads back as it is written
    bounds = [f"at least {low:g}"] if low > -math.inf else []
    bounds += [f"above {above:g}"] if above > -math.inf else []
    bounds += [f"at most {high:g}"] if high < math.inf else []
    raise InputError(f"{name} must be {' and '.join(bounds) or 'finite'}, not {shown(value)}")


def check_whole(name: str, value: object, low: int, high: int | None = None) -> int:
    """`value` as a plain int, which numpy's are not. Raises InputError unless it is whole and low ≤ value ≤ high."""
    number = None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
    if number is None or number < low or (high is not None and number > high):
        bounds = f"at least {low}" if high is None else f"{low} to {high}"
        raise InputError(f"{name} must be a whole number of {bounds}, not {shown(value)}")
    return number


def describe(value: object) -> str:
    """What was given in place of something else: a tensor's dtype and shape, or a type."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    return type(value).__name__ if shape is None or dtype is None else f"{dtype} {list(shape)}"


def reason(error: BaseException) -> str:
    """Why somebody else's code failed, in a line: the error's type and the first line of its text."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # a stranger's __str__ may fail as well
        lines = []
    name = type(error).__name__
    return f"{name}: {_cut(printable(lines[0]), 200)}" if lines else name


def shown(value: object) -> str:
    """A value as Python writes it, in one short line, whatever it is."""
    try:
        text = repr(value)
    except Exception:  # a whole number of more than 4,300 digits has no text; a stranger's __repr__ may fail
        text = f"a number of {value.bit_length()} bits" if isinstance(value, int) else f"a {type(value).__name__}"
    return _cut(printable(text), _VALUE)


def one_line(text: str) -> str:
    """`text` as one printable line; of a long one the head, the tail and how much lies between."""
    return _cut(printable(text), _LINE)


def printable(text: str) -> str:
    """`text` with each character that a terminal may obey or hide (controls, line ends, directions, lone surrogates)
    written as Python would escape it.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def _cut(text: str, most: int) -> str:
    """At most `most` characters: the head, how many are left out, the tail."""
    if len(text) <= most:
        return text
    kept = (most - 30) // 2
    return f"{text[:kept]} … {len(text) - 2 * kept:,} characters … {text[-kept:]}"


def _as_float(value: Real) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number or a fraction beyond 1e308
        return math.inf

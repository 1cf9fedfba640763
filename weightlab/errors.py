"""Bad input: one line that names the value, what is wrong with it and what is allowed."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real

__all__ = ["InputError", "check_number", "check_whole", "describe", "reason", "unknown"]


class InputError(ValueError):
    """What was given can't be used; the message is one line for the person who gave it (exit code 2)."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a `name` that is none of the `known` ones, with the nearest of them."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else "known are " + ", ".join(names)
    return InputError(f"unknown {kind} '{name}': {hint}")


def check_number(
    name: str, value: object, low: float = -math.inf, high: float = math.inf, *, above: float = -math.inf
) -> None:
    """Raise InputError unless `value` is a finite number with low ≤ value ≤ high and value > above."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} must be a number, not {value!r}")
    number = float(value)
    if math.isfinite(number) and low <= number <= high and number > above:
        return
    bounds = [f"at least {low:g}"] if low > -math.inf else []
    bounds += [f"above {above:g}"] if above > -math.inf else []
    bounds += [f"at most {high:g}"] if high < math.inf else []
    raise InputError(f"{name} must be {' and '.join(bounds) or 'finite'}, not {value!r}")


def check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    """Raise InputError unless `value` is a whole number with low ≤ value ≤ high."""
    fits = isinstance(value, Integral) and low <= int(value) and (high is None or int(value) <= high)
    if isinstance(value, bool) or not fits:
        bounds = f"at least {low}" if high is None else f"{low} to {high}"
        raise InputError(f"{name} must be a whole number of {bounds}, not {value!r}")


def describe(value: object) -> str:
    """What was given in place of something else: a tensor's dtype and shape, or a type."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    return type(value).__name__ if shape is None or dtype is None else f"{dtype} {list(shape)}"


def reason(error: BaseException) -> str:
    """Why somebody else's code failed, in a line: the error's type and the first line of its text."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__

"""An option of an encoder, as its text has it: what it may be, and what it is without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from weightlab.errors import InputError, check_number, check_whole, shown, unknown
from weightlab.literals import Literal

__all__ = ["Option", "choice", "number", "read", "text", "truth", "whole"]


@dataclass(frozen=True)
class Option:
    """One option.

    default: its value where it is not given.
    checked: (what a message calls it, the value given) to the value. Raises InputError for one that is not allowed.
    """

    default: Literal
    checked: Callable[[str, Literal], Literal]


def whole(default: int, low: int, high: int) -> Option:
    """A whole number of low to high."""
    return Option(default, lambda name, value: check_whole(name, value, low, high))


def number(default: float, high: float) -> Option:
    """A number above 0, at most `high`."""
    return Option(default, lambda name, value: check_number(name, value, above=0, high=high))


def truth(default: bool) -> Option:
    """true or false."""

    def checked(name: str, value: Literal) -> bool:
        if not isinstance(value, bool):
            raise InputError(f"{name} must be true or false, not {shown(value)}")
        return value

    return Option(default, checked)


def text() -> Option:
    """A text that is not empty; without, empty."""

    def checked(name: str, value: Literal) -> str:
        if not isinstance(value, str) or not value:
            raise InputError(f"{name} must be a text, not {shown(value)}")
        return value

    return Option("", checked)


def choice(*allowed: str) -> Option:
    """One of these texts; without, empty."""

    def checked(name: str, value: Literal) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise unknown(name, str(value), allowed)
        return value

    return Option("", checked)


def read(model: str, options: Mapping[str, Option], given: Mapping[str, Literal]) -> dict[str, Any]:
    """All options of a model, those that are given and the others' defaults.

    Raises InputError for a value that is not allowed, and for an option that it does not have.
    """
    for name in given:
        if name in ("width", "dimensions"):
            raise InputError(f"{name} is no option of {model} but a setting of its own: --{name}")
        if not options:
            raise InputError(f"{model} has no options; {name} is given")
        if name not in options:
            raise unknown(f"option of {model}", name, options)
    return {
        name: option.checked(f"{name} of {model}", given[name]) if name in given else option.default
        for name, option in options.items()
    }

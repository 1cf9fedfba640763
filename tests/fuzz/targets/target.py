"""What can be called, with what, and when its answer is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

__all__ = ["Target"]

Right = Callable[[Mapping[str, Any], Any], str | None]


def _anything(given: Mapping[str, Any], answer: object) -> None:
    return None


@dataclass(frozen=True)
class Target:
    """A part of the library.

    name: code of the callable.
    good: arguments that fit one another, as code, drawn at random.
    kinds: of arguments, what they are, by which they are spoiled (`fuzz.generators.values`); those without stay.
    right: what is wrong with an answer, given the arguments; None where nothing is.
    bad: more wrong values of an argument, as code; "{x}" is the good one.
    odd: values that may be refused; of the kind's own wrong ones those that are not wrong here.
    share: how often it is called.
    """

    name: str
    good: Callable[[Random], dict[str, str]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    right: Right = _anything
    bad: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    odd: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    share: int = 4

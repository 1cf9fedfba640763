"""Calls of the library: a target's good arguments, with one or two spoiled."""

from __future__ import annotations

from functools import cache
from random import Random

from fuzz.case import Argument, Call
from fuzz.generators.values import spoiled
from fuzz.targets import decompose, memory, pairs, retrieval, step, training, weightings
from fuzz.targets.target import Target

__all__ = ["ALL", "call"]

ALL: tuple[Target, ...] = (
    *pairs.TARGETS,
    *step.TARGETS,
    *memory.TARGETS,
    *retrieval.TARGETS,
    *weightings.TARGETS,
    *decompose.TARGETS,
    *training.TARGETS,
)


def call(random: Random) -> tuple[Target, Call]:
    """A call, and what it is a call of."""
    target = random.choice(_weighted())
    arguments = {name: Argument(code) for name, code in target.good(random).items()}
    names = [name for name in arguments if name in target.kinds]
    for name in random.sample(names, min(len(names), random.choice((0, 0, 1, 1, 1, 1, 2)))):
        good = arguments[name].code
        arguments[name] = spoiled(random, target.kinds[name], good, target.bad.get(name, ()), target.odd.get(name, ()))
    return target, Call(target.name, arguments)


@cache
def _weighted() -> list[Target]:
    return [target for target in ALL for _ in range(target.share)]

"""What `torch.compile` is to leave as it is, without importing the compiler for it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

__all__ = ["uncompiled"]

P = ParamSpec("P")
R = TypeVar("R")


def uncompiled(function: Callable[P, R]) -> Callable[P, R]:
    """As `torch.compiler.disable`, but the compiler, which takes seconds, is not imported where nothing else did so."""
    made: dict[str, Callable[P, R]] = {}  # no functools.cache, which the compiler sees through

    @wraps(function)
    def as_it_is(*given: P.args, **named: P.kwargs) -> R:
        if "torch._dynamo" not in sys.modules:
            return function(*given, **named)
        if not made:
            made["disabled"] = torch.compiler.disable(function)
        return made["disabled"](*given, **named)

    return as_it_is

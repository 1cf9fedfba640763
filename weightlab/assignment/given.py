"""Whatever a caller gives as a weight function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from weightlab.assignment.function import WeightFunction
from weightlab.assignment.functions import Custom
from weightlab.assignment.text import parse
from weightlab.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["as_function"]


def as_function(part: str | WeightFunction | Callable[[Tensor], Tensor]) -> WeightFunction:
    """A text parsed, a weight function as it is, any other callable of similarities as a `Custom`.

    Raises InputError for anything else, classes included, and as `parse` and `Custom` do.
    """
    if isinstance(part, str):
        return parse(part)
    if isinstance(part, WeightFunction):
        return part
    if callable(part) and not isinstance(part, type):
        return Custom(part)
    raise InputError(f"expected a weight function, its text or a function of similarities, not {part!r}")

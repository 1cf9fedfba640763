"""Whatever a caller gives as a weight function or a weighting."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from weightlab import losses
from weightlab.assignment.function import WeightFunction
from weightlab.assignment.functions import Custom, names
from weightlab.assignment.text import parse
from weightlab.errors import InputError, unknown
from weightlab.pairs import Weighting

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Weighable", "as_function", "as_part"]

Weighable = str | WeightFunction | Weighting | Callable[["Tensor"], "Tensor"]


def as_function(what: object) -> WeightFunction:
    """A text parsed, a weight function as it is, any other callable of similarities as a `Custom`.

    Raises InputError for anything else, classes included, and as `parse` and `Custom` do.
    """
    if isinstance(what, str):
        return parse(what)
    if isinstance(what, WeightFunction):
        return what
    if callable(what) and not isinstance(what, type):
        return Custom(what)
    raise InputError(f"expected a weight function, its text or a function of similarities, not {what!r}")


def as_part(what: Weighable) -> WeightFunction | Weighting:
    """A weighting as it is, a loss's text as that loss, anything else as `as_function` has it.

    Raises InputError as `losses.from_text` and `as_function` do.
    """
    if isinstance(what, str):
        return _from_text(what)
    if isinstance(what, Weighting) and not isinstance(what, type):
        return what
    return as_function(what)


def _from_text(text: str) -> WeightFunction | Weighting:
    name = text.partition("(")[0].strip()
    if name in losses.names():
        return losses.from_text(text)
    if re.fullmatch(r"[A-Za-z][\w-]*", name) and name not in names() and not set(name) & set("+*"):
        raise unknown("loss or weight function", name, [*losses.names(), *names()])
    return parse(text)

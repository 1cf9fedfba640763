"""How many: a whole number, or a share of a whole, such as 50%."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

__all__ = ["Amount", "Amounts", "amounts_of", "share_of", "steps_of"]

_MOST = 2**26
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%")


def _amount(value: object) -> int | str:
    """A whole number from 0 to 2²⁶, or a text such as "50%", above 0 and up to 100%."""
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if re.fullmatch(r"\d{1,9}", text) and int(text) <= _MOST:
        return int(text)
    found = _PERCENT.fullmatch(text)
    if found is None or not 0 < float(found[1]) <= 100:
        raise PydanticCustomError("amount", f"a whole number up to {_MOST}, or a share such as 50%")
    return f"{float(found[1]):g}%"


def _amounts(value: object) -> str:
    """Amounts above 0, with commas between them."""
    whole = isinstance(value, int | str) and not isinstance(value, bool)
    try:
        found = [_amount(part) for part in str(value).split(",")] if whole else [0]
    except PydanticCustomError:
        found = [0]
    if 0 in found:
        raise PydanticCustomError("amount", "steps or shares above 0, such as 24000,30000 or 70%")
    return ",".join(map(str, found))


Amount = Annotated[int | str, BeforeValidator(_amount)]
Amounts = Annotated[str, BeforeValidator(_amounts)]


def amounts_of(text: str) -> tuple[int | str, ...]:
    """The amounts of a checked text."""
    return tuple(map(_amount, text.split(",")))


def steps_of(amount: int | str, steps: int) -> int:
    """How many of a run's steps an amount is."""
    return amount if isinstance(amount, int) else share_of(amount, steps)


def share_of(amount: str, whole: int) -> int:
    """What a share, "50%", of a whole is, rounded down."""
    return int(whole * float(amount.removesuffix("%")) / 100)

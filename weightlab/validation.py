"""What pydantic finds wrong with a file or with options, said in our words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weightlab.errors import printable, shown

if TYPE_CHECKING:
    from pydantic import ValidationError

__all__ = ["Fault", "faults"]

_EXPECTED = {
    "bool": "true or false",
    "dict": "a table",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "mapping": "a table",
    "model": "a table",
    "string": "a text",
    "tuple": "a list",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong.

    place: the keys and positions that lead to it; empty for the whole.
    kind: pydantic's name for what is wrong.
    message: what is wrong, to be read after the place: "must be at least 1, not 0", "is missing"; a sentence of its own
        where `complete`.
    complete: whether the message names what it is about.
    """

    place: tuple[int | str, ...]
    kind: str
    message: str
    complete: bool

    @property
    def where(self) -> str:
        """The place in words, counted from 1: findings[1].order[2]."""
        return "".join(
            f"[{part + 1}]" if isinstance(part, int) else f".{printable(part)}"
            for part in self.place
            if part != "[key]"
        ).lstrip(".")

    def __str__(self) -> str:
        if not self.where or self.message.startswith(f"{self.where}: "):
            return self.message
        return f"{self.where}: {self.message}" if self.complete else f"{self.where} {self.message}"


def faults(error: ValidationError) -> list[Fault]:
    """All that is wrong, in pydantic's order."""
    return [_fault(each) for each in error.errors(include_url=False)]


def _fault(error: Mapping[str, Any]) -> Fault:
    kind, place = str(error["type"]), tuple(error["loc"])
    if kind in ("value_error", "assertion_error"):
        return Fault(place, kind, " ".join(str(error["ctx"]["error"]).split()), complete=True)
    return Fault(place, kind, _message(kind, error.get("ctx", {}), error["input"], str(error["msg"])), complete=False)


def _message(kind: str, context: Mapping[str, Any], value: object, message: str) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is no key of this table"
    if kind in ("json_invalid", "recursion_loop"):
        return f"is not valid JSON: {context.get('error', 'nested too deep')}"
    if kind in ("string_too_short", "too_short") and context["min_length"] == 1:
        return "must not be empty"
    return f"must be {_allowed(kind, context, message)}, not {shown(value)}"


def _allowed(kind: str, context: Mapping[str, Any], message: str) -> str:
    """What would be right."""
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return f"{word} {context[bound]:g}" if isinstance(context[bound], float) else f"{word} {context[bound]}"
    if kind in ("string_too_short", "too_short"):
        return f"of {context['min_length']} {'characters' if kind == 'string_too_short' else 'items'} or more"
    if kind in ("string_too_long", "too_long"):
        return f"of {context['max_length']} {'characters' if kind == 'string_too_long' else 'items'} at most"
    if kind in ("literal_error", "enum"):
        return str(context["expected"])
    if kind == "amount":  # `weightlab.train.amount`
        return message
    if kind == "finite_number":
        return "finite"
    if kind == "int_parsing_size":
        return "a whole number of fewer digits"
    name = kind.partition("_")[0]
    if name in _EXPECTED:
        return _EXPECTED[name]
    return f"right ({message})"

"""What `--data` says: a kind of data set, where it is, and options."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from weightlab.errors import InputError, check_number, check_whole, describe, shown, unknown
from weightlab.literals import Literal, read_options

__all__ = ["Source"]

# The first bracket that a name and "=" follow, or nothing: others are a path's own, as in "photos (2)(seed=1)".
_WITH_OPTIONS = re.compile(r"(.*?)(\((?: *[A-Za-z_][A-Za-z_0-9]* *=.*)?\))", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """kind, kind:PLACE or kind:PLACE(option=value, ...), taken apart.

    kind: a data set's name, "vehicleid".
    place: its path; empty where it has none.
    options: by name; a bare word is a text.
    """

    kind: str
    place: str = ""
    options: Mapping[str, Literal] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Source:
        """Of such a text. A path that is there as it stands, whatever brackets it has, is itself.

        Raises InputError for what is no text, and for options that can't be read.
        """
        if not isinstance(text, str):
            raise InputError(f"a data set is given as text, such as glyphs or folder:PATH, not {describe(text)}")
        kind, _, place = text.partition(":")
        if "(" in kind:  # no place, but perhaps a colon among the options
            kind, place = text, ""
        found = _WITH_OPTIONS.fullmatch(place or kind) or _meant_as_options(place)
        if found is None or (place and os.path.exists(place)):
            return cls(kind, place)
        try:
            options = read_options(found[2])
        except InputError as error:
            raise InputError(f"{shown(text)}: {error}") from error
        return cls(kind, found[1], options) if place else cls(found[1], "", options)

    def __str__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.kind}{':' if self.place else ''}{self.place}{f'({options})' if options else ''}"

    def check_options(self, *known: str) -> None:
        """Raise InputError for an option that is not among these."""
        for name in self.options:
            if not known:
                raise InputError(f"{self.kind} has no options; {name} is given")
            if name not in known:
                raise unknown(f"option of {self.kind}", name, known)

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """The option `name`, one of these texts. Raises InputError for another."""
        value = self.options.get(name, default)
        if not isinstance(value, str) or value not in allowed:
            raise unknown(f"{name} of {self.kind}", str(value), allowed)
        return value

    def whole(self, name: str, default: int, low: int, high: int | None = None) -> int:
        """The option `name`, a whole number. Raises InputError for another."""
        return check_whole(f"{name} of {self.kind}", self.options.get(name, default), low, high)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """The option `name`, a number. Raises InputError for another."""
        return check_number(f"{name} of {self.kind}", self.options.get(name, default), low, high)

    def text(self, name: str, default: str) -> str:
        """The option `name`, a text that is not empty. Raises InputError for another."""
        value = self.options.get(name, default)
        if not isinstance(value, str) or (name in self.options and not value):
            raise InputError(f"{name} of {self.kind} must be a text, not {shown(value)}")
        return value


def _meant_as_options(place: str) -> re.Match[str] | None:
    """The last brackets of a path that is there without them: what stands in them was meant as options."""
    found = re.fullmatch(r"(.*)(\(.*\))", place, re.DOTALL)
    return found if found is not None and os.path.exists(found[1]) else None

"""The lists of published archives: lines of columns, read row by row, with what can't be read told by file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from weightlab.errors import InputError, shown
from weightlab.files import read_text

__all__ = ["Line", "Row", "lines", "parsed", "relative", "whole", "without_header"]

_Parsed = TypeVar("_Parsed")

_DIGITS = 18  # of a number in a list
_PLAIN = re.compile(r"[^/\\:\0.][^/\\:\0]*(?:/[^/\\:\0.][^/\\:\0]*)*")  # nearly all paths: no part begins with a dot


class Line(NamedTuple):
    """A line that is not blank.

    where: how a message names it, "Ebay_test.txt, line 5".
    fields: its columns.
    """

    where: str
    fields: list[str]

    def columns(self, *names: str) -> list[str]:
        """The columns. Raises InputError unless there is one for each name."""
        if len(self.fields) != len(names):
            raise InputError(f"{len(self.fields)} columns, where {', '.join(names)} should be")
        return self.fields


class Row(NamedTuple):
    """An image as a list has it.

    path: in the folder of the images, with "/" between folders.
    label: the name of its class.
    where: how a message names the row.
    category: the name of its category.
    """

    path: str
    label: str
    where: str
    category: str | None = None


def lines(path: Path, *, commas: bool = False) -> list[Line]:
    """The lines of a list that are not blank, numbered as an editor does, cut at white space or at commas.

    Raises InputError where it is missing, unreadable or no text.
    """
    texts = [text.removesuffix("\r") for text in read_text(path).split("\n")]
    cut = _at_commas if commas else str.split
    return [Line(f"{path.name}, line {at}", cut(text)) for at, text in enumerate(texts, 1) if text.strip()]


def without_header(read: list[Line], names: Sequence[str]) -> list[Line]:
    """The lines but for a first one that has the names of the columns."""
    return read[1:] if read and read[0].fields == list(names) else read


def parsed(read: Iterable[Line], parse: Callable[[Line], _Parsed]) -> tuple[list[_Parsed], list[str]]:
    """What `parse` makes of each line, and a message for each for which it raises InputError."""
    rows, faults = [], []
    for line in read:
        try:
            rows.append(parse(line))
        except InputError as error:
            faults.append(f"{line.where}: {error}")
    return rows, faults


def whole(name: str, text: str, low: int = 1, high: int | None = None) -> int:
    """The whole number that a column holds. Raises InputError for another text, and outside of `low` to `high`."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else -1
    if number < low or (high is not None and number > high):
        bounds = f"at least {low}" if high is None else f"{low} to {high}"
        raise InputError(f"{name} must be a whole number of {bounds}, not {shown(text)}")
    return number


def relative(text: str) -> str:
    """A path in a list, without "." and doubled "/". Raises InputError where it is absolute or leads out by ".."."""
    if _PLAIN.fullmatch(text):
        return text
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or re.match(r"[/\\]|[A-Za-z]:", text) or ".." in re.split(r"[/\\]", text) or "\0" in text:
        raise InputError(f"path {shown(text)} must lie in the folder of the images: no absolute path, no '..'")
    return "/".join(parts)


def _at_commas(text: str) -> list[str]:
    fields: Sequence[str] = next(csv.reader([text]), [])
    return [field.strip() for field in fields]

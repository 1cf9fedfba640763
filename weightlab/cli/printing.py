"""How every command prints its tables: for people as a table, for programs as JSON or CSV and nothing else."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from weightlab.cli.options import Format
from weightlab.errors import printable
from weightlab.plot.tables import drawn, markdown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["print_json", "print_rows", "records"]

Row = Mapping[str, object]


def print_rows(
    rows: Sequence[Row], output: Format = Format.table, *, title: str | None = None, right: Sequence[str] = ()
) -> None:
    """Print rows of the same keys, one or more, on standard output.

    As a table it is drawn on a terminal and Markdown elsewhere, with a title above it; columns of numbers, and those
    in `right`, flush right; its numbers are rounded. In JSON and CSV they are not: a list with a record a line, a
    number that is none as null; or lines that end in a line feed, a missing number empty.
    """
    if output is Format.json:
        print_json(rows)
    elif output is Format.csv:
        typer.echo(_csv(rows), nl=False)
    else:
        _print_table(rows, title, right)


def print_json(value: object) -> None:
    """Print an object on a line, or a list with one of its items a line; a number that is none is null."""
    finite = _finite(value)
    # JSON has its own escapes for the characters that an encoding lacks
    write = json.JSONEncoder(ensure_ascii="utf" not in (sys.stdout.encoding or "").lower()).encode
    typer.echo("[" + ",\n ".join(map(write, finite)) + "]" if isinstance(finite, list) else write(finite))


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """A data frame's rows without its index, in Python's types."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _finite(value: object) -> object:
    """The same with None for NaN and the infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(["" if value != value else value for value in row.values()] for row in rows)
    return text.getvalue()


def _print_table(rows: Sequence[Row], title: str | None, right: Sequence[str]) -> None:
    columns = list(rows[0])
    heads = [printable(name) for name in columns]
    flush = [
        head
        for head, name in zip(heads, columns, strict=True)
        if name in right or all(isinstance(row[name], int | float) for row in rows)
    ]
    texts = [[_text(value) for value in row.values()] for row in rows]
    console = Console()
    if title:
        typer.echo("\n".join(map(printable, title.split("\n"))) + "\n")  # Markdown wants an empty line before a table
    if not console.is_terminal:
        typer.echo(markdown(heads, texts, flush))
        return
    head, body = drawn(heads, texts, flush, console.width).split("\n", 1)
    for part, style in ((head, "bold"), (body, None)):
        console.print(part, style=style, markup=False, highlight=False, soft_wrap=True)


def _text(value: object) -> str:
    """Four significant digits, three beside an exponent, so that a table of seven columns fits a terminal."""
    if not isinstance(value, float):
        return printable(str(value))
    return f"{value:.4g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.3g}"

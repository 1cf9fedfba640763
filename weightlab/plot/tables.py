"""Tables on a terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["markdown", "print_frame", "print_rows"]


def print_rows(rows: Sequence[Mapping[str, object]], title: str | None = None) -> None:
    """Print rows of the same keys as a table, numbers on the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, value in rows[0].items() if rows else ():
        is_number = isinstance(value, int | float)
        table.add_column(name, justify="right" if is_number else "left", no_wrap=not table.columns)
    for row in rows:
        table.add_row(*(_number(value) if isinstance(value, float) else str(value) for value in row.values()))
    console = Console()
    if title:
        console.print(title, highlight=False, soft_wrap=True)
    console.print(table)


def _number(value: float) -> str:
    """Four significant digits, three beside an exponent, so that a table of seven columns fits a terminal."""
    return f"{value:.4g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.3g}"


def print_frame(frame: pd.DataFrame, title: str | None = None) -> None:
    """Print a data frame without its index."""
    print_rows([{str(k): v for k, v in row.items()} for row in frame.to_dict("records")], title)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """A Markdown table of texts, padded so that its source is legible; columns in `right` flush right."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (columns, *rows)]
    widths = [max(3, *(len(row[index]) for row in cells)) for index in range(len(columns))]
    flush_right = [column in right for column in columns]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, flush_right, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (width - 1) + (":" if flush else "-") for width, flush in zip(widths, flush_right, strict=True)]
    return "\n".join([line(cells[0]), line(rule), *map(line, cells[1:])])

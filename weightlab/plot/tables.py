"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["print_frame", "print_rows"]


def print_rows(rows: Sequence[Mapping[str, object]], title: str | None = None) -> None:
    """Print rows of the same keys as a table, numbers on the right with four significant digits."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, value in rows[0].items() if rows else ():
        is_number = isinstance(value, int | float)
        table.add_column(name, justify="right" if is_number else "left", no_wrap=not table.columns)
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)


def print_frame(frame: pd.DataFrame, title: str | None = None) -> None:
    """Print a data frame without its index."""
    print_rows([{str(k): v for k, v in row.items()} for row in frame.to_dict("records")], title)

"""Tables of texts, in Markdown and drawn for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

from weightlab.plot.plain import in_markdown, visible

__all__ = ["drawn", "markdown"]

_GAP = "  "
_INDENT = "    "


def markdown(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = (), ready: Sequence[str] = ()
) -> str:
    """A Markdown table that shows the texts as given, padded so that its source is legible.

    right: columns that are flush right. ready: columns whose cells are Markdown already.
    """
    is_ready = [column in ready for column in columns]
    cells = [
        [in_markdown(column) for column in columns],
        *(
            [_piped(cell) if done else in_markdown(cell) for cell, done in zip(row, is_ready, strict=True)]
            for row in rows
        ),
    ]
    widths = [max(3, width) for width in _widths(cells)]
    flush = [column in right for column in columns]
    rule = ["-" * (width - 1) + (":" if right else "-") for width, right in zip(widths, flush, strict=True)]
    lines = (_padded(row, widths, flush) for row in (cells[0], rule, *cells[1:]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def drawn(columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], width: int) -> str:
    """A table of texts for a terminal of `width` columns, nothing of it cut: its heads, a rule, its rows.

    A column that does not fit beside those before it goes under its row, on an indented line: "name: text". Control
    characters, which would break its lines, are shown as escapes.
    """
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = _widths([columns, *rows])
    beside = _fitting(widths, width)
    under = [index for index in range(len(columns)) if index not in beside]
    kept = [widths[index] for index in beside]
    flush = [columns[index] in right for index in beside]

    def line(row: Sequence[str]) -> str:
        return _GAP.join(_padded([row[index] for index in beside], kept, flush)).rstrip()

    lines = [line(columns), "─" * min(width, sum(kept) + len(_GAP) * (len(kept) - 1))]
    for row in rows:
        lines.append(line(row))
        lines += [part for index in under if row[index] for part in _wrapped(f"{columns[index]}: {row[index]}", width)]
    return "\n".join(lines)


def _piped(cell: str) -> str:
    """Markdown that does not end its cell: a table takes "\\|" for "|" before anything else is read."""
    return cell.replace("|", "\\|")


def _fitting(widths: Sequence[int], width: int) -> list[int]:
    """Which columns stand beside each other: the first, and each that fits beside those before it."""
    beside, used = [0], widths[0]
    for index, wanted in enumerate(widths[1:], start=1):
        if used + len(_GAP) + wanted <= width:
            beside.append(index)
            used += len(_GAP) + wanted
    return beside


def _wrapped(text: str, width: int) -> list[str]:
    """Indented lines of whole words: a word that is longer than a line stays whole."""
    return textwrap.wrap(
        text,
        max(width, 2 * len(_INDENT) + 1),
        initial_indent=_INDENT,
        subsequent_indent=2 * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """How many cells of a terminal each column takes; a Chinese character takes two."""
    return [max(map(cell_len, column)) for column in zip(*rows, strict=True)]


def _padded(row: Sequence[str], widths: Sequence[int], flush_right: Sequence[bool]) -> list[str]:
    padding = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
    return [
        space + cell if right else cell + space for cell, space, right in zip(row, padding, flush_right, strict=True)
    ]

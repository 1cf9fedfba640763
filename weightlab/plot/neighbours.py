"""A page of queries with their nearest references, right ones and wrong ones marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.plot import style
from weightlab.plot.plain import PLAIN, visible, wrapped

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["Picture", "Row", "draw"]

_CELL, _CAPTION, _GAP, _MARGIN, _LINE = 1.0, 0.4, 0.14, 0.12, 0.17  # inches; the gap is behind the query
_LONGEST = 16  # characters of a name below a picture
_INK = "0.25"
_RIGHT, _WRONG = "✓", "✗"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with what stands below it.

    pixels: float [C, H, W] in [0, 1], of one channel or three.
    name: of its class.
    """

    pixels: NDArray[np.float32]
    name: str


@dataclass(frozen=True, eq=False)
class Row:
    """A query and its nearest references, most similar first.

    query: what was searched for.
    found: the references.
    similarity: of each.
    is_right: whether it is of the query's class.
    """

    query: Picture
    found: Sequence[Picture]
    similarity: Sequence[float]
    is_right: Sequence[bool]


def draw(rows: Sequence[Row], title: str) -> Figure:
    """A row a query: the query, then its references, right ones in a blue frame with ✓, wrong ones in a red with ✗."""
    from matplotlib.figure import Figure

    columns = 1 + max(len(row.found) for row in rows)
    width = columns * _CELL + _GAP + 2 * _MARGIN
    text = wrapped(title, max(20, int(width * 13)))
    top = _LINE * (1 + text.count("\n")) + 2 * _MARGIN
    height = top + len(rows) * (_CELL + _CAPTION)
    with style.context():
        figure = Figure(figsize=(width, height))
        figure.set_layout_engine("none")  # cells are placed by hand
        figure.text(_MARGIN / width, 1 - _MARGIN / height, text, va="top", fontsize=9, **PLAIN)
        for number, row in enumerate(rows):
            bottom = height - top - (number + 1) * (_CELL + _CAPTION) + _CAPTION
            cells = [figure.add_axes(_box(column, bottom, width, height)) for column in range(1 + len(row.found))]
            _show(cells[0], row.query, _INK, "query")
            for ax, picture, similarity, is_right in zip(
                cells[1:], row.found, row.similarity, row.is_right, strict=True
            ):
                colour, mark = (style.POSITIVE, _RIGHT) if is_right else (style.NEGATIVE, _WRONG)
                _show(ax, picture, colour, f"{mark} {similarity:.2f}".replace("-", "−"))
    return figure


def _box(column: int, bottom: float, width: float, height: float) -> tuple[float, float, float, float]:
    left = _MARGIN + column * _CELL + (_GAP if column else 0)
    side = _CELL - 0.1
    return left / width, (bottom + 0.05) / height, side / width, side / height


def _show(ax: Axes, picture: Picture, colour: str, note: str) -> None:
    """The picture in a frame of the colour; below it the note, in the colour, and its name."""
    pixels = picture.pixels
    if len(pixels) == 1:
        ax.imshow(pixels[0], cmap="gray", vmin=0, vmax=1)
    else:
        ax.imshow(pixels[:3].transpose(1, 2, 0).clip(0, 1))
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set(visible=True, edgecolor=colour, linewidth=2.2)
    ax.text(0.5, -0.05, note, transform=ax.transAxes, ha="center", va="top", fontsize=8, color=colour, **PLAIN)
    ax.text(
        0.5, -0.21, _cut(picture.name), transform=ax.transAxes, ha="center", va="top", fontsize=7, color=_INK, **PLAIN
    )


def _cut(name: str) -> str:
    """A name in the width of a picture: its middle left out where it is longer."""
    shown = visible(name)
    half = (_LONGEST - 1) // 2
    return shown if len(shown) <= _LONGEST else f"{shown[:half]}…{shown[-half:]}"

"""The options --plot and --out: what is drawn, and where it goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.errors import InputError
from weightlab.files import check_folder, write_atomically

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Out", "Plot", "check_figure", "folder_of", "slug", "slug_of_all", "write_figure"]

_FIGURES = Path("figures")
_MOST_BYTES, _MOST_CHARACTERS = 200, 50  # of a file's name, of one loss in it: disks take 255 bytes

Plot = Annotated[bool, typer.Option("--plot", help="write the figure and the curves")]
Out = Annotated[Path | None, typer.Option(help="the folder that --plot writes to [default: figures]")]


def folder_of(out: Path | None, *, plot: bool) -> Path | None:
    """The folder that --plot writes to; None without it. Raises InputError for --out alone, which would do nothing."""
    if not plot and out is not None:
        raise InputError(f"--out {out} is where --plot writes to: give --plot too, or leave --out out")
    return (out or _FIGURES) if plot else None


def check_figure(folder: Path, name: str) -> None:
    """Before the work: raise InputError unless `write_figure` can write there."""
    check_folder(folder, "--out", [path.name for path in _files(folder, name)])


def write_figure(axes: Axes, curves: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a figure as name.png and its curves as name.csv, and say so."""
    from weightlab.plot.save import figure_of, save_figure

    picture, table = _files(folder, name)
    save_figure(figure_of(axes), picture)
    write_atomically(table, lambda path: curves.to_csv(path, index=False, float_format="%.10g", lineterminator="\n"))
    typer.echo(f"wrote {picture} and {table}", err=True)


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.png", folder / f"{name}.csv"


def slug(loss: str) -> str:
    """A name for files: that of the loss, without module and parameters; of a weight function its first words."""
    from weightlab.foreign.imported import ImportPath

    path = ImportPath.of(loss)
    name = path.name if path else loss.lstrip("( ").partition("(")[0]
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:_MOST_CHARACTERS]


def slug_of_all(losses: Sequence[str]) -> str:
    """A name for files about several losses: theirs, or how many there are."""
    joined = "-".join(map(slug, losses))
    return joined if len(joined.encode()) <= _MOST_BYTES else f"{slug(losses[0])}-and-{len(losses) - 1}-more"

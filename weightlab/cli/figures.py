"""The options --plot and --out: what is drawn, and where it goes."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FIGURES", "Out", "Plot", "check_folder", "slug", "write_figure"]

FIGURES = Path("figures")
_LONGEST = 255  # bytes of a name, on all disks that are in use

Plot = Annotated[bool, typer.Option("--plot", help="write the figure and the curves")]
Out = Annotated[Path, typer.Option(help="the folder that --plot writes to")]


def check_folder(folder: Path, option: str = "--out", files: Sequence[str] = ()) -> None:
    """Before the work, not after it: raise InputError unless `folder` is one that can be written to, or can be made.

    files: names in it that will be written, so that no folder may lie there.
    """
    try:
        if any(len(os.fsencode(part)) > _LONGEST for part in folder.parts):
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path())
        if not there.is_dir():
            raise InputError(f"{option} {folder}: {there} is a file, not a folder")
        with tempfile.TemporaryFile(dir=there):  # permissions alone don't tell: a disk may be read-only
            pass
    except OSError as error:
        raise InputError(f"{option} {folder} can't be written to: {error.strerror}") from error
    for name in files:
        if (folder / name).is_dir():
            raise InputError(f"{option} {folder}: {folder / name} is a folder, where a file is to be written")


def write_figure(axes: Axes, curves: pd.DataFrame, name: Path) -> None:
    """Write a figure as name.png and its curves as name.csv, and say so."""
    from weightlab.files import write_atomically
    from weightlab.plot.save import figure_of, save_figure

    picture, table = name.with_suffix(".png"), name.with_suffix(".csv")
    save_figure(figure_of(axes), picture)
    write_atomically(table, lambda path: curves.to_csv(path, index=False, float_format="%.10g", lineterminator="\n"))
    typer.echo(f"wrote {picture} and {table}", err=True)


def slug(loss: str) -> str:
    """A name for files: that of the loss, without module and parameters."""
    return loss.partition("(")[0].rpartition(":")[2].strip()

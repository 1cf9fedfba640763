"""The options --plot and --out: what is drawn, and where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.files import check_folder, write_atomically

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["FIGURES", "Out", "Plot", "check_folder", "slug", "write_figure"]

FIGURES = Path("figures")

Plot = Annotated[bool, typer.Option("--plot", help="write the figure and the curves")]
Out = Annotated[Path, typer.Option(help="the folder that --plot writes to")]


def write_figure(axes: Axes, curves: pd.DataFrame, name: Path) -> None:
    """Write a figure as name.png and its curves as name.csv, and say so."""
    from weightlab.plot.save import figure_of, save_figure

    picture, table = name.with_suffix(".png"), name.with_suffix(".csv")
    save_figure(figure_of(axes), picture)
    write_atomically(table, lambda path: curves.to_csv(path, index=False, float_format="%.10g", lineterminator="\n"))
    typer.echo(f"wrote {picture} and {table}", err=True)


def slug(loss: str) -> str:
    """A name for files: that of the loss, without module and parameters."""
    from weightlab.decompose.foreign.imported import ImportPath

    path = ImportPath.of(loss)
    return path.name if path else loss.partition("(")[0].strip()

"""weightlab watch: how a run's weights, and what hangs on them, change as it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows, records
from weightlab.errors import InputError
from weightlab.files import check_folder

__all__ = ["watch"]

_PICTURES = (".png", ".svg", ".pdf")


def watch(
    run: Annotated[Path, typer.Argument(help="the folder of a run, done or in training")],
    out: Annotated[
        Path | None,
        typer.Option(help="the picture to write: page.png, .svg or .pdf [default: weights.png in the run's folder]"),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="how to print the table")] = Format.table,
) -> None:
    """Draw how a run's weights change as it trains, and print where it is now, a line a number, in words.

    The picture: where the weight lies, by similarity, over the steps; drift of the memory, active negatives, masses,
    surrogate, learning rate, validation. It is drawn of what the run wrote last: a checkpoint is a while behind.
    The records are in weights.parquet, a row a number, every --record steps: step; term (batch, memory); measure
    (pairs and mass, an anchor, in a bin of similarity from low to high; total_mass, over all bins; active, negatives of
    an anchor that have a weight; drift, 1 - cosine of an entry of the memory now and when stored, by age in steps);
    sign; low, high; age; statistic (mean; of active also error, q10, median, q90, over anchors); value; count (anchors
    or entries that it rests on: a sample, so a single record scatters).

    \b
    weightlab watch runs/a
    weightlab watch runs/a --out a.pdf --format json
    """
    from weightlab.plot.save import save_figure
    from weightlab.train.watching import watch as read

    picture = run / "weights.png" if out is None else out
    if picture.suffix.lower() not in _PICTURES:
        raise InputError(f"--out {picture}: pictures are written to {', '.join(_PICTURES)} files")
    found = read(run)
    check_folder(picture.parent, "--out", [picture.name])
    save_figure(found.figure(), picture)
    typer.echo(f"wrote {picture}", err=True)
    print_rows(records(found.table()), output, title=found.title)

"""weightlab compare: how far apart weight functions are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.context import ContextName, Negatives, Positives, context_of
from weightlab.cli.effort import Draws, Points
from weightlab.cli.figures import Out, Plot, check_figure, folder_of, slug_of_all, write_figure
from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows, records
from weightlab.cli.progress import track

if TYPE_CHECKING:
    from weightlab.decompose import Comparison

__all__ = ["compare"]


def compare(
    losses: Annotated[list[str], typer.Argument(help="two losses or more, as for decompose")],
    context: ContextName = "trained",
    positives: Positives = 3,
    negatives: Negatives = 64,
    equal_mass: Annotated[bool, typer.Option("--equal-mass", help="scale each curve to the same weight mass")] = False,
    points: Points = None,
    draws: Draws = None,
    plot: Plot = False,
    out: Out = None,
    output: Annotated[Format, typer.Option("--format", help="how to print the distances")] = Format.table,
) -> None:
    """How far apart the weights of several losses are, and their curves on one pair of axes.

    Built-in losses are quick, and so is a function that gives each anchor its loss. One that gives a single number for
    all, and a loss on embeddings, has to be asked anchor by anchor: fewer points and contexts, unless you say how many.

    \b
    weightlab compare contrastive triplet ms-loss --plot
    weightlab compare lifted n-pair --equal-mass --plot --out figures
    """
    from weightlab.decompose import compare as run

    folder = folder_of(out, plot=plot)
    if folder is not None:
        check_figure(folder / "compare", slug_of_all(losses))
    found = run(
        *losses,
        context=context_of(context, positives, negatives),
        equal_mass=equal_mass,
        points=points,
        draws=draws,
        track=track,
    )
    if folder is not None:
        from matplotlib.figure import Figure

        write_figure(found.plot(Figure())[0], found.curves, folder / "compare", slug_of_all(losses))
    if output is Format.table:
        title = f"share of the weight mass that lies elsewhere; context: {found.context}\n{found.effort}"
        print_rows(_in_words(found), output, title=title, right=("distance", "error"))
    else:
        print_rows(records(found.distances), output)


def _in_words(found: Comparison) -> list[dict[str, object]]:
    """The distances; where there is none, why."""
    from weightlab.decompose.comparison import NO_WEIGHT

    rows = records(found.distances.drop(columns="contexts"))
    for row in rows:
        if row["distance"] != row["distance"]:
            row |= {"distance": NO_WEIGHT, "error": ""}
    return rows

"""weightlab compare: how far apart weight functions are."""

from __future__ import annotations

from typing import Annotated

import typer

from weightlab.cli.context import ContextName, Negatives, Positives, context_of
from weightlab.cli.figures import FIGURES, Out, Plot, check_folder, slug, write_figure
from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows, records
from weightlab.cli.progress import track

__all__ = ["compare"]


def compare(
    losses: Annotated[list[str], typer.Argument(help="two losses or more, as for decompose")],
    context: ContextName = "trained",
    positives: Positives = 3,
    negatives: Negatives = 64,
    equal_mass: Annotated[bool, typer.Option("--equal-mass", help="scale each curve to the same weight mass")] = False,
    plot: Plot = False,
    out: Out = FIGURES,
    output: Annotated[Format, typer.Option("--format", help="how to print the distances")] = Format.table,
) -> None:
    """How far apart the weights of several losses are, and their curves on one pair of axes.

    \b
    weightlab compare contrastive triplet ms-loss --plot
    weightlab compare lifted n-pair --equal-mass --plot --out figures
    """
    from weightlab.decompose import compare as run

    if plot:
        check_folder(out)
    found = run(*losses, context=context_of(context, positives, negatives), equal_mass=equal_mass, track=track)
    if plot:
        from matplotlib.figure import Figure

        write_figure(found.plot(Figure())[0], found.curves, out / "compare" / "-".join(map(slug, losses)))
    title = f"share of the weight mass that lies elsewhere; context: {found.context}"
    print_rows(records(found.distances), output, title=title)

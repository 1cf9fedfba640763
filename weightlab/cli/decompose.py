"""weightlab decompose: a loss's weight functions, as tables, formulas and a figure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.context import ContextName, Negatives, Positives, context_of
from weightlab.cli.effort import Draws, Points
from weightlab.cli.figures import Out, Plot, check_figure, folder_of, slug, write_figure
from weightlab.cli.options import Format, settings
from weightlab.cli.printing import print_json, print_rows, records
from weightlab.cli.progress import track
from weightlab.errors import InputError

if TYPE_CHECKING:
    from weightlab.decompose import Decomposition

__all__ = ["decompose"]


class Output(StrEnum):
    """How a decomposition is printed; all but table print nothing else on standard output."""

    table = "table"
    json = "json"
    csv = "csv"
    latex = "latex"


def decompose(
    loss: Annotated[
        str, typer.Argument(help="ms-loss, 'ms-loss(beta=40)', 'package.module:Class(margin=0.1)' or file.py:function")
    ],
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a parameter of the loss; again for more")
    ] = None,
    context: ContextName = "trained",
    positives: Positives = 3,
    negatives: Negatives = 64,
    points: Points = None,
    draws: Draws = None,
    plot: Plot = False,
    out: Out = None,
    output: Annotated[Output, typer.Option("--format", help="how to print it")] = Output.table,
) -> None:
    """The positive and negative weight functions of a loss: curve, weight mass, formulas, residual.

    Built-in losses are quick, and so is a function that gives each anchor its loss. One that gives a single number for
    all, and a loss on embeddings, has to be asked anchor by anchor: fewer points and contexts, unless you say how many.

    \b
    weightlab decompose ms-loss --plot --out figures
    weightlab decompose ms-loss --set beta=40 --context run:runs/a --format json
    weightlab decompose n-pair --format latex
    weightlab decompose triplet --negatives 8192 --draws 32
    weightlab decompose "pytorch_metric_learning.losses:CircleLoss(m=0.4)" --plot
    weightlab decompose my_losses.py:my_loss --plot
    """
    from weightlab.decompose import decompose as run
    from weightlab.decompose.subject import Subject

    folder = folder_of(out, plot=plot)
    if folder is not None:
        check_figure(folder, slug(loss))
    subject = Subject.of(_with_settings(loss, assignments or []))
    if output is Output.latex and subject.formula is None:
        raise InputError(f"{subject.title} has no formulas: only the built-in losses have")
    found = run(
        subject,
        context_of(context, positives, negatives),
        points=points,
        draws=draws,
        track=track,
    )
    if folder is not None:
        from weightlab.plot.curves import axes_of_its_own

        write_figure(found.plot(axes_of_its_own(found.title, found.context)), found.curve, folder, slug(loss))
    _print(found, output)


def _with_settings(loss: str, assignments: list[str]) -> str:
    given = settings(assignments)
    if given and loss.rstrip().endswith(")"):
        raise InputError(f"{loss} already has parameters: give them there or with --set")
    return f"{loss}({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else loss


def _print(found: Decomposition, output: Output) -> None:
    if output is Output.csv:
        print_rows(records(found.curve), Format.csv)
    elif output is Output.json:
        print_json(found.to_dict())
    elif output is Output.latex:
        _print_latex(found)
    else:
        _print_tables(found)


def _print_latex(found: Decomposition) -> None:
    """Each weight on a line, what its letters are behind it."""
    assert found.formula is not None
    letters = "".join(rf",\quad {each.in_latex()}" for each in found.parameters)
    typer.echo(f"w^+ = {found.formula['positive']}{letters}\nw^- = {found.formula['negative']}{letters}")


def _print_tables(found: Decomposition) -> None:
    from weightlab.decompose.decomposition import ratio_in_words, residual_in_words

    typer.echo(f"{found.title}, {'relative' if found.relative else 'self-similarity'}; context: {found.context}")
    typer.echo(f"{found.effort}\n")
    print_rows(_coarse(found), title="weight curve: weight (the median), low and high (5 % and 95 %) over contexts")
    met = found.mass[found.mass["pairs"] > 0]
    print_rows(records(met), title="\nweight mass: each similarity bin's share, per sign, with its standard error")
    print_rows(
        records(found.hardness),
        title="\nweight mass by hardness: a negative is hard above the anchor's hardest positive,\n"
        "semi-hard within 0.1 below it; a positive the other way round",
    )
    typer.echo(f"\nnegative over positive weight mass: {ratio_in_words(found.ratio, found.ratio_error)}")
    for sign, formula in (found.formula_text or {}).items():
        typer.echo(f"w{'+' if sign == 'positive' else '-'} = {formula}")
    if found.parameters:
        typer.echo(f"with {', '.join(map(str, found.parameters))}")
    typer.echo(f"residual: {residual_in_words(found.residual)}")
    if found.signed:
        typer.echo("a weight is negative in places: the loss pushes a positive or pulls a negative there")


def _coarse(found: Decomposition) -> list[dict[str, object]]:
    """Eleven points of the curve, a row each with the weights of both signs."""
    half = len(found.curve) // 2
    coarse = found.curve[found.curve.groupby("sign").cumcount() % max(1, half // 10) == 0]
    signs = {str(sign): part.drop(columns="sign") for sign, part in coarse.groupby("sign")}
    return records(signs["positive"].merge(signs["negative"], on="similarity", suffixes=(" w+", " w-")))

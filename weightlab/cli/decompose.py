"""weightlab decompose and weightlab compare: weight functions, as tables, formulas and figures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weightlab.cli.context import ContextName, Negatives, Positives, context_of
from weightlab.cli.options import Format, check_figures, settings
from weightlab.errors import InputError

if TYPE_CHECKING:
    from weightlab.decompose import Comparison, Decomposition

__all__ = ["compare", "decompose"]


class Output(StrEnum):
    """How a decomposition is printed; all but table print nothing else on standard output."""

    table = "table"
    json = "json"
    csv = "csv"
    latex = "latex"


Plot = Annotated[bool, typer.Option("--plot", help="write the figure and the curves")]
Figures = Annotated[Path, typer.Option(help="where --plot writes")]


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
    plot: Plot = False,
    figures: Figures = Path("figures"),
    output: Annotated[Output, typer.Option("--format", help="how to print it")] = Output.table,
) -> None:
    """The positive and negative weight functions of a loss: curve, weight mass, formulas, residual.

    \b
    weightlab decompose ms-loss --plot
    weightlab decompose ms-loss --set beta=40 --context run:runs/a --format json
    weightlab decompose n-pair --format latex
    weightlab decompose triplet --negatives 8192
    weightlab decompose "pytorch_metric_learning.losses:CircleLoss(m=0.4)" --plot
    weightlab decompose my_losses.py:my_loss --plot
    """
    from weightlab.decompose import decompose as run

    check_figures(figures)
    found = run(_with_settings(loss, assignments or []), context_of(context, positives, negatives), track=_track)
    if output is Output.latex and found.formula is None:
        raise InputError(f"{found.title} has no formulas: only the built-in losses have")
    if plot:
        from weightlab.plot.save import figure_of, save_figure

        name = figures / _slug(loss)
        save_figure(figure_of(found.plot()), name.with_suffix(".png"))
        _write_csv(found.curve, name.with_suffix(".csv"))
    _print(found, output)


def compare(
    losses: Annotated[list[str], typer.Argument(help="two losses or more, as for decompose")],
    context: ContextName = "trained",
    positives: Positives = 3,
    negatives: Negatives = 64,
    equal_mass: Annotated[bool, typer.Option("--equal-mass", help="scale each curve to the same weight mass")] = False,
    plot: Plot = False,
    figures: Figures = Path("figures"),
    output: Annotated[Format, typer.Option("--format", help="how to print the distances")] = Format.table,
) -> None:
    """How far apart the weights of several losses are, and their curves on one pair of axes.

    \b
    weightlab compare contrastive triplet ms-loss --plot
    weightlab compare lifted n-pair --equal-mass --plot
    """
    from weightlab.decompose import compare as run

    check_figures(figures)
    found = run(*losses, context=context_of(context, positives, negatives), equal_mass=equal_mass, track=_track)
    if plot:
        from weightlab.plot.save import figure_of, save_figure

        name = figures / "compare" / "-".join(map(_slug, losses))
        save_figure(figure_of(found.plot()[0]), name.with_suffix(".png"))
        _write_csv(found.curves, name.with_suffix(".csv"))
    _print_distances(found, output)


def _track(blocks: list[Any]) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(blocks, "decomposing", console=console, transient=True, disable=not console.is_terminal)


def _with_settings(loss: str, assignments: list[str]) -> str:
    given = settings(assignments)
    if given and "(" in loss:
        raise InputError(f"{loss} already has parameters: give them there or with --set")
    return f"{loss}({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else loss


def _slug(loss: str) -> str:
    """A name for files: that of the loss, without module and parameters."""
    return loss.partition("(")[0].rpartition(":")[2].strip()


def _write_csv(frame: object, path: Path) -> None:
    import pandas as pd

    from weightlab.files import write_atomically

    assert isinstance(frame, pd.DataFrame)
    write_atomically(path, lambda temporary: frame.to_csv(temporary, index=False, float_format="%.10g"))
    typer.echo(f"wrote {path.with_suffix('.png')} and {path}", err=True)


def _print(found: Decomposition, output: Output) -> None:
    if output is Output.csv:
        typer.echo(found.curve.to_csv(index=False), nl=False)
    elif output is Output.json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    elif output is Output.latex:
        assert found.formula is not None
        typer.echo(f"w^+ = {found.formula['positive']}\nw^- = {found.formula['negative']}")
    else:
        _print_tables(found)


def _print_tables(found: Decomposition) -> None:
    from weightlab.plot.tables import print_frame

    typer.echo(f"{found.title}, {'relative' if found.relative else 'self-similarity'}; context: {found.context}\n")
    half = len(found.curve) // 2
    coarse = found.curve[found.curve.groupby("sign").cumcount() % max(1, half // 10) == 0]
    signs = {str(sign): part.drop(columns="sign") for sign, part in coarse.groupby("sign")}
    wide = signs["positive"].merge(signs["negative"], on="similarity", suffixes=(" w+", " w-"))
    print_frame(wide, "weight curve: weight (the median), low and high (5 % and 95 %) over contexts")
    print_frame(found.mass[found.mass["pairs"] > 0], "weight mass: each similarity bin's share, per sign")
    print_frame(
        found.hardness,
        "weight mass by hardness: a negative is hard above the anchor's hardest positive,\n"
        "semi-hard within 0.1 below it; a positive the other way round",
    )
    typer.echo(f"negative over positive weight mass: {found.ratio:.4g}")
    for sign, formula in (found.formula or {}).items():
        typer.echo(f"w{'+' if sign == 'positive' else '-'} = {formula}")
    if found.residual == found.residual:
        typer.echo(f"residual: {found.residual:.1e}")
    if found.signed:
        typer.echo("a weight is negative in places: the loss pushes a positive or pulls a negative there")


def _print_distances(found: Comparison, output: Format) -> None:
    if output is Format.csv:
        typer.echo(found.distances.to_csv(index=False), nl=False)
    elif output is Format.json:
        typer.echo(found.distances.to_json(orient="records"))
    else:
        from weightlab.plot.tables import print_frame

        print_frame(found.distances, f"share of the weight mass that lies elsewhere; context: {found.context}")

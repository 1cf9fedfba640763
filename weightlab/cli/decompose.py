"""weightlab decompose: a loss's weight functions, as a table, formulas and a figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.options import Format, settings
from weightlab.errors import InputError

if TYPE_CHECKING:
    from weightlab.decompose import Decomposition

__all__ = ["decompose"]


def decompose(
    loss: Annotated[str, typer.Argument(help="a loss: ms-loss, or with parameters 'ms-loss(beta=40)'")],
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="a parameter of the loss; again for more"),
    ] = None,
    context: Annotated[str, typer.Option(help="the other pairs' similarities: random, early or trained")] = "trained",
    positives: Annotated[int, typer.Option(help="positives of an anchor in the context")] = 4,
    negatives: Annotated[int, typer.Option(help="negatives of an anchor in the context")] = 64,
    plot: Annotated[bool, typer.Option("--plot", help="write the figure and the curve")] = False,
    figures: Annotated[Path, typer.Option(help="where --plot writes NAME.png and NAME.csv")] = Path("figures"),
    output: Annotated[Format, typer.Option("--format", help="how to print it")] = Format.table,
) -> None:
    """The positive and negative weight functions of a loss: curve, weight mass, formulas, residual.

    \b
    weightlab decompose ms-loss --plot
    weightlab decompose ms-loss --set beta=40 --context early
    weightlab decompose triplet --negatives 8192 --format json
    """
    from weightlab.decompose import contexts
    from weightlab.decompose import decompose as run

    text = _with_settings(loss, assignments or [])
    found = run(text, contexts.get(context, positives, negatives))
    if plot:
        _write(found, figures, loss.partition("(")[0].strip())
    _print(found, output)


def _with_settings(loss: str, assignments: list[str]) -> str:
    given = settings(assignments)
    if given and "(" in loss:
        raise InputError(f"{loss} already has parameters: give them there or with --set")
    return f"{loss}({', '.join(f'{name}={value!r}' for name, value in given.items())})" if given else loss


def _write(found: Decomposition, figures: Path, name: str) -> None:
    from weightlab.files import write_atomically
    from weightlab.plot.save import figure_of, save_figure

    save_figure(figure_of(found.plot()), figures / f"{name}.png")
    write_atomically(figures / f"{name}.csv", lambda path: found.curve.to_csv(path, index=False))
    typer.echo(f"wrote {figures / name}.png and {figures / name}.csv", err=True)


def _print(found: Decomposition, output: Format) -> None:
    if output is Format.csv:
        typer.echo(found.curve.to_csv(index=False), nl=False)
    elif output is Format.json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        from weightlab.plot.tables import print_frame

        typer.echo(f"{found.title}, {'relative' if found.relative else 'self-similarity'}; context: {found.context}")
        coarse = found.curve[found.curve.groupby("sign").cumcount() % (len(found.curve) // 2 // 10) == 0]
        print_frame(coarse, "weight curve (weight: median, low and high: 5 % and 95 % over contexts)")
        print_frame(found.mass[found.mass["pairs"] > 0], "weight mass: each bin's share, per sign")
        for sign, formula in (found.formula or {}).items():
            typer.echo(f"w{'+' if sign == 'positive' else '-'} = {formula}")
        typer.echo(f"residual against autograd: {found.residual:.1e}")

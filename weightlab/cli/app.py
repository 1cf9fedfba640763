"""The `weightlab` command and its groups."""

from __future__ import annotations

from typing import Annotated

import typer

from weightlab.cli import check, compare, data, decompose, diagnose, losses, retrieval, study, train, watch
from weightlab.cli.group import Group

__all__ = ["app"]

app = typer.Typer(
    name="weightlab",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="See, assign and study the pair weights of deep metric learning losses.",
    epilog="Begin with: weightlab decompose ms-loss --plot",
)


@app.callback()
def _anywhere(
    debug: Annotated[
        bool, typer.Option("--debug", help="ahead of the command: show the traceback of an error")
    ] = False,
) -> None:
    """What goes for every command; `weightlab.cli.run` takes --debug off before this, for errors in options too."""


app.command("losses")(losses.losses)
app.command("decompose")(decompose.decompose)
app.command("compare")(compare.compare)
app.command("check")(check.check)
app.command("diagnose")(diagnose.diagnose)
app.command("train")(train.train)
app.command("watch")(watch.watch)
app.command("evaluate")(retrieval.evaluate)
app.command("embed")(retrieval.embed)
app.command("neighbours")(retrieval.neighbours)
app.add_typer(study.app, name="study")
app.add_typer(data.app, name="data")

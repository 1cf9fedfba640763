"""The `weightlab` command and its groups."""

from __future__ import annotations

import typer

from weightlab.cli import check, compare, data, decompose, losses, study, train
from weightlab.cli.group import Group
from weightlab.cli.run import run

__all__ = ["app", "main"]

app = typer.Typer(
    name="weightlab",
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="See, assign and study the pair weights of deep metric learning losses.",
    epilog="Begin with: weightlab decompose ms-loss --plot",
)
app.command("losses")(losses.losses)
app.command("decompose")(decompose.decompose)
app.command("compare")(compare.compare)
app.command("check")(check.check)
app.command("train")(train.train)
app.command("evaluate")(train.evaluate)
app.add_typer(study.app, name="study")
app.add_typer(data.app, name="data")


def main(arguments: list[str] | None = None) -> None:
    """Run a command of weightlab and exit, as `run` says."""
    run(app, "weightlab", arguments)

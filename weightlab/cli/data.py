"""weightlab data: the data sets and their making."""

from __future__ import annotations

from typing import Annotated

import typer

from weightlab.cli.group import Group
from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows

__all__ = ["app"]

app = typer.Typer(
    cls=Group, no_args_is_help=True, rich_markup_mode=None, help="The data sets: what there is, and making it."
)


@app.command("list")
def list_(output: Annotated[Format, typer.Option("--format", help="how to print it")] = Format.table) -> None:
    """Every data set, with what it is.

    \b
    weightlab data list
    """
    from weightlab import data

    print_rows([{"name": name, "what": what} for name, what in data.names()], output)


@app.command()
def make(name: Annotated[str, typer.Argument(help="a data set of the list")] = "glyphs") -> None:
    """Make a data set now (it is made when first needed) and say what it holds.

    \b
    weightlab data make glyphs
    """
    from weightlab import data

    dataset = data.load(name)
    for part, split in (("train", dataset.train), ("test", dataset.test)):
        typer.echo(f"{name} {part}: {len(split)} images of {int(split.labels.max()) + 1} classes")

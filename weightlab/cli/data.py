"""weightlab data: what there is, whether it is whole, and making it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.group import Group
from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows
from weightlab.errors import printable

if TYPE_CHECKING:
    from weightlab.data import Split

__all__ = ["app"]

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The data sets: what there is, and whether it is whole.",
)

Name = Annotated[str, typer.Argument(metavar="DATA", help="a data set, as --data has it: glyphs, sop:PATH, ...")]
Output = Annotated[Format, typer.Option("--format", help="how to print it")]


@app.command("list")
def list_(output: Output = Format.table) -> None:
    """Every kind of data set: how it is written, and what it is.

    \b
    weightlab data list
    weightlab data list --format json
    """
    from weightlab import data

    print_rows([{"name": name, "what": what} for name, what in data.names()], output)


@app.command()
def check(name: Name, output: Output = Format.table) -> None:
    """What is in the place of a data set, what is missing, and what is not as published.

    Facts come first, then faults, a line each; the exit code is 1 where there are faults. Images are looked for, not
    opened: weightlab data make opens them.

    \b
    weightlab data check sop:Stanford_Online_Products
    weightlab data check "vehicleid:VehicleID_V1.0(test=large)"
    weightlab data check cars:stanford_cars --format json
    """
    from weightlab import data

    found = data.inspect(name)
    if output is Format.table:
        typer.echo("\n".join(map(printable, (*found.facts, *(f"fault: {fault}" for fault in found.faults)))))
    else:
        lines = [("fact", fact) for fact in found.facts] + [("fault", fault) for fault in found.faults]
        print_rows([{"what": what, "line": line} for what, line in lines], output)
    if found.faults:
        raise typer.Exit(1)


@app.command()
def make(
    name: Name = "glyphs",
    size: Annotated[int, typer.Option(help="side of the images in pixels")] = 24,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="leave out images that can't be read, and say how many")
    ] = False,
    output: Output = Format.table,
) -> None:
    """Load a data set now (render, decode and cache what training would first) and say what it holds.

    \b
    weightlab data make glyphs
    weightlab data make inshop:DeepFashion --size 64
    weightlab data make "vehicleid:VehicleID_V1.0(test=small)" --skip-damaged
    """
    from weightlab import data

    dataset = data.load(name, size=size, skip_damaged=skip_damaged)
    for note in dataset.notes:
        typer.echo(printable(note), err=True)
    print_rows([_held(part, split) for part, split in (("train", dataset.train), ("test", dataset.test))], output)


def _held(part: str, split: Split) -> dict[str, object]:
    rows, categories = len(split), split.categories
    return {
        "part": part,
        "rows": rows,
        "classes": int(split.labels.max()) + 1,
        "categories": 0 if categories is None else int(categories.max()) + 1,
        "queries": rows if split.is_query is None else int(split.is_query.sum()),
        "gallery": rows if split.is_gallery is None else int(split.is_gallery.sum()),
        "input": " × ".join(map(str, split.inputs.shape)),
    }

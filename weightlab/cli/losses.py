"""weightlab losses: what there is to decompose."""

from __future__ import annotations

from typing import Annotated

import typer

from weightlab import losses as registry
from weightlab.cli.options import Format
from weightlab.cli.printing import print_rows

__all__ = ["losses"]


def losses(
    output: Annotated[Format, typer.Option("--format", help="how to print it")] = Format.table,
) -> None:
    """Every loss: name, parameters with their defaults, self-similarity or relative, source.

    \b
    weightlab losses
    weightlab losses --format json
    """
    rows = [
        {
            "name": loss.name,
            "parameters": ", ".join(f"{name}={value}" for name, value in registry.parameters(loss).items()),
            "kind": "relative" if loss.relative else "self-similarity",
            "source": loss.source,
        }
        for loss in registry.ALL
    ]
    print_rows(rows, output)

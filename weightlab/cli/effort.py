"""The options --points and --draws: how much a decomposition looks at."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["Draws", "Points"]

Points = Annotated[int | None, typer.Option(help="similarities on a curve, 2 to 65536 [default: 401, 101 or 41 or 21]")]
Draws = Annotated[
    int | None, typer.Option(help="contexts that a curve is taken in, 1 to 1048576 [default: 256, fewer of large ones]")
]

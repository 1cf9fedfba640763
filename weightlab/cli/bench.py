"""weightlab bench: what takes how long on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Benchmarks: what takes how long on this machine.")


@app.callback()
def group() -> None:
    """Benchmarks: what takes how long on this machine."""


@app.command()
def decompose(
    figures: Annotated[Path, typer.Option(help="where bench/decomposition.md goes")] = Path("figures"),
) -> None:
    """Seconds for a full decomposition of each loss.

    \b
    weightlab bench decompose
    """
    from rich.console import Console
    from rich.progress import track

    from weightlab import losses
    from weightlab.bench.decomposition import DRAWS, POINTS, time_decompositions
    from weightlab.bench.machine import describe_machine
    from weightlab.files import write_text
    from weightlab.plot.tables import markdown

    console = Console(stderr=True)
    total = len(losses.names())
    rows = [
        [name, f"{seconds:.2f}"]
        for name, seconds in track(time_decompositions(), "decomposing", total, console=console, transient=True)
    ]
    table = markdown(["loss", "seconds"], rows, right=["seconds"])
    head = f"A full decomposition: {POINTS:,} grid points, {DRAWS} contexts of 64 negatives, median of 5.\n"
    write_text(figures / "bench" / "decomposition.md", f"{head}{describe_machine()}.\n\n{table}\n")
    typer.echo(table)

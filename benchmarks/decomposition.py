"""How long a full decomposition takes: 1,001 grid points, 256 contexts of 64 negatives."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import track

from benchmarks.machine import describe_machine
from benchmarks.output import Figures, output_folder
from weightlab import losses
from weightlab.cli.run import run
from weightlab.decompose import decompose
from weightlab.files import write_text
from weightlab.plot.tables import markdown

__all__ = ["main", "report", "time_decompositions"]

_POINTS, _DRAWS = 1001, 256
_REPEATS = 5

_app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@_app.command()
def decomposition(figures: Figures = Path("figures")) -> None:
    """Seconds for a full decomposition of each loss.

    Writes bench/decomposition.md.

    \b
    python -m benchmarks.decomposition
    python -m benchmarks.decomposition --figures elsewhere
    """
    folder, names = output_folder(figures, "decomposition.md"), losses.names()
    console = Console(stderr=True)
    timed = track(time_decompositions(names), "decomposing", len(names), console=console, transient=True)
    text = report(dict(timed))
    write_text(folder / "decomposition.md", text)
    typer.echo(text, nl=False)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit, as `run` says."""
    run(_app, "python -m benchmarks.decomposition", arguments)


def time_decompositions(names: list[str]) -> Iterator[tuple[str, float]]:
    """Each loss with its seconds, the median of five runs after a short one that does not count."""
    for name in names:
        decompose(name, points=11, draws=8)
        seconds = []
        for _ in range(_REPEATS):
            start = time.perf_counter()
            decompose(name, points=_POINTS, draws=_DRAWS)
            seconds.append(time.perf_counter() - start)
        yield name, statistics.median(seconds)


def report(seconds: dict[str, float]) -> str:
    """The table in Markdown, with the machine; seconds by loss."""
    head = f"A full decomposition: {_POINTS:,} grid points, {_DRAWS} contexts of 64 negatives, median of {_REPEATS}."
    table = markdown(["loss", "seconds"], [[name, f"{each:.2f}"] for name, each in seconds.items()], ["seconds"])
    return f"{head}\n{describe_machine()}.\n\n{table}\n"


if __name__ == "__main__":
    main()

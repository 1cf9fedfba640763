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


@app.command()
def step(
    max_power: Annotated[int, typer.Option(help="references up to two to this power")] = 20,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    figures: Annotated[Path, typer.Option(help="where bench/step.md and bench/step.png go")] = Path("figures"),
) -> None:
    """Time and extra memory of a training step against a bank, as ratios to two dense products.

    \b
    weightlab bench step
    weightlab bench step --max-power 16
    weightlab bench step --device cuda           # into bench/step-cuda.md and .png
    """
    from rich.console import Console

    from weightlab.bench.methods import PRODUCTS
    from weightlab.bench.step import measure, report
    from weightlab.files import write_text
    from weightlab.plot.bench import draw_step
    from weightlab.plot.save import save_figure

    with Console(stderr=True).status("starting") as status:
        measured = measure(max_power, device, status.update)
    text = report(measured)
    name = figures / "bench" / ("step" if device == "cpu" else f"step-{device.replace(':', '-')}")
    write_text(name.with_suffix(".md"), text)
    save_figure(draw_step(measured.times, PRODUCTS), name.with_suffix(".png"))
    typer.echo(text, nl=False)


@app.command()
def retrieval(
    rows: Annotated[
        int, typer.Option(help="embeddings to search among each other; the default is SOP's test set")
    ] = 60_502,
    figures: Annotated[Path, typer.Option(help="where bench/retrieval.md goes")] = Path("figures"),
) -> None:
    """Seconds for recall and MAP@R, as ratios to faiss's search alone and to pytorch-metric-learning.

    \b
    weightlab bench retrieval
    weightlab bench retrieval --rows 20000
    """
    from rich.console import Console

    from weightlab.bench.retrieval import measure, report
    from weightlab.files import write_text

    with Console(stderr=True).status("starting") as status:
        text = report(measure(rows, status.update))
    write_text(figures / "bench" / "retrieval.md", text)
    typer.echo(text, nl=False)


@app.command()
def search(figures: Annotated[Path, typer.Option(help="where bench/search.md goes")] = Path("figures")) -> None:
    """A step over a search structure's candidates: its time against the exact step's, and the weight mass it finds.

    \b
    weightlab bench search
    """
    from rich.console import Console

    from weightlab.bench.search import measure, report
    from weightlab.files import write_text

    with Console(stderr=True).status("starting") as status:
        text = report(measure(status.update))
    write_text(figures / "bench" / "search.md", text)
    typer.echo(text, nl=False)

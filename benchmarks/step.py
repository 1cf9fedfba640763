"""The step's benchmark: time and extra memory of a training step against a bank, as ratios to two dense products."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.methods import PRODUCTS
from benchmarks.output import Figures, output_folder
from benchmarks.step_figure import draw_step
from benchmarks.step_report import report
from benchmarks.step_times import check_device, measure
from weightlab.cli.run import run
from weightlab.files import write_text
from weightlab.plot.save import save_figure

__all__ = ["main"]

_app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)


@_app.command()
def step(
    max_power: Annotated[int, typer.Option(help="references up to two to this power")] = 20,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    figures: Figures = Path("figures"),
) -> None:
    """Time and extra memory of a training step against a bank, as ratios to two dense products.

    Writes bench/step.md and bench/step.png, or bench/step-cuda.md and .png.

    \b
    python -m benchmarks.step
    python -m benchmarks.step --max-power 16
    python -m benchmarks.step --device cuda
    """
    name = "step" if device == "cpu" else f"step-{device.replace(':', '-')}"
    files = [f"{name}.md", f"{name}.png"]
    check_device(device)
    folder = output_folder(figures, *files)
    with Console(stderr=True).status("starting") as status:
        measured = measure(max_power, device, status.update)
    text = report(measured)
    write_text(folder / files[0], text)
    save_figure(draw_step(measured.times, PRODUCTS), folder / files[1])
    typer.echo(text, nl=False)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit, as `run` says."""
    run(_app, "python -m benchmarks.step", arguments)


if __name__ == "__main__":
    main()

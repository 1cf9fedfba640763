"""weightlab train."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.options import Format, given, options_of
from weightlab.cli.printing import print_json, print_rows
from weightlab.cli.run import Stopped
from weightlab.errors import InputError
from weightlab.files import exists
from weightlab.train.config import TrainConfig

if TYPE_CHECKING:
    from weightlab.train import TrainResult

__all__ = ["train"]

Output = Annotated[Format, typer.Option("--format", help="how to print the metrics")]


@options_of(TrainConfig)
def train(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="a folder for the run; needed to resume or evaluate it")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="go on with the run in this folder, which has the settings: give no others")
    ] = None,
    output: Output = Format.table,
    **settings: object,
) -> None:
    """Train an encoder with directly assigned weights, or with a loss's, and print its retrieval metrics.

    \b
    weightlab train --negative "step(0.5)" --memory 8192 --scale mass --out runs/a
    weightlab train --loss "ms-loss(beta=40)" --memory 0 --steps 500
    weightlab train --resume runs/a
    """
    if resume is not None:
        config, out = _resumed(resume, given(context)), resume
    else:
        _check_one_weighting(given(context))
        config = TrainConfig.checked(settings)
    try:
        result = _with_progress(config, out)
    except KeyboardInterrupt:
        if out is not None and exists(out / "config.json"):
            raise Stopped(f"go on with: weightlab train --resume {shlex.quote(str(out))}") from None
        raise
    _print(result.metrics, output)


def _resumed(folder: Path, options: list[str]) -> TrainConfig:
    """The settings of the run in a folder. Raises InputError where options ask for others."""
    from weightlab.train import checkpoint

    others = [option for option in options if option not in ("--resume", "--format")]
    if others:
        raise InputError(f"--resume {folder} goes on with the settings of that run: leave out {', '.join(others)}")
    return checkpoint.read_config(folder)


def _check_one_weighting(options: list[str]) -> None:
    """Raise InputError where a loss stands beside weight functions, even those that would go without saying."""
    others = [option for option in options if option in ("--positive", "--negative", "--scale")]
    if "--loss" in options and others:
        raise InputError(f"--loss has the weights of all pairs: leave out {', '.join(others)}, or give it to them")


def _with_progress(config: TrainConfig, folder: Path | None) -> TrainResult:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from weightlab.train import train as run

    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task("", total=config.steps)

    def on_step(step: int, loss: float) -> None:
        # begun only now, for the data that are read before have bars of their own; and where nobody looks even a bar
        # that draws nothing would end in an empty line
        if console.is_terminal and not progress.live.is_started:
            progress.start()
        progress.update(task, completed=step, description=f"surrogate {loss:.3f}")

    try:
        return run(config, on_step=on_step, out=folder)
    finally:
        if progress.live.is_started:
            progress.stop()


def _print(metrics: dict[str, float], output: Format) -> None:
    if output is Format.json:
        print_json(metrics)
    elif output is Format.csv:
        print_rows([{"metric": name, "value": value} for name, value in metrics.items()], output)
    else:
        print_rows([{"metric": name, "percent": 100 * value} for name, value in metrics.items()], output)

"""weightlab train and weightlab evaluate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weightlab.cli.options import Format
from weightlab.plot.tables import print_rows

if TYPE_CHECKING:
    from weightlab.train import TrainConfig, TrainResult

__all__ = ["evaluate", "train"]

Output = Annotated[Format, typer.Option("--format", help="how to print the metrics")]


def train(
    data: Annotated[str, typer.Option(help="the data set: see weightlab data list")] = "glyphs",
    loss: Annotated[str | None, typer.Option(help="a loss whose weights to use, in place of the next two")] = None,
    positive: Annotated[str, typer.Option(help="weight function of the positives")] = "constant",
    negative: Annotated[str, typer.Option(help="weight function of the negatives")] = "step(0.5)",
    scale: Annotated[str, typer.Option(help="raw, mean or mass: how an anchor's weights are scaled")] = "mean",
    memory: Annotated[int, typer.Option(help="entries of the memory bank, 0 for none")] = 8192,
    momentum: Annotated[float, typer.Option(help="of the momentum encoder, 0 for a plain memory")] = 0.99,
    warmup: Annotated[int, typer.Option(help="steps before the memory starts")] = 100,
    steps: Annotated[int, typer.Option(help="training steps")] = 1000,
    batch: Annotated[int, typer.Option(help="images in a batch")] = 64,
    per_class: Annotated[int, typer.Option(help="images of each class in a batch")] = 4,
    size: Annotated[int, typer.Option(help="side of the images in pixels")] = 24,
    learning_rate: Annotated[float, typer.Option(help="of AdamW, at its peak")] = 1e-3,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
    out: Annotated[Path | None, typer.Option(help="a folder for the run; needed to resume or evaluate it")] = None,
    resume: Annotated[Path | None, typer.Option(help="go on with the run in this folder; it has the settings")] = None,
    output: Output = Format.table,
) -> None:
    """Train an encoder with directly assigned weights, or with a loss's, and print its retrieval metrics.

    \b
    weightlab train --positive constant --negative "step(0.5)" --memory 8192 --out runs/a
    weightlab train --loss "ms-loss(beta=40)" --memory 0 --steps 500
    weightlab train --resume runs/a
    """
    from weightlab.train import TrainConfig, checkpoint

    if resume is not None:
        config, out = checkpoint.read_config(resume), resume
    else:
        given = locals()
        config = TrainConfig.checked({name: given[name] for name in TrainConfig.model_fields if name in given})
    try:
        result = _with_progress(config, out)
    except KeyboardInterrupt:
        if out is not None:
            typer.echo(f"weightlab: stopped; go on with: weightlab train --resume {out}", err=True)
            raise typer.Exit(1) from None
        raise
    _print(result.metrics, output)


def evaluate(
    run: Annotated[Path, typer.Argument(help="the folder of a run that is done")],
    output: Output = Format.table,
) -> None:
    """The retrieval metrics of a trained run on the test classes.

    \b
    weightlab evaluate runs/a
    """
    from weightlab.train import evaluate_run

    _print(evaluate_run(run), output)


def _with_progress(config: TrainConfig, folder: Path | None) -> TrainResult:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from weightlab.train import train as run

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=config.steps)
        return run(
            config,
            on_step=lambda step, loss: progress.update(task, completed=step, description=f"surrogate {loss:.3f}"),
            out=folder,
        )


def _print(metrics: dict[str, float], output: Format) -> None:
    if output is Format.json:
        typer.echo(json.dumps(metrics))
    elif output is Format.csv:
        typer.echo("\n".join(["metric,value", *(f"{name},{value}" for name, value in metrics.items())]))
    else:
        print_rows([{"metric": name, "percent": 100 * value} for name, value in metrics.items()])

"""weightlab train."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from weightlab.cli.live import trained
from weightlab.cli.options import Format, given, options_of
from weightlab.cli.printing import print_json, print_rows
from weightlab.cli.run import Stopped
from weightlab.errors import InputError
from weightlab.files import exists
from weightlab.train.config import TrainConfig
from weightlab.train.settings import about, merged, names, read_settings
from weightlab.train.settings import preset as preset_of

__all__ = ["train"]

Log = Callable[[dict[str, float], int], None]
Output = Annotated[Format, typer.Option("--format", help="how to print the metrics")]


@options_of(TrainConfig)
def train(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="a folder for the run; needed to resume or evaluate it")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="go on with the run in this folder, which has the settings: give no others")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="a TOML file of settings: learning_rate = 0.001")] = None,
    preset: Annotated[str | None, typer.Option(help="settings that come with weightlab, by name")] = None,
    presets: Annotated[bool, typer.Option("--presets", help="list the presets, and end")] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="write its numbers for TensorBoard too, into the run's folder")
    ] = False,
    output: Output = Format.table,
    **settings: object,
) -> None:
    """Train an encoder with directly assigned weights, or with a loss's, and print its retrieval metrics.

    Settings are those of --preset, then of --config, then of the options, the later ones ahead.

    \b
    weightlab train --negative "step(0.5)" --memory 8192 --scale mass --out runs/a
    weightlab train --loss "ms-loss(beta=40)" --memory 0 --steps 500
    weightlab train --config run.toml --seed 1 --validate-every 200 --patience 5 --out runs/b
    weightlab train --preset xbm --data sop:PATH --out runs/xbm
    weightlab train --resume runs/a
    """
    if presets:
        print_rows([{"preset": name, "about": about(name)} for name in names()], output)
        return
    if resume is not None:
        run, out = _resumed(resume, given(context)), resume
    else:
        _check_one_weighting(given(context))
        chosen = {name: settings[name] for name in map(_field, given(context)) if name in settings}
        files = [preset_of(preset) if preset else {}, read_settings(config) if config else {}]
        run = TrainConfig.checked(merged(*files, chosen))
    if tensorboard and out is None:
        raise InputError("--tensorboard writes into the run's folder: give --out too")
    try:
        with _log(out if tensorboard else None) as log:
            result = trained(run, out, log)
    except KeyboardInterrupt:
        if out is not None and exists(out / "config.json"):
            raise Stopped(f"go on with: weightlab train --resume {shlex.quote(str(out))}") from None
        raise
    _print(result.metrics, output)


def _field(option: str) -> str:
    """--learning-rate as learning_rate."""
    return option.removeprefix("--").replace("-", "_")


def _resumed(folder: Path, options: list[str]) -> TrainConfig:
    """The settings of the run in a folder. Raises InputError where options ask for others."""
    from weightlab.train import checkpoint

    others = [option for option in options if option not in ("--resume", "--format", "--tensorboard")]
    if others:
        raise InputError(f"--resume {folder} goes on with the settings of that run: leave out {', '.join(others)}")
    return checkpoint.read_config(folder)


def _check_one_weighting(options: list[str]) -> None:
    """Raise InputError where a loss stands beside weight functions, even those that would go without saying."""
    others = [option for option in options if option in ("--positive", "--negative", "--scale")]
    if "--loss" in options and others:
        raise InputError(f"--loss has the weights of all pairs: leave out {', '.join(others)}, or give it to them")


@contextmanager
def _log(folder: Path | None) -> Iterator[Log | None]:
    """What takes the run's numbers; None for nothing."""
    if folder is None:
        yield None
        return
    from weightlab.train.tensorboard import tensorboard_log

    with tensorboard_log(folder / "tensorboard") as log:
        yield log


def _print(metrics: dict[str, float], output: Format) -> None:
    if output is Format.json:
        print_json(metrics)
    elif output is Format.csv:
        print_rows([{"metric": name, "value": value} for name, value in metrics.items()], output)
    else:
        print_rows([{"metric": name, "percent": 100 * value} for name, value in metrics.items()], output)

"""A training run as it is seen on a terminal while it trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from weightlab.train.config import TrainConfig

if TYPE_CHECKING:
    from rich.progress import Task
    from rich.text import Text

    from weightlab.train import TrainResult

__all__ = ["trained"]


def trained(
    config: TrainConfig, folder: Path | None, log: Callable[[dict[str, float], int], None] | None
) -> TrainResult:
    """Train, with a line on standard error: steps a second, time left, surrogate, active negatives, validation R@1."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    from weightlab.train import train

    class Speed(ProgressColumn):
        """Steps a second."""

        def render(self, task: Task) -> Text:
            """Nothing before the first."""
            return Text("" if task.speed is None else f"{task.speed:.3g}/s", no_wrap=True)

    console = Console(stderr=True)
    whole, rest = Column(no_wrap=True), Column(no_wrap=True, overflow="ellipsis", ratio=1)  # one line, however narrow
    columns = (
        BarColumn(8),
        MofNCompleteColumn(table_column=whole),
        Speed(table_column=whole),
        TimeRemainingColumn(compact=True, table_column=whole),
        TextColumn("{task.description}", table_column=rest),
    )
    progress = Progress(*columns, console=console, transient=True, expand=True)
    task = progress.add_task("", total=config.steps)
    shown: dict[str, str] = {}

    def on_step(step: int, loss: float) -> None:
        # begun only now, for the data that are read before have bars of their own; and where nobody looks even a bar
        # that draws nothing would end in an empty line
        if console.is_terminal and not progress.live.is_started:
            progress.start()
        shown["surrogate"] = f"{loss:.4g}"
        said = " · ".join(f"{name} {value}" for name, value in shown.items())
        progress.update(task, completed=step, description=said)

    def on_log(values: dict[str, float], step: int) -> None:
        for name, text in (("active_negatives", "active"), ("validation/R@1", "R@1 (val.)")):
            if name in values:
                shown[text] = f"{100 * values[name]:.1f}" if "/" in name else f"{values[name]:.3g}"
        if log is not None:
            log(values, step)

    try:
        return train(config, on_step=on_step, log=on_log, out=folder)
    finally:
        if progress.live.is_started:
            progress.stop()

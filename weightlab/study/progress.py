"""How a study goes on, on standard error: live bars on a terminal, a line for each trial elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from weightlab.plot.numbers import rounded
from weightlab.study.runner import Display
from weightlab.study.trial import Trial
from weightlab.train.result import TrainResult

__all__ = ["duration", "shown"]


@contextmanager
def shown(trials: Sequence[Trial], kept: int, metric: str, console: Console) -> Iterator[Display]:
    """Show how the trials go on while the block runs; `kept` more were finished before."""
    progress = _Progress(trials, kept, metric, since=time.monotonic())
    if not console.is_terminal:
        yield _Lines(progress, console)
        return
    with _bars(console) as bars:
        yield _Live(progress, bars)


def duration(seconds: float) -> str:
    """Seconds for people: 42 s, 3 min 20 s, 1 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@dataclass
class _Progress:
    """What is done and what is left, in trials and in steps.

    trials: those to run.
    kept: how many more were finished before.
    metric: the one that is shown of a finished trial.
    since: when it began, in seconds of `time.monotonic`.
    done: how many trials are over, finished or failed.
    skipped: steps that failed trials didn't come to.
    steps: how many each trial has done.
    """

    trials: Sequence[Trial]
    kept: int
    metric: str
    since: float
    done: int = 0
    skipped: int = 0
    steps: dict[Trial, int] = field(default_factory=dict)

    def reach(self, trial: Trial, step: int) -> None:
        self.steps[trial] = step

    def finish(self, trial: Trial) -> None:
        self.done += 1
        self.steps[trial] = trial.config.steps

    def fail(self, trial: Trial) -> None:
        self.done += 1
        self.skipped += trial.config.steps - self.steps[trial]

    @property
    def total(self) -> int:
        return sum(trial.config.steps for trial in self.trials)

    @property
    def completed(self) -> int:
        """Steps that are not to be done any more."""
        return sum(self.steps.values()) + self.skipped

    @property
    def count(self) -> str:
        return f"{self.kept + self.done}/{self.kept + len(self.trials)}"

    @property
    def left(self) -> str:
        """How long the rest takes at the pace so far."""
        left, ran = self.total - self.completed, self.completed - self.skipped
        if not left or not ran:
            return ""
        return f"about {duration((time.monotonic() - self.since) * left / ran)} left"

    def outcome(self, trial: Trial, result: TrainResult) -> str:
        value = rounded(100 * result.metrics.get(self.metric, math.nan))
        return f"{trial}: {self.metric} {value} in {duration(result.seconds)}"


@dataclass(frozen=True)
class _Lines:
    """A line for each trial that is over.

    progress: what is done.
    console: where the lines go.
    """

    progress: _Progress
    console: Console

    def started(self, trial: Trial) -> None:
        self.progress.reach(trial, 0)

    def step(self, trial: Trial, step: int, loss: float) -> None:
        self.progress.reach(trial, step)

    def finished(self, trial: Trial, result: TrainResult) -> None:
        self.progress.finish(trial)
        self._print(self.progress.outcome(trial, result))

    def failed(self, trial: Trial, reason: str) -> None:
        self.progress.fail(trial)
        self._print(f"{trial} failed: {reason}")

    def _print(self, line: str) -> None:
        left = f"; {self.progress.left}" if self.progress.left else ""
        self.console.print(f"[{self.progress.count}] {line}{left}", markup=False, highlight=False, soft_wrap=True)


def _bars(console: Console) -> Progress:
    # the last column may be cut, so the longest texts stand there
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}", markup=False),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        transient=True,
    )


@dataclass
class _Live:
    """A bar for the study, one for each running trial, and a line above them for each one that is over.

    progress: what is done.
    bars: the bars on the screen.
    rows: which of the bars is a trial's.
    """

    progress: _Progress
    bars: Progress
    rows: dict[Trial, TaskID] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.overall = self.bars.add_task("study", total=self.progress.total, count="", note="")
        self._refresh()

    def started(self, trial: Trial) -> None:
        self.progress.reach(trial, 0)
        self.rows[trial] = self.bars.add_task(str(trial), total=trial.config.steps, count="", note="starting")

    def step(self, trial: Trial, step: int, loss: float) -> None:
        self.progress.reach(trial, step)
        count = f"{step}/{trial.config.steps} steps"
        self.bars.update(self.rows[trial], completed=step, count=count, note=f"loss {loss:.4g}")
        self._refresh()

    def finished(self, trial: Trial, result: TrainResult) -> None:
        self.progress.finish(trial)
        self._end(trial, self.progress.outcome(trial, result))

    def failed(self, trial: Trial, reason: str) -> None:
        self.progress.fail(trial)
        self._end(trial, f"{trial} failed: {reason}")

    def _end(self, trial: Trial, line: str) -> None:
        self.bars.remove_task(self.rows.pop(trial))
        self.bars.console.print(line, markup=False, highlight=False)
        self._refresh()

    def _refresh(self) -> None:
        count = f"{self.progress.count} trials"
        self.bars.update(self.overall, completed=self.progress.completed, count=count, note=self.progress.left)

"""Run what is missing of a study."""

from __future__ import annotations

from collections import Counter

from rich.console import Console

from weightlab.errors import RunError
from weightlab.files import AnyPath
from weightlab.study import progress
from weightlab.study.runner import Failure, Runner, Train
from weightlab.study.spec import StudySpec
from weightlab.study.storage import Storage
from weightlab.study.trial import Trial, trials

__all__ = ["StudyError", "missing", "run", "status"]


class StudyError(RunError):
    """A study that came to no result at all, in one line."""


def run(spec: StudySpec, size: str, train: Train, *, runner: Runner, runs: AnyPath, console: Console) -> list[Failure]:
    """Run the trials of a study at a size that are not finished yet, each kept at once; those that failed.

    runner: what runs them (`weightlab.study.workers.run_trials`, with its number of processes). console: where progress
    goes. Raises InputError for an unknown size, StudyError where all trials have failed.
    """
    storage = Storage.of(runs, spec, size)
    wanted, left = trials(spec, size), missing(spec, size, runs)
    with progress.shown(left, len(wanted) - len(left), spec.metric, console) as display:
        failures = runner(left, train, save=storage.keeper(left), display=display)
    if len(failures) == len(wanted):
        raise StudyError(f"all {len(wanted)} trials; the first, {failures[0].trial}: {failures[0].reason}")
    return failures


def missing(spec: StudySpec, size: str, runs: AnyPath) -> list[Trial]:
    """The trials of a study at a size that are not finished. Raises InputError for an unknown size."""
    wanted = trials(spec, size)
    finished = Storage.of(runs, spec, size).finished(wanted)
    return [trial for trial in wanted if trial not in finished]


def status(spec: StudySpec, size: str, runs: AnyPath) -> list[dict[str, str | int]]:
    """How many trials of each arm are finished: arm, finished, trials; a row an arm.

    Raises InputError for an unknown size.
    """
    finished = Counter(trial.arm for trial in Storage.of(runs, spec, size).finished(trials(spec, size)))
    wanted = len(spec.seeds_at(size))
    return [{"arm": arm, "finished": finished[arm], "trials": wanted} for arm in spec.arms_at(size)]

import io
import logging
import math
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from fake_training import accident_prone
from rich.console import Console
from study_example import EXAMPLE

from weightlab.errors import InputError
from weightlab.study.run import StudyError, run, status
from weightlab.study.runner import Failure, attempt
from weightlab.study.spec import StudySpec, read
from weightlab.study.storage import Storage
from weightlab.study.trial import Trial, trials
from weightlab.study.workers import _death, _work, run_trials
from weightlab.train.config import TrainConfig
from weightlab.train.result import TrainResult

# one arm for each way of failing, and one that goes well after them
ARMS = """
[arms.raises]
negative = "constant"
[arms.diverges]
negative = "linear"
[arms."no number"]
negative = "easy(0.5)"
[arms.dies]
negative = "step(0.7)"
[arms.well]
"""


@pytest.fixture
def accidents(spec_path: Path) -> StudySpec:
    head, _ = EXAMPLE.replace('baseline = "batch only"', "").split('[arms."batch only"]')
    spec_path.write_text(head.replace("seeds = 3", "seeds = 1") + ARMS)
    return read(spec_path)


def test_failed_trials_are_reported_and_the_others_go_on(accidents: StudySpec, tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    failures = run(
        accidents, "quick", accident_prone, runner=partial(run_trials, jobs=1), runs=tmp_path, console=console
    )
    assert {failure.trial.arm: failure.reason for failure in failures} == {
        "raises": r"KeyError: 'no such\nthing'",
        "diverges": "the loss is nan at step 2",
        "no number": "R@1 is nan",
        "dies": "its worker died (exit code 3)",
    }
    # the one after the worker's death ran in a new worker, with one thread
    storage = Storage.of(tmp_path, accidents, "quick")
    assert storage.load(trials(accidents, "quick")[-1]).metrics == {"R@1": 0.5, "threads": 1.0, "OMP": 1.0}
    assert status(accidents, "quick", tmp_path)[-2:] == [
        {"arm": "dies", "finished": 0, "trials": 1},
        {"arm": "well", "finished": 1, "trials": 1},
    ]
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("[2/5] diverges, seed 0 failed: the loss is nan at step 2")
    assert lines[4] == "[5/5] well, seed 0: R@1 50.00 in 1 s"


def test_a_study_without_any_result(accidents: StudySpec, tmp_path: Path) -> None:
    only = accidents.model_copy(update={"arms": {"raises": accidents.arms["raises"]}})
    with pytest.raises(StudyError, match=r"all 1 trials; the first, raises, seed 0: KeyError"):
        run(
            only,
            "quick",
            accident_prone,
            runner=partial(run_trials, jobs=2),
            runs=tmp_path,
            console=Console(file=io.StringIO()),
        )


def test_jobs_must_be_one_or_more() -> None:
    with pytest.raises(InputError, match="jobs must be a whole number of 1 to 1024, not 0"):
        run_trials([], accident_prone, jobs=0, save=None, display=None)


UNGUARDED = """
from weightlab.cli import main
main(["study", "run", "example.toml", "--jobs", "1"])
"""
GUARD = 'with the call under `if __name__ == "__main__":`'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["script.py"], f"workers import the script that starts the study: it must be a file, {GUARD}"),
        (["-"], f"import the script that starts it: put it in a file, {GUARD}"),
    ],
)
def test_a_study_must_be_started_by_a_guarded_script(spec_path: Path, arguments: list[str], message: str) -> None:
    spec_path.with_name("script.py").write_text(UNGUARDED)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=spec_path.parent,
        input=UNGUARDED,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith(message)
    assert sorted(path.name for path in spec_path.parent.iterdir()) == ["example.toml", "script.py"]


def local() -> object:
    return lambda config, *, on_step: None


def test_training_that_can_not_be_sent_is_refused_before_a_worker_starts() -> None:
    with pytest.raises(InputError, match=r"<function local.*can't be sent to workers: train must be a module's"):
        run_trials([], local(), jobs=1, save=None, display=None)


@pytest.mark.parametrize(
    ("code", "ready", "parts"),
    [
        (-9, True, ["was killed", "memory"]),
        (-9, False, ["was killed", "memory"]),
        (-11, True, ["crashed (SIGSEGV)"]),
        (3, True, ["its worker died (exit code 3)"]),
        (1, False, ["died before it began (exit code 1)", '`if __name__ == "__main__":`']),
        (None, True, ["exit code None"]),
    ],
)
def test_why_a_worker_is_dead(code: int | None, ready: bool, parts: list[str]) -> None:
    text = _death(code, ready=ready)
    for part in parts:
        assert part in text
    assert ("`if __name__" in text) == (code == 1)


class Silent(Exception):
    """An exception without a text."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Silent(), "Silent"),
        (AssertionError("\n\n"), "AssertionError"),
        (RuntimeError("first\nsecond"), "RuntimeError: first"),
        (InputError("steps must be at least 1"), "steps must be at least 1"),
        (MemoryError(), "out of memory"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_a_failure_has_a_reason_in_a_line(spec: StudySpec, error: BaseException, reason: str) -> None:
    def train(config: TrainConfig, *, on_step: object) -> TrainResult:
        raise error

    trial = trials(spec, "quick")[0]
    assert attempt(trial, train, lambda step, loss: None) == Failure(trial, reason)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_a_reason(spec: StudySpec, loss: float) -> None:
    def train(config: TrainConfig, *, on_step: Callable[[int, float], None] | None = None) -> TrainResult:
        assert on_step is not None
        on_step(1, 0.5)
        on_step(2, loss)
        raise AssertionError("it went on")

    trial = trials(spec, "quick")[0]
    assert attempt(trial, train, lambda step, loss: None) == Failure(trial, f"the loss is {loss} at step 2")


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"R@1": math.nan}, "R@1 is nan"),
        ({"R@1": 0.5, "MAP@R": 1.5}, "MAP@R is 1.5"),
        ({"R@1": -0.5}, "R@1 is -0.5"),
        ({"R@1": math.inf}, "R@1 is inf"),
        ({"R@1": 0.0, "MAP@R": 1.0}, None),
    ],
)
def test_a_metric_is_a_fraction(spec: StudySpec, metrics: dict[str, float], reason: str | None) -> None:
    trial, result = trials(spec, "quick")[0], TrainResult(metrics, 1.0)
    found = attempt(trial, lambda config, *, on_step: result, lambda step, loss: None)
    assert found == (result if reason is None else Failure(trial, reason))


def test_a_worker_that_is_ended_in_its_step_goes_without_a_word(spec: StudySpec) -> None:
    """The run that it trains makes a KeyboardInterrupt of its parent's SIGTERM."""

    class Parent:
        sent: ClassVar[list[object]] = []

        def recv(self) -> Trial:
            return trials(spec, "quick")[0]

        def send(self, message: object) -> None:
            self.sent.append(message)

    def train(config: TrainConfig, *, on_step: object) -> TrainResult:
        raise KeyboardInterrupt

    level = logging.getLogger("weightlab.train").level
    _work(Parent(), train, os.getppid())  # type: ignore[arg-type]
    logging.getLogger("weightlab.train").setLevel(level)
    assert len(Parent.sent) == 1

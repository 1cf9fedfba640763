import io
from functools import partial
from pathlib import Path

import pytest
from fake_training import accident_prone
from rich.console import Console
from study_example import EXAMPLE

from weightlab.errors import InputError
from weightlab.study.run import StudyError, run, status
from weightlab.study.spec import StudySpec, read
from weightlab.study.storage import Storage
from weightlab.study.trial import trials
from weightlab.study.workers import run_trials

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

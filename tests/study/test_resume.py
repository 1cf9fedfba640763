"""A study is stopped, by Ctrl-C and by kill, and goes on where it was."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from fake_training import LOG, slow
from rich.console import Console
from study_example import EXAMPLE

from weightlab.study.run import run
from weightlab.study.spec import read
from weightlab.study.storage import Storage
from weightlab.study.trial import trials
from weightlab.study.workers import run_trials

SCRIPT = Path(__file__).with_name("slow_study.py")


@dataclass(frozen=True)
class Study:
    """12 trials of 25 × 20 ms, and the log that each one writes to as it starts and ends."""

    path: Path
    runs: Path
    log: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[str]:
        """Run it in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(self.path), str(self.runs)],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {LOG: str(self.log)},
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def kept(self) -> set[str]:
        """The trials that are in the storage, as the log names them."""
        spec = read(self.path)
        storage = Storage.of(self.runs, spec, "quick")
        found = [trial.config for trial in trials(spec, "quick") if storage.load(trial) is not None]
        return {f"{config.learning_rate} {config.seed}" for config in found}

    def files(self) -> int:
        return len(list(self.runs.rglob("[!.]*.json")))

    def events(self) -> list[tuple[str, str, int]]:
        """What the log says: start or end, the trial, the worker."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [(event, f"{rate} {seed}", int(worker)) for event, rate, seed, worker in lines]

    def workers(self) -> set[int]:
        return {worker for _, _, worker in self.events()}


@pytest.fixture
def study(spec_path: Path, tmp_path: Path) -> Iterator[Study]:
    assert "steps = 4\n" in EXAMPLE
    spec_path.write_text(EXAMPLE.replace("steps = 4\n", "steps = 25\n"))
    log = tmp_path / "log"
    log.touch()
    study = Study(spec_path, tmp_path / "runs", log)
    yield study
    for process in study.started:  # only what a failed test has left
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def running(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet collected doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_a_stopped_study_goes_on_where_it_was(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    # kill: nothing can be tidied up, and the workers end by themselves
    process = study.start()
    wait_until(lambda: study.files() >= 2)
    process.kill()
    _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors
    assert len(study.workers()) == 2
    wait_until(lambda: not any(map(running, study.workers())), seconds=10)
    after_kill = study.kept()
    assert 2 <= len(after_kill) < 10
    until_kill = len(study.events())

    # Ctrl-C: the terminal sends it to the whole group of processes
    process = study.start()
    wait_until(lambda: study.files() >= len(after_kill) + 2)
    os.killpg(process.pid, signal.SIGINT)
    asked = time.monotonic()
    _, errors = process.communicate(timeout=20)
    assert time.monotonic() - asked < 10
    assert process.returncode == 1
    assert "Traceback" not in errors
    assert errors.splitlines()[0].startswith(f"[{len(after_kill) + 1}/12] ")
    assert errors.splitlines()[-1] == "stopped"
    assert not any(map(running, study.workers()))
    after_interrupt = study.kept()
    assert len(after_kill) + 2 <= len(after_interrupt) < 12
    assert after_interrupt > after_kill
    until_interrupt = len(study.events())

    # to the end, in this process; nothing that was kept has run again
    monkeypatch.setenv(LOG, str(study.log))
    console = Console(file=io.StringIO())
    assert (
        run(read(study.path), "quick", slow, runner=partial(run_trials, jobs=1), runs=study.runs, console=console) == []
    )
    assert len(console.file.getvalue().splitlines()) == 12 - len(after_interrupt)
    assert len(study.kept()) == 12
    events = study.events()
    assert not after_kill & {trial for _, trial, _ in events[until_kill:]}
    assert {trial for _, trial, _ in events[until_interrupt:]} == study.kept() - after_interrupt

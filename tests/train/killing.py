"""Kill one small run at moments of all kinds, again and again: what is on the disk, and where the run ends.

    python tests/train/killing.py FOLDER

prints a JSON line for each kill and one for each run that came to its end. It is a program, not a part of a test, for a
process that forks must have no threads.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import random
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from weightlab import files
from weightlab.data import Dataset, Draw, Split
from weightlab.train import TrainConfig, checkpoint, loop, sealed, train
from weightlab.train.sealed import checksum
from weightlab.train.state import TrainState

NET = """
import torch
from torch import nn

class Net(nn.Module):
    '''With dropout, batch norm, and convolutions in channels_last.'''
    def __init__(self, shape, dimensions):
        super().__init__()
        self.convolutions = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3))
        self.convolutions.to(memory_format=torch.channels_last)
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(8 * 4 * 4, dimensions))
    def forward(self, images):
        return self.head(self.convolutions(images))
"""
SETTINGS: dict[str, Any] = {
    "model": "net.py:Net",
    "dimensions": 8,
    "memory": 64,
    "memory_start": 2,
    "batch": 8,
    "per_class": 2,
    "steps": 24,
    "scale": "mass",
    "seed": 4,
    "learning_rate": 0.01,
    "precision": "bfloat16",
    "validate_every": 4,
    "patience": 4,
    "record": 5,
}
WORKERS = 2
SAVE_EVERY_STEPS = 3
KILLS_OF_A_RUN = 3
STOPPED = 3  # the exit code of a child that was asked to stop
TIMED = 16  # kills by the clock, at any moment at all
tidying: list[int] = []  # children whose loader workers may still live
MARK = mmap.mmap(-1, 256)  # where a child is: it outlives the child


@dataclass(frozen=True)
class Rows:
    """Images of their own each, varied by a draw."""

    count: int
    shape: tuple[int, ...] = (3, 8, 8)
    slow: bool = True  # worth worker processes

    def __call__(self, index: Tensor, draw: Draw | None = None) -> Tensor:
        rows = torch.rand(self.count, *self.shape, generator=torch.Generator().manual_seed(0))[index]
        return rows if draw is None else rows * torch.rand(1, generator=torch.Generator().manual_seed(draw.step))


def _split(classes: int) -> Split:
    labels = torch.arange(classes).repeat_interleave(3)
    return Split(labels, Rows(len(labels)))


DATA = Dataset("rows", _split(16), _split(8), ks=(1, 3))


def mark(text: str) -> None:
    MARK[:] = text.encode().ljust(256)


def marked() -> str:
    return MARK[:].decode().strip()


@dataclass
class Point:
    """A place in the code where a child kills itself, the `count`-th time that it comes there.

    Any signal but SIGKILL goes to its loader workers as well, as a terminal and a cluster's scheduler do it.
    """

    place: str
    count: int = 1
    number: int = signal.SIGKILL

    def reached(self, place: str) -> None:
        mark(place)
        if place == self.place:
            self.count -= 1
            if self.count == 0:
                (os.kill if self.number == signal.SIGKILL else os.killpg)(os.getpid(), self.number)


def watched(point: Point) -> None:
    """In a child: say where it is, and die at the point."""

    def around(owner: object, name: str, before: Callable[..., str], after: Callable[..., str] | None = None) -> None:
        plain = getattr(owner, name)

        def watching(*given: object, **named: object) -> object:
            point.reached(before(*given))
            answer = plain(*given, **named)
            if after is not None:
                point.reached(after(*given))
            return answer

        setattr(owner, name, watching)

    plain_save = sealed.save_file

    def torn(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
        """A file that is written bit by bit."""
        point.reached(f"{path.name}: begun")
        plain_save(tensors, path, metadata)
        content = path.read_bytes()
        for part in (0, len(content) // 3, len(content) - 1):
            path.write_bytes(content[:part])
            point.reached(f"{path.name}: {part * 100 // len(content)} % written")
        path.write_bytes(content)
        point.reached(f"{path.name}: written")

    sealed.save_file = torn
    around(files, "_flush", lambda path: f"{path.name}: fsync", lambda path: f"{path.name}: flushed")
    around(
        os,
        "replace",
        lambda one, other: f"{Path(other).name}: rename",
        lambda one, other: f"{Path(other).name}: renamed",
    )
    around(Path, "write_text", lambda path, *_: f"{path.name}: begun", lambda path, *_: f"{path.name}: written")
    around(pd.DataFrame, "to_csv", lambda _, path: f"{path.name}: begun", lambda _, path: f"{path.name}: written")
    around(loop, "surrogate", lambda *_: "a step: forward", None)
    around(torch.optim.AdamW, "step", lambda *_: "a step: backward", lambda *_: "a step: optimised")
    around(loop, "evaluate", lambda *_: "evaluation", lambda *_: "evaluated")
    around(checkpoint, "restore", lambda *_: "restore", lambda *_: "restored")


def child(folder: Path, point: Point) -> int:
    """Train in a process of its own; its number."""
    mark("start")
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        os.setpgid(0, 0)
        watched(point)
        train(TrainConfig(**SETTINGS), dataset=DATA, out=folder)
        code = 0
    except KeyboardInterrupt:
        code = STOPPED
    finally:
        os._exit(code)


def ended(number: int) -> bool:
    """Wait for a child: True where it came to its end, False where it was killed or stopped."""
    _, status = os.waitpid(number, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) in (0, STOPPED), "a child failed"
    return os.WEXITSTATUS(status) == 0


def tidy(number: int) -> None:
    """End a dead child's loader workers, which would find out by themselves within seconds."""
    with suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)


def living(number: int) -> bool:
    """Whether a dead child's loader workers outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(number, 0)
        return True
    return False


def differences(found: dict[str, Tensor], expected: dict[str, Tensor]) -> list[str]:
    """The names of the tensors that are not the same, bit for bit."""
    names = sorted(found.keys() | expected.keys())
    both = [name for name in names if name in found and name in expected]
    same = [name for name in both if checksum({"": found[name]}, {}) == checksum({"": expected[name]}, {})]
    return [name for name in names if name not in same]


def on_disk(folder: Path, states: dict[int, dict[str, Tensor]]) -> tuple[int | None, list[str]]:
    """The step that a resumed run begins at, and what of its state is not as the uninterrupted run had it there."""
    if not checkpoint.has_state(folder):
        return None, []
    found = checkpoint.read_tensors(folder / "state.safetensors")
    step = int(found["run.step"])
    return step, differences(found, states[step])


def uninterrupted(folder: Path) -> dict[int, dict[str, Tensor]]:
    """The state after each step of a run that nothing happens to, in a process of its own."""
    number = os.fork()
    if not number:
        kept = folder.parent / "states"
        kept.mkdir()
        save = checkpoint.save

        def keep(where: Path, config: TrainConfig, state: TrainState, *, last: bool) -> None:
            save(where, config, state, last=last)
            (kept / f"{state.step}").write_bytes((where / "state.safetensors").read_bytes())

        checkpoint.save, checkpoint.Saver.due = keep, lambda self: True
        try:
            train(TrainConfig(**SETTINGS), dataset=DATA, out=folder)
        finally:
            os._exit(0 if (folder / "metrics.json").exists() else 1)
    assert ended(number)
    return {int(path.name): checkpoint.read_tensors(path) for path in (folder.parent / "states").iterdir()}


def compare(folder: Path, whole: Path) -> list[str]:
    """What a run that came to its end has that is not as the uninterrupted run's."""
    wrong: list[str] = []
    for name in ("state.safetensors", "model.safetensors"):
        one, other = (checkpoint.read_tensors(each / name) for each in (folder, whole))
        wrong += [f"{name}: {each}" for each in differences(one, other)]
    for name in ("history.csv", "metrics.json", "config.json"):
        if (folder / name).read_bytes() != (whole / name).read_bytes():
            wrong.append(name)
    names = [{path.name for path in each.iterdir()} for each in (folder, whole)]
    return wrong + sorted(names[0] ^ names[1])


# (the place, the how manieth time): all that a run comes by
PLACES = [
    ("config.json: begun", 1),
    ("config.json: rename", 1),
    ("config.json: renamed", 1),
    ("state.safetensors: begun", 1),
    ("state.safetensors: 0 % written", 1),
    ("state.safetensors: 33 % written", 2),
    ("state.safetensors: 99 % written", 1),
    ("state.safetensors: written", 2),
    ("state.safetensors: fsync", 2),
    ("state.safetensors: flushed", 1),
    ("state.safetensors: rename", 2),
    ("state.safetensors: renamed", 1),
    ("history.csv: begun", 1),
    ("history.csv: written", 2),
    ("history.csv: rename", 1),
    ("history.csv: renamed", 1),
    ("restored", 1),
    ("a step: backward", 4),
    ("a step: optimised", 5),
    ("evaluation", 1),
    ("evaluated", 1),
    ("model.safetensors: 33 % written", 1),
    ("model.safetensors: flushed", 1),
    ("model.safetensors: renamed", 1),
    ("metrics.json: written", 1),
    ("metrics.json: rename", 1),
]


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def main(folder: Path) -> None:
    warnings.simplefilter("ignore")
    (folder / "net.py").write_text(NET)
    os.chdir(folder)
    torch.set_num_threads(1)
    workers = [1]
    torch.get_num_threads = lambda: workers[0]  # for loader workers beside arithmetic in one thread
    torch.set_num_threads = lambda count: None  # evaluation would put back what it finds
    train(TrainConfig(**SETTINGS | {"steps": 1}), dataset=DATA)  # the forked have all modules then
    workers[0] = WORKERS
    calls = iter(range(10**9))
    checkpoint.Saver.due = lambda self: next(calls) % SAVE_EVERY_STEPS == SAVE_EVERY_STEPS - 1
    gc.freeze()

    states = uninterrupted(folder / "whole")
    began = time.perf_counter()
    assert ended(child(folder / "timed", Point("")))
    took = time.perf_counter() - began

    rng = random.Random(11)
    points = [Point(place, count) for place, count in PLACES] + [Point("") for _ in range(TIMED)]
    points += [Point("a step: backward", 2, number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM)]
    waiting, number = deque(points), 0
    while waiting:
        run = folder / f"run{number}"
        for _ in range(min(KILLS_OF_A_RUN, len(waiting))):
            if killed(run, waiting[0], states, rng.uniform(0, took)):
                assert not waiting[0].place, f"no run comes by {waiting[0]}"
                took *= 0.8  # the clock's kill came too late
                break
            waiting.popleft()
        last = child(run, Point(""))
        say(run=number, done=ended(last), wrong=compare(run, folder / "whole"))
        number += 1


def killed(run: Path, point: Point, states: dict[int, dict[str, Tensor]], delay: float) -> bool:
    """Begin or resume a run, kill it at the point, or by the clock, and look at what it left; whether it was done."""
    began = on_disk(run, states)[0]
    number = child(run, point)
    if not point.place:
        time.sleep(delay * (1 - (began or 0) / SETTINGS["steps"]))
        os.kill(number, signal.SIGKILL)
    done = ended(number)
    if not done:
        step, wrong = on_disk(run, states)
        left = len([*run.glob(".*")])
        how = signal.Signals(point.number).name if point.place else "SIGKILL by the clock"
        say(how=how, where=marked(), began=began, step=step, wrong=wrong, left=left, workers=living(number))
        tidying.append(number)
    return done


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve())
    finally:
        for each in tidying:
            tidy(each)

import io

import pytest
from rich.console import Console

from weightlab.study import progress
from weightlab.study.progress import duration, shown
from weightlab.study.spec import StudySpec
from weightlab.study.trial import trials
from weightlab.train.result import TrainResult

RESULT = TrainResult({"R@1": 0.123}, 200.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_durations() -> None:
    assert [duration(s) for s in (0.4, 59.4, 60, 200, 3599, 3900)] == [
        "0 s",
        "59 s",
        "1 min 00 s",
        "3 min 20 s",
        "59 min 59 s",
        "1 h 05 min",
    ]


def test_lines_where_there_is_no_terminal(spec: StudySpec, clock: list[float]) -> None:
    console = Console(file=io.StringIO(), width=40)  # too narrow: lines are not broken all the same
    first, second, *_ = todo = trials(spec, "quick")[:4]  # of 4 steps each
    with shown(todo, 8, "R@1", console) as display:
        display.started(first)
        display.started(second)
        clock[0] = 30.0
        display.step(second, 2, 0.5)
        display.finished(first, RESULT)  # 6 steps in 30 s, 10 are left
        clock[0] = 60.0
        display.failed(second, "no [luck]")  # still 6 steps, in 60 s; 8 are left
    assert console.file.getvalue().splitlines() == [
        "[9/12] batch only, seed 0: R@1 12.30 in 3 min 20 s; about 50 s left",
        "[10/12] easy only, seed 0 failed: no [luck]; about 1 min 20 s left",
    ]


def test_bars_on_a_terminal(spec: StudySpec, clock: list[float]) -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True, color_system=None)
    first, second, *_ = todo = trials(spec, "quick")[:4]
    with shown(todo, 8, "R@1", console) as display:
        display.started(first)
        display.started(second)
        clock[0] = 30.0
        display.step(first, 3, 0.25)
        drawn = Console(file=io.StringIO(), width=120)
        drawn.print(display.bars)
        overall, one, two = drawn.file.getvalue().splitlines()
        assert overall.startswith("study ")
        assert "8/12 trials" in overall
        assert "about 2 min 10 s left" in overall  # 3 steps in 30 s, 13 are left
        assert one.startswith("batch only, seed 0 ")
        assert "3/4 steps" in one
        assert "loss 0.25" in one
        assert "starting" in two
        display.finished(first, RESULT)
        assert [task.description for task in display.bars.tasks] == ["study", "easy only, seed 0"]
    assert "batch only, seed 0: R@1 12.30 in 3 min 20 s" in console.file.getvalue()

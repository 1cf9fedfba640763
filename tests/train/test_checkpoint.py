"""When a run is saved, and who may open its folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from safetensors import SafetensorError

from weightlab import files
from weightlab.errors import InputError, RunError
from weightlab.locks import locked
from weightlab.train import TrainConfig, checkpoint, evaluate_run, loop, sealed, train
from weightlab.train.state import TrainState

CONFIG = TrainConfig(scale="mean", steps=6, size=12, width=4, dimensions=8, memory=96, memory_start=1, batch=32)
needs_locks = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")


@pytest.fixture(autouse=True)
def no_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than so few steps."""
    monkeypatch.setattr(loop, "evaluate", lambda model, split, ks=(): {"R@1": 0.5})


def test_it_is_saved_every_so_many_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, saved = [0.0], list[float]()

    def save(*_: object, last: bool) -> None:
        saved.append(now[0])
        now[0] += 7  # the time that it takes is not counted

    monkeypatch.setattr(checkpoint, "save", save)
    saver = checkpoint.Saver(tmp_path, CONFIG, 30, clock=lambda: now[0])
    state = TrainState.start(CONFIG, (1, 12, 12), 1000)
    for _ in range(12):
        now[0] += 10
        if saver.due():
            saver.save(state)
    assert saved == [30, 67, 104, 141]
    assert checkpoint.Saver(tmp_path, CONFIG, 0).due()


def test_a_run_is_saved_as_it_goes_and_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[int, bool]] = []
    save = checkpoint.save
    monkeypatch.setattr(
        checkpoint, "save", lambda *given, last: saved.append((given[-1].step, last)) or save(*given, last=last)
    )
    monkeypatch.setattr(checkpoint.Saver, "due", lambda self: len(saved) < 2)
    train(CONFIG, out=tmp_path)
    assert saved == [(1, False), (2, False), (6, True)]


def test_all_of_a_run_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(files, "_flush", lambda path: flushed.append(path.name))
    train(CONFIG, out=tmp_path / "runs" / "a")
    names = ["config.json", "state.safetensors", "history.csv", "model.safetensors", "metrics.json"]
    assert flushed == ["runs", tmp_path.name, *(each for name in names for each in (name, "a"))]


@needs_locks
def test_a_folder_in_which_a_run_trains_is_closed_to_others(tmp_path: Path) -> None:
    run = tmp_path / "run"
    said: list[str] = []

    def look(step: int, loss: float) -> None:
        if step == 2:
            for ask in (lambda: train(CONFIG, out=run), lambda: evaluate_run(run)):
                with pytest.raises(InputError) as caught:
                    ask()
                said.append(str(caught.value))

    train(CONFIG, out=run, on_step=look)
    assert said == [
        f"another process is training in {run}: choose another folder, or wait for it",
        f"{run} is not done yet: another process is training in it, wait for that",
    ]
    with locked(run) as free:
        assert free


@needs_locks
def test_a_second_process_is_told_before_the_data_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "load_data", lambda config: pytest.fail("the data were read"))
    with locked(tmp_path), pytest.raises(InputError, match="another process is training in"):
        train(CONFIG, out=tmp_path)
    assert not [*tmp_path.iterdir()]


@needs_locks
def test_what_dead_runs_left_is_swept_when_the_folder_is_opened(tmp_path: Path) -> None:
    (tmp_path / ".weightlab-0a1b2c3d").mkdir()
    (tmp_path / ".weightlab-0a1b2c3d" / "state.safetensors").write_bytes(b"half")
    (tmp_path / ".mine").touch()
    train(CONFIG, out=tmp_path)
    assert [path.name for path in tmp_path.glob(".*")] == [".mine"]


def test_a_run_that_is_not_done_says_how_to_go_on(tmp_path: Path) -> None:
    def stop(step: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, out=tmp_path, on_step=stop)
    with pytest.raises(InputError, match=f"{tmp_path} is not done yet: weightlab train --resume {tmp_path}"):
        evaluate_run(tmp_path)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("No space left on device")])
def test_a_full_disk_keeps_the_state_before(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint.Saver, "due", lambda self: True)
    save_file, calls = sealed.save_file, list[int]()

    def full(*given: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            Path(given[1]).write_bytes(b"half")  # type: ignore[arg-type]
            raise error
        save_file(*given)

    monkeypatch.setattr(sealed, "save_file", full)
    with pytest.raises(RunError, match=r"can't write .*state.safetensors: .*No space left on device"):
        train(CONFIG, out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "history.csv", "state.safetensors"]
    steps: list[int] = []
    train(CONFIG, out=tmp_path, on_step=lambda step, loss: steps.append(step))
    assert steps == [3, 4, 5, 6]

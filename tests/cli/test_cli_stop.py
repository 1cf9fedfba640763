"""SIGTERM ends a command as Ctrl-C does: saved, in one line, with exit code 1."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from weightlab.cli import main
from weightlab.train import checkpoint, loop

SMALL = ("--scale", "mean", "--steps", "4", "--size", "12", "--memory", "96", "--batch", "32", "--memory-start", "1")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def terminated_at(call: int, plain: Callable[..., object]) -> Callable[..., object]:
    """The function, with a SIGTERM to this process in its call number `call`."""
    calls: list[int] = []

    def watched(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(*given, **named)

    return watched


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    return (int(ended.value.code or 0), *capsys.readouterr())


@pytest.mark.parametrize(("function", "call", "step"), [("learning_rate", 3, 2), ("evaluate", 1, 4)])
def test_a_run_is_saved_and_says_how_to_go_on(
    function: str, call: int, step: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "evaluate", lambda model, split, ks=(): {"R@1": 0.5})
    monkeypatch.setattr(loop, function, terminated_at(call, getattr(loop, function)))
    said = "weightlab: stopped; go on with: weightlab train --resume 'runs/a b'\n"
    assert run(capsys, "train", *SMALL, "--out", "runs/a b") == (1, "", said)
    assert int(checkpoint.read_tensors(Path("runs/a b/state.safetensors"))["run.step"]) == step
    assert not Path("runs/a b/metrics.json").exists()
    assert run(capsys, "train", "--resume", "runs/a b")[0] == 0


def test_other_commands_stop_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlab.cli.losses.print_rows", terminated_at(1, print))
    assert run(capsys, "losses") == (1, "", "weightlab: stopped\n")


def test_whoever_handles_it_already_goes_on_doing_so(capsys: pytest.CaptureFixture[str]) -> None:
    def own(number: int, frame: object) -> None: ...

    signal.signal(signal.SIGTERM, own)
    try:
        with pytest.raises(SystemExit):
            main(["losses"])
        assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

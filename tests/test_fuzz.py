"""A few of the fuzzer's cases, the same ones every time; and that its oracle can tell a fault when it sees one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from fuzz.calls import run_call
from fuzz.case import Argument, Call, Command, Outcome, Verdict
from fuzz.commands import run_command
from fuzz.oracle import judge, seen
from fuzz.sandbox import CANARY, STRANGER
from fuzz.targets.target import Target

import weightlab as wl
from weightlab.cli import compare

ROOT = Path(__file__).resolve().parents[1]


def test_a_few_command_lines_and_calls_keep_the_contract() -> None:
    # a process of its own, as `make fuzz` has it: cases change streams, signals and the working folder
    line = [sys.executable, "-m", "fuzz", "--seed", "9", "--commands", "20", "--calls", "150"]
    variables = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(line, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "170 cases, 0 failures of 0 kinds" in done.stdout


def kind_of(
    outcome: Outcome,
    *arguments: str,
    verdict: Verdict = Verdict.odd,
    environment: Mapping[str, str | None] | None = None,
) -> str | None:
    failure = judge(Command(arguments, environment=environment or {}, verdict=verdict), outcome)
    return failure.kind if failure is not None else None


REFUSED = Outcome(2, "", "weightlab: no\n")


def test_what_keeps_the_contract_is_no_failure() -> None:
    assert kind_of(REFUSED, "losses", verdict=Verdict.bad) is None
    assert kind_of(Outcome(0, "a table\n", ""), "losses", verdict=Verdict.good) is None
    assert kind_of(Outcome(0, '{"a": 1}\n', ""), "losses", "--format", "json") is None
    assert kind_of(Outcome(1, "", "weightlab: stopped\n"), "losses") is None
    assert kind_of(Outcome(1, "", "weightlab: failed: the disk is full\n", left=("+a",)), "train") is None
    assert kind_of(Outcome(2, "", f"{STRANGER}\nweightlab: no\n"), "check", "mine.py:f") is None


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (Outcome(None, "", "", escaped="ValueError in cli/run.py:run"), "escapes: ValueError in cli/run.py:run"),
        (Outcome(2, "", "weightlab: no\n", left=(f"+home/{CANARY}",)), "data were executed"),
        (Outcome(0, "", "", left=(f"+{CANARY}",)), "data were executed"),
        (Outcome(139, "", ""), "exit code 139"),
        (Outcome(130, "", ""), "exit code 130"),
        (Outcome(1, "", "Traceback (most recent call last):\n  File …\nKeyError: 3\n"), "a traceback: KeyError: #"),
        (Outcome(0, "", "Exception ignored in: <x>\nOSError: no\n"), "a traceback: OSError: no"),
        (Outcome(2, "", "weightlab: \x1b[31m\n"), "standard error: control characters U+001B"),
        (Outcome(2, "", f"weightlab: {'a' * 2000}\n"), "standard error: # characters"),
        (Outcome(2, "", ""), "0 lines for an error"),
        (Outcome(2, "", "\nweightlab: no\n"), "2 lines for an error"),
        (Outcome(2, "", "no\n"), "an error without a message"),
        (Outcome(2, "a table\n", "weightlab: no\n"), "standard output beside an error"),
        (Outcome(2, "", "weightlab: no\n", left=("+out/config.json",)), "left behind after exit code 2: losses"),
        (Outcome(2, "", "weightlab: no\n", left=("*mine.py",)), "left behind after exit code 2: losses"),
        (Outcome(1, "", ""), "exit code 1 without a word: losses"),
        (Outcome(1, "", "weightlab: failed: no\n"), "exit code 1: weightlab: failed: no"),
        (Outcome(0, "a\x1b[2Jb\n", ""), "control characters on standard output: losses"),
    ],
)
def test_what_breaks_the_contract_is_told(outcome: Outcome, kind: str) -> None:
    assert kind_of(outcome, "losses") == kind


def test_what_is_told_hangs_on_what_was_asked() -> None:
    assert kind_of(Outcome(0, "x", ""), "losses", verdict=Verdict.bad) == "bad input is accepted: losses"
    assert kind_of(REFUSED, "losses", verdict=Verdict.good) == "good input is refused: weightlab: no"
    a_fault = Outcome(1, "", "weightlab: a fault of weightlab's own: KeyError; please report it\n")
    assert (kind_of(a_fault, "train") or "").startswith("exit code 1: weightlab: a fault of weightlab's own")
    for number in ("NaN", "Infinity"):
        not_finite = kind_of(Outcome(0, f'{{"ratio": {number}}}', ""), "decompose", "step", "--format=json")
        assert not_finite == f"--format json: standard output is no JSON ({number} is no JSON)"
    ragged = kind_of(Outcome(0, "a,b\n1\n", ""), "losses", "--format", "csv")
    assert ragged == "--format csv: standard output is no CSV table"


def test_on_a_terminal_what_is_erased_is_not_there() -> None:
    bar = "\x1b[?25l\r\x1b[2Kdecomposing \x1b[35m  0%\x1b[0m\r\x1b[2Kdecomposing 100%\n\x1b[?25h\r\x1b[1A\x1b[2K"
    assert seen(f"{bar}weightlab: no\n") == ["weightlab: no"]
    assert seen("abc\rx\n\n") == ["xbc"]
    colours = {"FORCE_COLOR": "1"}
    assert kind_of(Outcome(2, "", f"{bar}weightlab: no\n"), "losses", environment=colours) is None
    left = kind_of(Outcome(2, "", f"half a bar\n{bar}weightlab: no\n"), "losses", environment=colours)
    assert left == "2 lines for an error"


def test_a_command_that_is_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command(("compare", "step(0.5)", "linear", "--plot"), verdict=Verdict.good)

    def kind() -> str:
        failure = judge(command, run_command(command))
        return failure.kind if failure is not None else ""

    def broken(error: BaseException) -> None:
        def leaves_and_raises(*given: object) -> None:
            Path("half").write_text("x")
            raise error

        monkeypatch.setattr(compare, "context_of", leaves_and_raises)

    broken(KeyError("x"))
    assert kind().startswith("exit code 1: weightlab: a fault of weightlab'…'x'; please report it")
    broken(wl.InputError("no"))
    assert kind() == "left behind after exit code 2: compare --plot"
    broken(SystemExit(0))
    assert kind().startswith("exit code 1: weightlab: failed: something in it called sys.exit")


def test_a_call_that_is_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("wl.Pairs", lambda random: {})

    def kind(verdict: Verdict = Verdict.odd, right: str | None = None) -> str | None:
        call = Call(target.name, {"similarity": Argument("torch.zeros(2, 2)", verdict)})
        failure = run_call(Target(target.name, target.good, right=lambda given, answer: right), call)[1]
        return failure.kind if failure is not None else None

    def pairs(does: object) -> None:
        def stand_in(similarity: object) -> object:
            return does(similarity) if callable(does) else does

        monkeypatch.setattr(wl, "Pairs", stand_in)

    def refuses(message: str) -> object:
        def refuse(_: object) -> None:
            raise wl.InputError(message)

        return refuse

    pairs(3)
    assert kind() is None
    assert kind(Verdict.bad) == "wl.Pairs: accepts bad similarity: similarity=torch.zeros(# #)"
    assert kind(right="the answer is not finite") == "wl.Pairs: the answer is not finite"
    pairs(lambda _: {}["x"])
    assert kind() == "wl.Pairs: KeyError in outside weightlab: '…'"
    pairs(lambda similarity: similarity.add_(1))
    assert kind() == "wl.Pairs writes to its similarity"
    pairs(lambda _: print("x"))
    assert kind() == "wl.Pairs prints"
    pairs(lambda _: Path(CANARY).touch())
    assert kind() == "data were executed"
    pairs(refuses("no"))
    assert kind() is None
    assert kind(Verdict.good) == "wl.Pairs: good input is refused: no"

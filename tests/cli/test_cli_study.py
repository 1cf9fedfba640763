import io
import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from weightlab.cli import main
from weightlab.errors import InputError
from weightlab.study.spec import read
from weightlab.study.storage import Storage
from weightlab.study.trial import Trial, trials
from weightlab.train.result import TrainResult

SPEC = """
name = "small"
question = "Does it work?"
seeds = 2
[base]
memory = 0
[arms.one]
negative = "constant"
[arms.two]
[[findings]]
id = "F1"
claim = "two is better"
order = [["one"], ["two"]]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study of which three of four trials are finished."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "studies" / "small.toml"
    path.parent.mkdir()
    path.write_text(SPEC)
    spec = read(path)
    storage = Storage.of(Path("runs"), spec, "quick")
    for trial, recall in zip(trials(spec, "quick"), (0.1, 0.2, 0.3), strict=False):
        storage.save(trial, TrainResult({"R@1": recall}, 1.0))
    return tmp_path


@pytest.fixture(autouse=True)
def plain_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Curves that cost nothing: the commands are at stake here, not the decompositions."""
    curve = pd.DataFrame({"similarity": [-1.0, 1.0], "sign": "negative", "weight": [0.0, 1.0]})
    monkeypatch.setattr("weightlab.study.report.decompose", lambda _, **__: SimpleNamespace(curve=curve))


def finish(recall: float = 0.4) -> None:
    spec = read(Path("studies/small.toml"))
    Storage.of(Path("runs"), spec, "quick").save(trials(spec, "quick")[-1], TrainResult({"R@1": recall}, 1.0))


def weightlab(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["study", *arguments])
    return caught.value.code


def test_status(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weightlab("status", "small") == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["| one |        2 |      2 |", "| two |        1 |      2 |"]


def test_the_table_in_each_format(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finish()
    assert weightlab("table", "studies/small.toml") == 0
    out = capsys.readouterr().out
    assert out.startswith("| arm |            R@1 | seeds |\n")
    assert "\n\nOver 2 seeds, mean R@1 runs from 20.00 % (one) to 30.00 % (two). F1 (two is better)" in out
    assert weightlab("table", "small", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["arm"], row["mean"]) for row in rows] == [("one", 20.0), ("two", 30.0)]
    assert weightlab("table", "small", "--format", "csv") == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(table.columns) == ["arm", "metric", "seeds", "mean", "std", "low", "high"]
    assert [list(row.values()) for row in rows] == table.values.tolist()


def test_a_missing_interval_is_null_in_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weightlab("table", "small", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)[1]["low"] is None


def test_plot_and_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weightlab("plot", "small") == 0
    assert sorted(path.name for path in (here / "figures/small").iterdir()) == ["figure.png", "figure.svg"]
    assert weightlab("report", "small", "--figures", "elsewhere") == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[-1] == "wrote elsewhere/small/figure.svg"
    assert len(list((here / "elsewhere/small").iterdir())) == 4


def test_run_with_nothing_left_to_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finish()
    assert weightlab("run", "small", "--jobs", "1") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("| arm | ")
    assert "Over 2 seeds" in captured.out
    assert len(list((here / "figures/small").iterdir())) == 4


def test_ctrl_c_says_how_to_go_on(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("weightlab.study.workers.run_trials", interrupted)
    monkeypatch.setattr("weightlab.study.checks.check_trials", lambda *_: [])
    assert weightlab("run", "--jobs", "1", "--figures", "my figures", "small", "--runs=runs") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "weightlab: stopped; finished trials are kept, and the same command goes on: "
        "weightlab study run small --jobs 1 --runs runs --figures 'my figures'"
    )


def test_failed_trials_give_exit_code_1_after_the_report(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from weightlab.study.runner import Failure

    monkeypatch.setattr(
        "weightlab.study.workers.run_trials", lambda missing, *_, **__: [Failure(missing[0], "bad luck")]
    )
    assert weightlab("run", "small") == 1
    captured = capsys.readouterr()
    assert "| one |" in captured.out
    assert captured.err.splitlines()[-1] == (
        "1 failed, as said above; the same command tries again: weightlab study run small"
    )
    assert (here / "figures/small/table.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table", "smal"], "unknown study 'smal': did you mean 'small'?"),
        (["run", "absent.toml"], "no study at absent.toml"),
        (["status", "small", "--size", "quik"], "unknown size 'quik': did you mean 'quick'?"),
        (["table", "small", "--runs", "nowhere"], "no finished trials of small in nowhere/studies/small/quick"),
        (["run", "small", "--jobs", "0"], "--jobs"),
        (["table", "small", "--format", "xml"], "--format"),
        (["status", ""], "give the path of a TOML file"),
        (["status", "x" * 300], "File name too long"),
        (["status", "x" * 300 + ".toml"], "File name too long"),
        (["status", "small", "--runs", "studies/small.toml"], "--runs studies/small.toml is a file, not a folder"),
        (["table", "small", "--runs", "studies/small.toml"], "--runs studies/small.toml is a file, not a folder"),
        (["report", "small", "--figures", "studies/small.toml"], "studies/small.toml is a file, not a folder"),
        (["plot", "small", "--figures", "/proc/x"], "--figures /proc/x/small: can't write there"),
        (["plot", "small", "--figures", "y" * 256], "File name too long"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert weightlab(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert message in line


def test_jobs_and_size_are_what_was_asked_for(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from weightlab.study.runner import Failure

    asked = []

    def run_trials(missing: list[Trial], *_: object, jobs: int, **__: object) -> list[Failure]:
        asked.append((jobs, [trial.config.steps for trial in missing]))
        return [Failure(trial, "bad luck") for trial in missing]

    Path("studies/small.toml").write_text(SPEC + "[sizes.quick]\n[sizes.full]\nsteps = 7\nseeds = 1\n")
    monkeypatch.setattr("weightlab.study.workers.run_trials", run_trials)
    assert weightlab("run", "small", "--size", "full", "--jobs", "5") == 1
    assert asked == [(5, [7, 7])]


BROKEN = """
def broken(s, positive, negative):
    raise KeyError("nothing")
"""


@pytest.mark.parametrize(
    ("arm", "options", "message"),
    [
        ('model = "resnet"', [], "[arms.\"three\"] model: unknown model 'resnet'"),
        ('data = "sops"', [], "[arms.\"three\"] data: unknown data set 'sops'"),
        ("batch = 2592", [], '[arms."three"]: a batch of 2592 with 4 a class needs 648 classes; there are'),
        ('loss = "broken.py:broken"', [], "broken fails: KeyError"),
        ("", ["--runs", "studies/small.toml"], "studies/small.toml is a file, not a folder"),
        ("", ["--runs", "/proc/runs"], "--runs /proc/runs/studies/small/quick: can't write there"),
        ("", ["--figures", "studies/small.toml"], "studies/small.toml is a file, not a folder"),
        ("", ["--figures", "taken"], "taken/small/table.md is a folder, where a file is to be written"),
    ],
)
def test_what_would_fail_after_training_is_found_before_it(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arm: str,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.setattr("weightlab.study.workers.run_trials", None)  # nothing may come to it
    Path("studies/small.toml").write_text(SPEC + f"[arms.fine]\n[arms.three]\nvalidation = true\n{arm}\n")
    Path("broken.py").write_text(BROKEN)
    Path("taken/small/table.md").mkdir(parents=True)
    before = sorted(here.rglob("*"))
    assert weightlab("run", "small", *options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert message in line
    assert (
        sorted(path for path in here.rglob("*") if path.suffix != ".pyc" and "__pycache__" not in path.parts) == before
    )


def test_an_arm_that_can_not_be_drawn_is_found_before_it(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(weighting: object, **_: object) -> None:
        raise InputError("no function of similarities")

    monkeypatch.setattr("weightlab.study.workers.run_trials", None)
    monkeypatch.setattr("weightlab.study.checks.check_trials", lambda *_: [])
    monkeypatch.setattr("weightlab.study.report.decompose", refuse)
    assert weightlab("run", "small") == 2
    assert capsys.readouterr().err == 'weightlab: [arms."one"]: no function of similarities\n'


def test_what_does_not_count_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = read(Path("studies/small.toml"))
    first, second, *_ = trials(spec, "quick")
    storage = Storage.of(Path("runs"), spec, "quick")
    storage.path(first).write_text('{"arm": "one"')
    storage.path(second).rename(storage.folder / "two-seed0-0123456789ab.json")
    for command in (["status"], ["table"], ["table", "--format", "json"], ["report"]):
        assert weightlab(command[0], "small", *command[1:]) == 0
        damaged, other, *_ = capsys.readouterr().err.splitlines()
        assert damaged.startswith(f"{storage.path(first)} is damaged and does not count: is not valid JSON")
        assert other.startswith("1 other result lies in runs/studies/small/quick, of other settings")


def test_on_a_terminal_the_table_is_drawn(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    finish()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    assert weightlab("table", "small") == 0
    out = capsys.readouterr().out
    assert "|" not in out
    assert "20.00 ±" in out

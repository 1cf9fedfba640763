"""What all benchmarks have in common as commands: examples in the help, and one line for bad input before any work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import decomposition, retrieval, step, training

Main = Callable[[list[str]], None]
MAINS = {"decomposition": decomposition.main, "retrieval": retrieval.main, "step": step.main, "training": training.main}


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(main: Main, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("name", MAINS)
def test_help_teaches_by_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(MAINS[name], capsys, "--help")
    assert code == 0
    assert f"  python -m benchmarks.{name} --" in out


@pytest.mark.parametrize("name", MAINS)
@pytest.mark.parametrize("figures", ["taken", "taken/figures", "figures"])
def test_a_file_in_the_way_is_named_before_the_work(
    name: str, figures: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for work in ("decomposition.time_decompositions", "retrieval.measure", "step.measure", "training.measure"):
        monkeypatch.setattr(f"benchmarks.{work}", None)
    Path("taken").touch()
    Path("figures").mkdir()
    Path("figures/bench").touch()
    there = "figures/bench" if figures == "figures" else "taken"
    code, out, err = run(MAINS[name], capsys, "--figures", figures)
    assert (code, out) == (2, "")
    assert err == f"python -m benchmarks.{name}: --figures {figures}/bench: {there} is a file, not a folder\n"


@pytest.mark.parametrize(
    ("main", "arguments", "message"),
    [
        (step.main, ["--device", "gpu"], "unknown device 'gpu'"),
        (step.main, ["--device", "meta"], "must be cpu or cuda"),
        (step.main, ["--max-power", "9"], "max-power must be a whole number of 10 to 24, not 9"),
        (step.main, ["--max-power", "1000000"], "max-power must be a whole number of 10 to 24, not 1000000"),
        (step.main, ["--max-power", "x"], "valid integer"),
        (step.main, ["--figures", "x" * 300], "File name too long"),
        (step.main, ["--figures", "/proc/figures"], "--figures /proc/figures/bench: can't write there"),
        (retrieval.main, ["--rows", "9" * 12], "not 999999999999"),
        (retrieval.main, ["--rows", "5"], "rows must be a whole number of 1000 to 1000000, not 5"),
        (retrieval.main, ["--rowz", "5"], "No such option"),
        (training.main, ["--steps", "0"], "steps must be a whole number of 1 to 100000, not 0"),
        (training.main, ["--rounds", "0"], "rounds must be a whole number of 1 to 100000, not 0"),
        (decomposition.main, ["contrastive"], "unexpected extra argument"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    main: Main, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(main, capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not list(Path().iterdir())


def test_each_runs_as_a_module() -> None:
    root = Path(step.__file__).parents[1]
    for name in MAINS:
        command = [sys.executable, "-m", f"benchmarks.{name}", "--figures", "README.md"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "README.md is a file" in done.stderr


@pytest.mark.parametrize(
    "name", ["step.png", "step.md", "retrieval.md", "decomposition.md", "training.md", "training.csv"]
)
def test_a_folder_where_a_file_is_to_be_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("figures/bench", name).mkdir(parents=True)
    code, out, err = run(MAINS[name.partition(".")[0]], capsys)
    assert (code, out) == (2, "")
    assert f"figures/bench/{name} is a folder, where a file is to be written" in err

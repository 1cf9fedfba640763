"""The commands as a person runs them: what they print, what they write, and their exit codes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from weightlab import losses
from weightlab.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_losses_lists_every_loss(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "losses", "--format", "json")
    rows = json.loads(out)
    assert code == 0
    assert [row["name"] for row in rows] == losses.names()
    assert {row["kind"] for row in rows} == {"self-similarity", "relative"}
    assert "beta=50.0" in next(row for row in rows if row["name"] == "ms-loss")["parameters"]
    _, table, _ = run(capsys, "losses")
    assert all(name in table for name in losses.names())
    _, text, _ = run(capsys, "losses", "--format", "csv")
    assert pd.read_csv(io.StringIO(text))["name"].tolist() == losses.names()


def test_decompose_prints_curve_mass_formulas_and_residual(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decompose", "ms-loss", "--set", "beta=40")
    assert code == 0
    assert "ms-loss(alpha=2, beta=40, base=0.5)" in out
    assert r"w- = \frac{e^{\beta" in out
    assert "residual: " in out
    assert not list(Path().iterdir())


def test_decompose_plot_writes_the_figure_and_the_curve(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "decompose", "ms-loss", "--plot")
    assert code == 0
    assert "figures/ms-loss.png" in err
    assert Path("figures/ms-loss.png").read_bytes().startswith(b"\x89PNG")
    assert set(pd.read_csv("figures/ms-loss.csv")["sign"]) == {"positive", "negative"}
    assert sorted(path.name for path in Path("figures").iterdir()) == ["ms-loss.csv", "ms-loss.png"]


def test_decompose_machine_formats_print_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = run(capsys, "decompose", "triplet", "--format", "json", "--negatives", "8", "--plot")
    found = json.loads(text)
    assert found["title"] == "triplet(margin=0.1)"
    assert found["residual"] < 1e-9
    _, text, _ = run(capsys, "decompose", "triplet", "--format", "csv")
    assert list(pd.read_csv(io.StringIO(text)).columns) == ["similarity", "sign", "weight", "low", "high"]


SMALL = ("--steps", "4", "--size", "12", "--memory", "96", "--batch", "32", "--warmup", "1")


def test_train_evaluate_and_resume(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "train", *SMALL, "--out", "runs/a", "--format", "json")
    assert code == 0
    trained = json.loads(out)
    assert json.loads(run(capsys, "evaluate", "runs/a", "--format", "json")[1]) == trained
    assert json.loads(run(capsys, "train", "--resume", "runs/a", "--format", "json")[1]) == trained
    assert "R@1" in run(capsys, "evaluate", "runs/a")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decompose", "ms-los"], "unknown loss 'ms-los': did you mean 'ms-loss'?"),
        (["decompose", "ms-loss", "--set", "beta=-1"], "beta must be above 0, not -1"),
        (["decompose", "ms-loss", "--set", "bta=1"], "did you mean 'beta'"),
        (["decompose", "ms-loss", "--set", "beta"], "name=value"),
        (["decompose", "ms-loss", "--context", "erly"], "did you mean 'early'"),
        (["decompose", "ms-loss", "--negatives", "0"], "negatives must be a whole number of 1 to"),
        (["decompose"], "Missing argument"),
        (["decompose", "ms-loss", "--plto"], "No such option"),
        (["decompos"], "No such command"),
        (["train", "--negative", "stpe(0.5)"], "did you mean 'step'"),
        (["train", "--negative", "step(0.5"], "can't read the weight function"),
        (["train", "--negative", "step(5)"], "at most 1"),
        (["train", "--momentum", "2"], "momentum=2.0"),
        (["train", "--data", "glyhps"], "did you mean 'glyphs'"),
        (["train", "--resume", "runs/none"], "holds no run"),
        (["evaluate", "runs/none"], "holds no run"),
        (["study", "run", "none.toml"], "none.toml"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not list(Path().iterdir())


def test_an_unreadable_spec(capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.toml").write_text("name = [")
    code, _, err = run(capsys, "study", "run", "broken.toml")
    assert code == 2
    assert "broken.toml is not valid TOML" in err


def test_a_run_that_fails_has_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "train", *SMALL, "--learning-rate", "1e30")
    assert code == 1
    assert "diverged" in err


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["decompose"], ["train"], ["evaluate"], ["losses"], ["study", "run"], ["data", "make"]):
        code, out, _ = run(capsys, *arguments, "--help")
        assert code == 0
        assert f"  weightlab {' '.join(arguments)}" in out


@pytest.mark.parametrize("arguments", [["--help"], ["losses"], ["decompose", "--help"], ["study", "--help"]])
def test_quick_commands_do_not_import_torch(arguments: list[str]) -> None:
    code = f"""
import sys
from weightlab.cli import main
try:
    main({arguments!r})
except SystemExit as ended:
    heavy = sorted({{"torch", "pandas", "matplotlib", "sympy", "scipy"}} & set(sys.modules))
    sys.exit(f"imported {{heavy}}" if heavy else ended.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_decompose_latex(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decompose", "n-pair", "--format", "latex")
    assert code == 0
    assert [line[:6] for line in out.splitlines()] == ["w^+ = ", "w^- = "]


def test_decompose_in_measured_contexts(capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("e.npz", embeddings=np.eye(4).repeat(5, 0), labels=np.arange(4).repeat(5))
    code, out, _ = run(capsys, "decompose", "ms-loss", "--context", "file:e.npz", "--format", "json")
    assert code == 0
    assert json.loads(out)["context"] == "file:e.npz, 3 positives, 64 negatives"
    run(capsys, "train", *SMALL, "--out", "runs/a")
    code, out, _ = run(
        capsys, "decompose", "ms-loss", "--context", "run:runs/a", "--negatives", "32", "--format", "json"
    )
    assert code == 0
    assert json.loads(out)["context"] == "run:runs/a, 3 positives, 32 negatives"


def test_decompose_a_function_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.py").write_text("def mine(s, positive, negative):\n    return (s**2 * negative).sum(1)\n")
    code, _, _ = run(capsys, "decompose", "mine.py:mine", "--plot")
    assert code == 0
    assert Path("figures/mine.png").exists()
    Path("wrong.py").write_text("def wrong(s, positive):\n    return s.no_such_thing()\n")
    code, _, err = run(capsys, "decompose", "wrong.py:wrong")
    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert "wrong fails: AttributeError: 'Tensor' object has no attribute 'no_such_thing'" in err
    code, _, err = run(capsys, "decompose", "mine.py:mine", "--format", "latex", "--plot", "--figures", "none")
    assert code == 2
    assert "no formulas" in err
    assert not Path("none").exists()
    code, _, err = run(capsys, "decompose", "mine.py:mine", "--plot", "--figures", "mine.py/figures")
    assert code == 2
    assert "mine.py is a file, not a folder" in err
    Path("random.py").write_text("def mine(s, positive, negative):\n    return (s**2 * negative).sum(1)\n")
    assert run(capsys, "decompose", "random.py:mine")[0] == 0  # it does not take the place of Python's own
    Path("fails.py").write_text("class Fails:\n    def __init__(self):\n        self.x = {}['y']\n")
    code, _, err = run(capsys, "decompose", "fails.py:Fails")
    assert code == 2
    assert "fails.py:Fails: KeyError: 'y'" in err


def test_compare(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "compare", "contrastive", "triplet", "ms-loss", "--plot", "--format", "csv")
    assert code == 0
    assert len(pd.read_csv(io.StringIO(out))) == 6
    assert Path("figures/compare/contrastive-triplet-ms-loss.png").exists()
    code, _, err = run(capsys, "compare", "contrastive")
    assert code == 2
    assert "two weightings" in err

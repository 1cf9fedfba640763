"""The commands as a person runs them: what they print, what they write, and their exit codes."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import weightlab as wl
from weightlab import losses
from weightlab.cli import main
from weightlab.study.spec import read
from weightlab.study.storage import Storage
from weightlab.study.trial import trials
from weightlab.train import TrainConfig, TrainResult


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
    kinds = {row["name"]: row["kind"] for row in rows}
    assert set(kinds.values()) == {"self-similarity", "relative"}
    assert (kinds["contrastive"], kinds["ms-loss"]) == ("self-similarity", "relative")
    assert "beta=50.0" in next(row for row in rows if row["name"] == "ms-loss")["parameters"]
    _, table, _ = run(capsys, "losses")
    assert all(name in table for name in losses.names())
    _, text, _ = run(capsys, "losses", "--format", "csv")
    assert "\r" not in text
    assert pd.read_csv(io.StringIO(text))["name"].tolist() == losses.names()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_losses_are_whole_on_a_terminal_of_any_width(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = json.loads(run(capsys, "losses", "--format", "json")[1])
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")  # a dumb one is 80 columns wide whatever is said
    monkeypatch.setenv("COLUMNS", str(width))
    out = re.sub(r"\x1b\[\d*m", "", run(capsys, "losses")[1])
    assert all(len(line) <= width for line in out.splitlines())
    assert "…" not in out
    words = " ".join(out.split())
    assert all(text in words for row in rows for text in row.values())


def test_decompose_prints_curve_mass_formulas_and_residual(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decompose", "ms-loss", "--set", "beta=40")
    assert code == 0
    assert "ms-loss(alpha=2, beta=40, base=0.5)" in out
    assert "w- = exp(β·(S − λ))/(Σ_N[exp(β·(S_n − λ))] + 1)" in out
    assert "with α = alpha = 2, β = beta = 40, λ = base = 0.5" in out
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
    assert text == wl.decompose("triplet").curve.to_csv(index=False, lineterminator="\n")


SMALL = ("--scale", "mean", "--steps", "4", "--size", "12", "--memory", "96", "--batch", "32", "--memory-start", "1")


def test_train_and_resume(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "train", *SMALL, "--out", "runs/a", "--format", "json")
    assert code == 0
    trained = json.loads(out)
    assert json.loads(run(capsys, "train", "--resume", "runs/a", "--format", "json")[1]) == trained
    code, out, err = run(capsys, "train", "--resume", "runs/a", "--steps", "4", "--out", "runs/b")
    assert (code, out) == (2, "")
    assert err == "weightlab: --resume runs/a goes on with the settings of that run: leave out --steps, --out\n"


def test_percent_in_a_table_and_fractions_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weightlab.train.loop.train", lambda config, **_: TrainResult({"R@1": 0.125}, 1.0))
    assert run(capsys, "train")[1].splitlines()[-1].split() == ["|", "R@1", "|", "12.5", "|"]
    assert json.loads(run(capsys, "train", "--format", "json")[1]) == {"R@1": 0.125}
    assert run(capsys, "train", "--format", "csv")[1] == "metric,value\nR@1,0.125\n"


def test_a_loss_stands_alone_even_beside_what_goes_without_saying(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "train", "--loss", "ms-loss", "--negative", "step(0.5)", "--scale", "raw")
    assert (code, out) == (2, "")
    assert "leave out --negative, --scale, or give it to them" in err


def test_the_numbers_of_positives_and_negatives_are_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--positives", "5", "--negatives", "7", "--points", "3"]
    for command in (["decompose", "ms-loss"], ["compare", "ms-loss", "triplet"]):
        out = run(capsys, *command, *given)[1]
        assert "context: trained, 5 positives, 7 negatives" in out


def test_a_parameter_given_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "decompose", "ms-loss", "--set", "beta=1", "--set", "beta=2")
    assert (code, out, err) == (2, "", "weightlab: --set beta is given twice\n")


def test_the_options_of_train_are_the_fields_of_its_configuration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = " ".join(run(capsys, "train", "--help")[1].split())
    for name, field in TrainConfig.model_fields.items():
        assert f"--{name.replace('_', '-')} " in out
        assert field.description in out
    assert "side of the images in pixels (at least 8, at most 512) [default: 24]" in out
    assert "--scale <raw|mean|mass>" in out
    given = ["--width", "4", "--per-class", "8", "--scale", "mass", "--validation", "--learning-rate", "0.1"]
    seen: list[TrainConfig] = []
    monkeypatch.setattr(
        "weightlab.train.loop.train", lambda config, **_: seen.append(config) or TrainResult({"R@1": 0.5}, 1.0)
    )
    assert run(capsys, "train", *given)[0] == 0
    assert run(capsys, "train")[0] == 0
    changed = TrainConfig(width=4, per_class=8, scale="mass", validation=True, learning_rate=0.1)
    assert seen == [changed, TrainConfig()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["decompose", "ms-los"], "unknown loss or weight function 'ms-los': did you mean 'ms-loss'?"),
        (["decompose", "ms-loss", "--set", "beta=-1"], "beta must be at least 0.0001 and at most 10000, not -1"),
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
        (["train", "--momentum", "2"], "momentum must be below 1, not 2.0"),
        (["train", "--scale", "men"], "scale must be 'raw', 'mean' or 'mass', not 'men'"),
        (["train", "--steps", "many"], "'--steps'"),
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
    for arguments in (
        ["decompose"],
        ["check"],
        ["train"],
        ["evaluate"],
        ["losses"],
        ["study", "run"],
        ["data", "make"],
    ):
        code, out, _ = run(capsys, *arguments, "--help")
        assert code == 0
        assert f"  weightlab {' '.join(arguments)}" in out


@pytest.mark.parametrize("arguments", [[], ["study"], ["data"]])
def test_help_has_each_commands_sentence_whole(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run(capsys, *arguments, "--help")
    commands = out.partition("Commands:")[2]
    assert "..." not in commands
    assert all(len(line) <= 80 for line in out.splitlines())
    first = {"": "relative, source.", "study": "in percent.", "data": "what it holds."}[" ".join(arguments)]
    assert first in " ".join(commands.split())


QUICK = [
    ["--help"],
    ["losses"],
    ["decompose", "--help"],
    ["check", "--help"],
    ["train", "--help"],
    ["study", "--help"],
    ["data", "list"],
]


@pytest.mark.parametrize("arguments", QUICK)
def test_quick_commands_do_not_import_torch(arguments: list[str]) -> None:
    check_imports(arguments)


@pytest.mark.parametrize("finished", [0, 1])
def test_the_status_of_a_study_does_not_import_torch(finished: int) -> None:
    Path("small.toml").write_text('name = "small"\nquestion = "?"\n[base]\nmemory = 0\n[arms.one]\n[arms.two]\n')
    spec = read(Path("small.toml"))
    for trial in trials(spec, "quick")[:finished]:
        Storage.of(Path("runs"), spec, "quick").save(trial, TrainResult({"R@1": 0.5}, 1.0))
    assert f"| one |        {finished} |      3 |" in check_imports(["study", "status", "small.toml"])


def check_imports(arguments: list[str]) -> str:
    """Run a command in a process of its own that must not import the heavy packages; what it prints."""
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
    return done.stdout


def test_decompose_latex(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decompose", "n-pair", "--format", "latex")
    assert code == 0
    assert [line[:6] for line in out.splitlines()] == ["w^+ = ", "w^- = "]
    assert all(line.endswith(r",\quad t = \text{scale} = 1") for line in out.splitlines())


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
    code, _, err = run(capsys, "decompose", "mine.py:mine", "--format", "latex", "--plot", "--out", "none")
    assert code == 2
    assert "no formulas" in err
    assert not Path("none").exists()
    code, _, err = run(capsys, "decompose", "mine.py:mine", "--plot", "--out", "mine.py/figures")
    assert code == 2
    assert "--out mine.py/figures: mine.py is a file, not a folder" in err
    Path("random.py").write_text("def mine(s, positive, negative):\n    return (s**2 * negative).sum(1)\n")
    assert run(capsys, "decompose", "random.py:mine")[0] == 0  # it does not take the place of Python's own
    Path("fails.py").write_text(
        "class Fails:\n    value = print\n\n    def __init__(self):\n        self.x = {}['y']\n"
    )
    code, _, err = run(capsys, "decompose", "fails.py:Fails")
    assert code == 2
    assert "fails.py:Fails: KeyError: 'y'" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("decompose", "step(0.5)", "--format", "latex"),
        ("decompose", "(step(0.5))", "--plot", "--out", "taken"),
        ("decompose", "step(0.5)", "--out", "a"),
        ("compare", "step(0.5)", "linear", "--out", "a"),
        ("compare", "step(0.5)", "linear", "--plot", "--out", "taken"),
        ("compare", "step(0.5)", "linear", "--plot", "--out", "."),
    ],
)
def test_what_can_be_known_is_checked_before_the_curves(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("taken/step.png", "taken/compare/step-linear.csv"):
        Path(path).mkdir(parents=True)
    Path("compare").touch()
    for module in ("engine", "comparison"):
        monkeypatch.setattr(f"weightlab.decompose.{module}.weight_curve", None, raising=False)
        monkeypatch.setattr(f"weightlab.decompose.{module}.curve_of", None, raising=False)
    code, out, err = run(capsys, *arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert (
        "no formulas" in err
        or "is a folder, where a file is to be written" in err
        or "compare is a file" in err
        or "give --plot too" in err
    )
    assert not Path("a").exists()


def test_decompose_says_how_much_it_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "decompose", "ms-loss", "--points", "5", "--draws", "7")
    assert code == 0
    assert "curve: 5 points over 7 contexts; weight mass: over 16,384 contexts of 67 pairs" in out
    assert "| negative | easy      |" in out
    hardness = wl.decompose("ms-loss").hardness
    easy = hardness[(hardness["sign"] == "negative") & (hardness["kind"] == "easy")].iloc[0]
    line = next(line for line in out.splitlines() if line.startswith("| negative | easy"))
    assert [float(cell) for cell in line.split("|")[3:6]] == pytest.approx(
        easy[["pairs", "share", "error"]].tolist(), rel=1e-3
    )
    found = json.loads(run(capsys, "decompose", "ms-loss", "--points", "5", "--draws", "7", "--format", "json")[1])
    assert [found[name] for name in ("points", "draws", "mass_draws", "pairs")] == [5, 7, 16384, 67]
    assert len(found["curve"]) == 10
    assert found["ratio_error"] > 0
    assert {"symbol": "λ", "latex": r"\lambda", "name": "base", "value": 0.5} in found["parameters"]
    for option in ("--points", "--draws"):
        code, out, err = run(capsys, "decompose", "ms-loss", option, "0")
        assert (code, out) == (2, "")
        assert f"{option[2:]} must be a whole number of" in err


def test_decompose_without_a_closed_form_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "decompose", "step(0.5)", "--points", "3")[1]
    assert "residual: none, no closed form to compare with" in out
    assert "nan" not in out.lower()
    assert json.loads(run(capsys, "decompose", "step(0.5)", "--points", "3", "--format", "json")[1])["residual"] is None
    assert "nan" not in wl.decompose("step(0.5)", points=3)._repr_html_().lower().partition("<p>")[2]
    assert "no closed form to compare with" in repr(wl.decompose("step(0.5)", points=3))
    out = run(capsys, "decompose", "contrastive(pos_margin=-1)", "--points", "3")[1]
    assert "negative over positive weight mass: ∞ (no positive has a weight)" in out


def test_what_is_too_large_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["decompose", "triplet", "--positives", "32768", "--negatives", "32768"],
        ["decompose", "infonce", "--negatives", "4194304"],
        ["compare", "infonce", "contrastive", "--negatives", "4194304"],
    ):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert " GB: at most" in err
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", ["decompose", "compare"])
def test_help_says_what_the_contexts_are(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = " ".join(run(capsys, command, "--help")[1].split())
    for text in ("128 dimensions", "mean 0.5, standard deviation 0.2", "0.3, 0.2", "0.75, 0.15", "0.1, 0.15"):
        assert text in out
    assert "has to be asked anchor by anchor" in out
    assert "--points" in out
    assert "--draws" in out


def test_compare_with_equal_mass(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["compare", "contrastive", "ms-loss", "--equal-mass", "--points", "3", "--plot"]
    out = run(capsys, *given)[1]
    assert "3 points, 256 contexts" in out
    curves = pd.read_csv("figures/compare/contrastive-ms-loss.csv")
    part = curves[(curves["weighting"] == "contrastive") & (curves["sign"] == "positive")].set_index("similarity")
    assert part.loc[0.0, "weight"] == pytest.approx(1 / 3)
    out = run(capsys, *given, "--context", "random")[1]
    assert "| negative | contrastive | ms-loss | no weight in this context |  " in out
    assert "nan" not in out
    rows = json.loads(run(capsys, *given, "--context", "random", "--format", "json")[1])
    assert [row["distance"] is None for row in rows] == [False, True]


def test_compare(capsys: pytest.CaptureFixture[str]) -> None:
    losses = ["contrastive", "triplet", "ms-loss"]
    code, out, _ = run(capsys, "compare", *losses, "--plot", "--out", "here", "--format", "csv")
    assert code == 0
    distances = wl.compare(*losses).distances
    assert out == distances.to_csv(index=False, lineterminator="\n")
    assert Path("here/compare/contrastive-triplet-ms-loss.png").exists()
    assert json.loads(run(capsys, "compare", *losses, "--format", "json")[1]) == distances.to_dict("records")
    code, _, err = run(capsys, "compare", "contrastive")
    assert code == 2
    assert "two weightings" in err

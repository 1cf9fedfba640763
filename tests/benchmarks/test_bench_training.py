"""The benchmark of training: the bare loop does what the training loop does, and both are timed on the same rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import training
from benchmarks.training import bare_loop, config_of, few_tested, main, make_features
from weightlab import data
from weightlab.train import train


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_ROWS", 400)
    monkeypatch.setattr(training, "_FEATURES", 16)
    monkeypatch.setattr(training, "_TESTED", 40)


@pytest.mark.parametrize(("name", "scale"), [("features", "raw"), ("features", "mass"), ("glyphs", "mass")])
def test_the_bare_loop_does_the_same(name: str, scale: str, tmp_path: Path) -> None:
    source = f"features:{make_features(tmp_path / 'x.safetensors')}" if name == "features" else name
    dataset = few_tested(data.load(source, size=12))
    small = {"dimensions": 8, "memory": 700, "width": 4}  # a bank that goes round
    config = config_of(name, scale, 25).model_copy(update=small)
    found: list[float] = []
    train(config, dataset=dataset, on_step=lambda step, loss: found.append(loss))
    # with batch norm, rounding grows from step to step
    assert bare_loop(config, dataset) == pytest.approx(found, rel=1e-4 if name == "features" else 5e-2, abs=1e-5)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--figures", str(tmp_path), "--steps", "3", "--rounds", "2"])
    assert ended.value.code == 0
    text = (tmp_path / "bench" / "training.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    table = pd.read_csv(tmp_path / "bench" / "training.csv")
    assert table["scale"].tolist() == ["raw", "mass", "mass"]
    assert table["steps"].tolist() == [3, 3, 1]
    assert (table[["bare", "weightlab", "ratio"]] > 0).all(axis=None)
    assert [line.split()[1] for line in text.splitlines() if line.startswith("| ")][2:] == [
        "features",
        "features",
        "glyphs",
    ]

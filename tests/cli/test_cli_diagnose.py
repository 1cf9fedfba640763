"""weightlab diagnose, on files of embeddings and on a run of a few steps."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from weightlab import data, diagnose
from weightlab.cli import main
from weightlab.data import Dataset, Split
from weightlab.data.draw import Draw
from weightlab.decompose import Subject
from weightlab.diagnose import engine
from weightlab.train import TrainConfig, embedded, train

FEW = dict(steps=2, size=8, width=2, dimensions=4, memory=0, batch=8, per_class=2, negative="step(0.2)")  # noqa: C408


class Pictures:
    """Made-up pictures [N, 1, 8, 8]."""

    slow = False

    def __init__(self, count: int, seed: int) -> None:
        self.pixels = torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        self.shape = (1, 8, 8)

    def __call__(self, index: torch.Tensor, draw: Draw | None = None) -> torch.Tensor:
        return self.pixels[index]


def split(classes: int, first: int) -> Split:
    labels = torch.arange(classes).repeat_interleave(4)
    return Split(
        labels,
        Pictures(len(labels), first),
        paths=[f"{first}/{row}.png" for row in range(len(labels))],
        class_names=[f"${first + number}$" for number in range(classes)],
    )


PICTURES = Dataset("pictures", split(5, 0), split(6, 1))


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file of embeddings in this folder; given losses are compared with one built-in one, not with all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", lambda text, **_: PICTURES)
    monkeypatch.setattr(engine, "_others", lambda _: [Subject.of("circle")])
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 5)
    rows = random.normal(size=(8, 6))[labels] + 0.1 * random.normal(size=(40, 6))
    np.savez("x.npz", embeddings=3 * rows, labels=labels, path=[f"{row}.png" for row in range(40)])
    np.savez("alike.npz", embeddings=3 * rows, labels=np.zeros(40, dtype=int))
    np.savez("nan.npz", embeddings=np.where(np.arange(40)[:, None] == 7, np.nan, rows), labels=labels)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_file_is_diagnosed_in_each_format(capsys: pytest.CaptureFixture[str]) -> None:
    """Normalised as evaluate does it, with contrastive, triplet and ms-loss."""
    whole = embedded.embed_features("x.npz")
    names = [f"{row}.png" for row in range(40)]
    titles = whole.rows.class_names
    found = diagnose(
        whole.embeddings, whole.rows.labels, paths=names, class_names=titles, name="features:x.npz", seed=3
    )
    code, out, err = run(capsys, "diagnose", "x.npz", "--seed", "3", "--format", "json")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(json.dumps(found.to_dict()))
    table = pd.read_csv(io.StringIO(run(capsys, "diagnose", "x.npz", "--seed", "3", "--format", "csv")[1]))
    assert table["loss"].tolist() == ["contrastive", "triplet", "ms-loss"]
    assert table["active"].tolist() == pytest.approx(found.table["active"].tolist(), abs=1e-15)
    _, out, _ = run(capsys, "diagnose", "x.npz", "--seed", "3")
    assert out.startswith("features:x.npz: 40 rows of 8 classes, 6 dimensions\n")
    for number, finding in enumerate(found.findings, start=1):
        assert f"{number}. {finding}\n" in out
    for words in ("| contrastive |", "| threshold |", "| margin |", "pairs of one class that lie farthest", "| 0.png"):
        assert words in out


def test_a_figure_and_what_it_shows_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "diagnose", "x.npz", "--loss", "ms-loss", "--plot", "--out", "f", "--format", "csv")
    assert code == 0
    assert out.startswith("loss,active,")
    assert err == "wrote f/diagnose-x.png and f/diagnose-x.csv\n"
    drawn = pd.read_csv("f/diagnose-x.csv")
    assert set(drawn["what"]) == {"pairs", "weight mass"}
    assert drawn.groupby(["what", "sign"])["share"].sum().tolist() == pytest.approx([1.0] * 4)
    assert Path("f/diagnose-x.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_is_asked_about_its_own_weighting(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "runs" / "a"
    train(TrainConfig(**FEW), out=out, dataset=PICTURES)
    config = json.loads((out / "config.json").read_text()) | {"data": "glyphs"}
    (out / "config.json").write_text(json.dumps(config))  # one that can be loaded by name
    code, printed, _ = run(capsys, "diagnose", out, "--format", "json")
    found = json.loads(printed)
    assert code == 0
    assert (found["name"], found["rows"], found["classes"], found["dimensions"]) == ("pictures", 24, 6, 4)
    assert [row["loss"] for row in found["table"]] == ["positive constant, negative step(0.2), scale raw"]
    assert found["closest"][0]["path"].startswith("1/")
    assert found["closest"][0]["label"].startswith("$")
    asked = json.loads(run(capsys, "diagnose", out, "--loss", "triplet", "--format", "json")[1])
    assert [row["loss"] for row in asked["table"]] == ["triplet"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["y.npz"], "there is no file y.npz"),
        (["nothing"], "nothing holds no run: it has no config.json"),
        (["alike.npz"], "all 40 rows are of one class"),
        (["nan.npz"], "row 7 (from 0) is NaN, infinite or 0"),
        (["x.npz", "--loss", "tripled"], "unknown loss or weight function 'tripled': did you mean 'triplet'?"),
        (["x.npz", "--loss", "triplet", "--loss", "triplet"], "triplet(margin=0.1) is given twice"),
        (["x.npz", "--data", "glyphs"], "x.npz is a file of embeddings, and there is no encoder"),
        (["x.npz", "--out", "f"], "--out f is where --plot writes to"),
        (["x.npz", "--seed", "-1"], "--seed"),
    ],
)
def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    before = sorted(Path().iterdir())
    code, out, err = run(capsys, "diagnose", *arguments)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert message in line
    assert sorted(Path().iterdir()) == before

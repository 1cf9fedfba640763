"""A run's folder, read back: the numbers of its table, and one line for each thing that may be wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import normalize

from weightlab import InputError
from weightlab.assignment import assign
from weightlab.cli import main
from weightlab.memory import MemoryBank
from weightlab.pairs import References
from weightlab.train import TrainConfig, loop, train
from weightlab.train.drift import in_ring
from weightlab.train.recording import Records, Seen, record
from weightlab.train.watching import watch

STEPS = 300


def records() -> Records:
    """Two, of a memory that an encoder filled which is half a turn away from it now."""
    generator, found = torch.Generator().manual_seed(0), Records()
    inputs = normalize(torch.randn(8, 4, generator=generator))
    labels, bank = torch.arange(8) // 2, MemoryBank(80, 4)
    for _ in range(10):
        own = bank.enqueue(-inputs, labels)
    for step in (100, 200):
        seen = Seen(inputs, labels, inputs, References(bank.embeddings, bank.labels, own), in_ring(bank, own))
        record(
            found,
            step,
            seen,
            weighting=assign(positive="constant", negative="constant"),
            encoder=torch.nn.Identity(),
            inputs_at=lambda step, most: inputs[:most],
        )
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    out = tmp_path / "runs" / "a"
    out.mkdir(parents=True)
    (out / "config.json").write_text(TrainConfig(steps=1000).model_dump_json())
    steps = np.arange(1, STEPS + 1)
    surrogate = np.where(steps <= 200, 1e6, np.where(steps % 2, -3.0, 1.0))
    rate = pd.DataFrame({"step": steps, "surrogate": surrogate, "learning_rate": steps / STEPS})
    rate.to_csv(out / "history.csv", index=False)
    pd.DataFrame({"step": [100, 200, 300], "R@1": [0.25, 0.5, 0.375]}).to_csv(out / "validation.csv", index=False)
    records().write(out / "weights.parquet", all_of_them=True)
    return out


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_table_has_where_the_run_is(folder: Path) -> None:
    found = watch(folder)
    assert found.title == f"{folder}: step 300 of 1,000, in training or stopped"
    table = found.table().set_index("what")
    weights = table[["step", "value"]].T.to_dict("list")
    assert weights["surrogate"] == [300, -1.0]  # of the last hundred
    assert weights["learning rate"] == [300, 1.0]
    assert weights["active negatives, batch"] == [200, 6.0]  # of 8 rows 2 are of the anchor's class
    assert weights["active negatives, memory"] == [200, 60.0]
    assert weights["positive mass, batch"] == [200, 1.0]
    assert weights["positive mass, memory"] == [200, 19.0]  # 20 entries of the class, its own not
    assert weights["negative mass, memory"] == [200, 60.0]
    assert weights["drift at age 1"] == [200, pytest.approx(2.0)]
    assert weights["drift at age 10"] == [200, pytest.approx(2.0)]
    assert "drift at age 100" not in weights
    assert weights["validation R@1"] == [300, 0.375]
    assert weights["best validation R@1"] == [200, 0.5]
    assert "may be negative" in table.loc["surrogate", "meaning"]
    assert "of 60; mean of 8 anchors" in table.loc["active negatives, memory", "meaning"]
    assert "mean of 8 entries" in table.loc["drift at age 10", "meaning"]


def test_the_middle_of_the_mass_halves_it(folder: Path) -> None:
    found = watch(folder)
    table = found.table().set_index("what")["value"]
    mass = found.weights[(found.weights["step"] == 200) & (found.weights["measure"] == "mass")]
    for sign in ("positive", "negative"):
        part = mass[(mass["term"] == "memory") & (mass["sign"] == sign)]
        middle = table[f"middle of {sign} mass, memory"]
        below = (part["value"] * ((middle - part["low"]) / 0.05).clip(0, 1)).sum()
        assert below == pytest.approx(part["value"].sum() / 2)


def test_a_run_that_is_done_or_has_little_to_show(folder: Path) -> None:
    (folder / "metrics.json").write_text("{}")
    assert watch(folder).title.endswith("step 300 of 1,000, done")
    for name in ("weights.parquet", "validation.csv"):
        (folder / name).unlink()
    assert watch(folder).table()["what"].tolist() == ["surrogate", "learning rate"]
    pd.DataFrame({"step": [1], "surrogate": [0.5]}).to_csv(folder / "history.csv", index=False)
    assert watch(folder).table()["what"].tolist() == ["surrogate"]
    figure = watch(folder).figure()
    assert len(figure.axes) == 1
    assert figure.get_suptitle() == "a: step 1 of 1,000, done"


def test_the_command_draws_and_prints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "watch", folder)
    assert (code, err) == (0, f"wrote {folder / 'weights.png'}\n")
    assert out.startswith(f"{folder}: step 300 of 1,000, in training or stopped\n\n| what ")
    assert "| drift at age 10 " in out
    assert (folder / "weights.png").read_bytes().startswith(b"\x89PNG")
    (folder / "weights.png").unlink()
    page = folder.parent / "sub" / "page.svg"
    code, out, err = run(capsys, "watch", folder, "--out", page, "--format", "json")
    assert (code, err) == (0, f"wrote {page}\n")
    assert [row["what"] for row in json.loads(out)] == watch(folder).table()["what"].tolist()
    assert page.read_text().startswith("<?xml")
    assert not (folder / "weights.png").exists()


def test_help_explains_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join(run(capsys, "watch", "--help")[1].split())
    frame = records().frame()
    words = {*frame.columns, *frame["measure"].unique(), *frame["statistic"].unique(), *frame["term"].unique()}
    assert words == {word for word in words if word in said}
    assert words == {word for word in words if word in (Records.frame.__doc__ or "")}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def without(column: str) -> Callable[[Path], None]:
    return lambda path: pd.read_parquet(path).drop(columns=column).to_parquet(path, index=False)


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("config.json", Path.unlink, "holds no run: it has no config.json"),
        ("config.json", cut, "config.json is damaged or of another version"),
        ("history.csv", Path.unlink, "has no history.csv yet: a run writes it with its first checkpoint"),
        ("history.csv", lambda path: path.write_text(""), "history.csv is damaged: EmptyDataError"),
        ("history.csv", lambda path: path.write_text("step,surrogate\n"), "has done no step yet"),
        (
            "history.csv",
            lambda path: path.write_text("step\n1\n"),
            "history.csv is damaged: it has no column surrogate",
        ),
        (
            "history.csv",
            lambda path: path.write_text("step,surrogate\n1,0.5\n2,x\n"),
            "history.csv is damaged: surrogate of row 1 (from 0) is 'x'",
        ),
        (
            "history.csv",
            lambda path: path.write_text("step,surrogate,learning_rate\n1,0.5,inf\n"),
            "history.csv is damaged: learning_rate of row 0 (from 0) is ",
        ),
        ("history.csv", lambda path: path.write_bytes(b"\xff\xfe\0"), "history.csv is damaged: "),
        (
            "validation.csv",
            lambda path: path.write_text("step\n1\n"),
            "validation.csv is damaged: it has no column R@1",
        ),
        ("weights.parquet", cut, "weights.parquet is damaged: ArrowInvalid"),
        ("weights.parquet", lambda path: path.write_bytes(b""), "weights.parquet is damaged: ArrowInvalid"),
        ("weights.parquet", without("value"), "weights.parquet is damaged: it has no column value"),
        ("weights.parquet", without("age"), "weights.parquet is damaged: its column age is missing"),
    ],
)
def test_what_is_missing_or_damaged_is_one_line(
    name: str, damage: Callable[[Path], None], message: str, folder: Path
) -> None:
    damage(folder / name)
    with pytest.raises(InputError) as caught:
        watch(folder)
    assert message in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_it_can_not_be_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "watch", folder, "--out", "x.txt")
    assert (code, out) == (2, "")
    assert err == "weightlab: --out x.txt: pictures are written to .png, .svg, .pdf files\n"
    code, out, err = run(capsys, "watch", folder, "--out", folder / "config.json" / "x.png")
    assert (code, out) == (2, "")
    assert "config.json is a file, not a folder" in err
    assert run(capsys, "watch", folder / "nothing")[0] == 2


def test_a_run_draws_itself_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "evaluate", lambda model, split, ks=(): {"R@1": 0.5})
    config = TrainConfig(steps=4, size=12, width=4, dimensions=8, memory=96, memory_start=1, batch=32, record=2)
    train(config, out=tmp_path)
    assert (tmp_path / "weights.png").read_bytes().startswith(b"\x89PNG")
    found = watch(tmp_path)
    assert found.title.endswith("step 4 of 4, done")
    assert found.weights["step"].unique().tolist() == [2, 4]

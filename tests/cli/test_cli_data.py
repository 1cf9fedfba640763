"""weightlab data, and training on what it knows."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from data import replicas

from weightlab import data
from weightlab.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_list_has_every_kind_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "data", "list", "--format", "json")[1])
    assert [(row["name"], row["what"]) for row in rows] == data.names()
    assert {"glyphs", "sop:PATH", "inshop:PATH", "vehicleid:PATH", "cub:PATH", "cars:PATH"} <= {
        row["name"] for row in rows
    }


def test_check_tells_facts_then_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = replicas.vehicleid(tmp_path).text
    found = data.inspect(text)
    code, out, err = run(capsys, "data", "check", text)
    assert (code, err) == (1, "")
    assert out.splitlines() == [*found.facts, *(f"fault: {fault}" for fault in found.faults)]
    assert out.splitlines()[-1] == "fault: test classes: 4, not 800"
    code, out, _ = run(capsys, "data", "check", text, "--format", "json")
    rows = [{"what": "fact", "line": fact} for fact in found.facts]
    rows += [{"what": "fault", "line": fault} for fault in found.faults]
    assert (code, json.loads(out)) == (1, rows)
    code, out, _ = run(capsys, "data", "check", text, "--format", "csv")
    assert (code, pd.read_csv(io.StringIO(out)).to_dict("records")) == (1, rows)


def test_check_of_what_is_whole_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "data", "check", "glyphs")
    assert (code, out.splitlines(), err) == (0, list(data.inspect("glyphs").facts), "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sop:.", "there is no list Ebay_train.txt in .: looked for Ebay_train.txt, Info_Files/Ebay_train.txt; give"),
        ("vehicle:.", "unknown data set 'vehicle': did you mean 'vehicleid'?"),
        ("vehicleid:.(test=tiny)", "unknown test of vehicleid 'tiny': known are large, medium, small"),
    ],
)
@pytest.mark.parametrize("command", ["check", "make"])
def test_bad_input_is_one_line(
    text: str,
    message: str,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "data", command, text)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_make_says_what_a_data_set_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = replicas.inshop(tmp_path).text
    code, out, err = run(capsys, "data", "make", text, "--size", "16", "--format", "json")
    parts = {row.pop("part"): row for row in json.loads(out)}
    shape = {"classes": 4, "categories": 2, "input": "3 × 16 × 16"}
    assert code == 0
    assert parts == {
        "train": {"rows": 16, "queries": 16, "gallery": 16, **shape},
        "test": {"rows": 16, "queries": 8, "gallery": 8, **shape},
    }
    assert err.startswith(f"{text} is not as published: images: 32, not 52,712; ")
    assert err.count("\n") == 1


def test_make_makes_what_is_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    whole = data.load("glyphs", size=8).train
    train, test = (replace(whole, labels=torch.arange(count).repeat(4), class_names=None) for count in (3, 2))

    def load(name: str, **settings: object) -> data.Dataset:
        asked.append((name, settings))
        return data.Dataset(name, train, test)

    monkeypatch.setattr(data, "load", load)
    code, out, err = run(capsys, "data", "make", "folder:x", "--size", "12", "--skip-damaged")
    assert (code, err, asked) == (0, "", [("folder:x", {"size": 12, "skip_damaged": True})])
    assert out.splitlines()[2:] == [
        "| train |   12 |       3 |          0 |      12 |      12 | 1 × 8 × 8 |",
        "| test  |    8 |       2 |          0 |       8 |       8 | 1 × 8 × 8 |",
    ]


def test_train_takes_an_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    text = replicas.vehicleid(tmp_path, options="(test=small)").text
    small = ("--size", "16", "--width", "4", "--steps", "3", "--batch", "6", "--per-class", "3", "--memory", "0")
    code, out, _ = run(capsys, "train", "--data", text, *small, "--format", "json")
    assert code == 0
    assert 0 <= json.loads(out)["R@1"] <= 1
    assert "every test image is a query against all others (protocol=all)" in caplog.text

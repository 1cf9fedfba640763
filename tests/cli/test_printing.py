"""One printer for all commands: what a program reads is exact, what a person reads is whole."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from weightlab.cli.options import Format
from weightlab.cli.printing import print_json, print_rows, records

ROWS = [
    {"name": 'a, "b"', "value": 1 / 3, "count": 1, "more": "…|x"},
    {"name": "c", "value": math.nan, "count": 20, "more": ""},
]


def test_csv(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, Format.csv, title="not this")
    lines = ["name,value,count,more", '"a, ""b""",0.3333333333333333,1,…|x', "c,,20,", ""]
    assert capsys.readouterr().out == "\n".join(lines)


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, Format.json, title="not this")
    out = capsys.readouterr().out
    assert json.loads(out) == [ROWS[0], ROWS[1] | {"value": None}]
    assert len(out.splitlines()) == 2
    assert "…" in out
    print_json({"low": [-math.inf, 1.0], "high": 2})
    assert capsys.readouterr().out == '{"low": [null, 1.0], "high": 2}\n'


def test_a_data_frame_as_pandas_would_print_it(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"text": ["a,b", "c"], "number": [0.1, math.nan], "whole": [1, 2], "large": [1e300, math.inf]})
    print_rows(records(frame), Format.csv)
    assert capsys.readouterr().out == frame.to_csv(index=False, lineterminator="\n")


def test_markdown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, title="a title", right=["more"])
    assert capsys.readouterr().out.splitlines() == [
        "a title",
        "",
        "| name   |  value | count | more |",
        "| ------ | -----: | ----: | ---: |",
        '| a, "b" | 0.3333 |     1 | …\\|x |',
        "| c      |    nan |    20 |      |",
    ]


def test_drawn_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    print_rows([{"name": "[bold]x", "n": 1}])
    out = capsys.readouterr().out
    assert "|" not in out
    assert out.splitlines()[-1] == "[bold]x  1"  # nothing is read as markup

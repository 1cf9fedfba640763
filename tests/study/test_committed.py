"""What is committed of studies says the same everywhere: page, table of numbers, README."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "figures" / "negatives"


def has(line: str, row: pd.Series) -> bool:
    """Whether a line of a page has a row of the table of numbers, which are rounded to four decimals there."""
    half = (row["high"] - row["low"]) / 2
    cells = re.findall(r"([\d.]+) ± ([\d.]+)", line)
    return any(
        float(mean) == pytest.approx(row["mean"], abs=0.0051) and float(width) == pytest.approx(half, abs=0.0051)
        for mean, width in cells
    )


def test_page_and_readme_have_the_numbers_of_the_table() -> None:
    table = pd.read_csv(FOLDER / "table.csv").set_index(["arm", "metric"])
    page = (FOLDER / "table.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for (arm, metric), row in table.iterrows():
        (line,) = re.findall(rf"^\| {re.escape(arm)} +\|.*±.*$", page, re.MULTILINE)
        assert has(line, row)
        (line,) = re.findall(rf"^\| {re.escape(arm)} \|.*$", readme, re.MULTILINE)
        assert has(line, row) or metric not in ("R@1", "MAP@R")
    paragraph = next(line for line in page.splitlines() if line.startswith("Over 5 seeds"))
    assert paragraph in readme
    said = {arm: {*re.findall(rf"{re.escape(arm)} \(([\d.]+) %\)", paragraph)} for arm, _ in table.index}
    assert sum(map(len, said.values())) == 7
    for arm, numbers in said.items():
        row = table.loc[(arm, "R@1")]
        assert all(float(number) == pytest.approx(row["mean"], abs=0.0051) for number in numbers)


@pytest.mark.parametrize("name", ["negatives-folder-icons-2a0c3b", "memory-fonts-sop-182c68"])
def test_the_readme_says_of_other_data_what_their_pages_say(name: str) -> None:
    folder = ROOT / "figures" / name
    page = (folder / "table.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = pd.read_csv(folder / "table.csv").set_index(["arm", "metric"])
    for (arm, _), row in table.iterrows():
        (line,) = re.findall(rf"^\| {re.escape(arm)} +\|.*±.*$", page, re.MULTILINE)
        assert has(line, row)
    said = re.findall(r"(?:holds: |includes 0 for )(.+?(?:points above .+? %\)|points\)))", page)
    assert len(said) >= 1
    assert f"(figures/{name}/table.md)" in readme
    for sentence in said:
        assert sentence in readme
    for arm, value in re.findall(r"(step 0.5, raw) reaches ([\d.]+) %", readme if "icons" in name else ""):
        assert f"{table.loc[(arm, 'R@1'), 'mean']:.2f}" == value

"""What is committed of studies says the same everywhere: page, table of numbers, README."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from weightlab.plot.numbers import measured

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "figures" / "negatives"


def test_page_and_readme_have_the_numbers_of_the_table() -> None:
    table = pd.read_csv(FOLDER / "table.csv").set_index(["arm", "metric"])
    page = (FOLDER / "table.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for (arm, metric), row in table.iterrows():
        text = measured(row["mean"], row["low"], row["high"])
        (line,) = re.findall(rf"^\| {re.escape(arm)} +\|.*±.*$", page, re.MULTILINE)
        assert text in line
        (line,) = re.findall(rf"^\| {re.escape(arm)} \|.*$", readme, re.MULTILINE)
        assert text in line or metric not in ("R@1", "MAP@R")
    paragraph = next(line for line in page.splitlines() if line.startswith("Over 5 seeds"))
    assert paragraph in readme
    said = {arm: {*re.findall(rf"{re.escape(arm)} \(([\d.]+) %\)", paragraph)} for arm, _ in table.index}
    assert sum(map(len, said.values())) == 7
    for arm, numbers in said.items():
        row = table.loc[(arm, "R@1")]
        assert numbers <= {measured(row["mean"], row["low"], row["high"]).split(" ")[0]}


@pytest.mark.parametrize("name", ["negatives-folder-icons-2a0c3b", "memory-fonts-sop-182c68"])
def test_the_readme_says_of_other_data_what_their_pages_say(name: str) -> None:
    folder = ROOT / "figures" / name
    page = (folder / "table.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = pd.read_csv(folder / "table.csv").set_index(["arm", "metric"])
    for (arm, _), row in table.iterrows():
        (line,) = re.findall(rf"^\| {re.escape(arm)} +\|.*±.*$", page, re.MULTILINE)
        assert measured(row["mean"], row["low"], row["high"]) in line
    said = re.findall(r"(?:holds: |includes 0 for )(.+?(?:points above .+? %\)|points\)))", page)
    assert len(said) >= 1
    assert f"(figures/{name}/table.md)" in readme
    for sentence in said:
        assert sentence in readme
    for arm, value in re.findall(r"(step 0.5, raw) reaches ([\d.]+) %", readme if "icons" in name else ""):
        assert f"{table.loc[(arm, 'R@1'), 'mean']:.2f}" == value

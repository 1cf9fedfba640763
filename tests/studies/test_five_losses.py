"""The committed page of the five losses says what the code says today."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from weightlab import losses
from weightlab.decompose.formulas import derive

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "figures" / "five-losses" / "README.md").read_text(encoding="utf-8")
SCRIPT = runpy.run_path(str(ROOT / "studies" / "five_losses.py"))


@pytest.mark.parametrize("name", ["contrastive", "triplet", "ms-loss", "lifted", "n-pair"])
def test_formulas_and_numbers_are_todays(name: str) -> None:
    assert name in SCRIPT["LOSSES"]
    latex = derive(losses.get(name).formula).latex()
    assert f"\nw^+ = {latex['positive']}\n" in PAGE
    assert f"\nw^- = {latex['negative']}\n" in PAGE
    assert (ROOT / "figures" / "five-losses" / f"{name}.png").exists()


def test_table_is_todays() -> None:
    rows = SCRIPT["easy_negatives"]("n-pair")
    assert SCRIPT["table"](rows) in PAGE
    assert SCRIPT["sentence"](rows) in PAGE

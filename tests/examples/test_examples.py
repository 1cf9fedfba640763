"""The small programs of examples/: each learns in seconds, and says so."""

from __future__ import annotations

import logging
import re
import runpy
import warnings
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("name", ["plain_loop", "pml_trainer", "lightning_module", "text_pairs"])
def test_r_at_1_rises(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On what was held out, by more than its standard error of at most 3 points."""
    monkeypatch.chdir(tmp_path)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    path, state = EXAMPLES / f"{name}.py", torch.get_rng_state()
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the others' own
        runpy.run_path(str(path))["main"]()
    torch.set_rng_state(state)
    before, after = (float(number) for number in re.findall(r"R@1 .*: ([\d.]+) %", capsys.readouterr().out))
    assert before < 20
    assert after > before + 12
    assert not list(tmp_path.iterdir())

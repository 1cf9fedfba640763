"""A run that is killed, at any moment, goes on to the same end: killing.py kills one again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("killing.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_run_that_is_killed_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    """With loader workers, augmentation, dropout, batch norm and a momentum encoder."""
    done = subprocess.run([sys.executable, str(PROGRAM), str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    stops = [line for line in lines if line.get("how") in ("SIGTERM", "SIGINT")]
    kills = [line for line in lines if "where" in line and line not in stops]
    runs = [line for line in lines if "run" in line]
    assert [line for line in lines if line["wrong"]] == []
    assert all(run["done"] for run in runs)
    assert len(kills) >= 30
    assert sum(kill["how"] == "SIGKILL by the clock" for kill in kills) >= 9
    struck = {kill["where"] for kill in kills}
    for place in ("33 % written", "99 % written", "written", "fsync", "flushed", "rename", "renamed"):
        assert f"state.safetensors: {place}" in struck
    assert sum(kill["workers"] for kill in kills) > 9  # whose lock would be theirs, had they not let it go
    assert any(kill["left"] for kill in kills)  # something temporary, of which nothing stays: it is among what is wrong
    assert len({kill["step"] for kill in kills}) > 3
    assert [(stop["began"], stop["step"], stop["left"]) for stop in stops] == [(None, 2, 0), (2, 4, 0), (4, 6, 0)]

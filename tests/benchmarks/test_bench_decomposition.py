"""The benchmark of decomposition: a line a loss."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.decomposition import main


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlab.losses.names", lambda: ["contrastive", "ms-loss"])
    with pytest.raises(SystemExit) as exit_:
        main(["--figures", str(tmp_path)])
    assert exit_.value.code == 0
    text = (tmp_path / "bench" / "decomposition.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("| ")] == [
        "loss",
        "-----------",
        "contrastive",
        "ms-loss",
    ]

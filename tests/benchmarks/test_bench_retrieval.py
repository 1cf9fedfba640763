"""The benchmark of retrieval: rows as SOP's, the same metrics from both, one line for bad input."""

from __future__ import annotations

from pathlib import Path

import faiss
import pytest

from benchmarks import retrieval
from benchmarks.retrieval import ROWS, large_classes, main, make_rows, many_rows, measure, report


def test_rows_are_as_many_and_as_classed_as_in_sop() -> None:
    embeddings, labels = make_rows(ROWS)
    sizes = labels.bincount()
    assert embeddings.shape == (60_502, 128)
    assert len(sizes) == 11_316
    assert int(sizes.min()) >= 2
    assert int(sizes.max()) <= 12


def test_both_find_the_same() -> None:
    threads = faiss.omp_get_max_threads()
    measured = measure(1000, lambda text: None)
    table = measured.table.set_index("method")
    ours, theirs = table.loc["weightlab.retrieval.evaluate"], table.loc["AccuracyCalculator"]
    assert 0.05 < ours["MAP@R"] < 0.99
    assert ours["R@1"] == pytest.approx(theirs["R@1"])
    assert ours["MAP@R"] == pytest.approx(theirs["MAP@R"])
    assert table.loc["faiss IndexFlatIP", "to_faiss"] == 1
    assert "| AccuracyCalculator " in report(measured)
    assert faiss.omp_get_max_threads() == threads


def test_large_classes_and_many_rows() -> None:
    assert large_classes(600).startswith("Few large classes, 600 × 32 in 6, one thread: weightlab.retrieval.evaluate ")
    assert many_rows(2000, queries=100).startswith("100 of 2,000 rows × 256, on disk, searched among all: ")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "large_classes", lambda: "large")
    with pytest.raises(SystemExit) as exit_:
        main(["--rows", "1000", "--figures", str(tmp_path)])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == (tmp_path / "bench" / "retrieval.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as exit_:
        main(["--rows", "5", "--figures", str(tmp_path)])
    assert exit_.value.code == 2
    assert "rows must be a whole number of 1000 to 1000000, not 5" in capsys.readouterr().err

from __future__ import annotations

from weightlab.bench.search import measure, report


def test_a_small_run() -> None:
    said: list[str] = []
    rows = measure(said.append, sizes=(3000,))
    assert [row.probes for row in rows] == [1, 4, 16]
    recalls = [row.recall for row in rows]
    assert recalls == sorted(recalls)
    assert 0 < recalls[0] <= recalls[-1] <= 1
    assert report(rows).count("\n| ") == 5
    assert len(said) == 3

"""Similarities counted in blocks: the same as all at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from weightlab.diagnose import walk as walking
from weightlab.diagnose.estimate import Estimate, ratios
from weightlab.diagnose.rows import Rows
from weightlab.diagnose.walk import BINS, edges, walk


def rows(count: int = 61, classes: int = 7, dimensions: int = 5) -> Rows:
    random = np.random.default_rng(0)
    x = random.normal(size=(count, dimensions))
    return Rows.of(x / np.linalg.norm(x, axis=1, keepdims=True), random.integers(classes, size=count) * 3)


def test_blocks_count_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "_ANCHORS", 4)
    monkeypatch.setattr(walking, "_REFERENCES", 9)
    given = rows()
    found = walk(given, given.paired[::2])
    s = given.embeddings @ given.embeddings.T
    for at, anchor in enumerate(found.anchors):
        same = given.classes == given.classes[anchor]
        others = same & (np.arange(len(given)) != anchor)
        for counts, mask in ((found.positive[at], others), (found.negative[at], ~same)):
            assert counts.tolist() == np.histogram(s[anchor, mask], edges())[0].tolist()
        assert found.mean_positive[at] == pytest.approx(s[anchor, others].mean(), abs=1e-6)
        assert found.mean_negative[at] == pytest.approx(s[anchor, ~same].mean(), abs=1e-6)
        assert found.nearest[at] == np.where(same, -2, s[anchor]).argmax()
        assert found.farthest[at] == np.where(others, s[anchor], 2).argmin()
        assert found.nearest_similarity[at] == pytest.approx(s[anchor, ~same].max(), abs=1e-6)
        assert found.farthest_similarity[at] == pytest.approx(s[anchor, others].min(), abs=1e-6)
    assert found.negative.shape == (len(found.anchors), BINS)


def test_of_many_rows_some_are_anchors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightlab.diagnose.rows._PAIRS", 61 * 12)
    monkeypatch.setattr("weightlab.diagnose.rows._LEAST", 10)
    given = rows()
    drawn = given.anchors(np.random.default_rng(1))
    assert len(drawn) == len(set(drawn.tolist())) == 12
    assert set(drawn) <= set(given.paired)
    assert drawn.tolist() == given.anchors(np.random.default_rng(1)).tolist()


def test_the_error_of_a_sample_is_its_error() -> None:
    """Over all samples of 4 from 9, the squared standard error is on average the variance of the mean."""
    numbers = np.random.default_rng(2).normal(size=9)
    samples = [numbers[list(each)] for each in itertools.combinations(range(9), 4)]
    errors = [float(ratios(each, np.ones(4), 9)[1]) / 1.96 for each in samples]
    assert np.mean(np.square(errors)) == pytest.approx(np.var([each.mean() for each in samples]))
    assert ratios(numbers, np.ones(9), 9)[1] == 0
    assert np.isnan(ratios(numbers[:1], np.ones(1))[1])


@pytest.mark.parametrize(
    ("estimate", "text", "percent"),
    [
        (Estimate(0.31234, 0.00412), "0.3123 ± 0.0041", "31.23 ± 0.41 %"),
        (Estimate(0.999937, 0.0), "0.999937", "100 %"),
        (Estimate(-0.25, float("nan")), "−0.25", "-25 %"),
        (Estimate(12345.6, 78.0), "12,346 ± 78", "1234560.0 ± 7800.0 %"),
        (Estimate(1e-6, 2e-6), "1e−06 ± 2e−06", "under 0.01 %"),
    ],
)
def test_numbers_have_the_digits_that_they_bear(estimate: Estimate, text: str, percent: str) -> None:
    assert str(estimate) == text
    assert estimate.percent == percent

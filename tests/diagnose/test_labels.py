"""Wrong labels and merged classes: found where they are, and not where they aren't."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import clusters, shuffled

from weightlab.diagnose.merged import merged_classes
from weightlab.diagnose.noise import Noise, _excess, label_noise
from weightlab.diagnose.rows import Rows


def noise_of(x: np.ndarray, labels: np.ndarray) -> Noise:
    rows = Rows.of(x, labels)
    return label_noise(rows, rows.paired, np.random.default_rng(0))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.2])
def test_a_geometric_tail_gives_the_share_exactly(share: float) -> None:
    """F falls by a third at each step, and a share of wrong labels is added to each."""
    tail = 0.9 * np.array([1 / 9, 1 / 3, 1])
    counts = np.array([[1, *(share + (1 - share) * tail)]] * 3)
    assert _excess(counts, np.array([0, 0, 1])) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(
    ("classes", "each", "dimensions", "spread"),
    [(2, 150, 16, 0.5), (20, 30, 32, 0.9), (100, 10, 64, 0.8), (150, 3, 32, 0.4), (300, 2, 64, 0.4), (10, 40, 8, 0.2)],
)
def test_five_percent_of_wrong_labels_are_found(classes: int, each: int, dimensions: int, spread: float) -> None:
    for seed in range(3):
        x, labels = clusters(classes, each, dimensions, spread, seed)
        given = shuffled(labels, 0.05, seed)
        wrong = given != labels
        found = noise_of(x, given)
        assert found.is_found
        assert found.low - 0.01 <= wrong.mean() <= found.high + 0.01
        if each > 2:  # of two rows of a class that lie apart it isn't told which is wrong
            worst = np.argsort(found.margin)[: max(3, int(wrong.sum()) // 2)]
            assert wrong[worst].mean() >= 0.9


@pytest.mark.parametrize("dimensions", [2, 3, 8, 64, 512])
def test_overlap_is_not_taken_for_wrong_labels(dimensions: int) -> None:
    for seed in range(2):
        for classes, each in ((2, 40), (3, 20), (20, 10), (100, 2), (60, 5)):
            for spread in (0.05, 0.3, 0.7, 1.2, 2.0):
                x, labels = clusters(classes, each, dimensions, spread, seed)
                if seed:  # duplicates
                    x, labels = np.concatenate([x, x[::3]]), np.concatenate([labels, labels[::3]])
                assert not noise_of(x, labels).is_found, (seed, classes, each, spread)


def test_a_class_made_of_two_is_found() -> None:
    for seed in range(5):
        x, labels = clusters(30, 10, 64, 0.8, seed)
        given = np.where(labels == 7, 3, labels)
        found = merged_classes(Rows.of(x, given), float(0), np.random.default_rng(0))
        assert [each.number for each in found] == [3]
        assert found[0].between < 0.3 < found[0].within
        assert not merged_classes(Rows.of(x, labels), 0.0, np.random.default_rng(0))


def test_wide_classes_are_not_taken_for_two() -> None:
    for dimensions in (2, 3, 8, 64):
        for classes, each in ((3, 20), (20, 10), (40, 12)):
            for spread in (0.3, 1.2, 2.0):
                rows = Rows.of(*clusters(classes, each, dimensions, spread))
                assert not merged_classes(rows, 0.0, np.random.default_rng(0)), (dimensions, classes, spread)

"""Numbers have as many decimals as their intervals bear, and look like nothing only where they are 0."""

from __future__ import annotations

import math

import pytest

from weightlab.plot.numbers import difference, measured, rounded


@pytest.mark.parametrize(
    ("mean", "half", "text"),
    [
        (57.6713, 1.546, "57.67 ± 1.55"),
        (0.1302, 0.1104, "0.13 ± 0.11"),
        (99.64713, 0.07883, "99.647 ± 0.079"),
        (0.03004, 0.00123, "0.0300 ± 0.0012"),
        (5.0, 0.0, "5.00 ± 0.00"),
        (0.0, 0.0, "0.00 ± 0.00"),
        (23.6141, 16.56, "23.61 ± 16.56"),
        (0.00012, 0.00000001, "0.0001 ± 0.0000"),
        (0.004, 3.2, "0.004 ± 3.200"),
    ],
)
def test_a_mean_and_half_of_its_interval(mean: float, half: float, text: str) -> None:
    assert measured(mean, mean - half, mean + half) == text
    assert rounded(mean, mean - half, mean + half) == text.split(" ")[0]


def test_a_mean_alone() -> None:
    assert [measured(each) for each in (20, 0.004, 0.0, -0.0, 1 / 3)] == ["20.00", "0.004", "0.00", "0.00", "0.33"]
    assert measured(math.nan) == "nan"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((6.1051, 4.69, 7.52), "+6.11 [4.69, 7.52]"),
        ((-1.0, -2.0, 0.0), "−1.00 [−2.00, 0.00]"),
        ((0.0, 0.0, 0.0), "0.00 [0.00, 0.00]"),
        ((-0.0, -0.0, 0.0), "0.00 [0.00, 0.00]"),
        ((0.0301, 0.0244, 0.0358), "+0.0301 [0.0244, 0.0358]"),
        ((1.5, -0.003, 3.003), "+1.500 [−0.003, 3.003]"),
        ((2.0, math.nan, math.nan), "+2.00"),
    ],
)
def test_a_difference_and_its_interval(values: tuple[float, float, float], text: str) -> None:
    assert difference(*values) == text

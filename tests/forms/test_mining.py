"""Mining against plain loops over eq. 10 and 11 of Wang et al. 2019 (Multi-Similarity Loss)."""

from __future__ import annotations

import pytest
import torch
from contexts import contexts
from hypothesis import given
from hypothesis import strategies as st

from weightlab.forms.softmax import mined
from weightlab.pairs import Pairs


def by_loops(pairs: Pairs, margin: float) -> tuple[list[list[bool]], list[list[bool]]]:
    """Which positives and which negatives count, anchor by anchor and pair by pair."""
    kept_positive, kept_negative = [], []
    rows = zip(pairs.similarity.tolist(), pairs.positive.tolist(), pairs.negative.tolist(), strict=True)
    for s, positive, negative in rows:
        positives = [s[k] for k in range(len(s)) if positive[k]]
        negatives = [s[k] for k in range(len(s)) if negative[k]]
        # eq. 10: S_n + ε > min_P S; eq. 11: S_p − ε < max_N S
        kept_negative.append([negative[j] and any(s[j] > p - margin for p in positives) for j in range(len(s))])
        kept_positive.append([positive[j] and any(s[j] < n + margin for n in negatives) for j in range(len(s))])
    return kept_positive, kept_negative


@given(contexts(), st.sampled_from([0.0, 0.05, 0.1, 0.5, 2.0]))
def test_mining_keeps_what_the_paper_keeps(pairs: Pairs, margin: float) -> None:
    found = mined(pairs, margin)
    positive, negative = by_loops(pairs, margin)
    assert found.positive.tolist() == positive
    assert found.negative.tolist() == negative
    assert torch.equal(found.similarity, pairs.similarity)


@given(contexts())
def test_without_a_margin_all_count(pairs: Pairs) -> None:
    assert mined(pairs, None) is pairs


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 0)])
def test_nothing_to_mine_is_no_error(shape: tuple[int, int]) -> None:
    none = torch.zeros(shape, dtype=torch.bool)
    found = mined(Pairs(torch.zeros(shape), none, none), 0.1)
    assert found.positive.shape == found.negative.shape == shape


def test_at_the_limit_a_pair_does_not_count() -> None:
    s = torch.tensor([[0.5, 0.75, 0.25, 0.5]], dtype=torch.float64)
    positive = torch.tensor([[True, True, False, False]])
    found = mined(Pairs(s, positive, ~positive), 0.25)
    assert found.positive.tolist() == [[True, False, False, False]]  # 0.75 is not below 0.5 + 0.25
    assert found.negative.tolist() == [[False, False, False, True]]  # 0.25 is not above 0.5 − 0.25

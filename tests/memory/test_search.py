from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from weightlab import InputError
from weightlab.memory.search import CandidateSearch

BANK = normalize(torch.randn(2000, 16, generator=torch.Generator().manual_seed(0)))
ANCHORS = normalize(torch.randn(7, 16, generator=torch.Generator().manual_seed(1)))


def brute(bank: torch.Tensor, threshold: float) -> list[int]:
    return (threshold < (ANCHORS @ bank.T)).any(0).nonzero()[:, 0].tolist()


def test_with_every_list_probed_it_is_exact() -> None:
    search = CandidateSearch(BANK, lists=20, probes=20)
    for threshold in (0.3, 0.5, 0.7):
        assert search.above(ANCHORS, threshold).tolist() == brute(BANK, threshold)


def test_with_few_lists_probed_it_finds_a_part() -> None:
    found = set(CandidateSearch(BANK, lists=20, probes=5).above(ANCHORS, 0.5).tolist())
    truth = set(brute(BANK, 0.5))
    assert found < truth
    assert len(found) > 0.4 * len(truth)


def test_replaced_slots() -> None:
    search, bank = CandidateSearch(BANK, lists=20, probes=20), BANK.clone()
    slots = torch.tensor([1999, 0, 1, 2])
    bank[slots] = normalize(ANCHORS[:4] + 0.01)
    search.replace(slots, bank[slots])
    found = search.above(ANCHORS, 0.6).tolist()
    assert found == brute(bank, 0.6)
    assert set(slots.tolist()) <= set(found)


def test_wrong_arguments() -> None:
    with pytest.raises(InputError, match="of more rows"):
        CandidateSearch(BANK[:20], lists=20, probes=1)
    with pytest.raises(InputError, match="probes"):
        CandidateSearch(BANK, lists=20, probes=21)
    with pytest.raises(InputError, match="threshold"):
        CandidateSearch(BANK, lists=20, probes=1).above(ANCHORS, 2)

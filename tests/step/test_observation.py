from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from weightlab import Pairs, assign, losses
from weightlab.pairs import References
from weightlab.step import observation, observe


@pytest.mark.parametrize("name", ["contrastive", "ms-loss"])
def test_counts_are_those_of_all_pairs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observation, "_PAIRS", 100)  # a few anchors at a time
    generator = torch.Generator().manual_seed(0)
    anchors = normalize(torch.randn(9, 4, generator=generator, dtype=torch.float64))
    references = normalize(torch.randn(33, 4, generator=generator, dtype=torch.float64))
    labels, reference_labels, own = torch.arange(9) % 4, torch.arange(33) % 6, torch.arange(9) - 1
    compared = References(references, reference_labels, own)
    found = observe(losses.get(name), anchors, labels, compared, bins=10)
    pairs = Pairs.from_embeddings(anchors, labels, compared)
    weights = losses.get(name).weights(pairs)
    assert found.active.tolist() == (weights.negative != 0).sum(1).tolist()
    for row, (mask, weight) in enumerate(((pairs.positive, weights.positive), (pairs.negative, weights.negative))):
        s, w = pairs.similarity[mask].numpy(), weight[mask].numpy()
        assert found.similarity[row].tolist() == np.histogram(s, found.edges)[0].tolist()
        assert found.mass[row].tolist() == pytest.approx(np.histogram(s, found.edges, weights=w)[0].tolist())


def test_a_batch_against_itself() -> None:
    anchors = normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(1)))
    found = observe(losses.Contrastive(), anchors, torch.tensor([0, 0, 1, 1, 2, 2]))
    assert int(found.similarity[0].sum()) == 6
    assert int(found.similarity[1].sum()) == 24


def test_a_weight_below_zero_is_active_and_has_a_mass() -> None:
    anchors = normalize(torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64))
    labels = torch.tensor([0, 0, 1, 1, 2, 2])
    found = observe(assign("constant", lambda s: -1.0 - 0 * s), anchors, labels)
    assert found.active.tolist() == [4] * 6
    assert float(found.mass[1].sum()) == pytest.approx(24)

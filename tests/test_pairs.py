from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from weightlab import InputError, Pairs, assign, losses
from weightlab.pairs import References, Weighting

NONE = torch.zeros(2, 3, dtype=torch.bool)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 1.5, -2.0])
def test_similarities_that_are_no_cosines(bad: float) -> None:
    similarity = torch.zeros(2, 3)
    similarity[1, 2] = bad
    with pytest.raises(InputError, match="similarity"):
        Pairs(similarity, NONE, NONE)


def test_rounding_past_one_is_allowed() -> None:
    Pairs(torch.full((2, 3), 1.0078125, dtype=torch.bfloat16), NONE, NONE)


@pytest.mark.parametrize(
    ("similarity", "positive", "message"),
    [
        (torch.zeros(2, 3), torch.zeros(3, 2, dtype=torch.bool), r"positive has shape \(3, 2\)"),
        (torch.zeros(2, 3), torch.zeros(2, 3), "bool"),
        (torch.zeros(3), NONE, "anchors, references"),
        (torch.zeros(2, 3, dtype=torch.int64), NONE, "floating-point"),
        ("s", NONE, "similarity must be numbers, not str"),
    ],
)
def test_wrong_shapes_and_types(similarity: torch.Tensor, positive: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Pairs(similarity, positive, NONE)


def test_a_pair_in_both_masks() -> None:
    both = NONE.clone()
    both[0, 1] = True
    with pytest.raises(InputError, match="share 1 pair"):
        Pairs(torch.zeros(2, 3), both, both)


def test_batch_against_itself_excludes_self_pairs() -> None:
    embeddings = normalize(torch.randn(5, 4, generator=torch.Generator().manual_seed(0)))
    labels = torch.tensor([0, 0, 1, 1, 2])
    pairs = Pairs.from_embeddings(embeddings, labels)
    for i in range(5):
        for j in range(5):
            assert bool(pairs.positive[i, j]) == (i != j and labels[i] == labels[j])
            assert bool(pairs.negative[i, j]) == (labels[i] != labels[j])
            assert pairs.similarity[i, j].item() == pytest.approx(float(embeddings[i] @ embeddings[j]), abs=1e-6)


def test_own_entry_is_excluded_by_index_and_not_by_similarity() -> None:
    anchor = torch.tensor([[1.0, 0.0]])
    references = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    labels = torch.tensor([0, 0, 1])
    pairs = Pairs.from_embeddings(anchor, labels[:1], References(references, labels, torch.tensor([1])))
    assert pairs.positive.tolist() == [[True, False, False]]
    assert pairs.negative.tolist() == [[False, False, True]]
    absent = Pairs.from_embeddings(anchor, labels[:1], References(references, labels, torch.tensor([-1])))
    assert absent.positive.tolist() == [[True, True, False]]


@pytest.mark.parametrize(
    ("embeddings", "labels", "message"),
    [
        (torch.ones(2, 2), torch.tensor([0, 1]), "normalize"),
        (torch.full((2, 2), float("nan")), torch.tensor([0, 1]), "NaN"),
        (torch.eye(2), torch.tensor([0]), "labels"),
        (torch.eye(2)[0], torch.tensor([0, 1]), "rows, dimensions"),
    ],
)
def test_wrong_embeddings(embeddings: torch.Tensor, labels: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Pairs.from_embeddings(embeddings, labels)


def test_references_must_fit() -> None:
    with pytest.raises(InputError, match="reference_labels"):
        Pairs.from_embeddings(torch.eye(2), torch.tensor([0, 1]), torch.eye(2))
    with pytest.raises(InputError, match="2 dimensions, references 3"):
        Pairs.from_embeddings(torch.eye(2), torch.tensor([0, 1]), torch.eye(3), torch.tensor([0, 1, 2]))


def test_losses_and_assignments_are_weightings() -> None:
    assert isinstance(losses.Contrastive(), Weighting)
    assert isinstance(assign("constant", "step(0.5)"), Weighting)
    assert not isinstance(object(), Weighting)

"""Gradients with respect to the embeddings against pytorch-metric-learning, an independent implementation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import miners, reducers
from pytorch_metric_learning.distances import CosineSimilarity, DotProductSimilarity, LpDistance
from pytorch_metric_learning.utils import loss_and_miner_utils as lmu
from torch import Tensor
from torch.nn.functional import normalize

from weightlab import losses
from weightlab.pairs import Pairs, References
from weightlab.step import surrogate

SUM = {"distance": CosineSimilarity(), "reducer": reducers.SumReducer()}
# labels with 1 to 6 members: uneven positives, and anchors with none
LABELS = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 5, 6, 7])


def per_anchor_mean(losses_of_pairs: Tensor, anchors: Tensor) -> Tensor:
    """Σ over anchors of the mean over the anchor's positive pairs."""
    counts = torch.bincount(anchors, minlength=len(LABELS)).clamp(min=1)
    return (losses_of_pairs.flatten() / counts[anchors]).sum()


def ntxent(temperature: float) -> Callable[[Tensor, Tensor], Tensor]:
    loss = pml.NTXentLoss(temperature=temperature, reducer=reducers.DoNothingReducer(), distance=CosineSimilarity())

    def value(embeddings: Tensor, labels: Tensor) -> Tensor:
        found = loss(embeddings, labels)["loss"]
        return per_anchor_mean(found["losses"], found["indices"][0])

    return value


def lifted(margin: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Without the anchors that have no positive: there theirs is LSE_N, ours 0 (the logarithm of nothing is −∞)."""
    loss = pml.GeneralizedLiftedStructureLoss(
        neg_margin=-margin / 2,
        pos_margin=margin / 2,
        reducer=reducers.DoNothingReducer(),
        distance=CosineSimilarity(),
    )
    paired = torch.bincount(LABELS)[LABELS] > 1
    return lambda embeddings, labels: loss(embeddings, labels)["loss"]["losses"].flatten()[paired].sum()


def mined(embeddings: Tensor, labels: Tensor) -> Tensor:
    chosen = miners.MultiSimilarityMiner(epsilon=0.1, distance=CosineSimilarity())(embeddings, labels)
    return pml.MultiSimilarityLoss(2, 50, 0.5, **SUM)(embeddings, labels, chosen)


def per_pair(loss: torch.nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss of positive pairs, averaged over each anchor's."""

    def value(embeddings: Tensor, labels: Tensor) -> Tensor:
        found = loss(embeddings, labels)["loss"]
        return per_anchor_mean(found["losses"], found["indices"][0])

    return value


def nca(scale: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Theirs has −d² = 2S − 2 in place of S."""
    return pml.NCALoss(softmax_scale=scale, reducer=reducers.SumReducer())


def margin(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Their MarginLoss takes pairs from triplets, so each pair once for each triplet: here each pair once. (The class
    itself is compared below, where an anchor has as many positives as negatives.)
    """
    anchors, positives, others, negatives = lmu.get_all_pairs_indices(labels)
    d = LpDistance()(embeddings)
    pull = (d[anchors, positives] - 1.2 + 0.2).relu().sum()
    return pull + (1.2 - d[others, negatives] + 0.2).relu().sum()


def ranked_list(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Without its gradient through the weights v, which the paper and weightlab hold constant, and without its 1e-5."""
    distance = (2 - 2 * embeddings @ embeddings.T).clamp(min=1e-12).sqrt()
    same = labels[:, None] == labels
    positive = same & ~torch.eye(len(labels), dtype=torch.bool) & (distance > 0.8)
    negative = ~same & (distance < 1.2)
    total = embeddings.new_zeros(())
    for d, p, n in zip(distance, positive, negative, strict=True):
        v = torch.exp(10 * (1.2 - d[n])).detach()
        total = total + 0.5 * (d[p] - 0.8).mean() if p.any() else total
        total = total + 0.5 * (v * (1.2 - d[n])).sum() / v.sum() if n.any() else total
    return total


def equal_ranks(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Their class itself, with T_p = T_n = 0, where its v have no gradient; its sums of v, the number of active pairs,
    come with 10⁻⁵ for each reference, which is taken out here.
    """
    distance = LpDistance()(embeddings)
    same = labels[:, None] == labels
    active = {0: same & ~torch.eye(len(labels), dtype=torch.bool) & (distance > 0.8), 1: ~same & (distance < 1.2)}
    total = embeddings.new_zeros(())
    for imbalance, pairs in active.items():
        loss = pml.RankedListLoss(0.4, Tn=0, imbalance=imbalance, alpha=1.2, reducer=reducers.DoNothingReducer())
        found = loss(embeddings, labels)["loss"]["losses"]
        total = total + 0.5 * (found * (1 + 1e-5 * len(labels) / pairs.sum(1).clamp(min=1))).sum()
    return total


CASES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "contrastive": pml.ContrastiveLoss(pos_margin=1, neg_margin=0.5, **SUM),
    "contrastive(pos_margin=0.8, neg_margin=0.1)": pml.ContrastiveLoss(pos_margin=0.8, neg_margin=0.1, **SUM),
    "triplet": pml.TripletMarginLoss(margin=0.1, triplets_per_anchor="all", **SUM),
    "triplet-smooth": pml.TripletMarginLoss(margin=0, smooth_loss=True, triplets_per_anchor="all", **SUM),
    "lifted": lifted(0),
    "lifted(margin=0.5)": lifted(0.5),
    "n-pair": ntxent(1.0),
    "n-pair(scale=20)": ntxent(0.05),
    "ms-loss": pml.MultiSimilarityLoss(2, 50, 0.5, **SUM),
    "ms-loss(alpha=10, beta=20, base=0.2)": pml.MultiSimilarityLoss(10, 20, 0.2, **SUM),
    "ms-loss(mining_margin=0.1)": mined,
    "infonce": ntxent(0.1),
    "infonce(temperature=0.5)": ntxent(0.5),
    "supcon": pml.SupConLoss(temperature=0.1, **SUM),
    "supcon(temperature=0.5)": pml.SupConLoss(temperature=0.5, **SUM),
    "circle": pml.CircleLoss(m=0.4, gamma=80, **SUM),
    "circle(m=0.2, gamma=30)": pml.CircleLoss(m=0.2, gamma=30, **SUM),
    "nca": nca(0.5),
    "nca(scale=20)": nca(10),
    "tuplet-margin": per_pair(pml.TupletMarginLoss(margin=5.73, scale=64, reducer=reducers.DoNothingReducer())),
    "margin": margin,
    "ranked-list": ranked_list,
    "ranked-list(negative_scale=0)": equal_ranks,
}


def compared(mine: Tensor, theirs: Tensor, leaves: list[Tensor], limit: float) -> None:
    """The gradients of two values, by all the leaves, are the same relative to the largest."""
    ours = torch.cat(torch.autograd.grad(mine, leaves, retain_graph=True))
    truth = torch.cat(torch.autograd.grad(theirs, leaves))
    assert float(truth.abs().max()) > 0
    assert float((ours - truth).abs().max() / truth.abs().max()) <= limit


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("text", CASES)
def test_gradient_of_the_embeddings(text: str, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    centres = torch.randn(8, 6, generator=generator, dtype=dtype)[LABELS]
    x = (centres + 0.8 * torch.randn(len(LABELS), 6, generator=generator, dtype=dtype)).requires_grad_()
    embeddings = normalize(x)
    ours = surrogate(losses.from_text(text), embeddings, LABELS) * len(LABELS)
    compared(ours, CASES[text](embeddings, LABELS), [x], 1e-5 if dtype is torch.float32 else 1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_n_pairs_loss_itself(dtype: torch.dtype) -> None:
    """NPairsLoss takes one pair of each label and gives its anchors to all the positives, which have gradients too."""
    labels = torch.arange(7).repeat_interleave(2)
    x = torch.randn(14, 5, generator=torch.Generator().manual_seed(2), dtype=dtype).requires_grad_()
    embeddings = normalize(x)
    plain = DotProductSimilarity(normalize_embeddings=False)
    theirs = pml.NPairsLoss(reducer=reducers.SumReducer(), distance=plain)(embeddings, labels)
    anchors, positives = lmu.convert_to_pos_pairs_with_unique_labels(None, labels)
    ours = surrogate(
        losses.NPair(), embeddings[anchors], labels[anchors], References(embeddings[positives], labels[positives])
    )
    compared(ours * 7, theirs, [x], 1e-5 if dtype is torch.float32 else 1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_margin_loss_itself(dtype: torch.dtype) -> None:
    """With three positives and three negatives an anchor, all triplets hold every pair three times."""
    generator = torch.Generator().manual_seed(3)
    x, r = (torch.randn(n, 5, generator=generator, dtype=dtype).requires_grad_() for n in (4, 6))
    labels, reference_labels = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 0, 1, 1, 1])
    embeddings, references = normalize(x), normalize(r)
    loss = pml.MarginLoss(margin=0.2, beta=1.2, reducer=reducers.SumReducer())
    theirs = loss(embeddings, labels, None, references, reference_labels) / 3
    ours = surrogate(losses.Margin(), embeddings, labels, References(references, reference_labels)) * 4
    compared(ours, theirs, [x, r], 1e-5 if dtype is torch.float32 else 1e-6)


def test_value_of_ranked_list_loss_itself() -> None:
    """At T_n = 5 their gradient goes through v and ours does not, but the values are the same up to their 10⁻⁵."""
    x = torch.randn(len(LABELS), 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    embeddings = normalize(x)
    loss = pml.RankedListLoss(0.4, Tn=5, alpha=1.2, reducer=reducers.DoNothingReducer())
    theirs = loss(embeddings, LABELS)["loss"]["losses"]
    ours = losses.RankedList(negative_scale=5).value(Pairs.from_embeddings(embeddings, LABELS))
    assert float(theirs.min()) > 0
    assert torch.allclose(ours, theirs, rtol=3e-4)

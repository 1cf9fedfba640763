"""Criterion: the gradient of the loss itself, in the calling convention of pytorch-metric-learning."""

from __future__ import annotations

import pytest
import torch
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import miners, reducers
from pytorch_metric_learning.distances import CosineSimilarity
from torch import Tensor
from torch.nn.functional import normalize

import weightlab as wl

LABELS, REF_LABELS = torch.arange(12) % 4, torch.arange(30) % 5


def embeddings(rows: int, seed: int) -> Tensor:
    return torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradient(value: Tensor, by: Tensor) -> Tensor:
    return torch.autograd.grad(value, by)[0]


@pytest.mark.parametrize("name", wl.losses.names())
@pytest.mark.parametrize("with_references", [False, True])
def test_gradient_is_that_of_the_loss(name: str, with_references: bool) -> None:
    x, r = embeddings(12, 1).requires_grad_(), embeddings(30, 2)
    given = (r, REF_LABELS) if with_references else (None, None)
    found = gradient(wl.Criterion(name)(x, LABELS, None, *given), x)
    compared = (normalize(r), REF_LABELS) if with_references else ()
    pairs = wl.Pairs.from_embeddings(normalize(x), LABELS, *compared)
    truth = gradient(wl.losses.get(name).value(pairs).mean(), x)
    assert float(truth.abs().max()) > 0
    assert float((found - truth).abs().max()) <= 1e-9 * float(truth.abs().max())


def test_a_miners_choice_is_honoured() -> None:
    x = embeddings(12, 3).requires_grad_()
    cosine = CosineSimilarity()
    pairs = miners.MultiSimilarityMiner(epsilon=0.1, distance=cosine)(x, LABELS)
    triplets = miners.TripletMarginMiner(margin=0.3, distance=cosine)(x, LABELS)
    theirs = pml.ContrastiveLoss(1, 0, distance=cosine, reducer=reducers.SumReducer())
    ours = wl.Criterion("contrastive(neg_margin=0)")
    assert torch.allclose(gradient(ours(x, LABELS, pairs) * 12, x), gradient(theirs(x, LABELS, pairs), x), atol=1e-9)
    chosen = gradient(ours(x, LABELS, triplets) * 12, x)
    each_once = (*torch.stack(triplets[:2]).unique(dim=1), *torch.stack((triplets[0], triplets[2])).unique(dim=1))
    assert torch.allclose(chosen, gradient(theirs(x, LABELS, each_once), x), atol=1e-9)


def test_what_it_is_made_of() -> None:
    x = embeddings(12, 4).requires_grad_()
    ways = [
        wl.Criterion("step(0.5)"),
        wl.Criterion(wl.assign("step(0.5)", "step(0.5)")),
        wl.Criterion(positive="step(0.5)", negative="step(0.5)"),
        wl.Criterion(positive=lambda s: 1.0 * (s < 0.5), negative=lambda s: 1.0 * (s > 0.5)),
    ]
    first, *others = (gradient(way(x, LABELS), x) for way in ways)
    assert all(torch.allclose(other, first) for other in others)
    mass = wl.Criterion(positive="step(0.5)", negative="step(0.5)", scale="mass")
    assert not torch.allclose(gradient(mass(x, LABELS), x), first)


def test_wrong_ways() -> None:
    for make, message in [
        (lambda: wl.Criterion(), "wants a weighting"),
        (lambda: wl.Criterion(positive="constant"), "wants a weighting"),
        (lambda: wl.Criterion("ms-loss", positive="constant", negative="constant"), "not both"),
        (lambda: wl.Criterion("ms-los"), "did you mean 'ms-loss'"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, ref_emb=embeddings(3, 1)), "go together"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, (LABELS,)), "3 or 4 lists"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, 3 * (LABELS + 9,)), "from 0 to 11, not 9 to 12"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, 3 * (LABELS - 1,)), "from 0 to 11"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, (LABELS, LABELS[:3], LABELS)), "12 anchors for 3"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, 3 * (LABELS.float(),)), "whole numbers"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1)[0], LABELS), r"\[rows, dimensions\]"),
        (lambda: wl.Criterion("ms-loss")(float("nan") * embeddings(12, 1), LABELS), "NaN"),
        (lambda: wl.Criterion("ms-loss")(0 * embeddings(12, 1), LABELS), "normalise"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS[:3]), "each row"),
    ]:
        with pytest.raises(wl.InputError, match=message):
            make()

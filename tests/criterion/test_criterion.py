"""Criterion: the gradient of the loss itself, in the calling convention of pytorch-metric-learning."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence

import pytest
import torch
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import miners, reducers
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.utils import loss_and_miner_utils as lmu
from torch import Tensor
from torch.nn.functional import normalize

import weightlab as wl

LABELS, REF_LABELS = torch.arange(12) % 4, torch.arange(30) % 5
Indices = Sequence[Tensor]


def embeddings(rows: int, seed: int) -> Tensor:
    return torch.randn(rows, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradient(value: Tensor, by: Tensor) -> Tensor:
    return torch.autograd.grad(value, by)[0]


def near(found: Tensor, truth: Tensor, limit: float = 1e-9) -> None:
    """The same relative to the largest, which is not 0."""
    assert float(truth.abs().max()) > 0
    assert float((found - truth).abs().max()) <= limit * float(truth.abs().max())


@pytest.mark.parametrize("name", wl.losses.names())
@pytest.mark.parametrize("with_references", [False, True])
def test_gradient_is_that_of_the_loss(name: str, with_references: bool) -> None:
    x, r = embeddings(12, 1).requires_grad_(), embeddings(30, 2)
    given = (r, REF_LABELS) if with_references else (None, None)
    found = gradient(wl.Criterion(name)(x, LABELS, None, *given), x)
    compared = (normalize(r), REF_LABELS) if with_references else ()
    pairs = wl.Pairs.from_embeddings(normalize(x), LABELS, *compared)
    near(found, gradient(wl.losses.get(name).value(pairs).mean(), x))


def picked(labels: Tensor, ref_labels: Tensor | None, seed: int) -> Indices:
    """Two thirds of all pairs, as a miner of pairs gives them."""
    anchor, positive, other, negative = lmu.get_all_pairs_indices(labels, ref_labels)
    chosen = torch.Generator().manual_seed(seed)
    kept, left = (torch.rand(len(each), generator=chosen) < 2 / 3 for each in (anchor, other))
    return anchor[kept], positive[kept], other[left], negative[left]


def as_triplets(pairs: Indices) -> Indices:
    """All triplets of these pairs; the pairs of an anchor that lacks either sign are then in none."""
    return tuple(lmu.convert_to_triplets(pairs, LABELS))


@pytest.mark.parametrize("kind", ["all", "pairs", "triplets"])
@pytest.mark.parametrize("references", ["none", "constant", "with a gradient"])
@pytest.mark.parametrize("name", wl.losses.names())
def test_value_and_gradient_are_as_the_weights_say(name: str, references: str, kind: str) -> None:
    """Σ w⁻S − Σ w⁺S over dense pairs, with masks made here, w from `weights` and held constant."""
    leaves = [embeddings(12, 1).requires_grad_()]
    x, r, ref_labels = leaves[0], None, None
    if references != "none":
        r, ref_labels = embeddings(30, 2).requires_grad_(references != "constant"), REF_LABELS
        leaves += [r] if r.requires_grad else []
    compared, its_labels = (x, LABELS) if r is None or ref_labels is None else (r, ref_labels)
    chosen = None if kind == "all" else picked(LABELS, ref_labels, 3)
    if chosen is not None and kind == "triplets":
        chosen = as_triplets(chosen)

    similarity = normalize(x) @ normalize(compared).T
    positive = LABELS[:, None] == its_labels
    negative = ~positive
    if r is None:
        positive = positive & ~torch.eye(12, dtype=torch.bool)
    if chosen is not None:
        positive, negative = torch.zeros_like(positive), torch.zeros_like(positive)
        positive[chosen[0], chosen[1]] = negative[chosen[-2] if kind == "pairs" else chosen[0], chosen[-1]] = True
    weights = wl.losses.get(name).weights(wl.Pairs(similarity.detach(), positive, negative))
    truth = ((weights.negative - weights.positive) * similarity).sum() / 12

    found = wl.Criterion(name)(x, LABELS, chosen, r, ref_labels)
    assert found.dtype == torch.float64
    assert float(found.detach()) == pytest.approx(float(truth.detach()), rel=1e-9, abs=1e-12)
    for mine, theirs in zip(torch.autograd.grad(found, leaves), torch.autograd.grad(truth, leaves), strict=True):
        near(mine, theirs)


SUM = {"distance": CosineSimilarity(), "reducer": reducers.SumReducer()}
EACH = {"distance": CosineSimilarity(), "reducer": reducers.DoNothingReducer()}


def mean_of_positives(loss: torch.nn.Module) -> Callable[..., Tensor]:
    """Σ over anchors of the mean over the anchor's positive pairs, of a loss of positive pairs."""

    def value(x: Tensor, *given: object) -> Tensor:
        found = loss(x, *given)["loss"]
        anchors = found["indices"][0]
        return (found["losses"].flatten() / torch.bincount(anchors, minlength=len(x))[anchors]).sum()

    return value


def margin(x: Tensor, labels: Tensor, chosen: Indices | None, r: Tensor | None, ref_labels: Tensor | None) -> Tensor:
    """Each pair once; their MarginLoss takes it once for each triplet."""
    anchor, positive, other, negative = lmu.convert_to_pairs(chosen, labels, ref_labels)
    d = LpDistance()(x, r)
    return (d[anchor, positive] - 1.2 + 0.2).relu().sum() + (1.2 - d[other, negative] + 0.2).relu().sum()


THEIRS: dict[str, Callable[..., Tensor]] = {
    "contrastive(neg_margin=0.1)": pml.ContrastiveLoss(pos_margin=1, neg_margin=0.1, **SUM),
    "triplet": pml.TripletMarginLoss(margin=0.1, triplets_per_anchor="all", **SUM),
    "triplet-smooth": pml.TripletMarginLoss(margin=0, smooth_loss=True, triplets_per_anchor="all", **SUM),
    "lifted": pml.GeneralizedLiftedStructureLoss(neg_margin=0, pos_margin=0, **SUM),
    "n-pair": mean_of_positives(pml.NTXentLoss(temperature=1, **EACH)),
    "ms-loss": pml.MultiSimilarityLoss(2, 50, 0.5, **SUM),
    "infonce": mean_of_positives(pml.NTXentLoss(temperature=0.1, **EACH)),
    "supcon": pml.SupConLoss(temperature=0.1, **SUM),
    "circle": pml.CircleLoss(m=0.4, gamma=80, **SUM),
    "margin": margin,
    "nca(scale=20)": pml.NCALoss(softmax_scale=10, reducer=reducers.SumReducer()),  # −d² = 2S − 2
    "tuplet-margin": mean_of_positives(pml.TupletMarginLoss(reducer=reducers.DoNothingReducer())),
}


@pytest.mark.parametrize("kind", ["all", "pairs"])
@pytest.mark.parametrize("references", ["none", "constant", "with a gradient"])
@pytest.mark.parametrize("text", THEIRS)
def test_gradient_is_that_of_pytorch_metric_learning_but_for_its_reduction(
    text: str, references: str, kind: str
) -> None:
    leaves = [embeddings(12, 5).requires_grad_()]
    r, ref_labels = None, None
    if references != "none":
        r, ref_labels = embeddings(30, 6).requires_grad_(references != "constant"), REF_LABELS
        leaves += [r] if r.requires_grad else []
    chosen = None if kind == "all" else picked(LABELS, ref_labels, 7)
    if chosen is not None and text.startswith("nca"):
        pytest.skip("their NCALoss takes an anchor's weight from the tuple, and not its pairs")
    if chosen is not None and text.startswith(("triplet", "lifted")):
        chosen = as_triplets(chosen)  # all of the pairs', as ours are; no anchor of lifted's without a positive
    given = (leaves[0], LABELS, chosen, r, ref_labels)
    theirs = torch.autograd.grad(THEIRS[text](*given), leaves)
    mine = torch.autograd.grad(wl.Criterion(text)(*given) * 12, leaves)
    for found, truth in zip(mine, theirs, strict=True):
        near(found, truth, 1e-6)  # their square roots and logarithms have an epsilon


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


@pytest.mark.parametrize("given", [(None, None), (embeddings(30, 2), REF_LABELS)])
def test_labels_say_which_pairs_are_which_and_without_them_the_tuple(
    given: tuple[Tensor, Tensor] | tuple[None, None],
) -> None:
    """Row 0 is of class 0; columns 4 and 5 are of classes 0 and 1 there, of 4 and 0 among the references."""
    x, ours = embeddings(12, 1).requires_grad_(), wl.Criterion(positive="constant", negative="constant")
    compared, classes = (x, LABELS) if given[0] is None or given[1] is None else given
    similarity = (normalize(x) @ normalize(compared).T)[0].detach()
    zero, ref_emb = torch.tensor([0]), given[0]
    for column in (4, 5):
        indices = (zero, torch.tensor([column]), zero, torch.tensor([9 - column]))
        by_labels = (classes[9 - column] != 0) * similarity[9 - column] - (classes[column] == 0) * similarity[column]
        by_tuple = similarity[9 - column] - similarity[column]
        assert float(ours(x, LABELS, indices, *given).detach()) * 12 == pytest.approx(float(by_labels), abs=1e-12)
        assert float(ours(x, None, indices, ref_emb).detach()) * 12 == pytest.approx(float(by_tuple), abs=1e-12)
    nothing = [torch.tensor([], dtype=torch.int64)] * 4
    value = ours(x, LABELS, nothing, *given)
    assert float(value.detach()) == 0
    assert not gradient(value, x).any()


def test_an_anchors_own_entry_in_a_tuple_is_no_pair() -> None:
    x = embeddings(12, 1).requires_grad_()
    every = torch.arange(12)
    value = wl.Criterion(positive="constant", negative="constant")(x, None, (every, every, every, every.roll(1)))
    similarity = (normalize(x) @ normalize(x).T)[every, every.roll(1)].detach()
    assert float(value.detach()) == pytest.approx(float(similarity.mean()), rel=1e-12)


def test_references_without_a_gradient_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, no more than those in a miner's tuple, a block at a time."""
    x, r = embeddings(4, 1).requires_grad_(), embeddings(30_000, 2)
    labels, ref_labels = torch.arange(4), torch.arange(30_000) % 3000
    seen: list[int] = []
    from weightlab.step import blocks, objective

    walk = objective.walk
    monkeypatch.setattr(objective, "walk", lambda form, a, s, refs: (seen.append(len(refs)), walk(form, a, s, refs))[1])
    assert blocks._BLOCK < 30_000
    value = wl.Criterion("ms-loss")(x, labels, None, r, ref_labels)
    triplets = (torch.tensor([0, 1]), torch.tensor([3000, 1]), torch.tensor([29_999, 5]))
    mined = wl.Criterion("ms-loss")(x, labels, triplets, r, ref_labels)
    assert seen == [30_000, 4]
    loss = wl.losses.get("ms-loss")
    near(
        gradient(value, x),
        gradient(loss.value(wl.Pairs.from_embeddings(normalize(x), labels, normalize(r), ref_labels)).mean(), x),
    )
    rows = torch.tensor([1, 5, 3000, 29_999])
    positive = torch.tensor([[0, 0, 1, 0], [1, 0, 0, 0], [0] * 4, [0] * 4]).bool()
    negative = torch.tensor([[0, 0, 0, 1], [0, 1, 0, 0], [0] * 4, [0] * 4]).bool()
    pairs = wl.Pairs(normalize(x) @ normalize(r[rows]).T, positive, negative)
    near(gradient(mined, x), gradient(loss.value(pairs).mean(), x))


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


@pytest.mark.parametrize("text", [*wl.losses.names(), "sigmoid(20, 0.5)", "top(3)"])
def test_it_copies_and_pickles(text: str) -> None:
    x, criterion = embeddings(12, 4), wl.Criterion(text)
    for other in (copy.deepcopy(criterion), pickle.loads(pickle.dumps(criterion))):
        assert float(other(x, LABELS)) == float(criterion(x, LABELS))
    assert not criterion.state_dict()
    assert not list(criterion.parameters())


def test_wrong_ways() -> None:
    for make, message in [
        (lambda: wl.Criterion(), "wants a weighting"),
        (lambda: wl.Criterion(positive="constant"), "wants a weighting"),
        (lambda: wl.Criterion("ms-loss", positive="constant", negative="constant"), "not both"),
        (lambda: wl.Criterion("ms-los"), "did you mean 'ms-loss'"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1)), "give labels"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, ref_emb=embeddings(3, 1)), "go together"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, ref_labels=LABELS), "go together"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), None, None, embeddings(3, 1)), "give labels"),
        (
            lambda: wl.Criterion("ms-loss")(embeddings(12, 1), None, 3 * (LABELS,), embeddings(12, 2), LABELS),
            "go together, and with labels",
        ),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, (LABELS,)), "3 or 4 lists"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, 3 * (LABELS + 9,)), "from 0 to 11, not 9 to 12"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, 3 * (LABELS - 1,)), "from 0 to 11"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, (LABELS, LABELS[:3], LABELS)), "12 anchors for 3"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, 3 * (LABELS.float(),)), "whole numbers"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), None, 3 * (LABELS,)), "share 4 pair"),
        (
            lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS, 3 * (LABELS,), embeddings(12, 1)[:, :3], LABELS),
            "anchors have 6 dimensions, references 3",
        ),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1)[0], LABELS), r"\[rows, dimensions\]"),
        (lambda: wl.Criterion("ms-loss")(float("nan") * embeddings(12, 1), LABELS), "NaN"),
        (lambda: wl.Criterion("ms-loss")(0 * embeddings(12, 1), LABELS), "normalise"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS[:3]), "each row"),
        (lambda: wl.Criterion("ms-loss")(embeddings(12, 1), LABELS[:3], 3 * (LABELS,)), "each row"),
    ]:
        with pytest.raises(wl.InputError, match=message):
            make()

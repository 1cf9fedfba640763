"""Weights of others' losses: against their own closed form, and against one another's forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_metric_learning import losses as pml
from pytorch_metric_learning import reducers
from pytorch_metric_learning.distances import CosineSimilarity
from torch import Tensor

import weightlab as wl
from weightlab import losses
from weightlab.decompose import contexts
from weightlab.decompose.autograd import autograd_weights
from weightlab.decompose.foreign.callables import Takes, from_callable
from weightlab.decompose.foreign.imported import load
from weightlab.decompose.foreign.on_embeddings import OnEmbeddings
from weightlab.testing import random_pairs

PML = "pytorch_metric_learning.losses"
SUM = {"distance": CosineSimilarity(), "reducer": reducers.SumReducer()}


def context_pairs() -> wl.Pairs:
    """Anchors with 3 positives and 12 negatives each: classes of one size, and as many of them as each has members
    (SmoothAPLoss, at 2.9, takes the one number for the other, and is what its paper says only where they are equal).
    """
    generator = torch.Generator().manual_seed(3)
    similarity = torch.rand(6, 15, generator=generator, dtype=torch.float64) * 1.8 - 0.9
    positive = torch.zeros(6, 15, dtype=torch.bool)
    positive[:, :3] = True
    return wl.Pairs(similarity, positive, ~positive)


BUILT_IN = {
    "contrastive": pml.ContrastiveLoss(pos_margin=1, neg_margin=0.5, **SUM),
    "triplet": pml.TripletMarginLoss(margin=0.1, triplets_per_anchor="all", **SUM),
    "ms-loss": pml.MultiSimilarityLoss(2, 50, 0.5, **SUM),
    "circle": pml.CircleLoss(m=0.4, gamma=80, **SUM),
    "lifted": pml.GeneralizedLiftedStructureLoss(neg_margin=0, pos_margin=0, **SUM),
    "nca(scale=2)": pml.NCALoss(softmax_scale=1, reducer=reducers.SumReducer()),  # takes no single anchor: in a batch
    "supcon": pml.SupConLoss(temperature=0.1, **SUM),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_module_gives_the_weights_of_the_built_in(name: str) -> None:
    pairs = context_pairs()
    theirs, ours = from_callable(BUILT_IN[name]), losses.from_text(name).weights(pairs)
    found = theirs.weights(pairs)
    scale = max(float(ours.positive.abs().max()), float(ours.negative.abs().max()))
    # NCALoss, SupConLoss: the library's own float32 steps
    limit = 1e-6 * scale
    assert float((found.positive - ours.positive).abs().max()) <= limit
    assert float((found.negative - ours.negative).abs().max()) <= limit
    assert isinstance(theirs, OnEmbeddings)
    assert theirs.error(pairs) <= 1e-6


def smooth_ap(pairs: wl.Pairs, temperature: float = 0.01) -> Tensor:
    """1 − AP of each anchor with the rank's step smoothed (Brown et al. 2020, eq. 5), the anchor itself at rank 1 as in
    the original code: written here from the paper, in plain loops."""
    losses = []
    for s, positive in zip(pairs.similarity, pairs.positive, strict=True):
        s = torch.cat([torch.ones(1, dtype=s.dtype), s])
        positive = torch.cat([torch.ones(1, dtype=torch.bool), positive])
        precision = []
        for j in positive.nonzero()[:, 0]:
            above = torch.sigmoid((s - s[j]) / temperature)
            others = torch.arange(len(s)) != j
            precision.append((1 + above[positive & others].sum()) / (1 + above[others].sum()))
        losses.append(1 - torch.stack(precision).mean())
    return torch.stack(losses)


def test_list_wise_loss_against_its_definition() -> None:
    pairs = context_pairs()
    by_definition = from_callable(smooth_ap).weights(pairs)
    measured = from_callable(pml.SmoothAPLoss(temperature=0.01)).weights(pairs)
    for sign in ("positive", "negative"):
        a, b = getattr(by_definition, sign), getattr(measured, sign)
        assert float(a.abs().max()) > 0
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-4 * float(a.abs().max()))


@pytest.mark.parametrize(
    "path",
    [
        "ContrastiveLoss",
        "TripletMarginLoss(margin=0.1)",
        "MultiSimilarityLoss(alpha=2, beta=50, base=0.5)",
        "CircleLoss(m=0.4)",
        "NTXentLoss(temperature=0.1)",
        "SupConLoss",
        "NCALoss",
        "MarginLoss",
        "TupletMarginLoss",
        "GeneralizedLiftedStructureLoss",
        "LiftedStructureLoss",
        "IntraPairVarianceLoss",
        "FastAPLoss",
        "SmoothAPLoss",
        "RankedListLoss(margin=0.4, Tn=1)",
        "AngularLoss",
        "NPairsLoss",
    ],
)
@pytest.mark.filterwarnings("ignore")  # the library's own
def test_third_party_losses_by_import_path(path: str) -> None:
    d = wl.decompose(f"{PML}:{path}", points=5, draws=2)
    assert d.title == path
    assert d.residual <= 1e-6
    assert d.curve["weight"].abs().max() > 0


@pytest.mark.parametrize(
    "path",
    [
        "ArcFaceLoss(num_classes=20, embedding_size=12)",
        "ProxyAnchorLoss(num_classes=20, embedding_size=12)",
        "ProxyNCALoss(num_classes=20, embedding_size=64)",
        "SoftTripleLoss(num_classes=20, embedding_size=12)",
        "SignalToNoiseRatioContrastiveLoss",
    ],
)
@pytest.mark.filterwarnings("ignore")  # the library's own
def test_what_is_no_function_of_pair_similarities_says_so(path: str) -> None:
    with pytest.raises(wl.InputError, match="function of pair similarities"):
        wl.decompose(f"{PML}:{path}", points=3, draws=1)


def test_forms_agree() -> None:
    """One loss as a function of pairs, of similarities with one or two masks, and of embeddings."""

    def on_pairs(pairs: wl.Pairs) -> Tensor:
        return on_three(pairs.similarity, pairs.positive, pairs.negative)

    def on_three(s: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return torch.where(positive, (1 - s) ** 2, 0).sum(1) + torch.where(negative, (s + 1) ** 3, 0).sum(1)

    def mean_of_all(s: Tensor, positive: Tensor) -> Tensor:
        return on_three(s, positive, ~positive).mean()

    def on_embeddings(
        embeddings: Tensor, labels: Tensor, indices: object, references: Tensor, reference_labels: Tensor
    ) -> Tensor:
        positive = labels[:, None] == reference_labels
        return on_three(embeddings @ references.T, positive, ~positive).sum()

    pairs = context_pairs()
    weights = [
        from_callable(on_pairs).weights(pairs),
        from_callable(on_three).weights(pairs),
        from_callable(mean_of_all).weights(pairs),
        from_callable(on_embeddings, "embeddings").weights(pairs),
    ]
    expected = 2 * (1 - pairs.similarity), 3 * (pairs.similarity + 1) ** 2
    for each in weights:
        assert torch.allclose(each.positive, torch.where(pairs.positive, expected[0], 0), atol=1e-9)
        assert torch.allclose(each.negative, torch.where(pairs.negative, expected[1], 0), atol=1e-9)


def test_a_function_of_embeddings_and_labels_is_known_by_its_arguments() -> None:
    """Both ends of a pair count in a batch: S_ij and S_ji, so twice the weight of the sum over anchors."""

    def in_a_batch(embeddings: Tensor, labels: Tensor) -> Tensor:
        s, same = embeddings @ embeddings.T, labels[:, None] == labels
        return torch.where(same, -s, s**2 / 2).sum()

    def with_references(embeddings: Tensor, targets: Tensor, _: object, ref: Tensor, ref_targets: Tensor) -> Tensor:
        s = embeddings @ ref.T
        return torch.where(targets[:, None] == ref_targets, -s, s**2 / 2).sum()

    pairs = context_pairs()
    for function, factor in ((in_a_batch, 2), (with_references, 1)):
        found = from_callable(function)
        assert isinstance(found, OnEmbeddings)
        weights = found.weights(pairs)
        assert torch.allclose(weights.positive, factor * pairs.positive.double(), atol=1e-9)
        assert torch.allclose(weights.negative, torch.where(pairs.negative, factor * pairs.similarity, 0), atol=1e-9)


def test_embeddings_at_exactly_one() -> None:
    similarity = torch.tensor([[1.0, 1.0, -1.0, 0.2]], dtype=torch.float64)
    positive = torch.tensor([[True, False, False, False]])
    found = from_callable(BUILT_IN["contrastive"]).weights(wl.Pairs(similarity, positive, ~positive))
    assert found.negative[0].tolist() == pytest.approx([0, 1, 0, 0], abs=1e-5)


def test_ignored_pairs_stay_out_of_an_embedding_loss() -> None:
    pairs = random_pairs(1, 4, 9)
    weights = from_callable(BUILT_IN["contrastive"]).weights(pairs)
    assert float(weights.positive[~pairs.positive].abs().sum() + weights.negative[~pairs.negative].abs().sum()) == 0


OWN = """
import torch

def my_loss(pairs):
    push = torch.where(pairs.negative, pairs.similarity.exp(), 0)
    return (push - torch.where(pairs.positive, pairs.similarity, 0)).sum(1)

class Scaled(torch.nn.Module):
    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = scale
    def forward(self, embeddings, labels, indices_tuple=None, ref_emb=None, ref_labels=None):
        return self.scale * (embeddings @ ref_emb.T)[labels[:, None] != ref_labels].sum()

NUMBER = 3
"""


def test_own_file_from_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OWN)
    curve = wl.decompose("mine.py:my_loss", points=5, draws=3).curve
    negative = curve[curve["sign"] == "negative"]
    assert negative["weight"].tolist() == pytest.approx([torch.tensor(s).exp().item() for s in negative["similarity"]])
    scaled = wl.decompose("mine.py:Scaled(scale=2.5)", points=3, draws=2).curve
    assert scaled[scaled["sign"] == "negative"]["weight"].tolist() == pytest.approx([2.5] * 3)
    for text, message in [
        ("mine.py:my_los", "did you mean 'my_loss'"),
        ("mine.py:NUMBER", "is of type int, not a loss"),
        ("mine.py:Scaled(scale=open)", "literals"),
        ("mine.py:Scaled(scal=1)", "scal"),
        ("none.py:f", "no file"),
        ("no_such_package.x:f", "can't import"),
        ("mine.py:", "mine.py has my_loss, Scaled: write mine.py:my_loss"),
    ]:
        with pytest.raises(wl.InputError, match=message):
            load(text)
    Path("broken.py").write_text("1 / 0")
    with pytest.raises(wl.InputError, match="ZeroDivisionError"):
        load("broken.py:f")


def test_wrong_forms() -> None:
    with pytest.raises(wl.InputError, match="did you mean 'pairs'"):
        wl.decompose(smooth_ap, takes="pair")  # type: ignore[arg-type]
    with pytest.raises(wl.InputError, match="4 arguments"):
        wl.decompose(lambda a, b, c, d: a)
    with pytest.raises(wl.InputError, match="gives no weights"):
        wl.decompose(torch.nn.Linear(3, 3))


def test_a_memory_of_third_party_losses() -> None:
    """References share 16 directions there, whatever their number: the weights are still those of the closed form."""
    sample = contexts.get("early", negatives=3000).sample(2)
    for name in ("contrastive", "ms-loss", "circle", "supcon"):
        theirs, ours = from_callable(BUILT_IN[name]), losses.from_text(name).weights(sample.pairs)
        found = theirs.weights(sample.pairs)
        for sign in ("positive", "negative"):
            a, b = getattr(found, sign), getattr(ours, sign)
            assert float((a - b).abs().max()) <= 1e-6 * float(b.abs().max())
        assert isinstance(theirs, OnEmbeddings)
        assert not theirs.crosses
        assert theirs.error(sample.pairs) <= 1e-6


@pytest.mark.parametrize(("name", "why"), [("FastAPLoss", "in one batch"), ("AngularLoss", "compares references too")])
def test_a_loss_of_all_against_all_has_a_limit(name: str, why: str) -> None:
    with pytest.raises(wl.InputError, match=f"{why}.*at most 512 pairs of an anchor, not 1027"):
        wl.decompose(f"{PML}:{name}", contexts.get("early", negatives=1024), points=3, draws=1)


@pytest.mark.parametrize("path", ["DynamicSoftMarginLoss", "TripletMarginLoss(triplets_per_anchor=2)"])
@pytest.mark.filterwarnings("ignore")  # the library's own
def test_a_loss_with_a_state_or_random_triplets_stays_a_function(path: str) -> None:
    loss = load(f"{PML}:{path}")
    before = torch.random.get_rng_state()
    first, second = (wl.decompose(loss, points=5, draws=2).curve for _ in range(2))
    assert first.equals(second)
    assert torch.equal(torch.random.get_rng_state(), before)


def active_mean(pairs: wl.Pairs) -> Tensor:
    """Divided by how many anchors are active, which only some contexts show."""
    push = torch.where(pairs.negative, (pairs.similarity - 0.97).relu(), 0).sum(1)
    return push / (push > 0).sum().clamp(min=1)


@pytest.mark.parametrize("scale", [1.0, 1e-9])
def test_coupled_anchors_are_found_where_they_are_active(scale: float) -> None:
    d = wl.decompose(lambda pairs: scale * active_mean(pairs), points=21, draws=30)
    top = d.curve[(d.curve["sign"] == "negative") & (d.curve["similarity"] == 1)]
    assert top["weight"].item() == pytest.approx(scale)


def with_defaults(similarity: Tensor, positive: Tensor, scale: float = 10.0) -> Tensor:
    return scale * torch.where(positive, -similarity, 0).sum(1)


class OnSimilarity(torch.nn.Module):
    def forward(self, similarity: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return with_defaults(similarity, positive) + torch.where(negative, similarity, 0).sum(1)


def test_a_mask_may_have_a_default() -> None:
    def f(similarity: Tensor, positive: Tensor | None = None) -> Tensor:
        assert positive is not None
        return torch.where(positive, -similarity, 0).sum(1)

    curve = wl.decompose(f, points=3, draws=2).curve
    assert curve[curve["sign"] == "positive"]["weight"].tolist() == pytest.approx([1] * 3)


@pytest.mark.parametrize("takes", [None, "similarity"])
def test_defaults_stay_defaults_and_modules_may_take_similarities(takes: Takes | None) -> None:
    for function in (with_defaults, OnSimilarity()):
        curve = wl.decompose(function, points=3, draws=2, takes=takes).curve
        assert curve[curve["sign"] == "positive"]["weight"].tolist() == pytest.approx([10] * 3)


def nothing_active(pairs: wl.Pairs) -> Tensor:
    """As many write it: without active pairs a fresh zero, or a constant."""
    values = (pairs.similarity - 0.95)[pairs.negative & (pairs.similarity > 0.95)]
    return values.sum() if len(values) else torch.zeros([], requires_grad=True)


def test_a_zero_that_depends_on_nothing_is_no_weight() -> None:
    for function in (nothing_active, lambda p: nothing_active(p) if (p.similarity > 0.95).any() else torch.tensor(0.0)):
        curve = wl.decompose(function, "random", points=5, draws=3).curve
        negative = curve[curve["sign"] == "negative"]
        assert negative["weight"].tolist() == pytest.approx([0, 0, 0, 0, 1])


def test_gradients_may_be_switched_off_outside() -> None:
    with torch.no_grad():
        assert wl.decompose("ms-loss", points=5).residual < 1e-12
        assert wl.decompose(f"{PML}:CircleLoss", points=3, draws=2).residual < 1e-12


@pytest.mark.parametrize("name", ["NCALoss", "FastAPLoss", "SmoothAPLoss", "LiftedStructureLoss", "MarginLoss"])
@pytest.mark.filterwarnings("ignore")  # the library's own
def test_shared_directions_change_nothing(name: str) -> None:
    """67 references in 16 directions, and in a direction each."""
    pairs = contexts.get("early").sample(2).pairs
    shared = from_callable(load(f"{PML}:{name}"))
    assert isinstance(shared, OnEmbeddings)
    assert not shared.crosses
    found, truth = shared.weights(pairs), replace(shared, crosses=True).weights(pairs)
    for sign in ("positive", "negative"):
        a, b = getattr(found, sign), getattr(truth, sign)
        assert float((a - b).abs().max()) <= 1e-9 * float(b.abs().max())


def test_references_that_are_compared_are_kept_apart() -> None:
    """Spread of the references themselves in the loss: with shared directions they would look alike."""

    def loss(embeddings: Tensor, labels: Tensor, _: object, references: Tensor, reference_labels: Tensor) -> Tensor:
        s = embeddings @ references.T
        return torch.where(labels[:, None] == reference_labels, -s, s**2 / 2).sum() + (references @ references.T).sum()

    pairs = context_pairs()
    found = from_callable(loss, "embeddings")
    assert isinstance(found, OnEmbeddings)
    assert found.crosses
    weights = found.weights(pairs)
    assert torch.allclose(weights.negative, torch.where(pairs.negative, pairs.similarity, 0), atol=1e-9)
    assert torch.allclose(weights.positive, pairs.positive.double(), atol=1e-9)


def arc(s: Tensor, positive: Tensor) -> Tensor:
    return torch.where(positive, torch.acos(s), -torch.acos(s)).sum(1)


def test_no_derivative_at_one() -> None:
    """An arc cosine has none at ±1: its curve ends 10⁻⁶ before them, and is not NaN."""
    curve = wl.decompose(arc, points=5, draws=3).curve
    assert curve["weight"].notna().all()
    inner = curve[curve["similarity"].abs() < 1]
    assert inner["weight"].tolist() == pytest.approx((1 / (1 - inner["similarity"] ** 2) ** 0.5).tolist())


def of_all_anchors(s: Tensor, positive: Tensor) -> Tensor:
    """Each anchor's loss beside the mean of all of them, as a batch statistic would have it."""
    own = torch.where(positive, -s, s**2 / 2).sum(1)
    return own + own.mean().detach() * s.mean()


def test_anchors_that_depend_on_one_another_are_asked_for_apart() -> None:
    pairs = context_pairs()
    found = from_callable(of_all_anchors)
    assert found.one_by_one
    alone = [
        autograd_weights(
            lambda p: of_all_anchors(p.similarity, p.positive),
            wl.Pairs(pairs.similarity[i : i + 1], pairs.positive[i : i + 1], pairs.negative[i : i + 1]),
        )
        for i in range(len(pairs.similarity))
    ]
    assert torch.equal(found.weights(pairs).negative, torch.cat([each.negative for each in alone]))
    assert not from_callable(smooth_ap).one_by_one


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda pairs: 3.0, "gives a float"),
        (lambda pairs: None, "gives a NoneType"),
        (lambda pairs: pairs.similarity, r"gives a tensor \[4, 24\]"),
        (lambda pairs: (pairs.similarity > 0.5).sum(1), "no derivative"),
        (lambda pairs: pairs.similarity.detach().sum(1), "no derivative"),
        (lambda pairs: pairs.similarities.sum(1), "fails: AttributeError"),
        (lambda pairs: (pairs.similarity - 2).sqrt().sum(1), "no finite derivative at similarity"),
    ],
)
def test_functions_that_have_no_weights(function: Callable[[wl.Pairs], Tensor], message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        wl.decompose(function, points=3, draws=2)


@dataclass(frozen=True)
class Given:
    """A foreign weighting: every weight the same number."""

    number: float = 1.0
    columns: int | None = None

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        full = torch.full_like(pairs.similarity, self.number)[:, : self.columns]
        return wl.PairWeights(full, full)


@pytest.mark.parametrize(
    ("weighting", "message"),
    [
        (Given(float("nan")), "NaN"),
        (Given(columns=2), r"two tensors \[\d+, 67\]"),
        (Given(), "must be 0 for pairs that are not positive"),
    ],
)
def test_weightings_that_are_wrong(weighting: Given, message: str) -> None:
    with pytest.raises(wl.InputError, match=message):
        wl.decompose(weighting, points=3, draws=2)


def test_progress_goes_through_every_block() -> None:
    seen = []

    def track(blocks: list[Any]) -> list[Any]:
        seen.append(blocks)
        return blocks

    wl.decompose(f"{PML}:ContrastiveLoss", points=3, draws=4, track=track)
    of_curve, of_mass = seen
    assert [sign for sign, _ in of_curve] == ["positive"] * 4 + ["negative"] * 4
    assert [len(sample.positive) for sample in of_mass] == [1] * 4

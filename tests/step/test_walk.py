"""The block-walking step against the plain path: the same weights times the same references, from all pairs at once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from weightlab import Assignment, InputError, Pairs, PairWeights, Weighting, assign, losses
from weightlab.assignment import Custom, Linear
from weightlab.forms import form_of
from weightlab.memory import MemoryBank
from weightlab.pairs import References
from weightlab.step import blocks, surrogate
from weightlab.step.same_label import SameLabel

WEIGHTINGS: dict[str, Weighting] = {name: losses.get(name) for name in losses.names()} | {
    text: losses.from_text(text)
    for text in (
        "contrastive(pos_margin=0.5, neg_margin=-0.5)",
        "triplet(margin=0.5)",
        "triplet-smooth(scale=50, margin=0.2)",
        "ms-loss(mining_margin=0.1)",
        "ms-loss(alpha=10, beta=1000)",
        "n-pair(scale=100)",
        "nca(scale=20)",
        "circle(gamma=10)",
        "ms-loss(mining_margin=2)",
        "ranked-list(alpha=0.7, negative_scale=0, positive_scale=3)",
        "hard-negative-contrastive(temperature=0.1, beta=0.5, tau_plus=0.01)",
    )
}
for scale in ("raw", "mean", "mass"):
    for negative in (
        "constant",
        "step(0.2)",
        "exponential(10, 0.2)",
        "softmax(5)",
        "top(3)",
        "spline(-1:0, 0:1, 1:0.5)",
        "below(0.2)",
        "semihard(0.3)",
        "semihard(1) * exponential(10, 0.2) * step(-0.3)",
        "below(0) * linear",
        "power(1000)",
        "exponential(40, 1) * exponential(40, 1)",
        "sigmoid(1000, 0.9) + power(300)",
        "softmax(200) * easy(-0.5)",
    ):
        WEIGHTINGS[f"{negative}, {scale}"] = assign("linear", negative, scale)  # type: ignore[arg-type]
    WEIGHTINGS[f"custom, {scale}"] = Assignment(Linear(), Custom(lambda s: s * (s > 0.2)), scale)  # type: ignore[arg-type]
    WEIGHTINGS[f"softmax product, {scale}"] = assign("constant", "step(-0.2) * softmax(5) * linear", scale)  # type: ignore[arg-type]
    WEIGHTINGS[f"top product, {scale}"] = assign("constant", "top(4) * linear", scale)  # type: ignore[arg-type]
    WEIGHTINGS[f"borrowed, {scale}"] = assign("n-pair(scale=20)", "ms-loss(mining_margin=0.1)", scale)  # type: ignore[arg-type]
    WEIGHTINGS[f"borrowed triplets, {scale}"] = assign("triplet", "triplet(margin=0.5)", scale)  # type: ignore[arg-type]
    WEIGHTINGS[f"borrowed averages, {scale}"] = assign("binomial-deviance", "binomial-deviance", scale)  # type: ignore[arg-type]
    WEIGHTINGS[f"easy ones of a softmax, {scale}"] = assign("constant", "easy(0) * softmax(30)", scale)  # type: ignore[arg-type]
WEIGHTINGS["two of one sum each"] = assign("hard-negative-contrastive", "circle")
WEIGHTINGS["relative positives"] = assign("softmax(3) * linear + top(2)", "step(0.2)", "mass")
WEIGHTINGS["borrowed"] = assign(losses.Contrastive(), losses.MultiSimilarity())

Data = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def data(seed: int, anchors: int, references: int, classes: int, dtype: torch.dtype = torch.float64) -> Data:
    """Anchors near their class's references; some have an own entry, some no positive."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, 6, generator=generator, dtype=dtype)
    labels = torch.randint(classes, (anchors,), generator=generator)
    reference_labels = torch.randint(classes, (references,), generator=generator)
    x = centres[labels] + torch.randn(anchors, 6, generator=generator, dtype=dtype)
    r = normalize(centres[reference_labels] + torch.randn(references, 6, generator=generator, dtype=dtype))
    own = torch.randint(-1, references, (anchors,), generator=generator)
    reference_labels[own[own >= 0]] = labels[own >= 0]  # an own entry has the anchor's label
    return x, labels, r, reference_labels, own


def both(weighting: Weighting, x: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Value and gradient by the step, and by all pairs at once in float64."""
    leaf = x.clone().requires_grad_()
    labels, references, reference_labels, own = rest
    value = surrogate(weighting, normalize(leaf), labels, References(references, reference_labels, own))
    (gradient,) = torch.autograd.grad(value, leaf)
    exact = x.double().requires_grad_()
    pairs = Pairs.from_embeddings(
        normalize(exact), labels, References(references.double(), reference_labels, own, verified=True)
    )
    w = weighting.weights(Pairs(pairs.similarity.detach(), pairs.positive, pairs.negative))
    plain = ((w.negative - w.positive).detach() * pairs.similarity).sum() / len(x)
    (truth,) = torch.autograd.grad(plain, exact)
    return value.detach(), gradient, plain.detach(), truth


@pytest.mark.parametrize("name", WEIGHTINGS)
@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    anchors=st.integers(1, 9),
    references=st.sampled_from([1, 2, 5, 40]),
    classes=st.sampled_from([1, 3, 20]),
    block=st.sampled_from([1, 7, 16, 64]),
    listed=st.sampled_from([0.0, 0.125, 1.0]),
)
def test_same_numbers_as_all_pairs_at_once(
    name: str, seed: int, anchors: int, references: int, classes: int, block: int, listed: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_BLOCK", block)
        patch.setattr(blocks, "_WORTH_A_LIST", block)
        patch.setattr(blocks, "_LISTED", listed)  # none, some or all blocks as lists of pairs
        value, gradient, plain, truth = both(WEIGHTINGS[name], *data(seed, anchors, references, classes))
    largest = max(float(truth.abs().max()), 1e-3)
    assert float((gradient - truth).abs().max()) <= 1e-8 * largest
    assert float(value) == pytest.approx(float(plain), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("name", [name for name in WEIGHTINGS if "1000" not in name])
def test_float32_and_bfloat16_banks(name: str) -> None:
    x, labels, r, reference_labels, own = data(5, 16, 9000, 60, torch.float32)
    weighting = WEIGHTINGS[name]
    _, gradient, _, truth = both(weighting, x, labels, r, reference_labels, own)
    assert float((gradient - truth).abs().max() / truth.abs().max()) <= 2e-3  # a hinge may turn by rounding
    low = r.bfloat16()
    leaf = x.clone().requires_grad_()
    (rounded,) = torch.autograd.grad(
        surrogate(weighting, normalize(leaf), labels, References(low, reference_labels, own)), leaf
    )
    (same,) = torch.autograd.grad(
        surrogate(weighting, normalize(leaf), labels, References(low.float(), reference_labels, own)), leaf
    )
    if form_of(weighting) is not None:
        assert torch.allclose(rounded, same, atol=1e-5 * float(same.abs().max()))


@pytest.mark.parametrize("name", [*losses.names(), "ms-loss(mining_margin=0.1)"])
def test_every_loss_is_walked(name: str) -> None:
    assert form_of(WEIGHTINGS[name]) is not None


class Doubled(losses.NPair):
    def weights(self, pairs: Pairs) -> PairWeights:
        right = super().weights(pairs)
        return PairWeights(2 * right.positive, 2 * right.negative)


def test_a_subclass_is_not_walked_as_its_parent() -> None:
    assert form_of(Doubled()) is None
    _, gradient, _, truth = both(Doubled(), *data(4, 6, 30, 4))
    assert torch.allclose(gradient, truth)


def test_which_assignments_are_walked() -> None:
    """All but those whose negatives are products of two relative functions, or sums with one."""
    assert all(form_of(weighting) is not None for weighting in WEIGHTINGS.values())
    for negative in ("softmax(3) * top(2)", "softmax(3) + constant"):
        assert form_of(assign("constant", negative)) is None
    assert form_of(assign("constant", "hard-negative-contrastive", "mass")) is None
    assert form_of(assign(losses.NPair(), assign("constant", "step(0.1)", "mass"))) is None


def test_same_label_by_brute_force() -> None:
    for seed in range(30):
        _, labels, _, reference_labels, own = data(seed, 7, 25, 4)
        same = SameLabel.find(labels, References(normalize(torch.ones(25, 2)), reference_labels, own))
        expected = {(i, j) for i in range(7) for j in range(25) if labels[i] == reference_labels[j] and j != own[i]}
        assert set(zip(same.row.tolist(), same.column.tolist(), strict=True)) == expected
        assert same.row.tolist() == sorted(same.row.tolist())
        excluded = expected | {(i, int(own[i])) for i in range(7) if own[i] >= 0}
        assert set(zip(same.excluded_row.tolist(), same.excluded_column.tolist(), strict=True)) == excluded
        for size in (4, 5, 25, 100):
            inside = [
                (i, start * size + j)
                for start, block in enumerate(same.excluded_by_block(25, size))
                for i, j in zip(*(part.tolist() for part in block), strict=True)
            ]
            assert sorted(inside) == sorted(excluded)


def test_a_bank_s_look_up_finds_the_same_pairs() -> None:
    bank, (x, _, r, reference_labels, _) = MemoryBank(30, 6), data(3, 8, 50, 5, torch.float32)
    for start in range(0, 50, 10):  # wraps around
        own = bank.enqueue(r[start : start + 10], reference_labels[start : start + 10])[:8]
    labels = bank.labels[own]
    found = surrogate("lifted", normalize(x), labels, bank.references(labels, own))
    sought = surrogate("lifted", normalize(x), labels, References(bank.embeddings, bank.labels, own))
    assert float(found) == pytest.approx(float(sought), rel=1e-6)


def test_a_look_up_or_own_entries_of_another_batch_are_refused() -> None:
    """Each of these would change weights, or their signs, without an error."""
    x, _, r, reference_labels, _ = data(3, 3, 20, 5, torch.float32)
    x, bank = normalize(x), MemoryBank(20, 6)
    bank.enqueue(r, reference_labels)
    labels = bank.labels[:3]
    with pytest.raises(InputError, match="of other labels"):
        surrogate("contrastive", x, (labels + 1) % 5, bank.references(labels))
    with pytest.raises(InputError, match="of other labels"):
        surrogate("contrastive", x[:2], labels[:2], bank.references(labels))
    for own in (torch.tensor([0, 1, 20]), torch.tensor([-2, 0, 1])):
        with pytest.raises(InputError, match="own must be whole numbers from -1 to 19"):
            bank.references(labels, own)
    row, slot = bank.slots_of(labels)
    for shared, message in [
        ((row.flip(0), slot.flip(0)), "ascending"),
        ((row, slot + 20), "rows of shared must be whole numbers from 0 to 19"),
        ((row, slot[1:]), "one length"),
        ((row.float(), slot), "anchors of shared must be whole numbers"),
    ]:
        with pytest.raises(InputError, match=message):
            References(r, reference_labels, None, shared)


def test_references_that_are_not_normalised() -> None:
    x, labels, r, reference_labels, own = data(1, 4, 10, 3)
    for bad in (2 * r, 0.5 * r, 0 * r, r * float("nan")):
        with pytest.raises(InputError, match="normalise"):
            surrogate(losses.Contrastive(), normalize(x), labels, References(bad, reference_labels, own))


def test_no_references_and_no_anchors() -> None:
    x, labels, r, reference_labels, _ = data(1, 4, 10, 3)
    assert float(surrogate(losses.Contrastive(), normalize(x), labels, References(r[:0], reference_labels[:0]))) == 0
    assert float(surrogate(losses.NPair(), normalize(x)[:0], labels[:0], References(r, reference_labels))) == 0
    for name, weighting in WEIGHTINGS.items():
        assert float(surrogate(weighting, normalize(x), labels, References(r[:0], reference_labels[:0]))) == 0, name


def test_gradients_flow_into_references_that_ask_for_it() -> None:
    x, labels, r, reference_labels, own = data(2, 5, 12, 3)
    references = r.requires_grad_()
    (gradient,) = torch.autograd.grad(
        surrogate(losses.Lifted(), normalize(x), labels, References(references, reference_labels, own)), references
    )
    assert float(gradient.abs().max()) > 0


@pytest.mark.parametrize("name", ["infonce(temperature=0.02)", "ms-loss", "circle", "ranked-list", "lifted"])
def test_what_is_left_out_is_lost_to_rounding(name: str) -> None:
    """Many references in few dimensions, so that all shares together count; float32 against float64, in lists."""
    generator = torch.Generator().manual_seed(8)
    references = normalize(torch.randn(30_000, 8, generator=generator))
    reference_labels = torch.randint(3000, (30_000,), generator=generator)
    x, labels = torch.randn(6, 8, generator=generator), reference_labels[:6]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_WORTH_A_LIST", 0)
        patch.setattr(blocks, "_LISTED", 1.0)
        _, gradient, _, truth = both(losses.from_text(name), x, labels, references, reference_labels, torch.arange(6))
    assert float(truth.abs().max()) > 0
    assert float((gradient - truth).abs().max() / truth.abs().max()) <= 2e-5


def test_many_references_of_infonce_by_closed_form() -> None:
    """A positive at 0.6, a negative at 0.5, 65,534 at 0: each of these is little beside the sum, all are most of it."""
    count, temperature = 1 << 16, 0.1
    angles = torch.tensor([0.6, 0.5, 0.0], dtype=torch.float64)
    kinds = torch.zeros(3, 64, dtype=torch.float64)
    kinds[:, 0], kinds[:, 1] = angles, (1 - angles**2).sqrt()
    references = torch.cat([kinds[:2], kinds[2:].expand(count - 2, 64)])
    anchors = torch.eye(64)[:1].repeat(16, 1).requires_grad_()
    found = References(references.float(), torch.cat([torch.zeros(1), torch.ones(count - 1)]).long())
    (gradient,) = torch.autograd.grad(
        surrogate("infonce(temperature=0.1)", anchors, torch.zeros(16).long(), found), anchors
    )
    mass = torch.tensor([1.0, 1.0, count - 2]) * (angles / temperature).exp()
    weight = mass / mass.sum() - torch.tensor([1.0, 0.0, 0.0])
    expected = (weight[:, None] * kinds).sum(0) / temperature / 16
    torch.testing.assert_close(gradient.double(), expected.expand(16, 64), rtol=1e-4, atol=1e-7)

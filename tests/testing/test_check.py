"""check: it finds what it should, law by law, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

import weightlab as wl
from weightlab.forms import PointwiseForm, Probe
from weightlab.testing import Law, Report, check, random_pairs

LAWS = [
    "zero off its mask",
    "derivative",
    "finite",
    "ties",
    "none of a kind",
    "one positive",
    "order",
    "form",
    "repeatable",
]


def masked(pairs: wl.Pairs, weight: Tensor) -> wl.PairWeights:
    return wl.PairWeights(torch.where(pairs.positive, weight, 0), torch.where(pairs.negative, weight, 0))


@dataclass(frozen=True)
class Weighs:
    """A weighting of its weights alone."""

    function: Callable[[wl.Pairs], wl.PairWeights]

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        return self.function(pairs)


@dataclass(frozen=True)
class Quadratic:
    """L = (Σ_P (1 − S)² + Σ_N (1 + S)²) / 2, with weights that are off by a factor."""

    factor: float = 1.0
    one_number: bool = False

    def value(self, pairs: wl.Pairs) -> Tensor:
        s = pairs.precise
        each = torch.where(pairs.positive, (1 - s) ** 2, 0) + torch.where(pairs.negative, (1 + s) ** 2, 0)
        return each.sum(1).mean() / 2 if self.one_number else each.sum(1) / 2

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        s = pairs.precise
        pull, push = torch.where(pairs.positive, 1 - s, 0), torch.where(pairs.negative, 1 + s, 0)
        return wl.PairWeights(self.factor * pull, self.factor * push)


@dataclass(frozen=True)
class WithForm:
    """The constant 1 for negatives above 0, beside a form."""

    stated: PointwiseForm

    @property
    def form(self) -> PointwiseForm:
        return self.stated

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        return wl.PairWeights(torch.zeros_like(pairs.similarity), (pairs.negative & (pairs.similarity > 0)).double())


@dataclass(frozen=True)
class WrongProbe(PointwiseForm):
    def probe(self, probe: Probe) -> Tensor:
        return 1.001 * super().probe(probe)


RIGHT_FORM = PointwiseForm(torch.zeros_like, lambda s: (s > 0).to(s.dtype), zero_up_to=0.0)


def broken_by(weighting: wl.Weighting) -> set[str]:
    return {law.name for law in check(weighting).broken}


def test_what_is_right_breaks_nothing() -> None:
    for right in (Quadratic(), Quadratic(one_number=True)):
        report = check(right)
        assert [law.name for law in report.laws] == LAWS
        assert report.holds
        assert [law.name for law in report.laws if law.verdict == "does not apply"] == ["form"]
        report.raise_if_broken()
    report = check(WithForm(RIGHT_FORM))
    assert report.holds
    assert [law.name for law in report.laws if law.verdict == "does not apply"] == ["derivative"]


def off_the_mask(pairs: wl.Pairs) -> wl.PairWeights:
    return wl.PairWeights(masked(pairs, pairs.precise).positive, torch.where(~pairs.positive, 1e-30, 0))


def by_rank(pairs: wl.Pairs) -> wl.PairWeights:
    lowest = pairs.precise.masked_fill(~pairs.negative, -2)
    return masked(pairs, lowest.argsort(1).argsort(1).double() * pairs.negative)


class PicksThoughNotRelative:
    relative = False

    def weights(self, pairs: wl.Pairs) -> wl.PairWeights:
        return wl.assign("top(3)", "top(3)").weights(pairs)


def per_positive(pairs: wl.Pairs, off: int) -> wl.PairWeights:
    return masked(pairs, 1 / (pairs.positive.sum(1, keepdim=True) - off) + 0 * pairs.precise)


def like_the_largest_of_all(pairs: wl.Pairs) -> wl.PairWeights:
    return masked(pairs, (1 + pairs.precise) / (2 + pairs.precise.max()))


def by_column(pairs: wl.Pairs) -> wl.PairWeights:
    return masked(pairs, torch.arange(pairs.similarity.shape[1]).expand_as(pairs.similarity) % 2 + pairs.precise * 0)


def by_row(pairs: wl.Pairs) -> wl.PairWeights:
    return masked(pairs, torch.arange(len(pairs.similarity))[:, None] + pairs.precise * 0)


def writing_similarities(pairs: wl.Pairs) -> wl.PairWeights:
    pairs.similarity.clamp_(min=0)
    return masked(pairs, pairs.precise)


def writing_masks(pairs: wl.Pairs) -> wl.PairWeights:
    weights = masked(pairs, pairs.precise)
    pairs.negative.logical_and_(pairs.similarity > 0)
    return weights


APPLY = set(LAWS) - {"derivative", "form"}  # to a weighting that has neither a value nor a form
MASKED = {"zero off its mask", "none of a kind", "one positive"}
AMONG_ALL = {"finite", "ties"}  # since anchors of every kind are among all the contexts
BROKEN = {
    "off the mask": (Weighs(off_the_mask), MASKED),
    "one sign missing": (Weighs(lambda p: wl.PairWeights(p.precise, None)), APPLY),  # type: ignore[arg-type]
    "a factor": (Quadratic(1 + 1e-8), {"derivative", "one positive"}),
    "a factor of one number": (Quadratic(1 + 1e-8, one_number=True), {"derivative", "one positive"}),
    "a pole": (Weighs(lambda p: masked(p, 1 / (1 - p.precise))), {*AMONG_ALL, "none of a kind", "one positive"}),
    "overflow": (Weighs(lambda p: masked(p, (12 * p.similarity).exp())), {"finite"}),
    "ranks": (Weighs(by_rank), {"ties"}),
    "a pick of equals": (PicksThoughNotRelative(), {"ties"}),
    "no positives": (Weighs(lambda p: per_positive(p, 0)), {*AMONG_ALL, "none of a kind"}),
    "one positive": (Weighs(lambda p: per_positive(p, 1)), {*AMONG_ALL, "none of a kind", "one positive"}),
    "coupled": (Weighs(like_the_largest_of_all), {"order"}),
    "columns": (Weighs(by_column), {"order"}),
    "rows": (Weighs(by_row), {"order"}),
    "another form": (WithForm(replace(RIGHT_FORM, negative=torch.ones_like)), {"form"}),
    "another probe": (WithForm(WrongProbe(RIGHT_FORM.positive, RIGHT_FORM.negative)), {"form"}),
    "zero_up_to": (WithForm(replace(RIGHT_FORM, zero_up_to=0.3)), {"form"}),
    "random": (Weighs(lambda p: masked(p, torch.rand(p.similarity.shape))), {"ties", "order", "repeatable"}),
    "writing": (Weighs(writing_similarities), {"repeatable"}),
    "writing masks": (
        Weighs(writing_masks),
        {"zero off its mask", "none of a kind", "one positive", "order", "repeatable"},
    ),
    "raising": (Weighs(lambda p: p.nothing), APPLY),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_breaks_its_law(what: str) -> None:
    weighting, laws = BROKEN[what]
    assert broken_by(weighting) == laws


def test_every_law_is_broken_by_something() -> None:
    assert set().union(*(laws for _, laws in BROKEN.values())) == set(LAWS)


def test_a_counter_example_is_a_line_that_says_which_pair_and_what_it_has() -> None:
    (law, _) = check(Quadratic(2)).broken
    assert (law.name, law.verdict) == ("derivative", "fails")
    assert law.statement == "w⁺ = −∂L/∂S and w⁻ = +∂L/∂S of its value, by autograd in float64."
    assert law.detail == (
        "a positive of similarity 0.5, of an anchor with 10 positives, 10 negatives, "
        "has the positive weight 1 as given, 0.5 by autograd"
    )
    assert all("\n" not in law.detail for weighting, _ in BROKEN.values() for law in check(weighting, contexts=8).laws)


def test_a_value_is_one_number_an_anchor_or_for_all() -> None:
    class Square(Quadratic):
        def value(self, pairs: wl.Pairs) -> Tensor:
            return pairs.precise

    law = check(Square()).laws[1]
    assert law.detail == "the value is [8, 20], neither one number an anchor nor one for all, of 8"


def test_a_value_that_is_not_finite_is_found() -> None:
    class Wrong(Quadratic):
        def value(self, pairs: wl.Pairs) -> Tensor:
            return super().value(pairs) + 0 * (pairs.similarity + 70000).sum(1)  # infinite in float16

    (law,) = check(Wrong()).broken
    assert (law.name, law.detail) == ("finite", "in float16: the value is nan")


def test_report() -> None:
    report = Report((Law("one", "It is so.", "holds"), Law("two", "And so.", "fails", "not here")))
    assert str(report) == "holds  one\nfails  two  not here"
    assert not report.holds
    assert report.broken == report.laws[1:]
    with pytest.raises(AssertionError, match=r"1 of 2 laws broken\ntwo: And so\.\n  not here"):
        report.raise_if_broken()
    Report(report.laws[:1]).raise_if_broken()


def test_what_can_be_given() -> None:
    verdicts = {law.name: law.verdict for law in check("ms-loss(beta=40)", contexts=8).laws}
    assert set(verdicts.values()) == {"holds"}
    for given in ("step(0.5)", "top(2) * linear", wl.assign("constant", "ms-loss"), lambda s: s * (s > 0.5)):
        report = check(given, contexts=8)
        assert report.holds
        assert report.laws[1].verdict == "does not apply"
    with pytest.raises(wl.InputError, match="unknown loss"):
        check("ms-los")
    with pytest.raises(wl.InputError, match="is a class: give an instance"):
        check(Quadratic)  # type: ignore[arg-type]
    with pytest.raises(wl.InputError, match="contexts must be a whole number of 1 to 65536, not 0"):
        check("ms-loss", contexts=0)


def test_contexts_and_seeds() -> None:
    seen: list[Tensor] = []

    def looking(pairs: wl.Pairs) -> wl.PairWeights:
        seen.append(pairs.similarity)
        return masked(pairs, pairs.precise)

    def anchors(weighting: wl.Weighting, contexts: int, seed: int = 0) -> list[Tensor]:
        """Of the first law, which looks at each once."""
        subject = wl.Subject.of(weighting)  # which looks at it too
        seen.clear()
        check(subject, contexts=contexts, seed=seed)
        ends = torch.tensor([len(each) for each in seen]).cumsum(0).tolist()
        return seen[: ends.index(contexts) + 1]

    first = anchors(Weighs(looking), 27)
    assert {each.shape[1] for each in anchors(Weighs(looking), 200)} == {1, 2, 3, 7, 20}
    assert all(map(torch.equal, first, anchors(Weighs(looking), 27)))
    assert not torch.equal(first[0], anchors(Weighs(looking), 27, seed=1)[0])


def test_few_contexts_where_anchors_are_asked_one_by_one() -> None:
    class Slow(Weighs):
        one_by_one = True

    asked: list[int] = []

    def counting(pairs: wl.Pairs) -> wl.PairWeights:
        asked.append(len(pairs.similarity))
        return masked(pairs, pairs.precise)

    subject = wl.Subject.of(Slow(counting))
    asked.clear()
    assert check(subject).holds
    assert sum(asked[:3]) == 20
    assert sum(asked) < 500


def test_random_pairs_are_of_every_kind() -> None:
    pairs = random_pairs(0, 400, 12)
    positives, negatives = pairs.positive.sum(1), pairs.negative.sum(1)
    assert pairs.similarity.dtype == torch.float64
    assert all(bool(kind.any()) for kind in (positives == 0, positives == 1, negatives == 0, positives == 12))
    assert bool(((positives == 0) & (negatives == 0)).any())
    assert bool((pairs.similarity == 1).any() & (pairs.similarity == -1).any())
    assert bool((positives + negatives < 12).any())
    assert random_pairs(0, 2, 3, dtype=torch.float16).similarity.dtype == torch.float16

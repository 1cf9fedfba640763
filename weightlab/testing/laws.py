"""The laws of weights: each a function that yields counter-examples, of which the first is reported."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from weightlab.decompose.autograd import autograd_weights
from weightlab.forms import AssignedForm, Form, PointwiseForm, Probe, form_of, probe_all_pairs
from weightlab.lazy import np, torch
from weightlab.pairs import SIGNS, Pairs, PairWeights, Weighting
from weightlab.testing.contexts import Contexts
from weightlab.testing.findings import RELATIVE, TINY, heavy, infinite, misshapen, off_mask, told_apart, unequal
from weightlab.testing.rule import Rule, rule

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LAWS"]

_PROBED = ((1, 1), (2, 5), (3, 20))  # positives and negatives
_GRID = 21


def _no_value(weighting: Weighting) -> str | None:
    return None if _value_of(weighting) else "it has no value"


def _no_form(weighting: Weighting) -> str | None:
    return None if form_of(weighting) is not None else "it states no form"


@rule("zero off its mask", "Weights are float [B, R] for either sign, exactly 0 for pairs that are not of it.")
def mask(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """Of pairs of the other sign and of ignored ones."""
    for pairs in contexts:
        weights = weighting.weights(pairs)
        yield from misshapen(pairs, weights)
        yield from off_mask(pairs, weights)


@rule("derivative", "w⁺ = −∂L/∂S and w⁻ = +∂L/∂S of its value, by autograd in float64.", exempt=_no_value)
def derivative(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """To 10⁻⁹ of the anchor's largest weight; ties and similarities at a margin are among the contexts."""
    for pairs in contexts:
        yield from _not_the_derivative(weighting, pairs)


@rule("finite", "Weights and value are finite in float16, bfloat16, float32 and float64, also at S of exactly ±1.")
def finite(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """Of a weighting without a value the weights."""
    for pairs in contexts:
        poles = torch.where(pairs.similarity < 0, -1.0, 1.0)
        both = _stacked(pairs, Pairs(poles, pairs.positive, pairs.negative))
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            low = Pairs(both.similarity.to(dtype), both.positive, both.negative)
            yield from (f"in {str(dtype).removeprefix('torch.')}: {line}" for line in _infinite(weighting, low))


@rule("ties", "Equal similarities of a sign have equal weights, or two where some of the equal ones are picked.")
def ties(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """`top` and its like pick some among equals and say not which: each is then picked or not, so there are two weights
    at most. One that says `relative = False` is a function of the similarity and has one.
    """
    picks = bool(getattr(weighting, "relative", True))
    for pairs in contexts.tied():
        weights = _weigh(weighting, pairs)
        yield from infinite(pairs, weights)
        yield from told_apart(pairs, weights, 2 if picks else 1)


@rule("none of a kind", "Anchors without positives, negatives or either have finite weights, 0 off their mask.")
def none_of_a_kind(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """The value is finite too, where it has one."""
    for pairs in contexts:
        used = pairs.positive | pairs.negative
        none = torch.zeros_like(used)
        lacking = (Pairs(pairs.similarity, *masks) for masks in ((none, used), (used, none), (none, none)))
        yield from _unsound(weighting, _stacked(*lacking))


@rule("one positive", "Anchors with one positive have finite weights, 0 off their mask, that are the derivative.")
def one_positive(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """Of the value, where it has one."""
    for pairs in contexts:
        positive = torch.zeros_like(pairs.positive)
        positive[:, 0] = True
        single = Pairs(pairs.similarity, positive, (pairs.positive | pairs.negative) & ~positive)
        yield from _unsound(weighting, single)
        if _value_of(weighting):
            yield from _not_the_derivative(weighting, single)


@rule("order", "References or anchors in another order, or an anchor alone, change no pair's weight.")
def order(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """Among similarities that all differ: some weightings pick among equals, by where they stand."""
    rng = np.random.default_rng(contexts.seed)
    for pairs in contexts.without_ties():
        weights = _weigh(weighting, pairs)
        rows, columns = (torch.from_numpy(rng.permutation(count)) for count in pairs.similarity.shape)
        every, same = rows.sort().values, columns.sort().values
        for how, i, j in (
            ("with the references in another order", every, columns),
            ("with the anchors in another order", rows, same),
            ("for the anchor alone", rows[:1], same),
        ):
            moved = Pairs(*(each[i][:, j] for each in (pairs.similarity, pairs.positive, pairs.negative)))
            wanted = PairWeights(weights.positive[i][:, j], weights.negative[i][:, j])
            yield from unequal(moved, _weigh(weighting, moved), wanted, (how, "before"))


@rule("form", "The form that it states has its weights, and finds a probed pair's as from all pairs.", exempt=_no_form)
def form(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """And it has no weight up to `zero_up_to`, if its form says so."""
    stated = form_of(weighting)
    assert stated is not None  # else it is exempt
    limit = _zero_up_to(stated)
    for pairs in contexts:
        weights = _weigh(weighting, pairs)
        yield from unequal(pairs, _weigh(stated, pairs), weights, ("by its form", "by its weights"))
        easy = PairWeights(torch.zeros_like(weights.positive), weights.negative * (pairs.similarity <= limit))
        yield from (f"zero_up_to is {limit:g}, but {line}" for line in heavy(pairs, easy))
    for probe in _probes(contexts.seed):
        yield from _wrong_probe(weighting, stated, probe)


@rule("repeatable", "The same pairs have the same weights each time, to the last digit, and are not written to.")
def repeatable(weighting: Weighting, contexts: Contexts) -> Iterator[str]:
    """Neither the similarities nor the masks."""
    for pairs, kept in zip(contexts, contexts, strict=True):
        first = PairWeights(*(weight.clone() for weight in _of_either(_weigh(weighting, pairs))))
        for name in ("similarity", "positive", "negative"):
            if not torch.equal(getattr(pairs, name), getattr(kept, name)):
                yield f"it writes to the pairs' {name}"
        again = _of_either(_weigh(weighting, pairs))
        if not all(map(_same, _of_either(first), again)):
            yield from unequal(pairs, PairWeights(*again), first, ("the second time", "the first"))
            yield "the second time weights differ in their last digits"


LAWS: tuple[Rule, ...] = (mask, derivative, finite, ties, none_of_a_kind, one_positive, order, form, repeatable)


def _value_of(weighting: Weighting) -> Callable[[Pairs], Tensor] | None:
    value = getattr(weighting, "value", None)
    return value if callable(value) else None


def _weigh(weighting: Weighting, pairs: Pairs) -> PairWeights:
    return PairWeights(*(weight.detach() for weight in _of_either(weighting.weights(pairs))))


def _of_either(weights: PairWeights) -> tuple[Tensor, Tensor]:
    return weights.positive, weights.negative


def _same(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a, b, rtol=0, atol=0, equal_nan=True)


def _unsound(weighting: Weighting, pairs: Pairs) -> Iterator[str]:
    yield from off_mask(pairs, _weigh(weighting, pairs))
    yield from _infinite(weighting, pairs)


def _infinite(weighting: Weighting, pairs: Pairs) -> Iterator[str]:
    yield from infinite(pairs, _weigh(weighting, pairs))
    value = _value_of(weighting)
    if value and not bool((found := value(pairs)).isfinite().all()):
        yield f"the value is {float(found[~found.isfinite()][0]):g}"


def _not_the_derivative(weighting: Weighting, pairs: Pairs) -> Iterator[str]:
    value = _value_of(weighting)
    assert value is not None  # else it is exempt
    shape = value(pairs).shape
    if shape not in ((), pairs.similarity.shape[:1]):
        yield f"the value is {list(shape)}, neither one number an anchor nor one for all, of {len(pairs.similarity)}"
    truth = autograd_weights(value, pairs) if shape else _one_by_one(value, pairs)
    yield from unequal(pairs, _weigh(weighting, pairs), truth, ("as given", "by autograd"))


def _stacked(*each: Pairs) -> Pairs:
    """All their anchors, of as many references."""
    parts = ((pairs.similarity, pairs.positive, pairs.negative) for pairs in each)
    return Pairs(*map(torch.cat, zip(*parts, strict=True)))


def _one_by_one(value: Callable[[Pairs], Tensor], pairs: Pairs) -> PairWeights:
    """Of a value that is one number for all anchors: their mean or sum, which are one where there is one anchor."""
    each = zip(*(part.split(1) for part in (pairs.similarity, pairs.positive, pairs.negative)), strict=True)
    rows = [_of_either(autograd_weights(value, Pairs(*row))) for row in each]
    return PairWeights(*(torch.cat(part) for part in zip(*rows, strict=True)))


def _zero_up_to(stated: Form) -> float:
    """The similarity up to which a form says that no negative has a weight; −∞ where it says nothing of the kind."""
    if isinstance(stated, AssignedForm):
        return _zero_up_to(stated.negative)
    return stated.zero_up_to if isinstance(stated, PointwiseForm) else -math.inf


def _probes(seed: int) -> Iterator[Probe]:
    """Of either sign, in three contexts each of one pair a sign, of a few and of many."""
    rng = np.random.default_rng(seed)
    grid = torch.linspace(-1, 1, _GRID, dtype=torch.float64)
    for counts in _PROBED:
        positive, negative = (torch.from_numpy(rng.uniform(-1, 1, (3, count))) for count in counts)
        yield from (Probe(positive, negative, sign, grid) for sign in SIGNS)


def _wrong_probe(weighting: Weighting, stated: Form, probe: Probe) -> Iterator[str]:
    found, wanted = stated.probe(probe).detach(), probe_all_pairs(weighting, probe).detach()
    wrong = ~((found - wanted).abs() <= RELATIVE * wanted.abs().max() + TINY)
    for c, g in wrong.nonzero()[:1].tolist():
        weights = f"{float(found[c, g]):.10g}, {float(wanted[c, g]):.10g} from all pairs"
        yield f"its form's probe of a {probe.sign} of similarity {float(probe.grid[g]):g} gives {weights}"

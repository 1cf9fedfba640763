"""What can be wrong with weights, a line for the first pair of which it is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from weightlab.lazy import torch
from weightlab.pairs import SIGNS, Pairs, PairWeights, Sign

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["RELATIVE", "TINY", "heavy", "infinite", "misshapen", "off_mask", "told_apart", "unequal"]

RELATIVE = 1e-9  # to the anchor's largest weight
TINY = 1e-12  # what float64 itself rounds off terms of 1,000 that cancel (supcon among equal positives: all weights 0)


def misshapen(pairs: Pairs, weights: PairWeights) -> Iterator[str]:
    """Weights of a sign that are missing, or no floating-point tensor [B, R]."""
    shape = pairs.similarity.shape
    for sign in SIGNS:
        weight = getattr(weights, sign, None)
        if not isinstance(weight, torch.Tensor) or weight.shape != shape or not weight.is_floating_point():
            found = f"{weight.dtype} {list(weight.shape)}" if isinstance(weight, torch.Tensor) else repr(weight)
            yield f"{sign} weights are {found} for similarities {list(shape)}"


def off_mask(pairs: Pairs, weights: PairWeights) -> Iterator[str]:
    """Weights that are not exactly 0 where a pair is not of their sign."""
    off = (torch.where(getattr(pairs, sign), 0, getattr(weights, sign)) for sign in SIGNS)
    yield from heavy(pairs, PairWeights(*off))


def heavy(pairs: Pairs, weights: PairWeights) -> Iterator[str]:
    """Weights that are not exactly 0."""
    for sign in SIGNS:
        yield from _weighing(pairs, sign, getattr(weights, sign), getattr(weights, sign) != 0)


def infinite(pairs: Pairs, weights: PairWeights) -> Iterator[str]:
    """Weights that are NaN or infinite."""
    for sign in SIGNS:
        yield from _weighing(pairs, sign, getattr(weights, sign), ~getattr(weights, sign).isfinite())


def told_apart(pairs: Pairs, weights: PairWeights, most: int) -> Iterator[str]:
    """Pairs of an anchor and a sign that are equally similar and have more than so many weights, 1 or 2."""
    limit, s = _tolerance(weights), pairs.similarity
    for sign in SIGNS:
        weight, is_of_sign = getattr(weights, sign).double(), getattr(pairs, sign)
        equal = (s[:, :, None] == s[:, None]) & is_of_sign[:, :, None] & is_of_sign[:, None]
        low = torch.where(equal, weight[:, None], torch.inf).amin(2)
        high = torch.where(equal, weight[:, None], -torch.inf).amax(2)
        # a third weight is neither the least of the equal ones nor the largest
        wrong = (weight - low > limit) & ((high - weight > limit) | (most == 1)) & is_of_sign
        for line in _weighing(pairs, sign, weight, wrong):
            yield f"{line}, others of that similarity {_least_and_largest(low, high, wrong)}"


def unequal(pairs: Pairs, found: PairWeights, wanted: PairWeights, says: tuple[str, str]) -> Iterator[str]:
    """Weights that differ by more than rounding. says: what the found and the wanted ones are."""
    limit = _tolerance(wanted)
    for sign in SIGNS:
        a, b = (getattr(weights, sign).double() for weights in (found, wanted))
        alike = ((a - b).abs() <= limit) | (a == b) | (a.isnan() & b.isnan())  # whether they are finite is another law
        for i, j in _first(~alike):
            first, second = (f"{float(each[i, j]):.10g} {name}" for each, name in zip((a, b), says, strict=True))
            yield f"{_pair(pairs, i, j)} has the {sign} weight {first}, {second}"


def _tolerance(weights: PairWeights) -> Tensor:
    """10⁻⁹ of each anchor's largest weight and a little more, [B, 1]."""
    largest = torch.maximum(weights.positive.abs(), weights.negative.abs()).amax(1, keepdim=True)
    return RELATIVE * largest.double() + TINY


def _weighing(pairs: Pairs, sign: Sign, weight: Tensor, wrong: Tensor) -> Iterator[str]:
    for i, j in _first(wrong):
        yield f"{_pair(pairs, i, j)} has the {sign} weight {float(weight[i, j]):g}"


def _least_and_largest(low: Tensor, high: Tensor, wrong: Tensor) -> str:
    ((i, j),) = _first(wrong)
    return f"{float(low[i, j]):g} to {float(high[i, j]):g}"


def _first(wrong: Tensor) -> list[list[int]]:
    """Where it is true first, [[row, column]], or nothing."""
    found: list[list[int]] = wrong.nonzero()[:1].tolist()
    return found


def _pair(pairs: Pairs, i: int, j: int) -> str:
    """ "a negative of similarity 0.5, of an anchor with 3 positives, 5 negatives," """
    kinds: list[Sign] = [sign for sign in SIGNS if getattr(pairs, sign)[i, j]]
    counts = ", ".join(f"{int(getattr(pairs, sign)[i].sum())} {sign}s" for sign in SIGNS)
    kind = f"a {kinds[0]}" if kinds else "an ignored pair"
    return f"{kind} of similarity {float(pairs.similarity[i, j]):.6g}, of an anchor with {counts},"

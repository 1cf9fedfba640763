"""What a diagnosis says, in at most six sentences: which loss, which margin, why does mine stand still."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.diagnose.estimate import Estimate, of_sample
from weightlab.diagnose.finding import Finding, Topic
from weightlab.diagnose.frames import neighbours
from weightlab.diagnose.weighing import MARGINS
from weightlab.lazy import np

if TYPE_CHECKING:
    import pandas as pd

    from weightlab.diagnose.candidates import Names
    from weightlab.diagnose.merged import Halves
    from weightlab.diagnose.noise import Noise
    from weightlab.diagnose.rows import Rows
    from weightlab.diagnose.walk import Walked
    from weightlab.diagnose.weighing import Weighed

__all__ = ["Seen", "findings"]

_COLLAPSED, _ALL_ALIKE = 0.95, 0.99  # mean similarity of negatives; above the second whatever else they do
_ORDERED, _UNORDERED = 0.95, 0.55  # share of triplets with the positive above the negative
_STUCK = 0.05  # root mean square of S_p − S_n
_FEW_DIRECTIONS, _FEWEST, _ROOM = 0.05, 1.5, 20  # share of the directions that there could be, and how many at least
_LONELY = 0.5  # share of rows without a positive
_ANCHORS = 20  # fewer say little of an order
_TARGETS = (10, 1)  # negatives of an anchor
_SILENT = 0.05  # active negatives of an anchor, and less
_ALIKE = 0.95  # share of the anchors
_SAME = 0.1  # share of the weight mass on other pairs, up to which two losses do the same
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Seen:
    """All that was looked at.

    rank, centred_rank: effective rank of the embeddings, and of what they differ in.
    asked: whether somebody asked about these losses, or they are the usual ones.
    """

    rows: Rows
    names: Names
    walked: Walked
    weighed: Weighed
    noise: Noise
    merged: Sequence[Halves]
    suspects: pd.DataFrame
    thresholds: pd.DataFrame
    distances: pd.DataFrame
    rank: float
    centred_rank: float
    asked: bool

    @property
    def similarity(self) -> tuple[Estimate, Estimate]:
        """Mean similarity of positives and of negatives, over pairs."""
        whole = len(self.rows.paired)
        counts = self.walked.positive.sum(1), self.walked.negative.sum(1)
        means = self.walked.mean_positive, self.walked.mean_negative
        positive, negative = (
            of_sample(mean * count, count.astype(float), whole) for mean, count in zip(means, counts, strict=True)
        )
        return positive, negative

    def gap(self, which: int) -> Estimate:
        """Of an anchor's triplets, averaged: the mean of S_p − S_n (0), of its square (1), how many are above 0 (2)."""
        value, error = self.weighed.ratio(self.weighed.gaps[:, which], self.weighed.gaps[:, 3])
        return Estimate(float(value), float(error))


def findings(seen: Seen) -> tuple[Finding, ...]:
    """The sentences, in order of their topics."""
    return (*_classes(seen), _spread(seen), _labels(seen), *_losses(seen), _margin(seen), *_alike(seen))


def _classes(seen: Seen) -> Iterator[Finding]:
    rows = seen.rows
    several, alone = int((rows.sizes > 1).sum()), len(rows) - len(rows.paired)
    said, value = [], math.nan
    if several == 1 or alone > _LONELY * len(rows):
        value = alone / len(rows)
        said.append(
            f"only {several:,} of {len(rows.labels):,} classes {'has' if several == 1 else 'have'} two rows or more, "
            f"so {alone:,} of {len(rows):,} rows ({_percent(value)}) have no positive: nothing pulls them"
        )
    if seen.merged:
        labels = seen.names.of_labels(rows.labels[[each.number for each in seen.merged]])
        worst = min(seen.merged, key=lambda each: each.between)
        _, negative = seen.similarity
        value = len(seen.merged) if math.isnan(value) else value
        said.append(
            f"{_counted(len(seen.merged), 'class', 'classes')} ({_listed(labels)}) "
            f"{'falls' if len(seen.merged) == 1 else 'fall'} into two groups that are as far from each other as "
            f"different classes: similarity {worst.between:.2f} between the groups, at least {worst.within:.2f} "
            f"within, {negative} between classes"
        )
    if said:
        yield Finding("classes", True, _sentence("; ".join(said)), value, 0.0 if alone else math.nan)


def _spread(seen: Seen) -> Finding:
    positive, negative = seen.similarity
    order, gap, square = seen.gap(2), seen.gap(0), seen.gap(1)
    rms, dimensions = math.sqrt(max(square.value, 0)), seen.rows.embeddings.shape[1]
    rank = f"effective rank {seen.rank:.1f} of {dimensions} dimensions"
    stands = (
        f"S_p − S_n is {gap} on average over triplets (root mean square {rms:.2g}), so a triplet loss of margin m "
        "stands still at m, for pull and push cancel"
    )
    enough = len(seen.walked.anchors) >= _ANCHORS
    if negative.value >= _ALL_ALIKE or (negative.value >= _COLLAPSED and order.value < _ORDERED):
        said = (
            f"the embeddings have collapsed, all are nearly the same: mean similarity of negatives {negative}, of "
            f"positives {positive}, {rank}"
        )
        return _found("spread", f"{said}; {stands}" if rms <= _STUCK else said, negative, fault=True)
    if rms <= _STUCK and order.value < _ORDERED:
        said = f"all similarities are nearly alike (positives {positive}, negatives {negative}; {rank})"
        return _found("spread", f"{said}: {stands}", gap, fault=True)
    room = min(dimensions, len(seen.rows.labels))
    if room >= _ROOM and max(seen.rank, seen.centred_rank) <= max(_FEWEST, _FEW_DIRECTIONS * room):
        said = f"the embeddings have collapsed onto few directions: {rank}; positives {positive}, negatives {negative}"
        return _found("spread", said, Estimate(seen.rank, math.nan), fault=True)
    if enough and order.value + order.error < _UNORDERED:
        said = (
            f"the embeddings do not tell these classes apart: a positive lies above a negative in {order.percent} of "
            f"triplets, chance is 50 % (positives {positive}, negatives {negative}; {rank})"
        )
        return _found("spread", said, order, fault=True)
    said = (
        f"the embeddings are spread: mean similarity of positives {positive}, of negatives {negative}, a positive "
        f"above a negative in {order.percent} of triplets, {rank}"
    )
    return _found("spread", said, negative, fault=False)


def _labels(seen: Seen) -> Finding:
    noise, anchors = seen.noise, len(seen.walked.anchors)
    looked_at = f"{anchors:,} rows" if anchors == len(seen.rows) else f"{anchors:,} rows looked at"
    if not noise.is_told:
        said = (
            f"the labels can't be judged, for classes are not told apart: {_percent(noise.doubtful)} of {looked_at} "
            "lie nearer to another class, or not clearly nearer to their own"
        )
        return Finding("labels", False, _sentence(said), noise.doubtful, math.nan)
    inside = f"{noise.inside:,} of {looked_at} lie well inside another class than their own"
    if noise.is_found:
        rows = _listed(seen.suspects["row"].tolist(), "rows")
        said = (
            f"about {_percent(noise.share)} of the labels are wrong (95 %: {_percent(noise.low)} to "
            f"{_percent(noise.high)}): {inside}, more than overlap explains; look at {rows} first"
        )
        return Finding("labels", True, _sentence(said), noise.share, (noise.high - noise.low) / 2)
    said = (
        f"no sign of wrong labels: {inside}{', no more than overlap explains' if noise.inside else ''}; at most "
        f"{_percent(noise.most)} of all may be wrong"
    )
    return Finding("labels", False, _sentence(said), noise.share, noise.most - noise.share)


def _losses(seen: Seen) -> Iterator[Finding]:
    """Of those that were asked about: which push nothing, and which push all alike."""
    if not seen.asked:
        return
    weighed = seen.weighed
    said, decisive = [], Estimate(math.nan, math.nan)
    for loss in range(weighed.given):
        told = {name: Estimate(*pair) for name, pair in weighed.table(loss).items()}
        active, sums = told["active negatives"], weighed.counts[:, loss].sum(0)
        negatives, push, pull, alike = sums[2], sums[5], sums[6], sums[8]
        per_anchor = negatives / weighed.anchors.sum()
        name = weighed.names[loss]
        if push == 0 or active.value <= _SILENT:
            which = "no negative is active" if push == 0 else f"only {active} negatives an anchor are active"
            also = "and no positive either, so it stands still" if pull == 0 else "it only pulls"
            said.append(f"{name}: {which} ({_nearest_in_words(seen)}), {also}: its margin is too high for these data")
        elif alike >= _ALIKE * weighed.anchors.sum():
            said.append(
                f"{name}: all negatives are active and weighed alike ({active} of {per_anchor:,.0f} an anchor), so "
                "easy ones drown the hard ones: its margin or scale lets all in"
            )
        else:
            continue
        decisive = active if math.isnan(decisive.value) else decisive
    if said:
        yield Finding("losses", True, f"{'; '.join(said)}.", decisive.value, decisive.error)


def _margin(seen: Seen) -> Finding:
    frame, total = seen.thresholds, float(seen.thresholds["negatives"].iloc[0])
    targets = [float(each) for each in _TARGETS if each < total] or [total / 2]
    parts, decisive = [], Estimate(math.nan, math.nan)
    for target in targets:
        at = frame[frame["negatives"] >= target].iloc[-1]
        if at["threshold"] == decisive.value:
            continue  # even the highest leaves more
        number = Estimate(float(at["negatives"]), float(at["negatives error"]))
        parts.append(f"{at['threshold']:.2f} leaves {number}")
        decisive = Estimate(float(at["threshold"]), 0.0) if math.isnan(decisive.value) else decisive
    triplets, error = seen.weighed.ratio(seen.weighed.triplets)
    usual = MARGINS.index(0.1)
    share = Estimate(float(triplets[usual]), float(error[usual]))
    said = (
        f"of {total:,.0f} negatives an anchor a threshold of {' and one of '.join(parts)} active; a triplet margin of "
        f"{MARGINS[usual]} leaves {share.percent} of triplets active"
    )
    return _found("margin", said, decisive, fault=False)


def _alike(seen: Seen) -> Iterator[Finding]:
    """For each loss that was given, those that would push alike."""
    parts, decisive = [], Estimate(math.nan, math.nan)
    for name in seen.weighed.names[: min(seen.weighed.given, _NAMED)]:
        near = neighbours(seen.distances, name)
        if not near:
            continue
        same = [each for each in near if each[1].value <= _SAME]
        told = ", ".join(f"{other} ({distance.percent})" for other, distance in (same[:_NAMED] or near[:1]))
        parts.append(f"{name} pushes as {told}" if same else f"{name} pushes as no other does (the nearest is {told})")
        decisive = near[0][1] if math.isnan(decisive.value) else decisive
    if parts:
        said = f"{'; '.join(parts)}: in brackets the share of the negatives' weight mass that lies on other pairs."
        yield Finding("alike", False, said, decisive.value, decisive.error)


def _found(topic: Topic, said: str, number: Estimate, *, fault: bool) -> Finding:
    return Finding(topic, fault, _sentence(said), number.value, number.error)


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


def _nearest_in_words(seen: Seen) -> str:
    similarity = seen.walked.nearest_similarity
    return f"the nearest lies at {np.max(similarity):.2f}, an anchor's at {np.median(similarity):.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _counted(count: int, one: str, several: str) -> str:
    return f"{count:,} {one if count == 1 else several}"


def _listed(values: Sequence[object], what: str = "") -> str:
    shown = ", ".join(map(str, values[:_NAMED]))
    return f"{what} {shown}".strip() + (", …" if len(values) > _NAMED else "")

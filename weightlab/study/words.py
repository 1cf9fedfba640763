"""What a study shows, in plain words with the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightlab.plot.numbers import difference as with_interval
from weightlab.plot.numbers import rounded
from weightlab.study.findings import Verdict
from weightlab.study.spec import StudySpec
from weightlab.study.statistics import Difference

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["listed", "paragraph", "spread"]

_LISTED = 3  # comparisons spelled out in a sentence; the report's table has all of them


def paragraph(spec: StudySpec, size: str, table: pd.DataFrame, verdicts: Sequence[Verdict]) -> str:
    """One paragraph: the range of the results, the verdict on each finding and why, and how it was decided.

    table: that of `statistics.table`; verdicts: those of `findings.judge`, on the same results.
    """
    rows = table[(table["metric"] == spec.metric) & table["mean"].notna()].set_index("arm")
    if rows.empty:
        return f"No trial has given {spec.metric} yet."
    means = {str(arm): rounded(row["mean"], row["low"], row["high"]) for arm, row in rows.iterrows()}
    wanted = len(spec.arms_at(size)) * len(spec.seeds_at(size))
    sentences = [_opening(spec, rows, means)]
    if (finished := int(rows["seeds"].sum())) < wanted:
        are = "is" if finished == 1 else "are"
        sentences.append(
            f"Only {finished} of the study's {wanted} trials {are} there: the others failed or have not run."
        )
    sentences += [_verdict(verdict, means) for verdict in verdicts]
    compared = {(each.lower, each.upper): each for verdict in verdicts for each in verdict.differences}
    sentences += _method([each for each in compared.values() if each.seeds > 1])
    return " ".join(sentences)


def spread(difference: Difference) -> str:
    """A difference and its interval, in points: +2.13 [0.41, 3.85]."""
    return with_interval(difference.mean, difference.low, difference.high) if difference.seeds else "not run"


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _opening(spec: StudySpec, rows: pd.DataFrame, means: Mapping[str, str]) -> str:
    """The lowest and the highest mean, with every arm that has it as it is shown."""
    fewest, most = int(rows["seeds"].min()), int(rows["seeds"].max())
    count = f"{most} seed{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} seeds"
    text = f"Over {count}, mean {spec.metric}" if most > 1 else f"With one seed, {spec.metric}"
    low, high = means[str(rows["mean"].idxmin())], means[str(rows["mean"].idxmax())]
    worst, best = ([arm for arm, mean in means.items() if mean == end] for end in (low, high))
    if len(means) == 1:
        return f"{text} is {low} % ({worst[0]})."
    if len(set(means.values())) == 1:
        return f"{text} is the same, {low} %, for {'both' if len(means) == 2 else f'all {len(means)}'} arms."
    text += f" runs from {low} % ({_some(worst)}) to {high} % ({_some(best)})"
    if spec.baseline is not None and spec.baseline in means and spec.baseline not in (*worst, *best):
        text += f"; the baseline, {spec.baseline}, reaches {means[spec.baseline]} %"
    return text + "."


def _verdict(verdict: Verdict, means: Mapping[str, str]) -> str:
    finding = verdict.finding
    why = {"holds": _holds, "contradicted": _contradicted, "undecided": _undecided}[verdict.word]
    word = "holds" if verdict.word == "holds" else f"is {verdict.word}"
    return f"{finding.id} ({finding.claim}) {word}: {why(verdict, means)}."


def _holds(verdict: Verdict, means: Mapping[str, str]) -> str:
    if len(verdict.differences) == 1:
        return _lies_above(verdict.differences[0], means)
    groups = [listed([_with_mean(arm, means) for arm in group]) for group in verdict.finding.order]
    through = f", through {', then '.join(groups[1:-1])}," if groups[1:-1] else ""
    closest = min(verdict.differences, key=lambda each: each.mean)
    every = "both comparisons go" if len(verdict.differences) == 2 else "every comparison goes"
    return f"{every} as claimed, from {groups[0]}{through} to {groups[-1]}; the closest is {_over(closest)}"


def _contradicted(verdict: Verdict, means: Mapping[str, str]) -> str:
    against = [each for each in verdict.differences if each.below]
    reasons = [_lies_above(_turned(each), means) for each in against[:_LISTED]]
    return "against the claim, " + listed(reasons + _more(against)) + _as_claimed(verdict, "; ")


def _undecided(verdict: Verdict, means: Mapping[str, str]) -> str:
    equal = [each for each in verdict.differences if each.seeds > 1 and each.low == each.high == 0]
    unclear = [each for each in verdict.differences if each.seeds > 1 and not each.above and each not in equal]
    untested = [each for each in verdict.differences if each.seeds < 2]
    reasons = []
    if unclear:
        names = [_over(each) for each in unclear[:_LISTED]]
        reasons.append(f"the interval includes 0 for {listed(names + _more(unclear))}")
    if equal:
        names = [f"{each.upper} and {each.lower}" for each in equal[:_LISTED]]
        reasons.append(f"at every seed there is no difference between {listed(names + _more(equal))}")
    if untested:
        names = [f"{each.upper} over {each.lower}" for each in untested[:_LISTED]]
        reasons.append(f"fewer than two seeds are there to compare {listed(names + _more(untested))}")
    return ", and ".join(reasons) + _as_claimed(verdict, "; ")


def _as_claimed(verdict: Verdict, before: str) -> str:
    """How many comparisons of a claim that does not hold go its way; nothing where there is but one."""
    count, total = sum(each.above for each in verdict.differences), len(verdict.differences)
    if total == 1:
        return ""
    return f"{before}{count or 'none'} of its {total} comparisons go{'es' if count < 2 else ''} as claimed beyond doubt"


def _method(compared: Sequence[Difference]) -> list[str]:
    if not compared:
        return []
    text = "Numbers in brackets are 95 % t intervals of the differences within a seed, in points"
    if len(compared) == 1:
        return [f"{text}."]
    return [f"{text}, corrected by Holm's procedure for all {len(compared)} comparisons together."]


def _lies_above(difference: Difference, means: Mapping[str, str]) -> str:
    upper, lower = _with_mean(difference.upper, means), _with_mean(difference.lower, means)
    return f"{upper} lies {spread(difference).removeprefix('+')} points above {lower}"


def _over(difference: Difference) -> str:
    return f"{difference.upper} over {difference.lower} ({spread(difference)} points)"


def _with_mean(arm: str, means: Mapping[str, str]) -> str:
    return f"{arm} ({means[arm]} %)"


def _turned(difference: Difference) -> Difference:
    """The same comparison seen from the other arm."""
    return Difference(
        lower=difference.upper,
        upper=difference.lower,
        seeds=difference.seeds,
        mean=-difference.mean,
        low=-difference.high,
        high=-difference.low,
    )


def _some(arms: Sequence[str]) -> str:
    return listed([*arms[:_LISTED], *_more(arms)])


def _more(items: Sequence[object]) -> list[str]:
    return [f"{len(items) - _LISTED} more"] if len(items) > _LISTED else []

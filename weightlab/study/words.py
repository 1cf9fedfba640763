"""What a study shows, in plain words with the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from weightlab.study.findings import Verdict
from weightlab.study.spec import StudySpec
from weightlab.study.statistics import Difference

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["listed", "number", "paragraph", "spread"]

_LISTED = 3  # comparisons spelled out in a sentence; the report's table has all of them


def paragraph(spec: StudySpec, size: str, table: pd.DataFrame, verdicts: Sequence[Verdict]) -> str:
    """One paragraph: the range of the results, the verdict on each finding and why, and how it was decided.

    table: that of `statistics.table`; verdicts: those of `findings.judge`, on the same results.
    """
    rows = table[table["metric"] == spec.metric].set_index("arm")
    if rows.empty:
        return f"No trial has given {spec.metric} yet."
    means = {str(arm): float(mean) for arm, mean in rows["mean"].items()}
    wanted = len(spec.arms_at(size)) * len(spec.seeds_at(size))
    sentences = [_opening(spec, means, [int(count) for count in rows["seeds"]])]
    if (finished := int(rows["seeds"].sum())) < wanted:
        sentences.append(
            f"Only {finished} of the study's {wanted} trials are there: the others failed or have not run."
        )
    sentences += [_verdict(verdict, means) for verdict in verdicts]
    compared = {(each.lower, each.upper): each for verdict in verdicts for each in verdict.differences}
    sentences += _method([each for each in compared.values() if each.seeds > 1])
    return " ".join(sentences)


def number(value: float) -> str:
    """One decimal, two where one would show nothing but zeros; a real minus sign."""
    text = f"{value:.1f}" if abs(value) >= 0.095 or value == 0 else f"{value:.2f}"
    return text.replace("-", "−")


def spread(difference: Difference) -> str:
    """A difference and its interval, in points: +2.1 [0.4, 3.8]."""
    sign = "+" if difference.mean > 0 else ""
    interval = f" [{number(difference.low)}, {number(difference.high)}]" if difference.seeds > 1 else ""
    return f"{sign}{number(difference.mean)}{interval}" if difference.seeds else "not run"


def listed(names: Sequence[str]) -> str:
    """Names as in a sentence: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _opening(spec: StudySpec, means: Mapping[str, float], seeds: Sequence[int]) -> str:
    worst, best = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    fewest, most = min(seeds), max(seeds)
    count = f"{most} seed{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} seeds"
    text = f"Over {count}, mean {spec.metric} runs from {number(means[worst])} % ({worst})"
    text += f" to {number(means[best])} % ({best})"
    if spec.baseline is not None and spec.baseline in means and spec.baseline not in (worst, best):
        text += f"; the baseline, {spec.baseline}, reaches {number(means[spec.baseline])} %"
    return text + "."


def _verdict(verdict: Verdict, means: Mapping[str, float]) -> str:
    finding = verdict.finding
    why = {"holds": _holds, "contradicted": _contradicted, "undecided": _undecided}[verdict.word]
    word = "holds" if verdict.word == "holds" else f"is {verdict.word}"
    return f"{finding.id} ({finding.claim}) {word}: {why(verdict, means)}."


def _holds(verdict: Verdict, means: Mapping[str, float]) -> str:
    if len(verdict.differences) == 1:
        return _lies_above(verdict.differences[0], means)
    groups = [listed([_with_mean(arm, means) for arm in group]) for group in verdict.finding.order]
    through = f", through {', then '.join(groups[1:-1])}," if groups[1:-1] else ""
    closest = min(verdict.differences, key=lambda each: each.mean)
    return (
        f"every comparison goes as claimed, from {groups[0]}{through} to {groups[-1]}; the closest is {_over(closest)}"
    )


def _contradicted(verdict: Verdict, means: Mapping[str, float]) -> str:
    against = [each for each in verdict.differences if each.below]
    reasons = [_lies_above(_turned(each), means) for each in against[:_LISTED]]
    return "against the claim, " + listed(reasons + _more(against)) + _as_claimed(verdict, "; ")


def _undecided(verdict: Verdict, means: Mapping[str, float]) -> str:
    unclear = [each for each in verdict.differences if each.seeds > 1 and not each.above]
    untested = [each for each in verdict.differences if each.seeds < 2]
    reasons = []
    if unclear:
        names = [_over(each) for each in unclear[:_LISTED]]
        reasons.append(f"the interval includes 0 for {listed(names + _more(unclear))}")
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


def _lies_above(difference: Difference, means: Mapping[str, float]) -> str:
    upper, lower = _with_mean(difference.upper, means), _with_mean(difference.lower, means)
    return f"{upper} lies {spread(difference).removeprefix('+')} points above {lower}"


def _over(difference: Difference) -> str:
    return f"{difference.upper} over {difference.lower} ({spread(difference)} points)"


def _with_mean(arm: str, means: Mapping[str, float]) -> str:
    return f"{arm} ({number(means[arm])} %)"


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


def _more(items: Sequence[object]) -> list[str]:
    return [f"{len(items) - _LISTED} more"] if len(items) > _LISTED else []

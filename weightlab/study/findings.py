"""What a study says about its claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from weightlab.study.spec import Finding, StudySpec
from weightlab.study.statistics import Difference, differences

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True)
class Verdict:
    """A claim and what the comparisons say of it.

    finding: the claim.
    differences: the comparisons that decide it, in the order of `Finding.steps`.
    """

    finding: Finding
    differences: tuple[Difference, ...]

    @property
    def word(self) -> Literal["holds", "contradicted", "undecided"]:
        """holds: every interval above 0; contradicted: some interval below 0; undecided: neither."""
        if self.differences and all(difference.above for difference in self.differences):
            return "holds"
        if any(difference.below for difference in self.differences):
            return "contradicted"
        return "undecided"


def judge(spec: StudySpec, results: pd.DataFrame) -> list[Verdict]:
    """The verdict on each of a study's findings, all comparisons of the study corrected together.

    results: tidy, with columns arm, seed, metric, value (percent). The metric of the specification decides.
    """
    pairs = [pair for finding in spec.findings for pair in finding.steps]
    found = {(each.lower, each.upper): each for each in differences(results, spec.metric, pairs)}
    return [Verdict(finding, tuple(found[pair] for pair in finding.steps)) for finding in spec.findings]

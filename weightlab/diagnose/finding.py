"""One sentence of a diagnosis, with its number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Topic"]

Topic = Literal["classes", "spread", "labels", "losses", "margin", "alike"]


@dataclass(frozen=True)
class Finding:
    """What was found, in a sentence.

    topic: what it is about: classes (what there is to pair), spread (collapse, standing at the margin), labels, losses
        (those that were given), margin (what threshold leaves how many negatives), alike (losses that do the same).
    fault: whether something is wrong.
    sentence: with its numbers.
    value, error: the number that decides, and half of its 95 % interval; 0 where nothing was left out, NaN where there
        is none.
    """

    topic: Topic
    fault: bool
    sentence: str
    value: float
    error: float

    def __str__(self) -> str:
        return self.sentence

"""Criterion and MemoryCriterion: weightings as modules in other people's training loops."""

from weightlab.criterion.criterion import Criterion
from weightlab.criterion.memory import MemoryCriterion

__all__ = ["Criterion", "MemoryCriterion"]

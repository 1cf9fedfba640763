"""Weights × references → gradient: the hot path of training."""

from weightlab.step.objective import surrogate, surrogate_of_pairs
from weightlab.step.observation import Observation, observe

__all__ = ["Observation", "observe", "surrogate", "surrogate_of_pairs"]

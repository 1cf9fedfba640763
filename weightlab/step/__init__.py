"""Weights × references → gradient: the hot path of training."""

from weightlab.step.objective import surrogate
from weightlab.step.observation import Observation, observe

__all__ = ["Observation", "observe", "surrogate"]

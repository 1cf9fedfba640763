"""Weights × references → gradient: the hot path of training."""

from weightlab.step.observation import Observation, observe
from weightlab.step.surrogate import surrogate

__all__ = ["Observation", "observe", "surrogate"]

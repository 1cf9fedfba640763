"""Weights × references → gradient: the hot path of training."""

from weightlab.step.surrogate import surrogate

__all__ = ["surrogate"]

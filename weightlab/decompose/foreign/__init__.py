"""Losses and weightings of others: how they are found, called, and checked."""

__all__: list[str] = []

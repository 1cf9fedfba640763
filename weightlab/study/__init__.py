"""Studies: arms × seeds of training runs that put a claim to the test."""

__all__ = ["findings", "report", "run", "spec", "statistics", "storage", "trial"]

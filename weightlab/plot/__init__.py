"""Figures and tables; everything here takes data frames."""

__all__ = ["comparison", "curves", "save", "study", "style", "tables"]

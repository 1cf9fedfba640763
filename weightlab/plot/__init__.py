"""Figures and tables; everything here takes data frames."""

"""Figures and tables; everything here takes data frames.

A figure is a file here, imported by whoever draws it; each shows itself through what it is of (`d.plot()`).
"""

__all__: list[str] = []

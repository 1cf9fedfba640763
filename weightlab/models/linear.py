"""A linear head on features."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Linear"]


class Linear(nn.Module):
    """float32 [n, features] to L2-normalised [n, dimensions]: W x + b, divided by its length."""

    def __init__(self, features: int, dimensions: int) -> None:
        super().__init__()
        self.head = nn.Linear(features, dimensions)

    def forward(self, rows: Tensor) -> Tensor:
        """The embeddings of the rows."""
        return nn.functional.normalize(self.head(rows), dim=1)

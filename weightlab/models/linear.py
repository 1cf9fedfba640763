"""An encoder of vectors, such as another network's embeddings: one linear layer."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Linear"]


class Linear(nn.Module):
    """x = normalise(W v + b): float32 [n, D] to L2-normalised [n, dimensions]."""

    def __init__(self, inputs: int, dimensions: int) -> None:
        super().__init__()
        self.head = nn.Linear(inputs, dimensions)

    def forward(self, vectors: Tensor) -> Tensor:
        """The embeddings of the vectors."""
        return nn.functional.normalize(self.head(vectors), dim=1)

"""An encoder of vectors with a hidden layer."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["MLP"]


class MLP(nn.Module):
    """x = normalise(W₂ max(W₁ v + b₁, 0) + b₂): float32 [n, D] to L2-normalised [n, dimensions], over `hidden` units.

    The projection head of Chen et al. 2020 (SimCLR), section 2.1, with biases.
    """

    def __init__(self, inputs: int, hidden: int, dimensions: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.head = nn.Linear(hidden, dimensions)

    def forward(self, vectors: Tensor) -> Tensor:
        """The embeddings of the vectors."""
        return nn.functional.normalize(self.head(self.hidden(vectors).relu()), dim=1)

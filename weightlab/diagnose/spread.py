"""How many directions the embeddings use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.lazy import np, torch

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.diagnose.rows import Rows

__all__ = ["effective_ranks"]

_ROWS = 2000


def effective_ranks(rows: Rows, random: np.random.Generator) -> tuple[float, float]:
    """exp(−Σ p log p) with p the eigenvalues of Σ x xᵀ over their sum: 1 where all rows are alike, at most D; and the
    same of what the rows differ in, x less the mean.

    Of at most 2,000 rows, drawn at random. Source: Roy, Vetterli 2007, of the squared singular values.
    """
    count = min(len(rows), _ROWS)
    x = rows.take(np.sort(random.choice(len(rows), count, replace=False))).double()
    return _rank(x), _rank(x - x.mean(0))


def _rank(x: Tensor) -> float:
    values = torch.linalg.svdvals(x) ** 2
    p = values / values.sum()
    p = p[p > 0]  # none where all rows are the same
    return float((-(p * p.log()).sum()).exp())

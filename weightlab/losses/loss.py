"""What every loss offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary
    from weightlab.pairs import Pairs, PairWeights

__all__ = ["Loss"]


@runtime_checkable
class Loss(Protocol):
    """A pair-wise loss: a frozen dataclass whose fields are its parameters.

    name: as the commands know it.
    source: paper and year.
    relative: whether a pair's weight depends on the anchor's other pairs too (else on its own similarity alone).
    """

    name: ClassVar[str]
    source: ClassVar[str]
    relative: ClassVar[bool]

    def value(self, pairs: Pairs) -> Tensor:
        """The loss of each anchor, [B], differentiable in the similarities."""
        ...

    def weights(self, pairs: Pairs) -> PairWeights:
        """The weights in closed form: w⁺ = −∂L/∂S, w⁻ = +∂L/∂S, [B, R] each."""
        ...

    def formula(self, v: Vocabulary) -> Expr:
        """The value of one anchor as a SymPy expression, from which the formulas of the weights are derived."""
        ...

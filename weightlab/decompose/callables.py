"""Any callable as a weighting: its weights come from autograd on the similarities.

Three forms are known.

pairs: `f(pairs)`, a function of `Pairs`.

similarity: `f(similarity, positive)` or `f(similarity, positive, negative)`, a function of a plain similarity matrix
[B, R] and masks.

embeddings: the convention of pytorch-metric-learning, `f(embeddings, labels, indices_tuple, ref_emb, ref_labels)`. A
wanted row of similarities s is realised exactly by unit vectors: the anchor a, and for each reference its own
direction e_j at a right angle to everything else, r_j = s_j a + √(1 − s_j²) e_j. These are a basis X, so the derivative
by the embeddings has one set of coefficients in it, dL/dX = C X, and by the chain rule C_0j = C_j0 = ∂L/∂S_0j: the
pair's weight is found twice, from the anchor's derivative and from the reference's. Their difference is the error that
`OnEmbeddings.errors` collects: it is rounding if the loss is a function of pair similarities. At S = ±1 the basis is
lost: similarities are kept 10⁻⁶ away from ±1, which moves a weight by about 10⁻⁶ times its slope.

A loss that takes no `ref_emb` (a list-wise one, as a rule) gets anchor and references in one batch, the negatives in
classes as large as the anchor's own. There the references are anchors too: where the loss has a `reducer`, as those of
pytorch-metric-learning have, only the anchor's own part of the loss is taken; else the weight is the pair's from both
of its ends, ∂L/∂S_0j + ∂L/∂S_j0.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from weightlab.decompose.autograd import autograd_weights
from weightlab.errors import InputError, unknown
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ByAutograd", "Form", "OnEmbeddings", "as_weighting"]

Form = Literal["pairs", "similarity", "embeddings"]
_NEAREST = 1e-6  # to ±1
# one anchor on which every loss should have some weight: positives far, negatives near
_PROBE = ([0.1, 0.3, 0.5, 0.9, 0.7, 0.55, 0.4, 0.2, 0.0, -0.2, 0.85], [True] * 3 + [False] * 8)


def as_weighting(function: object, form: Form | None = None) -> ByAutograd | OnEmbeddings:
    """A callable as a weighting. form: as above; None finds it out: a torch module is on embeddings, a function of one
    argument on pairs, one of two or three on similarities.

    Raises InputError for an unknown form, and for a function whose arguments fit none.
    """
    if form is not None and form not in get_args(Form):
        raise unknown("form", form, get_args(Form))
    if not callable(function):
        raise InputError(f"decompose wants a loss's name, a weighting or a callable, not {type(function).__name__}")
    if form == "embeddings" or (form is None and isinstance(function, torch.nn.Module)):
        return OnEmbeddings.of(function)
    count = _arguments(function)
    form = form or {1: "pairs", 2: "similarity", 3: "similarity"}.get(count)  # type: ignore[assignment]
    if form == "pairs":
        return ByAutograd(function, name_of(function))
    if form == "similarity" and count in (2, 3):
        return ByAutograd(_on_similarity(function, count), name_of(function))
    raise InputError(
        f"{name_of(function)} takes {count} arguments: write f(pairs), f(similarity, positive) or "
        "f(similarity, positive, negative), or name its form"
    )


def name_of(function: object) -> str:
    """What a callable is called in titles."""
    return str(getattr(function, "__name__", type(function).__name__))


@dataclass(frozen=True)
class ByAutograd:
    """A function of pairs. It gives the loss of each anchor, [B], or one number for all of them: their mean or sum."""

    function: Callable[[Pairs], Tensor]
    name: str

    def weights(self, pairs: Pairs) -> PairWeights:
        """By autograd; of one number, anchor by anchor, so that a mean over anchors does not thin the weights."""
        if len(pairs.similarity) == 1 or not self.one_by_one:
            return autograd_weights(self.function, pairs)
        rows = [autograd_weights(self.function, _row(pairs, i)) for i in range(len(pairs.similarity))]
        return PairWeights(torch.cat([row.positive for row in rows]), torch.cat([row.negative for row in rows]))

    @property
    def one_by_one(self) -> bool:
        """Whether it gives one number for all anchors, and so has to be asked for each anchor apart."""
        is_positive = torch.tensor([[True, False]] * 2)
        value = self.function(Pairs(torch.full((2, 2), 0.5, dtype=torch.float64), is_positive, ~is_positive))
        return not isinstance(value, torch.Tensor) or value.ndim == 0

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class OnEmbeddings:
    """A loss in the convention of pytorch-metric-learning, or any f(embeddings, labels, ...) with the same arguments.

    in_batch: whether it gets anchor and references in one batch. `errors`: as above, one for each anchor measured,
    relative to the anchor's largest weight.
    """

    function: Callable[..., Any]
    name: str
    in_batch: bool
    one_by_one: ClassVar[bool] = True
    errors: list[float] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, function: Callable[..., Any]) -> OnEmbeddings:
        """The loss in the form that it takes. Raises InputError where it takes neither, and where it is not a function
        of pair similarities: such a one stays the same when all embeddings are turned together, but a proxy or a
        classifier has directions of its own, and some losses look at single coordinates.
        """
        failures = []
        for in_batch in (False, True):
            whole = cls(function, name_of(function), in_batch)
            tried = cls(_of_first_anchor(function), whole.name, in_batch) if in_batch else whole
            try:
                turns, slopes = whole._turned(*_PROBE), tried._slopes(*_PROBE)
            except Exception as error:  # whatever a stranger's code raises
                failures.append(_line(error))
                continue
            whole._check_turned(*turns)
            if bool((slopes != 0).any()):
                tried.errors.clear()
                return tried
            failures.append("its gradient is 0")
        raise InputError(
            f"{name_of(function)} gives no weights, with references ({failures[0]}) or in one batch ({failures[1]}): "
            "it must be a loss on embeddings and labels; a proxy or classifier loss is no function of pair similarities"
        )

    def weights(self, pairs: Pairs) -> PairWeights:
        """Anchor by anchor: each is realised by embeddings of its own."""
        rows = torch.zeros_like(pairs.similarity)
        for i in range(len(pairs.similarity)):
            used = pairs.positive[i] | pairs.negative[i]
            slopes = self._slopes(pairs.similarity[i][used].tolist(), pairs.positive[i][used].tolist())
            rows[i] = rows[i].masked_scatter(used, slopes.to(rows.dtype))
        return PairWeights(torch.where(pairs.positive, -rows, 0), torch.where(pairs.negative, rows, 0))

    def __str__(self) -> str:
        return self.name

    def _slopes(self, similarity: list[float], is_positive: list[bool]) -> Tensor:
        """∂L/∂S of one anchor's pairs, [R]."""
        s = torch.tensor(similarity, dtype=torch.float64).clamp(-1 + _NEAREST, 1 - _NEAREST)
        vectors = _realise(s).requires_grad_()
        value = self._value(vectors, is_positive)
        if not value.requires_grad:
            return torch.zeros_like(s)
        (gradient,) = torch.autograd.grad(value, vectors)
        along_own = gradient[:, 1:] / (1 - s**2).sqrt()  # the coefficients C_·k, k > 0
        from_anchor, from_references = along_own[0], gradient[1:, 0] - along_own[1:] @ s
        largest = float(from_references.abs().max())
        self.errors.append(float((from_anchor - from_references).abs().max()) / largest if largest > 0 else 0.0)
        return from_references

    def _value(self, vectors: Tensor, is_positive: list[bool]) -> Tensor:
        """The loss of one anchor, the first of the vectors, against the others."""
        labels = _classes(torch.tensor(is_positive))
        if self.in_batch:
            return torch.as_tensor(self.function(vectors, labels)).sum()
        return torch.as_tensor(self.function(vectors[:1], labels[:1], None, vectors[1:], labels[1:])).sum()

    def _turned(self, similarity: list[float], is_positive: list[bool]) -> tuple[float, float]:
        """The value as it is, and with all embeddings turned by one rotation."""
        vectors = _realise(torch.tensor(similarity, dtype=torch.float64))
        random = torch.randn(vectors.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        turn, _ = torch.linalg.qr(random)
        return float(self._value(vectors, is_positive)), float(self._value(vectors @ turn, is_positive))

    def _check_turned(self, plain: float, turned: float) -> None:
        if not abs(plain - turned) <= 1e-6 * (1 + abs(plain)):
            raise InputError(
                f"{self} is not a function of pair similarities: its value changes, {plain:.6g} to {turned:.6g}, when "
                "all embeddings are turned together; a proxy or classifier loss has no pair weights"
            )


def _of_first_anchor(function: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of a loss with a reducer that takes only what belongs to the first anchor; another callable as it is."""
    if not isinstance(getattr(function, "reducer", None), torch.nn.Module):
        return function

    class FirstAnchor(torch.nn.Module):  # a module, since the attribute that it takes the place of is one
        def forward(self, parts: dict[str, dict[str, Any]], embeddings: Tensor, labels: Tensor) -> Tensor:
            return torch.stack([torch.as_tensor(_first_anchors(**part)).sum() for part in parts.values()]).sum()

    alone = copy.deepcopy(function)
    alone.reducer = FirstAnchor()  # type: ignore[attr-defined]
    return alone


def _first_anchors(losses: Tensor, indices: Any, reduction_type: str, **_: object) -> Tensor:  # noqa: ANN401
    if reduction_type == "already_reduced" or not isinstance(losses, torch.Tensor):
        return losses
    anchors = indices if reduction_type == "element" else indices[0]
    return losses[anchors == 0]


def _realise(s: Tensor) -> Tensor:
    """Unit vectors [R + 1, R + 1]: an anchor, and references with the cosines s [R] to it, as above."""
    anchor = torch.zeros(1, len(s) + 1, dtype=s.dtype)
    anchor[0, 0] = 1
    return torch.cat([anchor, torch.cat([s[:, None], torch.diag((1 - s**2).sqrt())], dim=1)])


def _classes(is_positive: Tensor) -> Tensor:
    """Labels [R + 1]: 0 for the anchor and its positives, the negatives in classes as large as that one."""
    size = int(is_positive.sum()) + 1
    negative = 1 + ((~is_positive).cumsum(0) - 1).clamp(min=0) // size
    return torch.cat([torch.zeros(1, dtype=torch.int64), torch.where(is_positive, 0, negative)])


def _on_similarity(function: Callable[..., Tensor], count: int) -> Callable[[Pairs], Tensor]:
    if count == 2:
        return lambda pairs: function(pairs.similarity, pairs.positive)
    return lambda pairs: function(pairs.similarity, pairs.positive, pairs.negative)


def _arguments(function: Callable[..., Any]) -> int:
    """How many positional arguments without a default it takes."""
    parameters = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in kinds and each.default is inspect.Parameter.empty for each in parameters)


def _row(pairs: Pairs, i: int) -> Pairs:
    return Pairs(pairs.similarity[i : i + 1], pairs.positive[i : i + 1], pairs.negative[i : i + 1])


def _line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:120] if text else type(error).__name__

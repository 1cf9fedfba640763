"""Any callable as a weighting: a loss, whose weights come from autograd on the similarities, or a weight function.

Four kinds are known, by what they take.

pairs: `f(pairs)`, a function of `Pairs`.

similarity: `f(similarity, positive)` or `f(similarity, positive, negative)`, a function of a plain similarity matrix
[B, R] and masks.

embeddings: `f(embeddings, labels)`, or the convention of pytorch-metric-learning, `f(embeddings, labels, indices_tuple,
ref_emb, ref_labels)`: see `weightlab.decompose.foreign.on_embeddings`.

weight: `w(s)`, no loss but the weight of a pair as a function of its similarity, a tensor of any shape.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from weightlab.assignment import Custom
from weightlab.decompose.autograd import autograd_weights, largest_of, without_rounding
from weightlab.decompose.foreign.on_embeddings import NEAREST, OnEmbeddings, name_of
from weightlab.errors import InputError, unknown
from weightlab.foreign.guarded import guarded, guarded_function
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ByAutograd", "Takes", "from_callable", "name_of"]

Takes = Literal["pairs", "similarity", "embeddings", "weight"]
_ON_EMBEDDINGS = {"embeddings", "embedding", "labels", "label", "targets", "target"}


def from_callable(function: object, takes: Takes | None = None) -> ByAutograd | OnEmbeddings | Custom:
    """A callable as a weighting, or as a weight function.

    takes: as above; None goes by the arguments: the first called `pairs`: pairs; a torch module, and a function with an
    argument called `embeddings`, `labels` or `targets`: embeddings; the first called `similarity`, or two or three of
    them: similarity; a single one called `s` or `similarity`: weight; another single one: pairs, or weight if it fails
    for pairs.

    Raises InputError for an unknown `takes`, for a function that fails, and for one whose arguments fit nothing.
    """
    if takes is not None and takes not in get_args(Takes):
        raise unknown("takes", takes, get_args(Takes))
    if not callable(function) and inspect.getattr_static(function, "value", None) is not None:
        with guarded(f"{name_of(function)} fails"):
            return ByAutograd.of(function.value, name_of(function))  # type: ignore[attr-defined]
    if not callable(function):
        raise InputError(
            f"expected a loss's name, a weight function, a weighting or a callable, not {type(function).__name__}"
        )
    if takes == "embeddings":
        return OnEmbeddings.of(function)
    required, possible = _arguments(function)
    if takes is None and len(required) == 1 and not isinstance(function, torch.nn.Module):
        return _of_one_argument(function, required[0], len(possible))
    return _from(function, takes or _takes_of(function, required), len(required), len(possible))


def _of_one_argument(function: Callable[..., Any], name: str, possible: int) -> ByAutograd | OnEmbeddings | Custom:
    """By the argument's name, and where it fails so, the other way; two masks may have defaults."""
    if name in _ON_EMBEDDINGS:
        return OnEmbeddings.of(function)
    is_similarity = name == "s" or name.startswith("sim")
    if is_similarity and possible > 1:
        return _from(function, "similarity", 1, possible)
    first, second = ("weight", "pairs") if is_similarity else ("pairs", "weight")
    try:
        return _from(function, first, 1, possible)
    except InputError as error:
        if name == "pairs":
            raise
        try:
            return _from(function, second, 1, possible)
        except InputError:
            raise error from None


def _from(
    function: Callable[..., Any], takes: str | None, required: int, possible: int
) -> ByAutograd | OnEmbeddings | Custom:
    if takes == "embeddings":
        return OnEmbeddings.of(function)
    if takes == "pairs":
        return ByAutograd.of(function, name_of(function))
    if takes == "weight":
        return Custom(guarded_function(function, name_of(function)))
    masks = 2 if required < 2 <= possible else required
    if takes == "similarity" and masks in (2, 3):
        return ByAutograd.of(_on_similarity(function, masks), name_of(function))
    raise InputError(
        f"{name_of(function)} takes {required} arguments: write f(pairs), f(similarity, positive), "
        "f(similarity, positive, negative), f(embeddings, labels), or w(s), a weight function of similarity"
    )


def _takes_of(function: Callable[..., Any], arguments: list[str]) -> Takes | None:
    """What the names of the arguments say, else what their number does; None where they fit nothing."""
    first = arguments[0] if arguments else ""
    if first == "pairs":
        return "pairs"
    if first.startswith("sim"):
        return "similarity"
    if isinstance(function, torch.nn.Module) or _ON_EMBEDDINGS & set(arguments):
        return "embeddings"
    return "similarity" if len(arguments) in (2, 3) else None


@dataclass(frozen=True)
class ByAutograd:
    """A function of pairs, differentiated.

    function: the loss of each anchor, [B], or one number for all of them.
    name: as titles have it.
    one_by_one: whether each anchor has to be asked for alone: where the function gives one number for all anchors,
        their mean or sum, or where an anchor's part of it depends on the other anchors.
    usual: its largest weight on the anchors that it was tried on; 0 if it was not.
    """

    function: Callable[[Pairs], Tensor]
    name: str
    one_by_one: bool
    usual: float = 0.0

    @classmethod
    def of(cls, function: Callable[[Pairs], Tensor], name: str) -> ByAutograd:
        """The function, tried on a few anchors. Raises InputError where it fails, or gives nothing to differentiate."""
        pairs = _trial_anchors()
        whole, alone = cls(function, name, one_by_one=False), cls(function, name, one_by_one=True)
        with torch.enable_grad():
            value = whole._value(Pairs(pairs.similarity.clone().requires_grad_(), pairs.positive, pairs.negative))
        if not value.requires_grad:
            raise InputError(f"{name} has no derivative by the similarities (a constant, a comparison, a detach?)")
        truth = alone.derivatives(pairs)
        one_by_one = value.ndim == 0 or not _same(whole._all(pairs), truth)
        return cls(function, name, one_by_one, usual=float(largest_of(truth).max()))

    def weights(self, pairs: Pairs) -> PairWeights:
        """The derivatives, [B, R], with 0 for what is rounding. Raises InputError as `derivatives` does."""
        return without_rounding(self.derivatives(pairs), self.usual)

    def derivatives(self, pairs: Pairs) -> PairWeights:
        """By autograd, [B, R]. Where that is not finite, similarities are kept 10⁻⁶ away from ±1, where a root or an
        arc cosine has no derivative. Raises InputError where the function fails, or where it still is not finite.
        """
        if self.one_by_one and len(pairs.similarity) != 1:
            rows = [self._all(_row(pairs, i)) for i in range(len(pairs.similarity))]
            return PairWeights(torch.cat([row.positive for row in rows]), torch.cat([row.negative for row in rows]))
        weights = self._all(pairs)
        if len(pairs.similarity) > 1:  # once more for the anchor of most weight: do anchors depend on one another here?
            i = int((weights.positive.abs() + weights.negative.abs()).amax(1).argmax())
            here = PairWeights(weights.positive[i : i + 1], weights.negative[i : i + 1])
            if not _same(here, self._all(_row(pairs, i))):
                return ByAutograd(self.function, self.name, one_by_one=True).derivatives(pairs)
        return weights

    def _all(self, pairs: Pairs) -> PairWeights:
        weights = self._by_autograd(pairs)
        if _finite(weights):
            return weights
        inside = Pairs(pairs.similarity.detach().clamp(-1 + NEAREST, 1 - NEAREST), pairs.positive, pairs.negative)
        weights = self._by_autograd(inside)
        if not _finite(weights):
            bad = ~(weights.positive.isfinite() & weights.negative.isfinite())
            raise InputError(f"{self.name} has no finite derivative at similarity {float(inside.similarity[bad][0]):g}")
        return weights

    def _by_autograd(self, pairs: Pairs) -> PairWeights:
        with guarded(f"{self.name} fails"):  # a backward may be others' code too
            return autograd_weights(self._value, pairs)

    def _value(self, pairs: Pairs) -> Tensor:
        """The value, checked: [B] or one number."""
        with guarded(f"{self.name} fails"):
            value = self.function(pairs)
        if not isinstance(value, torch.Tensor) or value.shape not in ((), pairs.similarity.shape[:1]):
            found = f"a tensor {list(value.shape)}" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
            raise InputError(
                f"{self.name} gives {found} for similarities {list(pairs.similarity.shape)}: "
                "it must give a tensor, the loss of each anchor or one number for all"
            )
        return value

    def __str__(self) -> str:
        return self.name


def _on_similarity(function: Callable[..., Tensor], count: int) -> Callable[[Pairs], Tensor]:
    if count == 2:
        return lambda pairs: function(pairs.similarity, pairs.positive)
    return lambda pairs: function(pairs.similarity, pairs.positive, pairs.negative)


def _arguments(function: Callable[..., Any]) -> tuple[list[str], list[str]]:
    """The names of its positional arguments: of those that have to be given, and of all."""
    call = function.forward if isinstance(function, torch.nn.Module) else function
    with guarded(f"{name_of(function)} does not say what arguments it takes; wrap it in a function"):
        parameters = inspect.signature(call).parameters.values()  # some that are written in C have none
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [each for each in parameters if each.kind in kinds]
    required = [each.name for each in positional if each.default is inspect.Parameter.empty]
    return required, [each.name for each in positional]


def _trial_anchors() -> Pairs:
    """Anchors with pairs of either sign all along from −1 to 1, so that hardly a hinge is shut."""
    generator = torch.Generator().manual_seed(0)
    similarity = torch.linspace(-0.993, 0.991, 24, dtype=torch.float64)
    rows = torch.stack([similarity[torch.randperm(24, generator=generator)] for _ in range(4)])
    positive = (torch.arange(24) % 3 == 0).expand(4, -1)
    return Pairs(rows, positive, ~positive)


def _same(a: PairWeights, b: PairWeights) -> bool:
    """Up to rounding, relative to each anchor's largest weight."""
    largest = torch.maximum(b.positive.abs(), b.negative.abs()).amax(1, keepdim=True)
    gap = torch.maximum((a.positive - b.positive).abs(), (a.negative - b.negative).abs())
    return bool((gap <= 1e-6 * largest).all())


def _finite(weights: PairWeights) -> bool:
    return bool(weights.positive.isfinite().all() and weights.negative.isfinite().all())


def _row(pairs: Pairs, i: int) -> Pairs:
    return Pairs(pairs.similarity[i : i + 1], pairs.positive[i : i + 1], pairs.negative[i : i + 1])

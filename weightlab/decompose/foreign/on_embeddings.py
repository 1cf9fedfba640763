"""A loss on embeddings and labels as a weighting.

Its convention is that of pytorch-metric-learning, `f(embeddings, labels, indices_tuple, ref_emb, ref_labels)`. A wanted
row of similarities s is realised exactly by unit vectors: the anchor a, and r_j = s_j a + √(1 − s_j²) e_j, each
e_j at a right angle to the anchor and, where the loss compares references too, to all other e. By the chain rule
∂L/∂a = Σ_j ∂L/∂S_0j r_j + (…) a and ∂L/∂r_j = ∂L/∂S_0j a + (…) r_j + (what comes from other references), so the pair's
weight is found from the reference's derivative, and once more, added up along each direction, from the anchor's. Their
difference is `OnEmbeddings.error`: it is rounding if the loss is a function of pair similarities. At S = ±1 the
directions are lost: similarities are kept 10⁻⁶ away, which moves a weight by about 10⁻⁶ times its slope.

A loss that takes no `ref_emb` (a list-wise one, as a rule), or makes nothing of a single anchor, gets anchor and
references in one batch, the negatives in classes as large as the anchor's own. There the references are anchors too:
where the loss hands its parts to a `reducer`, as most of pytorch-metric-learning do, only the anchor's own part is
taken; else the weight is the pair's from both of its ends, ∂L/∂S_0j + ∂L/∂S_j0.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from weightlab.decompose.autograd import ALL_ROUNDING, ROUNDING, derivative, without_rounding
from weightlab.errors import InputError, one_line
from weightlab.foreign.guarded import guarded
from weightlab.lazy import torch
from weightlab.pairs import Pairs, PairWeights

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NEAREST", "OnEmbeddings", "name_of"]

NEAREST = 1e-6  # to ±1
# one anchor on which every loss should have some weight, positives far and negatives near; no two differ by a round
# number, as margins are: there a rounding would turn a hinge
_SIMILARITIES = [0.1137, 0.2971, 0.5093, 0.9031, 0.7019, 0.5471, 0.4057, 0.2143, -0.0179, -0.1913, 0.8469]
_TRIAL = (_SIMILARITIES, [True] * 3 + [False] * 8)
_DIRECTIONS = 16
# how much more than on the trial anchor rounding may be elsewhere, and what is no rounding any more
_FARTHER, _MOST_ROUNDING = 100, 1e-4
_MOST_AT_ONCE = 512  # pairs of an anchor in a loss of all against all


@dataclass(frozen=True)
class OnEmbeddings:
    """A loss in the convention of pytorch-metric-learning, or any f(embeddings, labels, ...) with the same arguments.

    function: the loss.
    name: as titles have it.
    in_batch: whether it gets anchor and references in one batch.
    crosses: whether it looks at similarities between references too; each then has a direction of its own, else 16
        directions are shared out.
    usual: its largest weight on the anchor that it was tried on.
    rounding: what share of an anchor's largest weight is rounding: more of a loss that takes steps in float32.
    """

    function: Callable[..., Any]
    name: str
    in_batch: bool
    crosses: bool
    usual: float = 0.0
    rounding: float = ROUNDING
    one_by_one: ClassVar[bool] = True

    @classmethod
    def of(cls, function: Callable[..., Any]) -> OnEmbeddings:
        """The loss in the form that it takes. Raises InputError where it takes neither, and where it is not a function
        of pair similarities: such a one stays the same when all embeddings are turned together, but a proxy or a
        classifier has directions of its own, and some losses look at single coordinates.
        """
        name = name_of(function)
        failures = []
        for in_batch in (False, True):
            whole = cls(function, name, in_batch, crosses=True)
            try:
                with guarded("it fails"):
                    alone = cls(_of_first_anchor(function), name, in_batch, crosses=True) if in_batch else whole
                    turns, found = whole._turned(*_TRIAL), alone._slopes(*_TRIAL)
            except InputError as error:
                failures.append(str(error))
                continue
            whole._check_turned(*turns)
            if bool((found.slopes != 0).any()):
                rounding = min(max(ROUNDING, _FARTHER * found.error), _MOST_ROUNDING)
                return cls(alone.function, name, in_batch, found.crosses, float(found.slopes.abs().max()), rounding)
            failures.append("its gradient is 0")
        raise InputError(
            f"{name} gives no weights, with references ({failures[0]}) or in one batch ({failures[1]}): "
            "it must be a loss on embeddings and labels; a proxy or classifier loss is no function of pair similarities"
        )

    def weights(self, pairs: Pairs) -> PairWeights:
        """Anchor by anchor, each realised by embeddings of its own, [B, R], with 0 for what is rounding.

        Raises InputError for a derivative that is not finite, and for more than 512 pairs of an anchor in a loss that
        compares all with all.
        """
        rows = torch.zeros_like(pairs.similarity)
        for i in range(len(pairs.similarity)):
            used = pairs.positive[i] | pairs.negative[i]
            rows[i] = rows[i].masked_scatter(used, self._slopes_of(pairs, i).slopes.to(rows.dtype))
        weights = PairWeights(torch.where(pairs.positive, -rows, 0), torch.where(pairs.negative, rows, 0))
        return without_rounding(weights, self.usual, self.rounding)

    def error(self, pairs: Pairs) -> float:
        """The largest difference, over the anchors, between what the anchor's derivative says of the weights and what
        the references' say, relative to the anchor's largest weight; 0 for one whose weights are all rounding.
        """
        found = (self._slopes_of(pairs, i) for i in range(len(pairs.similarity)))
        return max(
            (each.error for each in found if float(each.slopes.abs().sum()) > ALL_ROUNDING * self.usual), default=0.0
        )

    def __str__(self) -> str:
        return self.name

    def _slopes_of(self, pairs: Pairs, i: int) -> _Slopes:
        used = pairs.positive[i] | pairs.negative[i]
        if (self.crosses or self.in_batch) and int(used.sum()) > _MOST_AT_ONCE:
            why = "takes anchor and references in one batch" if self.in_batch else "compares references too"
            raise InputError(
                f"{self} {why}, all against all, of which some losses hold the cube: "
                f"at most {_MOST_AT_ONCE} pairs of an anchor, not {int(used.sum())}"
            )
        with guarded(f"{self} fails"):
            found = self._slopes(pairs.similarity[i][used].tolist(), pairs.positive[i][used].tolist())
        if not bool(found.slopes.isfinite().all()):
            at = float(pairs.similarity[i][used][~found.slopes.isfinite()][0])
            raise InputError(f"{self} has no finite derivative at similarity {at:g}")
        return found

    def _slopes(self, similarity: list[float], is_positive: list[bool]) -> _Slopes:
        s = torch.tensor(similarity, dtype=torch.float64).clamp(-1 + NEAREST, 1 - NEAREST)
        if not len(s):
            return _Slopes(s, error=0.0, crosses=False)
        count = len(s) if self.crosses else min(len(s), _DIRECTIONS)
        own = torch.arange(len(s)) % count  # the direction of each reference
        with torch.enable_grad():
            vectors = _realise(s, own, count).requires_grad_()
            gradient = derivative(self._value(vectors, is_positive), vectors)
        away = (1 - s**2).sqrt()
        along = gradient[1:, 1:]
        radial = along.gather(1, own[:, None])[:, 0] / away
        slopes = gradient[1:, 0] - radial * s
        crosses = False
        if self.crosses:  # r_j's derivative has a part in other references' directions
            others = (along / away).fill_diagonal_(0)
            slopes, crosses = slopes - others @ s, bool((others != 0).any())
        largest = float(slopes.abs().max())
        gap = gradient[0, 1:].index_add(0, own, -slopes * away).abs().max()
        return _Slopes(slopes, float(gap) / largest if largest > 0 else 0.0, crosses)

    def _value(self, vectors: Tensor, is_positive: list[bool]) -> Tensor:
        """The loss of one anchor, the first of the vectors, against the others; from a fresh copy of a module and the
        same random numbers each time, so that a loss that keeps a state or draws triplets stays a function.
        """
        labels = _classes(torch.tensor(is_positive))
        function = copy.deepcopy(self.function) if isinstance(self.function, torch.nn.Module) else self.function
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            if self.in_batch:
                return torch.as_tensor(function(vectors, labels)).sum()
            return torch.as_tensor(function(vectors[:1], labels[:1], None, vectors[1:], labels[1:])).sum()

    def _turned(self, similarity: list[float], is_positive: list[bool]) -> tuple[float, float]:
        """The value as it is, and with all embeddings turned by one rotation."""
        s = torch.tensor(similarity, dtype=torch.float64)
        vectors = _realise(s, torch.arange(len(s)), len(s))
        random = torch.randn(len(s) + 1, len(s) + 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        turn, _ = torch.linalg.qr(random)
        values = (self._value(each, is_positive).detach() for each in (vectors, vectors @ turn))
        plain, turned = map(float, values)
        return plain, turned

    def _check_turned(self, plain: float, turned: float) -> None:
        if not abs(plain - turned) <= 1e-6 * (1 + abs(plain)):
            raise InputError(
                f"{self} is not a function of pair similarities: its value changes, {plain:.6g} to {turned:.6g}, when "
                "all embeddings are turned together; a proxy or classifier loss has no pair weights"
            )


@dataclass(frozen=True)
class _Slopes:
    """What one anchor's derivatives say.

    slopes: ∂L/∂S of its pairs, [R].
    error: the largest difference to what the anchor's own derivative says, relative to the largest slope.
    crosses: whether references are compared with one another.
    """

    slopes: Tensor
    error: float
    crosses: bool


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


def _realise(s: Tensor, own: Tensor, count: int) -> Tensor:
    """Unit vectors [R + 1, count + 1]: an anchor, and references with the cosines s [R] to it, each the rest of its way
    along one of `count` directions at right angles, own [R].
    """
    vectors = torch.zeros(len(s) + 1, count + 1, dtype=s.dtype)
    vectors[0, 0] = 1
    vectors[1:, 0] = s
    vectors[torch.arange(1, len(s) + 1), 1 + own] = (1 - s**2).sqrt()
    return vectors


def _classes(is_positive: Tensor) -> Tensor:
    """Labels [R + 1]: 0 for the anchor and its positives, the negatives in classes as large as that one."""
    size = int(is_positive.sum()) + 1
    negative = 1 + ((~is_positive).cumsum(0) - 1).clamp(min=0) // size
    return torch.cat([torch.zeros(1, dtype=torch.int64), torch.where(is_positive, 0, negative)])


def name_of(function: object) -> str:
    """What a callable is called in titles: its name, or its type's where it has none that can be read."""
    name: object = None
    with contextlib.suppress(InputError), guarded("its name fails"):
        name = getattr(function, "__name__", None)
    return one_line(name if isinstance(name, str) else type(function).__name__)

"""integrability: whether any continuous loss at all has the weights of a weighting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.decompose import contexts
from weightlab.decompose.effort import check_held, check_triplets
from weightlab.decompose.subject import Decomposable, Subject
from weightlab.errors import check_whole
from weightlab.lazy import np, torch
from weightlab.pairs import Pairs
from weightlab.precision import exact

if TYPE_CHECKING:
    from torch import Tensor

    from weightlab.decompose.contexts import Context
    from weightlab.pairs import Weighting

__all__ = ["Integrability", "integrability"]

# nodes on each side of a rectangle, rectangles, and an asymmetry above what a jump costs the midpoint rule
_EFFORT = 1000, 200, 0.01
_EFFORT_SLOW = 100, 20, 0.03  # of a function that takes one anchor at a time, and in a large memory
_LARGE = 4096  # pairs of an anchor
_MOST = 1 << 16  # rectangles


@dataclass(frozen=True)
class Integrability:
    """Whether weights are a loss's, as far as was measured.

    asymmetry: in [0, 1], 0 for the weights of a continuous loss.
    integrable: whether it is 0 up to the quadrature's error, in the context that was looked at: another may still show
        an asymmetry, so only a False is a proof.
    rectangles: how many were measured.
    active: in how many of them one weight answered to the other's similarity.
    """

    asymmetry: float
    integrable: bool
    rectangles: int
    active: int

    def __str__(self) -> str:
        verdict = "symmetric, as a loss's weights are" if self.integrable else "no continuous loss has these weights"
        return (
            f"{verdict}: asymmetry {self.asymmetry:.3f} over {self.rectangles} rectangles, {self.active} of them active"
        )


@exact()
def integrability(
    weighting: Decomposable | Subject,
    context: str | Context = "trained",
    *,
    rectangles: int | None = None,
    seed: int = 0,
) -> Integrability:
    """Whether the signed weights g (w⁻ of negatives, −w⁺ of positives) are the gradient of some continuous loss.

    (A loss that jumps can have weights that no continuous one has: a mean over the pairs that are not 0, the usual
    reduction of pytorch-metric-learning, jumps where their number does, and the gradient never sees it.)

    They are exactly if ∂g_j/∂S_k = ∂g_k/∂S_j for all pairs j, k of an anchor. Weights may jump (a step, top-k), where a
    derivative sees nothing; so both sides are integrated over rectangles in the plane of S_j and S_k:

        a = ∫∫ ∂g_k/∂S_j,  b = ∫∫ ∂g_j/∂S_k,  asymmetry = Σ |a − b| / Σ (|a| + |b|),

    by differences of g along the sides, over random contexts, pairs (those of more weight more often) and sides from
    0.1 to 0.6 long. a − b is the work done around the rectangle. Where no weight answers to another pair's similarity,
    the asymmetry is 0.

    rectangles: unless given, 200, with 1,000 nodes a side; 20 with 100 nodes for a function that takes one anchor at a
    time and for more than 4,096 pairs, where an asymmetry counts from 0.03 on instead of 0.01.

    Raises InputError as `decompose` does, and for more than 65,536 rectangles.
    """
    subject = Subject.of(weighting)
    context = contexts.as_context(context)
    slow = subject.one_at_a_time or context.positives + context.negatives > _LARGE
    nodes, usual, tolerance = _EFFORT_SLOW if slow else _EFFORT
    rectangles = check_whole("rectangles", usual if rectangles is None else rectangles, 1, _MOST)
    seed = check_whole("seed", seed, 0)
    check_triplets(subject, context)
    check_held(context, max(rectangles, nodes))
    generator = np.random.default_rng(seed)
    sample = context.sample(rectangles, seed).pairs
    gaps, sizes = [], []
    for row in range(rectangles):
        anchor = Pairs(*(part[row : row + 1] for part in (sample.similarity, sample.positive, sample.negative)))
        a, b = _sides(subject, anchor, nodes, generator)
        gaps.append(abs(a - b))
        sizes.append(abs(a) + abs(b))
    largest = max(sizes)
    active = sum(size > 1e-9 * largest for size in sizes) if largest > 1e-12 else 0
    asymmetry = sum(gaps) / sum(sizes) if active else 0.0
    return Integrability(asymmetry, asymmetry <= tolerance, rectangles, active)


def _sides(weighting: Weighting, anchor: Pairs, nodes: int, generator: np.random.Generator) -> tuple[float, float]:
    """a and b, for two of the anchor's pairs and a rectangle around where they are."""
    j, k = generator.choice(anchor.similarity.shape[1], 2, replace=False, p=_chances(weighting, anchor))
    (low_j, high_j), (low_k, high_k) = (_interval(float(anchor.similarity[0, each]), generator) for each in (j, k))
    middles = (torch.arange(nodes, dtype=torch.float64) + 0.5) / nodes
    along_k = low_k + (high_k - low_k) * middles
    along_j = low_j + (high_j - low_j) * middles
    points = [(torch.full_like(along_k, x), along_k) for x in (low_j, high_j)]
    points += [(along_j, torch.full_like(along_j, x)) for x in (low_k, high_k)]
    left, right, below, above = (_signed(weighting, anchor, (j, k), point) for point in points)
    a = (high_k - low_k) * float((right[:, 1] - left[:, 1]).mean())
    b = (high_j - low_j) * float((above[:, 0] - below[:, 0]).mean())
    return a, b


def _chances(weighting: Weighting, anchor: Pairs) -> np.ndarray:
    """How likely each pair is chosen: half evenly, half by its weight, since most pairs of many have hardly any."""
    weights = weighting.weights(anchor)
    size = (weights.positive + weights.negative).detach().abs()[0].numpy()
    even = np.full(len(size), 1 / len(size))
    return (even + size / size.sum()) / 2 if size.sum() > 0 else even


def _interval(s: float, generator: np.random.Generator) -> tuple[float, float]:
    length = generator.uniform(0.1, 0.6)
    low = float(np.clip(s - length * generator.random(), -1, 1 - length))
    return low, low + length


def _signed(weighting: Weighting, anchor: Pairs, columns: tuple[int, int], point: tuple[Tensor, Tensor]) -> Tensor:
    """g of the two pairs, [nodes, 2], where their similarities are `point`."""
    count = len(point[0])
    similarity = anchor.similarity.repeat(count, 1)
    for column, values in zip(columns, point, strict=True):
        similarity[:, column] = values
    weights = weighting.weights(Pairs(similarity, anchor.positive.expand(count, -1), anchor.negative.expand(count, -1)))
    return (weights.negative - weights.positive)[:, list(columns)].detach()

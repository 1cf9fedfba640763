"""decompose: from a loss to its explicit positive and negative weight functions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.decompose import contexts
from weightlab.decompose.autograd import ROUNDING
from weightlab.decompose.curves import Track, weight_curve
from weightlab.decompose.decomposition import Decomposition
from weightlab.decompose.effort import Effort, blocks_of
from weightlab.decompose.foreign.callables import ByAutograd, Takes
from weightlab.decompose.foreign.on_embeddings import OnEmbeddings
from weightlab.decompose.mass import Masses, hardness_frame, mass_frame, mass_ratio
from weightlab.decompose.subject import Decomposable, Subject
from weightlab.errors import check_whole
from weightlab.forms import Probe, probe_all_pairs
from weightlab.lazy import torch
from weightlab.pairs import SIGNS, Pairs, PairWeights
from weightlab.precision import exact

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from weightlab.decompose.contexts import Context, Sample
    from weightlab.decompose.formulas import Formulas

__all__ = ["curve_of", "decompose"]

_HELD = 1 << 25  # pairs, once for each positive, through which autograd remembers a triplet loss
_CHECKED = 8  # grid points, or a few more


@exact()
def decompose(
    weighting: Decomposable | Subject,
    context: str | Context = "trained",
    *,
    points: int | None = None,
    draws: int | None = None,
    seed: int = 0,
    takes: Takes | None = None,
    track: Track = list,
) -> Decomposition:
    """The weight curves, the weight mass, the formulas and the residual of a weighting.

    weighting: whatever `Subject.of` takes: a loss's name ("ms-loss", "ms-loss(beta=40)"), a weight function or its text
    ("step(0.5)"), an import path ("package.module:Class(margin=0.1)", "file.py:function"), a weighting, or a callable
    (`takes` says which kind it is where that can't be told). context: a name (`contexts.get`), or a `Context`. points:
    similarities from −1 to 1 on the curve, 2 to 65,536; draws: contexts that it is taken in, 1 to 1,048,576, sampled
    with `seed`. Unless given, as many as take about a second: 401 points in 256 contexts, fewer in a large memory. The
    weight mass is taken in contexts of its own, 16,384 unless they are large, whatever `points` and `draws` say, so
    that its numbers are the same everywhere; they have standard errors. A built-in loss, a weighting and a function
    that gives each anchor its loss are quick; one that gives a single number, or a loss on embeddings, has to be asked
    anchor by anchor: 41 points in 9 contexts, and the mass in 256, or in `draws`. track: goes through the blocks of the
    work, as `rich.progress.track` does for a progress bar.

    Raises InputError for an unknown name or context, for something that is no weighting, for a loss that is not a
    function of pair similarities, and for what would take gigabytes or hours.
    """
    subject = Subject.of(weighting, takes)
    context = contexts.as_context(context)
    seed = check_whole("seed", seed, 0)
    effort = Effort.of(subject, context, points, draws)
    sample, grid = context.sample(effort.draws, seed), similarities(effort.points)
    curve = _curve(subject, context, sample, grid, seed, track)
    of_mass = contexts.for_expectation(context, effort.mass_draws, seed)
    masses = Masses.of(subject.weights, of_mass, blocks_of([subject], context), track)
    ratio, ratio_error = mass_ratio(masses)
    formulas = _formulas(subject)
    return Decomposition(
        title=subject.title,
        context=contexts.label(context),
        relative=subject.relative,
        signed=_is_signed(masses, curve),
        points=effort.points,
        draws=effort.draws if subject.relative else 1,
        mass_draws=effort.mass_draws,
        pairs=context.positives + context.negatives,
        curve=curve,
        mass=mass_frame(masses),
        hardness=hardness_frame(masses),
        ratio=ratio,
        ratio_error=ratio_error,
        formula=formulas.latex() if formulas else None,
        formula_text=formulas.text() if formulas else None,
        parameters=formulas.parameters if formulas else (),
        residual=_residual(subject, sample, grid),
    )


@exact()
def curve_of(
    subject: Subject,
    context: Context,
    points: int | None = None,
    draws: int | None = None,
    seed: int = 0,
    track: Track = list,
) -> tuple[pd.DataFrame, Effort]:
    """The curve that `decompose` finds, and how much it looked at."""
    effort = Effort.of(subject, context, points, draws)
    sample = context.sample(effort.draws, seed)
    return _curve(subject, context, sample, similarities(effort.points), seed, track), effort


def similarities(points: int) -> Tensor:
    """From −1 to 1, float64, with a clean 0 in the middle."""
    return torch.linspace(-1, 1, points, dtype=torch.float64).round(decimals=12) + 0.0


def _curve(subject: Subject, context: Context, sample: Sample, grid: Tensor, seed: int, track: Track) -> pd.DataFrame:
    """Over the sample's contexts; of a self-similarity weighting in one context, since all are the same."""
    return weight_curve(subject, sample if subject.relative else context.sample(1, seed), grid, track)


def _is_signed(masses: Masses, curve: pd.DataFrame) -> bool:
    """Whether some weight is negative, by more than rounding is of the largest."""
    largest = max(masses.largest, float(curve[["low", "high"]].abs().to_numpy().max()))
    return min(masses.least, float(curve["low"].min())) < -ROUNDING * largest


def _formulas(subject: Subject) -> Formulas | None:
    if subject.formula is None:
        return None
    from weightlab.decompose.formulas import derive  # SymPy takes a second to start

    return derive(subject.formula)


def _residual(subject: Subject, sample: Sample, grid: Tensor) -> float:
    """Of the closed form in the contexts (in as many as autograd can hold), and along the curve in the first."""
    if isinstance(subject.weighting, OnEmbeddings):
        return subject.weighting.error(sample.pairs)
    if subject.value is None:
        return math.nan
    positives, negatives = sample.counts
    held = sample.split(max(1, _HELD // (positives * (positives + negatives))))[0]
    by_autograd = _Derivatives(ByAutograd(subject.value, subject.title, one_by_one=False))
    weights, truth = subject.weights(held.pairs), by_autograd.weights(held.pairs)
    first, some = sample.split(1)[0], grid[:: max(1, len(grid) // _CHECKED)]
    found = [(getattr(weights, sign), getattr(truth, sign)) for sign in SIGNS]
    for sign in SIGNS:
        asked = Probe(first.positive, first.negative, sign, some)
        found.append((subject.probe(first, sign, some), probe_all_pairs(by_autograd, asked)))
    gap = max(float((closed - true).abs().max()) for closed, true in found)
    largest = max(float(true.abs().max()) for _, true in found)
    return gap / largest if largest > 0 else gap


@dataclass(frozen=True)
class _Derivatives:
    """As they are: a closed form is compared with what autograd says of its least weights too."""

    function: ByAutograd

    def weights(self, pairs: Pairs) -> PairWeights:
        return self.function.derivatives(pairs)

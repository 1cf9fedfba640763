"""decompose: from a loss to its explicit positive and negative weight functions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from weightlab.decompose import contexts
from weightlab.decompose.curves import Track, weight_curve
from weightlab.decompose.decomposition import Decomposition
from weightlab.decompose.foreign.callables import ByAutograd, Takes
from weightlab.decompose.foreign.on_embeddings import OnEmbeddings
from weightlab.decompose.mass import hardness_frame, mass_frame, mass_ratio
from weightlab.decompose.subject import Decomposable, Subject
from weightlab.errors import check_whole
from weightlab.forms import Probe, probe_all_pairs
from weightlab.lazy import torch
from weightlab.pairs import SIGNS
from weightlab.precision import exact

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from weightlab.decompose.contexts import Context, Sample

__all__ = ["curve_of", "decompose"]

_EVALUATIONS = 40_000_000  # pairs to look at for a curve, at the most
_SAMPLED = 1 << 22  # pairs in all the contexts, at the most
_HELD = 1 << 25  # pairs, once for each positive, through which autograd remembers a triplet loss
_CHECKED = 8  # grid points, or a few more
_MOST = 1 << 20  # points or draws
_CALLS, _CALLS_LARGE = (400, 41), (84, 21)  # calls of a function that takes one anchor at a time, and grid points


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
    similarities from −1 to 1 on the curve; draws: contexts that are sampled, with `seed`; unless given, as many as take
    about a second (some losses of others have to be asked pair by pair, and take longer). track: goes through the
    blocks of the work, as `rich.progress.track` does for a progress bar.

    Raises InputError for an unknown name or context, for something that is no weighting, and for a loss that is not a
    function of pair similarities.
    """
    subject = Subject.of(weighting, takes)
    context = contexts.as_context(context)
    check_whole("seed", seed, 0)
    points, draws = _effort(subject, context, points, draws)
    sample, grid = context.sample(draws, seed), similarities(points)
    weights = subject.weights(sample.pairs)
    curve = _curve(subject, context, sample, grid, seed, track)
    return Decomposition(
        title=subject.title,
        context=contexts.label(context),
        relative=subject.relative,
        signed=bool(min(weights.positive.min(), weights.negative.min()) < 0 or (curve["low"] < 0).any()),
        curve=curve,
        mass=mass_frame(weights, sample),
        hardness=hardness_frame(weights, sample),
        ratio=mass_ratio(weights),
        formula=_formula(subject),
        residual=_residual(subject, sample, grid),
    )


@exact()
def curve_of(subject: Subject, context: Context, track: Track = list) -> pd.DataFrame:
    """The curve that `decompose` finds, and no more."""
    points, draws = _effort(subject, context, None, None)
    return _curve(subject, context, context.sample(draws), similarities(points), 0, track)


def similarities(points: int) -> Tensor:
    """From −1 to 1, float64, with a clean 0 in the middle."""
    return torch.linspace(-1, 1, points, dtype=torch.float64).round(decimals=12) + 0.0


def _curve(subject: Subject, context: Context, sample: Sample, grid: Tensor, seed: int, track: Track) -> pd.DataFrame:
    """Over the sample's contexts; of a self-similarity weighting in one context, since all are the same."""
    return weight_curve(subject, sample if subject.relative else context.sample(1, seed), grid, track)


def _effort(subject: Subject, context: Context, points: int | None, draws: int | None) -> tuple[int, int]:
    """Grid points and contexts: as given, or so many that the curve takes about a second."""
    check_whole("points", 2 if points is None else points, 2, _MOST)
    check_whole("draws", 1 if draws is None else draws, 1, _MOST)
    if subject.one_at_a_time:
        calls, usual = _CALLS if context.negatives <= 2048 else _CALLS_LARGE
        points = points or usual
        return points, draws or max(4, calls // points)
    looked_at = subject.pairs_of_a_probe(context.positives, context.negatives)
    points = points or (401 if looked_at <= 2048 else 101)
    most = min(_EVALUATIONS // (points * looked_at), _SAMPLED // (context.positives + context.negatives))
    return points, draws or min(256, max(8, most))


def _formula(subject: Subject) -> dict[str, str] | None:
    if subject.formula is None:
        return None
    from weightlab.decompose.formulas import derive  # SymPy takes a second to start

    return derive(subject.formula).latex()


def _residual(subject: Subject, sample: Sample, grid: Tensor) -> float:
    """Of the closed form in the contexts (in as many as autograd can hold), and along the curve in the first."""
    if isinstance(subject.weighting, OnEmbeddings):
        return subject.weighting.error(sample.pairs)
    if subject.value is None:
        return math.nan
    positives, negatives = sample.counts
    held = sample.split(max(1, _HELD // (positives * (positives + negatives))))[0]
    by_autograd = ByAutograd(subject.value, subject.title, one_by_one=False)
    weights, truth = subject.weights(held.pairs), by_autograd.weights(held.pairs)
    first, some = sample.split(1)[0], grid[:: max(1, len(grid) // _CHECKED)]
    found = [(getattr(weights, sign), getattr(truth, sign)) for sign in SIGNS]
    for sign in SIGNS:
        asked = Probe(first.positive, first.negative, sign, some)
        found.append((subject.probe(first, sign, some), probe_all_pairs(by_autograd, asked)))
    gap = max(float((closed - true).abs().max()) for closed, true in found)
    largest = max(float(true.abs().max()) for _, true in found)
    return gap / largest if largest > 0 else gap

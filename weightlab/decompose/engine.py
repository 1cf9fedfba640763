"""decompose: from a loss to its explicit positive and negative weight functions."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from weightlab import losses
from weightlab.decompose import contexts
from weightlab.decompose.curves import Track, weight_curve
from weightlab.decompose.decomposition import Decomposition
from weightlab.decompose.foreign.callables import ByAutograd, Takes, as_weighting
from weightlab.decompose.foreign.checked import trusted
from weightlab.decompose.foreign.imported import resolve
from weightlab.decompose.foreign.on_embeddings import OnEmbeddings, name_of
from weightlab.decompose.mass import hardness_frame, mass_frame, mass_ratio
from weightlab.decompose.probes import pairs_of_a_probe, probe
from weightlab.errors import InputError, check_whole
from weightlab.lazy import torch
from weightlab.losses import Loss
from weightlab.pairs import SIGNS, Weighting

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from weightlab.decompose.contexts import Context, Sample

__all__ = ["Decomposable", "curve_of", "decompose", "describe", "weighting_of"]

Decomposable = str | Weighting | Callable[..., Any]

_EVALUATIONS = 40_000_000  # pairs to look at for a curve, at the most
_SAMPLED = 1 << 22  # pairs in all the contexts, at the most
_HELD = 1 << 25  # pairs, once for each positive, through which autograd remembers a triplet loss
_CHECKED = 8  # grid points, or a few more
_MOST = 1 << 20  # points or draws
_CALLS, _CALLS_LARGE = (400, 41), (84, 21)  # calls of a function that takes one anchor at a time, and grid points


def decompose(
    weighting: Decomposable,
    context: str | Context = "trained",
    *,
    points: int | None = None,
    draws: int | None = None,
    seed: int = 0,
    takes: Takes | None = None,
    track: Track = list,
) -> Decomposition:
    """The weight curves, the weight mass, the formulas and the residual of a weighting.

    weighting: a loss's name ("ms-loss", "ms-loss(beta=40)") or import path ("package.module:Class(margin=0.1)",
    "file.py:function"), a weighting, or a callable (see `weightlab.decompose.foreign.callables`; `takes` says which
    kind it is where that can't be told). context: a name (`contexts.get`), or a `Context`. points: similarities from −1
    to 1 on the curve; draws: contexts that are sampled, with `seed`; unless given, as many as take about a second (some
    losses of others have to be asked pair by pair, and take longer). track: goes through the blocks of the work, as
    `rich.progress.track` does for a progress bar.

    Raises InputError for an unknown name or context, for something that is no weighting, and for a loss that is not a
    function of pair similarities.
    """
    title = describe(weighting)
    weighting = weighting_of(weighting, takes)
    context = contexts.as_context(context)
    check_whole("seed", seed, 0)
    points, draws = _effort(weighting, context, points, draws)
    sample, grid = context.sample(draws, seed), similarities(points)
    weights = weighting.weights(sample.pairs)
    curve = _curve(weighting, context, sample, grid, seed, track)
    return Decomposition(
        title=title,
        context=contexts.label(context),
        relative=_is_relative(weighting),
        signed=bool(min(weights.positive.min(), weights.negative.min()) < 0 or (curve["low"] < 0).any()),
        curve=curve,
        mass=mass_frame(weights, sample),
        hardness=hardness_frame(weights, sample),
        ratio=mass_ratio(weights),
        formula=_formula(weighting),
        residual=_residual(weighting, sample, grid),
    )


def curve_of(weighting: Weighting, context: Context, track: Track = list) -> pd.DataFrame:
    """The curve that `decompose` finds, and no more."""
    points, draws = _effort(weighting, context, None, None)
    return _curve(weighting, context, context.sample(draws), similarities(points), 0, track)


def similarities(points: int) -> Tensor:
    """From −1 to 1, float64, with a clean 0 in the middle."""
    return torch.linspace(-1, 1, points, dtype=torch.float64).round(decimals=12) + 0.0


def weighting_of(weighting: Decomposable, takes: Takes | None = None) -> Weighting:
    """What `decompose` takes, as a weighting. Raises InputError as it does."""
    name = describe(weighting)
    if isinstance(weighting, str):
        weighting = resolve(weighting)
    if inspect.isclass(weighting):
        raise InputError(f"decompose wants an instance: {name_of(weighting)}(...)")
    if isinstance(weighting, Weighting) and not isinstance(weighting, torch.nn.Module):
        if takes is not None:
            raise InputError(f"{name} is a weighting and has weights of its own: `takes` is for functions")
        return trusted(weighting, name)
    return as_weighting(weighting, takes)


def describe(weighting: object) -> str:
    """A weighting with its parameters, as titles have it."""
    if isinstance(weighting, str) and ":" in weighting:
        return weighting.partition(":")[2].strip()
    if isinstance(weighting, str):
        weighting = resolve(weighting)
    if not isinstance(weighting, Loss) or type(weighting) not in losses.ALL:
        says_itself = isinstance(weighting, Weighting) and type(weighting).__repr__ is not object.__repr__
        return str(weighting) if says_itself else name_of(weighting)
    values = ((name, getattr(weighting, name)) for name in losses.parameters(weighting))
    shown = ", ".join(f"{name}={value:g}" for name, value in values if value is not None)
    return f"{weighting.name}({shown})" if shown else weighting.name


def _is_relative(weighting: Weighting) -> bool:
    return bool(getattr(weighting, "relative", True))


def _curve(
    weighting: Weighting, context: Context, sample: Sample, grid: Tensor, seed: int, track: Track
) -> pd.DataFrame:
    """Over the sample's contexts; of a self-similarity weighting in one context, since all are the same."""
    return weight_curve(weighting, sample if _is_relative(weighting) else context.sample(1, seed), grid, track)


def _effort(weighting: Weighting, context: Context, points: int | None, draws: int | None) -> tuple[int, int]:
    """Grid points and contexts: as given, or so many that the curve takes about a second."""
    check_whole("points", 2 if points is None else points, 2, _MOST)
    check_whole("draws", 1 if draws is None else draws, 1, _MOST)
    if getattr(weighting, "one_by_one", False):
        calls, usual = _CALLS if context.negatives <= 2048 else _CALLS_LARGE
        points = points or usual
        return points, draws or max(4, calls // points)
    looked_at = pairs_of_a_probe(weighting, context.positives, context.negatives)
    points = points or (401 if looked_at <= 2048 else 101)
    most = min(_EVALUATIONS // (points * looked_at), _SAMPLED // (context.positives + context.negatives))
    return points, draws or min(256, max(8, most))


def _formula(weighting: Weighting) -> dict[str, str] | None:
    if type(weighting) not in losses.ALL:
        return None
    assert isinstance(weighting, Loss)
    from weightlab.decompose.formulas import derive  # SymPy takes a second to start

    return derive(weighting).latex()


def _residual(weighting: Weighting, sample: Sample, grid: Tensor) -> float:
    """Of the closed form in the contexts (in as many as autograd can hold), and along the curve in the first."""
    if isinstance(weighting, OnEmbeddings):
        return weighting.error(sample.pairs)
    value = getattr(weighting, "value", None)
    if value is None:
        return math.nan
    positives, negatives = sample.counts
    held = sample.split(max(1, _HELD // (positives * (positives + negatives))))[0]
    by_autograd = ByAutograd(value, str(weighting), one_by_one=False)
    weights, truth = weighting.weights(held.pairs), by_autograd.weights(held.pairs)
    first, some = sample.split(1)[0], grid[:: max(1, len(grid) // _CHECKED)]
    found = [(getattr(weights, sign), getattr(truth, sign)) for sign in SIGNS]
    found += [(probe(weighting, first, sign, some), probe(by_autograd, first, sign, some)) for sign in SIGNS]
    gap = max(float((closed - true).abs().max()) for closed, true in found)
    largest = max(float(true.abs().max()) for _, true in found)
    return gap / largest if largest > 0 else gap

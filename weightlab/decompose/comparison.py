"""compare: several weightings on one pair of axes, and how far apart their weights are."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from weightlab.decompose import contexts
from weightlab.decompose.decomposition import counted
from weightlab.decompose.effort import Effort, blocks_of, mass_draws
from weightlab.decompose.engine import curve_of
from weightlab.decompose.strata import of_groups, standard_error
from weightlab.decompose.subject import Decomposable, Subject
from weightlab.errors import InputError
from weightlab.lazy import np, pd, torch
from weightlab.pairs import SIGNS, Sign
from weightlab.precision import exact

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

    from weightlab.decompose.contexts import Context, Sample
    from weightlab.decompose.curves import Track

__all__ = ["NO_WEIGHT", "Comparison", "compare"]

NO_WEIGHT = "no weight in this context"


@dataclass(frozen=True, repr=False)
class Comparison:
    """Curves and distances of several weightings in one context.

    context: its name, with its counts.
    equal_mass: whether each curve was divided by its weight mass.
    pairs: pairs of an anchor in a context.
    draws: contexts that distances and masses are taken in.
    curves: columns weighting, similarity, sign, weight, low, high; NaN where a curve has no mass to be divided by.
    weightings: columns weighting, points, draws (similarities and contexts of its curve; 1 context of a self-similarity
        weighting), positive, negative (Σ|w| of an anchor, mean over contexts; 0 where no sampled pair has a weight).
    distances: columns sign, a, b, distance, error, contexts: for each two weightings ½ Σ |w_a − w_b| over the context's
        pairs, each anchor's weights of the sign divided by Σ|w|: the share of the weight mass that lies elsewhere: 0
        for one curve up to a factor, 1 for curves that share no pair, or pull where the other pushes. An anchor where
        only one of them has a weight counts as 1, one where neither has any is left out. It is the mean over so many
        contexts, error its standard error. NaN where one of them has no weight in this context, of no sampled pair of
        the sign: then there is nothing to be apart from.
    """

    context: str
    equal_mass: bool
    pairs: int
    draws: int
    curves: pd.DataFrame
    weightings: pd.DataFrame
    distances: pd.DataFrame

    @property
    def silent(self) -> dict[Sign, list[str]]:
        """Which weightings have no weight of a sign in this context."""
        return {sign: self.weightings.loc[self.weightings[sign] == 0, "weighting"].tolist() for sign in SIGNS}

    @property
    def effort(self) -> str:
        """How much was looked at, in words."""
        alike: dict[tuple[int, int], list[str]] = {}
        columns = (self.weightings[each].tolist() for each in ("weighting", "points", "draws"))
        for name, points, draws in zip(*columns, strict=True):
            alike.setdefault((points, draws), []).append(name)
        curves = [
            f"{', '.join(names)} {points} points, {counted(draws, 'context')}"
            for (points, draws), names in alike.items()
        ]
        return f"curves: {'; '.join(curves)}; distances: {counted(self.draws, 'context')} of {self.pairs:,} pairs"

    def plot(self, figure: Figure | None = None) -> tuple[Axes, Axes]:
        """Draw the positive curves beside the negative ones; returns the two axes, those of a new figure unless given.

        figure: an empty one, which is made as large as the drawing wants.
        """
        from weightlab.plot.comparison import plot_comparison

        points, draws = (self.weightings[name] for name in ("points", "draws"))
        effort = f"{_range(points)} points, {_range(draws)} contexts"
        axes = plot_comparison(self.curves, f"{self.context}; {effort}", equal_mass=self.equal_mass, figure=figure)
        for ax, sign in zip(axes, SIGNS, strict=True):
            if self.silent[sign]:
                note = f"{NO_WEIGHT}: {', '.join(self.silent[sign])}"
                ax.annotate(
                    textwrap.fill(note, 44),
                    (0.03, 0.97),
                    xycoords="axes fraction",
                    va="top",
                    fontsize=7,
                    parse_math=False,
                )
        return axes

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.curves['weighting'].unique())}; {self.context})"

    def _repr_html_(self) -> str:
        """Figure and distances, for Jupyter."""
        from matplotlib.figure import Figure

        from weightlab.plot.plain import in_html
        from weightlab.plot.save import figure_of, html_picture

        picture = html_picture(figure_of(self.plot(Figure())[0]), repr(self))
        found = self.distances.drop(columns="contexts")
        found["a"], found["b"] = found["a"].map(in_html), found["b"].map(in_html)
        found["error"] = [f"{each:.1g}" if each == each else "" for each in found["error"]]
        table = found.to_html(index=False, escape=False, float_format=lambda x: f"{x:.3f}", na_rep=NO_WEIGHT)
        head = f"Share of the weight mass that lies elsewhere, context {self.context}; {self.effort}"
        return f"{picture}\n<p>{in_html(head)}</p>\n{table}"


@exact()
def compare(
    *weightings: Decomposable | Subject,
    context: str | Context = "trained",
    equal_mass: bool = False,
    points: int | None = None,
    draws: int | None = None,
    track: Track = list,
) -> Comparison:
    """The weight curves of two weightings or more, and the distances between them.

    equal_mass: scale each curve by the mean of the sign's weight mass an anchor, so that only its shape counts. points,
    draws, track: as of `decompose`; distances and masses are taken in contexts of their own, 16,384 unless they are
    large, and 256, or `draws`, where a weighting has to be asked anchor by anchor.
    Raises InputError for fewer than two weightings, and as `decompose` does.
    """
    if len(weightings) < 2:
        raise InputError("compare wants two weightings or more")
    context = contexts.as_context(context)
    subjects = [Subject.of(each) for each in weightings]
    names = _names(weightings, subjects)
    for subject in subjects:
        Effort.of(subject, context, points, draws)  # all are looked at before the first takes its time
    count = mass_draws(subjects, context, draws)
    apart = _Apart.of(subjects, contexts.for_expectation(context, count), blocks_of(subjects, context), track)
    curves, rows = [], []
    for i, (name, subject) in enumerate(zip(names, subjects, strict=True)):
        curve, effort = curve_of(subject, context, points, draws, track=track)
        masses: dict[str, float] = {sign: float(apart.mass[sign][:, i].mean()) for sign in SIGNS}
        if equal_mass:
            scale = curve["sign"].map({sign: 1 / mass if mass > 0 else math.nan for sign, mass in masses.items()})
            curve[["weight", "low", "high"]] = curve[["weight", "low", "high"]].mul(scale, axis=0)
        curves.append(curve.assign(weighting=name))
        looked_at = {"points": effort.points, "draws": effort.draws if subject.relative else 1}
        rows.append({"weighting": name, **looked_at, **masses})
    return Comparison(
        contexts.label(context),
        equal_mass,
        context.positives + context.negatives,
        count,
        pd.concat(curves, ignore_index=True),
        pd.DataFrame(rows),
        apart.distances(names),
    )


@dataclass(frozen=True)
class _Apart:
    """What the distances of several weightings are made of, context by context.

    mass: Σ|w| of each weighting, [contexts, weightings].
    gap: of each two weightings ½ Σ |w_a − w_b|, 1 where only one has a weight, 0 where neither has, [contexts, twos].
    """

    mass: dict[Sign, np.ndarray]
    gap: dict[Sign, np.ndarray]

    @classmethod
    def of(cls, subjects: list[Subject], sample: Sample, at_once: int, track: Track) -> _Apart:
        mass: dict[Sign, list[Tensor]] = {sign: [] for sign in SIGNS}
        gap: dict[Sign, list[Tensor]] = {sign: [] for sign in SIGNS}
        for part in track(sample.split(at_once)):
            found = [each.weights(part.pairs) for each in subjects]
            for sign in SIGNS:
                weights = [getattr(each, sign).detach().double() for each in found]
                sizes = [each.abs().sum(1, keepdim=True) for each in weights]
                shares = [each / torch.where(size > 0, size, 1) for each, size in zip(weights, sizes, strict=True)]
                mass[sign].append(torch.cat(sizes, 1))
                gap[sign].append(torch.stack([_gap(*each) for each in combinations(shares, 2)], 1))
        return cls(*({sign: torch.cat(each).numpy() for sign, each in part.items()} for part in (mass, gap)))

    def distances(self, names: list[str]) -> pd.DataFrame:
        rows: list[dict[str, object]] = []
        for sign in SIGNS:
            mass, gap = self.mass[sign], self.gap[sign]
            for two, (i, j) in enumerate(combinations(range(len(names)), 2)):
                counts = ((mass[:, i] > 0) | (mass[:, j] > 0)).astype(float)
                known = bool(mass[:, i].any() and mass[:, j].any())
                distance = float(gap[:, two].sum() / counts.sum()) if known else math.nan
                error = float(standard_error(of_groups(gap[:, two]), of_groups(counts))) if known else math.nan
                rows.append(
                    {
                        "sign": sign,
                        "a": names[i],
                        "b": names[j],
                        "distance": distance,
                        "error": error,
                        "contexts": len(mass),
                    }
                )
        return pd.DataFrame(rows)


def _gap(a: Tensor, b: Tensor) -> Tensor:
    """½ Σ |a − b| of each anchor, 1 where only one of them has a weight."""
    one_alone = (a != 0).any(1) != (b != 0).any(1)
    return torch.where(one_alone, 1, (a - b).abs().sum(1) / 2)


def _range(numbers: pd.Series) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return str(high) if low == high else f"{low} to {high}"


def _names(weightings: Sequence[object], subjects: Sequence[Subject]) -> list[str]:
    """The name of each: a loss's with its parameters only where two would be called the same, numbered where they still
    are. Raises InputError where two are the same.
    """
    full, short = [each.title for each in subjects], [each.short for each in subjects]
    names = [each if short.count(each) == 1 else whole for each, whole in zip(short, full, strict=True)]
    for i, weighting in enumerate(weightings):
        is_name = isinstance(weighting, str) and ":" not in weighting
        if weighting in weightings[:i] or (is_name and names[i] in names[:i]):
            raise InputError(f"compare got the same weighting twice: {names[i]}")
    return [each if names.count(each) == 1 else f"{each} {names[: i + 1].count(each)}" for i, each in enumerate(names)]

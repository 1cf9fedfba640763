"""compare: several weightings on one pair of axes, and how far apart their weights are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from weightlab.decompose import contexts
from weightlab.decompose.engine import curve_of
from weightlab.decompose.subject import Decomposable, Subject
from weightlab.errors import InputError
from weightlab.lazy import pd, torch
from weightlab.pairs import SIGNS
from weightlab.precision import exact

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

    from weightlab.decompose.contexts import Context
    from weightlab.decompose.curves import Track

__all__ = ["Comparison", "compare"]

_DRAWS = 64


@dataclass(frozen=True, repr=False)
class Comparison:
    """Curves and distances of several weightings in one context.

    context: its name, with its counts.
    equal_mass: whether each curve was divided by its weight mass.
    curves: columns weighting, similarity, sign, weight, low, high.
    distances: columns sign, a, b, distance: for each two weightings ½ Σ |w_a − w_b| over the context's pairs, each
        anchor's weights of the sign divided by Σ|w|: the share of the weight mass that lies elsewhere: 0 for one curve
        up to a factor, 1 for curves that share no pair (or pull where the other pushes, or where one has no weight).
        Anchors where neither has any are left out.
    """

    context: str
    equal_mass: bool
    curves: pd.DataFrame
    distances: pd.DataFrame

    def plot(self, figure: Figure | None = None) -> tuple[Axes, Axes]:
        """Draw the positive curves beside the negative ones; returns the two axes, those of a new figure unless given.

        figure: an empty one, which is made as large as the drawing wants.
        """
        from weightlab.plot.comparison import plot_comparison

        return plot_comparison(self.curves, self.context, equal_mass=self.equal_mass, figure=figure)

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.curves['weighting'].unique())}; {self.context})"

    def _repr_html_(self) -> str:
        """Figure and distances, for Jupyter."""
        from matplotlib.figure import Figure

        from weightlab.plot.plain import in_html
        from weightlab.plot.save import figure_of, html_picture

        picture = html_picture(figure_of(self.plot(Figure())[0]), repr(self))
        named = self.distances.assign(a=self.distances["a"].map(in_html), b=self.distances["b"].map(in_html))
        table = named.to_html(index=False, escape=False, float_format=lambda x: f"{x:.3f}")
        return (
            f"{picture}\n<p>Share of the weight mass that lies elsewhere, context {in_html(self.context)}</p>\n{table}"
        )


@exact()
def compare(
    *weightings: Decomposable | Subject,
    context: str | Context = "trained",
    equal_mass: bool = False,
    track: Track = list,
) -> Comparison:
    """The weight curves of two weightings or more, and the distances between them.

    equal_mass: scale each curve by the mean of the sign's weight mass an anchor, so that only its shape counts. track:
    as of `decompose`.
    Raises InputError for fewer than two weightings, and as `decompose` does.
    """
    if len(weightings) < 2:
        raise InputError("compare wants two weightings or more")
    context = contexts.as_context(context)
    sample = context.sample(_DRAWS)
    curves, shares = [], {}
    subjects = [Subject.of(each) for each in weightings]
    for name, subject in zip(_names(weightings, subjects), subjects, strict=True):
        weights = subject.weights(sample.pairs)
        masses = {sign: getattr(weights, sign).double().abs().sum(1, keepdim=True) for sign in SIGNS}
        shares[name] = {sign: getattr(weights, sign) / torch.where(masses[sign] > 0, masses[sign], 1) for sign in SIGNS}
        curve = curve_of(subject, context, track).assign(weighting=name)
        if equal_mass:
            means = {sign: float(mass.mean()) for sign, mass in masses.items()}
            scale = curve["sign"].map({sign: 1 / mean if mean > 0 else 1.0 for sign, mean in means.items()})
            curve[["weight", "low", "high"]] = curve[["weight", "low", "high"]].mul(scale, axis=0)
        curves.append(curve)
    rows = [
        {"sign": sign, "a": a, "b": b, "distance": _distance(shares[a][sign], shares[b][sign])}
        for sign in SIGNS
        for a, b in combinations(shares, 2)
    ]
    return Comparison(contexts.label(context), equal_mass, pd.concat(curves, ignore_index=True), pd.DataFrame(rows))


def _distance(a: Tensor, b: Tensor) -> float:
    """½ Σ |a − b|, 1 where one of them has no weight at all, over the anchors where one has any; 0 if none has."""
    some = [each.abs().sum(1) > 0 for each in (a, b)]
    either = some[0] | some[1]
    if not bool(either.any()):
        return 0.0
    return float(torch.where(some[0] & some[1], (a - b).abs().sum(1) / 2, 1)[either].mean())


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

"""Contexts: the similarities of an anchor's other pairs, without which a relative loss has no curve."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from weightlab.arrays import as_embeddings, as_floats, as_labels
from weightlab.decompose.strata import stratified
from weightlab.errors import InputError, check_number, check_whole, describe, unknown
from weightlab.lazy import np, torch
from weightlab.pairs import Pairs

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Context",
    "Drawn",
    "Measured",
    "Normal",
    "RandomDirections",
    "Sample",
    "as_context",
    "for_expectation",
    "get",
    "label",
]


POSITIVES, NEGATIVES = 3, 64  # an anchor in a batch of 4 images a class
_MOST = 1 << 22  # pairs of a sign
_FAR = 6  # standard deviations: beyond it are 10⁻⁹ of a normal distribution
_FARTHEST, _ROWS = 9.0, 4096  # standard deviations, farther out than any share below 1 in doubles, and rows up to there


@dataclass(frozen=True)
class Normal:
    """Similarities from a normal distribution cut at ±1.

    mean: of the distribution before the cut.
    std: its standard deviation, above 0.

    Raises InputError for others, and where the cut leaves less than one in 10⁹.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", check_number("mean", self.mean))
        object.__setattr__(self, "std", check_number("std", self.std, above=0))
        if max(-1 - self.mean, self.mean - 1) > _FAR * self.std:
            raise InputError(f"mean={self.mean} with std={self.std} has almost nothing in [-1, 1]")

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """The similarity below which the share u of the pairs lies."""
        from scipy.special import ndtr, ndtri  # scipy.stats.truncnorm takes ten times as long

        below, above = ndtr((-1 - self.mean) / self.std), ndtr((1 - self.mean) / self.std)
        return np.clip(self.mean + self.std * ndtri(below + u * (above - below)), -1, 1)


@dataclass(frozen=True)
class RandomDirections:
    """Cosines of independent uniform directions in D dimensions: (1 + S)/2 ~ Beta((D−1)/2, (D−1)/2).

    dimensions: D, at least 2. Raises InputError for others.
    """

    dimensions: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimensions", check_whole("dimensions", self.dimensions, 2))

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """The similarity below which the share u of the pairs lies, to about 10⁻⁶."""
        from scipy.special import betaincinv, ndtr, ndtri

        # from a table by the normal deviate, of which it is nearly a multiple: itself it costs fifty times as much
        shape = (self.dimensions - 1) / 2
        cosine = 1 - 2 * betaincinv(shape, shape, ndtr(-np.linspace(0, _FARTHEST, _ROWS + 1)))
        z = ndtri(u)
        place = np.minimum(np.abs(z) * (_ROWS / _FARTHEST), _ROWS)
        row = np.minimum(place.astype(np.int64), _ROWS - 1)
        low = cosine[row]
        return np.asarray(np.copysign(low + (place - row) * (cosine[row + 1] - low), z))


@dataclass(frozen=True)
class Sample:
    """Sampled contexts.

    positive: float64 [C, P], the similarities of the anchor's positives in each of C contexts.
    negative: float64 [C, N], those of its negatives.

    Raises InputError for other shapes and types; what is no similarity, `pairs` refuses.
    """

    positive: Tensor
    negative: Tensor

    def __post_init__(self) -> None:
        for name in ("positive", "negative"):
            object.__setattr__(self, name, as_floats(name, getattr(self, name), ("contexts", "pairs")))
        if len(self.positive) != len(self.negative):
            raise InputError(f"positive has {len(self.positive)} contexts, negative {len(self.negative)}")

    @property
    def counts(self) -> tuple[int, int]:
        """P and N."""
        return self.positive.shape[1], self.negative.shape[1]

    def split(self, size: int) -> list[Sample]:
        """The contexts in order, `size` at a time."""
        return [Sample(*part) for part in zip(self.positive.split(size), self.negative.split(size), strict=True)]

    @property
    def pairs(self) -> Pairs:
        """The contexts as anchors: the P positives in the first columns, then the N negatives."""
        similarity = torch.cat([self.positive, self.negative], dim=1)
        is_positive = torch.zeros(similarity.shape, dtype=torch.bool)
        is_positive[:, : self.positive.shape[1]] = True
        return Pairs(similarity, is_positive, ~is_positive)


class Context(Protocol):
    """Where contexts come from.

    name: as figures write it.
    positives, negatives: how many pairs of the sign an anchor has.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def positives(self) -> int: ...  # noqa: D102
    @property
    def negatives(self) -> int: ...  # noqa: D102

    def sample(self, count: int, seed: int = 0) -> Sample:
        """`count` contexts, alike and independent; the same seed gives the same ones."""
        ...


@dataclass(frozen=True)
class Drawn:
    """Contexts whose similarities are drawn independently from a distribution for either sign.

    name: as figures write it.
    positive, negative: the distribution of the sign.
    positives, negatives: how many pairs of the sign an anchor has, from 1 up.
    """

    name: str
    positive: Normal | RandomDirections
    negative: Normal | RandomDirections
    positives: int = POSITIVES
    negatives: int = NEGATIVES

    def __post_init__(self) -> None:
        _make_plain(self)
        for name in ("positive", "negative"):
            if not callable(getattr(getattr(self, name), "quantile", None)):
                given = describe(getattr(self, name))
                raise InputError(f"{name} must be a distribution, Normal or RandomDirections, not {given}")

    def sample(self, count: int, seed: int = 0) -> Sample:
        """`count` contexts; the same seed gives the same ones."""
        count, seed = _as_sampling(count, seed)
        generator = np.random.default_rng(seed)
        return self._at(generator.random((count, self.positives)), generator.random((count, self.negatives)))

    def stratified(self, count: int, seed: int = 0) -> Sample:
        """`count` contexts whose mean is nearer to the expectation (`weightlab.decompose.strata`)."""
        return self._at(*stratified(np.random.default_rng(seed), count, self.positives, self.negatives))

    def _at(self, positive: np.ndarray, negative: np.ndarray) -> Sample:
        quantiles = self.positive.quantile(positive), self.negative.quantile(negative)
        return Sample(*map(torch.from_numpy, quantiles))


@dataclass(frozen=True, eq=False)
class Measured:
    """Contexts from embeddings and their labels.

    name: as figures write it.
    embeddings: floating-point [n, D], L2-normalised.
    labels: whole numbers [n]. Both may be numpy's or lists too.
    positives, negatives: how many pairs of the sign an anchor has, from 1 up.

    Each is that of an anchor drawn among those that share their label; its positives and negatives are drawn from the
    others, again and again where there are fewer than asked for.
    Raises InputError for embeddings that are not normalised or finite, and where no label is shared or all are.
    """

    name: str
    embeddings: Tensor
    labels: Tensor
    positives: int = POSITIVES
    negatives: int = NEGATIVES

    def __post_init__(self) -> None:
        _make_plain(self)
        embeddings = as_embeddings("embeddings", self.embeddings).detach().cpu()
        object.__setattr__(self, "embeddings", embeddings)
        object.__setattr__(self, "labels", as_labels("labels", self.labels, embeddings))
        counts = self.labels.unique(return_counts=True)[1]
        if len(counts) < 2 or int(counts.max()) < 2:
            raise InputError(f"{self.name}: a context needs two labels or more, and one of them twice")

    def sample(self, count: int, seed: int = 0) -> Sample:
        """`count` contexts; the same seed gives the same ones."""
        count, seed = _as_sampling(count, seed)
        generator = np.random.default_rng(seed)
        labels, embeddings = self.labels.numpy(), self.embeddings.double()
        _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
        anchors = generator.choice(np.flatnonzero(counts[inverse] > 1), count)
        rows: list[tuple[Tensor, Tensor]] = []
        for anchor in anchors:
            same = labels == labels[anchor]
            is_negative = ~same
            same[anchor] = False
            chosen = (
                _draw(generator, same, self.positives),
                _draw(generator, is_negative, self.negatives),
            )
            positive, negative = ((embeddings[each] @ embeddings[anchor]).clamp(-1, 1) for each in chosen)
            rows.append((positive, negative))
        return Sample(*(torch.stack(part) for part in zip(*rows, strict=True)))


_DISTRIBUTIONS: dict[str, tuple[Normal | RandomDirections, Normal | RandomDirections]] = {
    "random": (RandomDirections(128), RandomDirections(128)),
    "early": (Normal(0.5, 0.2), Normal(0.3, 0.2)),
    "trained": (Normal(0.75, 0.15), Normal(0.1, 0.15)),
}


def get(name: str, positives: int = POSITIVES, negatives: int = NEGATIVES) -> Drawn:
    """The context called `name`.

    random: cosines of random directions in 128 dimensions, for either sign; random:512: in 512. early: positives
    N(0.5, 0.2²), negatives N(0.3, 0.2²). trained: positives N(0.75, 0.15²), negatives N(0.1, 0.15²). Normals are cut at
    ±1.

    Raises InputError for an unknown name, for dimensions that are no whole number from 2 on, and for a count that is
    not whole, at least 1 and at most 2²².
    """
    if not isinstance(name, str):
        raise InputError(f"a context's name must be a text, not {describe(name)}")
    kind, colon, dimensions = name.partition(":")
    if kind not in _DISTRIBUTIONS and not colon:
        raise unknown("context", kind, _DISTRIBUTIONS)
    if colon:
        if kind != "random" or not re.fullmatch(r"\d{1,6}", dimensions) or int(dimensions) < 2:
            raise InputError(
                f"context '{name}': only random takes a number, of 2 to 999999 dimensions, as in random:512; "
                "run:FOLDER and file:FILE are for the command line, contexts.Measured for Python"
            )
        directions = RandomDirections(int(dimensions))
        return Drawn(name, directions, directions, positives, negatives)
    return Drawn(name, *_DISTRIBUTIONS[kind], positives, negatives)


def as_context(context: str | Context) -> Context:
    """A context, or the one that a name stands for. Raises InputError for anything else."""
    if isinstance(context, str):
        return get(context)
    if not callable(getattr(context, "sample", None)) or not hasattr(context, "positives"):
        raise InputError(f"context must be a name or a Context, not {type(context).__name__}")
    return context


def for_expectation(context: Context, count: int, seed: int = 0) -> Sample:
    """`count` contexts to take means over: stratified where it can be done."""
    return context.stratified(count, seed) if isinstance(context, Drawn) else context.sample(count, seed)


def label(context: Context) -> str:
    """A context with its counts, as tables and figures say it."""
    return f"{context.name}, {context.positives} positives, {context.negatives} negatives"


def _make_plain(context: Drawn | Measured) -> None:
    for name in ("positives", "negatives"):
        object.__setattr__(context, name, check_whole(name, getattr(context, name), 1, _MOST))


def _as_sampling(count: int, seed: int) -> tuple[int, int]:
    return check_whole("count", count, 1, _MOST), check_whole("seed", seed, 0)


def _draw(generator: np.random.Generator, mask: np.ndarray, count: int) -> np.ndarray:
    rows = np.flatnonzero(mask)
    return generator.choice(rows, count, replace=len(rows) < count)

"""How much is looked at: grid points and contexts, and what is too much to start with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from weightlab.errors import InputError, check_whole
from weightlab.forms import AssignedForm
from weightlab.forms.triplets import TripletForm

if TYPE_CHECKING:
    from weightlab.decompose.contexts import Context
    from weightlab.decompose.subject import Subject

__all__ = ["Effort", "blocks_of", "check_held", "check_triplets", "mass_draws"]

_EVALUATIONS = 40_000_000  # pairs to look at for a curve, at the most
_SAMPLED = 1 << 22  # pairs in all the contexts of a curve, at the most
_MOST_POINTS, _MOST_DRAWS = 1 << 16, 1 << 20
_CALLS, _CALLS_LARGE = (400, 41), (84, 21)  # calls of a function that takes one anchor at a time, and grid points
_LARGE = 2048  # negatives of an anchor
_MASS_DRAWS, _MASS_PAIRS = 16384, 1 << 21  # contexts for the weight mass, and pairs in them, at the most
_MASS_CALLS, _MASS_CALLS_LARGE = 256, 64
_LEAST = 8  # contexts, however large
_BLOCK = 1 << 19  # pairs at a time: the temporaries stay in the cache

# what is refused; a pair of a context takes about 64 bytes in all, one that autograd remembers about 32
_HELD, _HELD_BYTES = 1 << 24, 64
_TRIPLETS, _TRIPLET_BYTES = 1 << 26, 32
_CURVE, _CURVE_BYTES = 1 << 26, 16
_LOOKED_AT = 1 << 33  # some minutes


@dataclass(frozen=True)
class Effort:
    """How much a decomposition looks at.

    points: similarities on the curve.
    draws: contexts that the curve is taken in.
    mass_draws: contexts that the weight mass is taken in.
    """

    points: int
    draws: int
    mass_draws: int

    @classmethod
    def of(cls, subject: Subject, context: Context, points: int | None, draws: int | None) -> Effort:
        """As given, else so much that it takes about a second at the most.

        Raises InputError for a number out of range, and for what would take gigabytes or hours.
        """
        points = None if points is None else check_whole("points", points, 2, _MOST_POINTS)
        draws = None if draws is None else check_whole("draws", draws, 1, _MOST_DRAWS)
        usual = _usual_of_calls if subject.one_at_a_time else _usual
        found = cls(*usual(subject, context, points, draws), mass_draws([subject], context, draws))
        _check(subject, context, found)
        return found


def mass_draws(subjects: list[Subject], context: Context, draws: int | None) -> int:
    """Contexts for the weight mass: as many as a small error needs where that is quick; of functions that take one
    anchor at a time as many as are asked for, else a few hundred.
    """
    if any(each.one_at_a_time for each in subjects):
        return draws or (_MASS_CALLS if context.negatives <= _LARGE else _MASS_CALLS_LARGE)
    most = _MASS_PAIRS // max(_pairs_of_weights(each, context) for each in subjects)
    return max(_LEAST, min(_MASS_DRAWS, most - most % 64 if most >= 64 else most))


def blocks_of(subjects: list[Subject], context: Context) -> int:
    """How many contexts at a time the weights are asked for."""
    if any(each.one_at_a_time for each in subjects):
        return 1
    return max(1, int(_BLOCK // (context.positives + context.negatives)))


def check_held(context: Context, count: int, kind: str = "contexts") -> None:
    """Raise InputError where so many contexts hold gigabytes."""
    pairs = count * (context.positives + context.negatives)
    if pairs > _HELD:
        raise InputError(
            f"{count:,} {kind} of {context.positives:,} positives and {context.negatives:,} negatives are {pairs:,} "
            f"pairs and would take {_gigabytes(pairs * _HELD_BYTES)}: at most {_HELD:,} pairs"
        )


def _usual(subject: Subject, context: Context, points: int | None, draws: int | None) -> tuple[int, int]:
    looked_at = subject.pairs_of_a_probe(context.positives, context.negatives)
    points = points or (401 if looked_at <= _LARGE else 101)
    most = min(_EVALUATIONS // (points * looked_at), _SAMPLED // (context.positives + context.negatives))
    return points, draws or min(256, max(_LEAST, most))


def _usual_of_calls(subject: Subject, context: Context, points: int | None, draws: int | None) -> tuple[int, int]:
    calls, usual = _CALLS if context.negatives <= _LARGE else _CALLS_LARGE
    points = points or usual
    return points, draws or max(4, calls // points)


def check_triplets(subject: Subject, context: Context) -> None:
    """Raise InputError where the triplets of an anchor hold gigabytes."""
    triplets = context.positives * (context.positives + context.negatives)
    if _has_triplets(subject) and triplets > _TRIPLETS:
        raise InputError(
            f"{subject.title} compares {context.positives:,} positives with each of {context.negatives:,} negatives, "
            f"which would take {_gigabytes(triplets * _TRIPLET_BYTES)}: at most {_TRIPLETS:,} triplets, "
            f"not {triplets:,}"
        )


def _check(subject: Subject, context: Context, effort: Effort) -> None:
    check_triplets(subject, context)
    check_held(context, max(effort.draws, effort.mass_draws))
    values = effort.points * effort.draws
    if values > _CURVE:
        raise InputError(
            f"{effort.points:,} points in {effort.draws:,} contexts would take {_gigabytes(values * _CURVE_BYTES)}: "
            f"at most {_CURVE:,} in all, not {values:,}"
        )
    looked_at = values * subject.pairs_of_a_probe(context.positives, context.negatives)
    if looked_at > _LOOKED_AT and not subject.one_at_a_time:
        raise InputError(
            f"{effort.points:,} points in {effort.draws:,} contexts look at {looked_at:,} pairs: at most {_LOOKED_AT:,}"
        )


def _pairs_of_weights(subject: Subject, context: Context) -> int:
    """How many pairs are looked at for all the weights of a context."""
    pairs = context.positives + context.negatives
    return context.positives * pairs if _has_triplets(subject) else pairs


def _has_triplets(subject: Subject) -> bool:
    form = subject.form
    parts = (form.positive, form.negative) if isinstance(form, AssignedForm) else (form,)
    return any(isinstance(each, TripletForm) for each in parts)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"

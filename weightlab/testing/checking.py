"""check: a weighting held to its laws."""

from __future__ import annotations

from weightlab.decompose import Subject
from weightlab.decompose.foreign.checked import Checked
from weightlab.decompose.subject import Decomposable
from weightlab.errors import check_whole
from weightlab.pairs import Weighting
from weightlab.precision import exact
from weightlab.testing.contexts import Contexts
from weightlab.testing.laws import LAWS
from weightlab.testing.report import Report

__all__ = ["check"]

_MOST = 1 << 16  # contexts: some minutes
_ALONE = 20  # contexts of a weighting that takes its anchors one by one: some seconds


@exact()
def check(weighting: Decomposable | Subject, *, contexts: int = 200, seed: int = 0) -> Report:
    """Which of the laws of weights hold for a weighting, in random contexts.

    weighting: whatever `decompose` takes: a loss's name ("ms-loss(beta=40)"), import path or file, a weighting
    (anything with `weights(pairs)`), a weight function or its text, or a loss as a callable or module, whose weights
    are autograd's. Of what it states besides, a `value` is held to its weights, and so is a `form`. contexts: how many
    anchors it is tried on, with their pairs, 1 to 65,536; at most 20 of one that says `one_by_one`, whose anchors are
    asked for one by one. seed: what they come from.

    A law that a weighting breaks is in the report, and so is one in which it raises. Raises InputError for what is no
    weighting, and for a number that is not whole.
    """
    contexts = check_whole("contexts", contexts, 1, _MOST)
    seed = check_whole("seed", seed, 0)
    stated = _as_stated(weighting)
    count = min(contexts, _ALONE) if getattr(stated, "one_by_one", False) else contexts
    return Report(tuple(law.judge(stated, Contexts(count, seed)) for law in LAWS))


def _as_stated(what: Decomposable | Subject) -> Weighting:
    """The weighting itself, where `decompose` would refuse its weights at the first that is wrong."""
    found = Subject.of(what).weighting
    return found.weighting if isinstance(found, Checked) else found

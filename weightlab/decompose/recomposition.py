"""recompose: from directly assigned weights back to the loss whose derivative they are, where there is one."""

from __future__ import annotations

from weightlab.assignment import Assignment, WeightFunction
from weightlab.decompose.recomposed import Recomposed
from weightlab.decompose.subject import Decomposable, Subject
from weightlab.errors import InputError

__all__ = ["recompose"]


def recompose(rule: Decomposable | Subject) -> Recomposed:
    """The loss whose derivative an assignment is, or, for either sign, a weight function, its text or any function of
    similarity.

    Raises InputError where there is none of this kind: a weight that looks at the anchor's other pairs (softmax, top,
    the scales mean and mass, a loss's weights); `integrability` then says whether any continuous loss has it.
    """
    subject = Subject.of(rule)
    assigned = subject.weighting
    if not isinstance(assigned, Assignment):
        raise InputError(
            f"{subject.title} is a weighting, not a weight function of similarity: it has its own loss, if any"
        )
    if assigned.scale != "raw":
        raise InputError(
            f"scale '{assigned.scale}' divides by a sum over the anchor's pairs: only 'raw' can be recomposed"
        )
    return Recomposed(_integrable(assigned.positive), _integrable(assigned.negative))


def _integrable(part: object) -> WeightFunction:
    if not isinstance(part, WeightFunction):
        raise InputError(f"{part} is a weighting, not a weight function of similarity: it has its own loss, if any")
    if part.relative:
        raise InputError(f"{part} looks at the anchor's other pairs: see integrability for whether a loss has it")
    return part

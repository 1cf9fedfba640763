"""Subject: what is decomposed, whoever wrote it, looked at once."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from weightlab import losses
from weightlab.assignment import Assignment, WeightFunction, as_part
from weightlab.decompose.contexts import Sample
from weightlab.decompose.foreign.callables import Takes, from_callable, name_of
from weightlab.decompose.foreign.checked import Checked
from weightlab.decompose.foreign.imported import load
from weightlab.decompose.foreign.on_embeddings import OnEmbeddings
from weightlab.decompose.recomposed import Recomposed
from weightlab.errors import InputError, one_line
from weightlab.foreign.guarded import guarded, guarded_function
from weightlab.foreign.imported import ImportPath, is_path
from weightlab.forms import Form, Probe, form_of, probe_all_pairs
from weightlab.forms.form import FORMS
from weightlab.lazy import torch
from weightlab.losses import Loss
from weightlab.pairs import SIGNS, Pairs, PairWeights, Sign, Weighting

if TYPE_CHECKING:
    from sympy import Expr
    from torch import Tensor

    from weightlab.losses.vocabulary import Vocabulary

__all__ = ["Decomposable", "Subject"]

Decomposable = str | WeightFunction | Weighting | Callable[..., Any]

_OURS = (*losses.ALL, Assignment, Recomposed, *FORMS)
# similarities of the trial contexts, and of the probe; no two differ by a round number, as margins are
_GRID = (-0.9137, -0.4119, 0.0873, 0.3361, 0.6479, 0.9531)
_TRIALS, _TRIAL_PAIRS = 6, (3, 12)  # classes of one size, which some losses ask for
_SAME = 1e-4  # relative: some libraries take steps in float32


@dataclass(frozen=True)
class Subject:
    """What is decomposed.

    title: it with its parameters, as figures have it.
    weighting: it as a weighting; others' are checked whenever they are asked.
    value: the loss of each anchor, [B], or their sum; None where there is none to compare the weights with.
    form: how its weights depend on similarities; None where only all pairs' weights are known.
    relative: whether a pair's weight depends on the anchor's other pairs too; found by trial for others' weightings.
    one_at_a_time: whether each anchor has to be asked for alone, which takes its time.
    """

    title: str
    weighting: Weighting
    value: Callable[[Pairs], Tensor] | None
    form: Form | None
    relative: bool
    one_at_a_time: bool

    @classmethod
    def of(cls, what: Decomposable | Subject, takes: Takes | None = None) -> Subject:
        """Whatever `decompose` is given.

        A name ("ms-loss", "ms-loss(beta=40)"), a weight function or its text ("step(0.5)", for either sign), an import
        path ("package.module:Class(margin=0.1)") or file ("file.py:function"), a weighting, or any callable or torch
        module (`weightlab.decompose.foreign.callables`), where `takes` says what it takes if that can't be told.

        Raises InputError for an unknown name, for what can't be imported, is no weighting, or fails.
        """
        if isinstance(what, Subject):
            return what
        title = None
        if isinstance(what, str):
            path = ImportPath.of(what)
            title = path.title if path else None
            what = load(what) if is_path(what) else as_part(what)
        if inspect.isclass(what):
            raise InputError(f"{name_of(what)} is a class: give an instance, {name_of(what)}(...)")
        if isinstance(what, WeightFunction):
            return _of_ours(Assignment.alike(what), title or str(what))
        if isinstance(what, Weighting) and not _is_module(what):
            if takes is not None:
                raise InputError(
                    f"{title or _title(what)} is a weighting and has weights of its own: leave `takes` out"
                )
            return (_of_ours if type(what) in _OURS else _of_others)(what, title or _title(what))
        return _of_callable(what, takes, title)

    @property
    def short(self) -> str:
        """The title without parameters, where it has some."""
        if isinstance(self.weighting, Assignment | Recomposed):
            return self.title
        return self.title.partition("(")[0]

    @property
    def formula(self) -> Callable[[Vocabulary], Expr] | None:
        """The value of one anchor in SymPy, which the built-in losses have."""
        return self.weighting.formula if type(self.weighting) in losses.ALL else None  # type: ignore[attr-defined]

    def weights(self, pairs: Pairs) -> PairWeights:
        """Its weights, [B, R]."""
        return self.weighting.weights(pairs)

    def probe(self, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
        """The weight of the first pair of a sign at each similarity of the grid [G], in each of C contexts, [C, G].

        Its form is asked for what it needs to know; without one, all the pairs' weights at each grid point are.
        """
        asked = Probe(sample.positive, sample.negative, sign, grid)
        if self.form is None:
            return probe_all_pairs(self.weighting, asked).detach()
        if not isinstance(self.weighting, Checked):
            return self.form.probe(asked).detach()
        with guarded(f"{self.title} fails"):
            return self.form.probe(asked).detach()

    def pairs_of_a_probe(self, positives: int, negatives: int) -> int:
        """How many pairs are looked at for the weight at one grid point, in a context of so many."""
        return positives + negatives if self.form is None else self.form.pairs_of_a_probe(positives, negatives)


def _of_ours(weighting: Weighting, title: str) -> Subject:
    value = getattr(weighting, "value", None)
    return Subject(title, weighting, value, form_of(weighting), getattr(weighting, "relative", True), False)


def _of_others(weighting: Weighting, title: str) -> Subject:
    """Its weights are checked, and so is what it says of contexts; its form is asked if that has the same weights."""
    checked = Checked(weighting, title)
    with guarded(f"{title} fails"):
        value, form = getattr(weighting, "value", None), form_of(weighting)
        says_relative = getattr(weighting, "relative", False) is True
    value = guarded_function(value, title) if callable(value) else None
    subject = Subject(title, checked, value, None, True, False)
    if form is not None and _is_its_form(checked, form):
        subject = dataclasses.replace(subject, form=form)
    return dataclasses.replace(subject, relative=says_relative or _changes_with_context(subject))


def _of_callable(what: object, takes: Takes | None, title: str | None) -> Subject:
    weighting = from_callable(what, takes)
    if isinstance(weighting, WeightFunction):
        return _of_ours(Assignment.alike(weighting), title or str(weighting))
    one_at_a_time = isinstance(weighting, OnEmbeddings) or weighting.one_by_one
    subject = Subject(title or str(weighting), weighting, None, None, True, one_at_a_time)
    return dataclasses.replace(subject, relative=_changes_with_context(subject))


def _title(weighting: Weighting) -> str:
    """With its parameters."""
    if type(weighting) in losses.ALL:
        assert isinstance(weighting, Loss)
        values = losses.parameters(weighting).items()
        shown = ", ".join(f"{name}={value:g}" for name, value in values if value is not None)
        return f"{weighting.name}({shown})" if shown else weighting.name
    says_itself = type(weighting).__str__ is not object.__str__ or type(weighting).__repr__ is not object.__repr__
    with contextlib.suppress(InputError), guarded("its text fails"):
        return one_line(" ".join(str(weighting).split())) if says_itself else name_of(weighting)
    return name_of(weighting)


def _is_module(what: object) -> bool:
    """Whether it is a torch module; asked by name, so that built-in names resolve without torch."""
    return any(kind.__module__.startswith("torch.nn") for kind in type(what).__mro__) and isinstance(
        what, torch.nn.Module
    )


def _changes_with_context(subject: Subject) -> bool:
    """Whether the probed pair's weight differs between contexts that have as many pairs; True where it fails in one."""
    try:
        return _differs(subject)
    except InputError:  # in contexts that nobody asked for
        return True


def _differs(subject: Subject) -> bool:
    grid = torch.tensor(_GRID, dtype=torch.float64)
    for sign in SIGNS:
        first, *others = (subject.probe(each, sign, grid)[0] for each in _trials())
        for other in others:
            if float((other - first).abs().max()) > _SAME * float(torch.maximum(first.abs(), other.abs()).max()):
                return True
    return False


def _trials() -> list[Sample]:
    """Contexts of one anchor each, anywhere between −1 and 1, with easy pairs alone and with hard ones alone too."""
    generator = torch.Generator().manual_seed(0)
    positives, negatives = _TRIAL_PAIRS

    def between(low: float, high: float, count: int) -> Tensor:
        return low + (high - low) * torch.rand(1, count, generator=generator, dtype=torch.float64)

    anywhere = [Sample(between(-0.95, 0.95, positives), between(-0.95, 0.95, negatives)) for _ in range(_TRIALS - 2)]
    easy = Sample(between(0.7, 0.95, positives), between(-0.95, -0.7, negatives))
    hard = Sample(between(-0.3, 0.1, positives), between(0.3, 0.9, negatives))
    return [anywhere[0], hard, easy, *anywhere[1:]]


def _is_its_form(weighting: Weighting, form: Form) -> bool:
    try:
        with guarded("its form fails"):
            return all(_same(weighting.weights(each.pairs), form.weights(each.pairs)) for each in _trials())
    except InputError:  # without its form it can still be asked
        return False


def _same(a: PairWeights, b: PairWeights) -> bool:
    largest = max(float(each.abs().max()) for each in (a.positive, a.negative))
    gap = max(float((x - y).abs().max()) for x, y in ((a.positive, b.positive), (a.negative, b.negative)))
    return gap <= 1e-9 * largest

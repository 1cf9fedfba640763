"""The weight of one pair as its similarity moves along a grid, in the contexts of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightlab.decompose.contexts import Sample
from weightlab.forms import Probe, form_of, probe_all_pairs
from weightlab.pairs import Sign, Weighting

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["pairs_of_a_probe", "probe"]


def probe(weighting: Weighting, sample: Sample, sign: Sign, grid: Tensor) -> Tensor:
    """The weight of the first pair of a sign at each similarity of the grid [G], in each of the C contexts, [C, G].

    A weighting with a form is asked for what its form needs; any other for all the pairs' weights at each grid point.
    """
    form, asked = form_of(weighting), Probe(sample.positive, sample.negative, sign, grid)
    weight = probe_all_pairs(weighting, asked) if form is None else form.probe(asked)
    return weight.detach()


def pairs_of_a_probe(weighting: Weighting, positives: int, negatives: int) -> int:
    """How many pairs are looked at for the weight at one grid point, in a context of so many."""
    form = form_of(weighting)
    return positives + negatives if form is None else form.pairs_of_a_probe(positives, negatives)

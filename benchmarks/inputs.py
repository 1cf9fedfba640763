"""What the benchmarks run on: embeddings around class centres, and a batch of anchors against a bank of references."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from weightlab.errors import InputError

__all__ = ["BATCH", "CLASS_SIZE", "DIMENSIONS", "Inputs", "clustered", "make_inputs"]

BATCH, DIMENSIONS = 64, 128
CLASS_SIZE = 5  # references of a class, on average
_OF_A_CLASS = 4  # anchors of a class: a batch as a P×K sampler draws it
_GROUPS = 100  # of classes that look alike
_CLASS = 0.8  # how far a class lies from its group's centre


@dataclass(frozen=True)
class Inputs:
    """A step's inputs.

    anchors: [B, D], L2-normalised.
    labels: int64 [B].
    references: [M, D], L2-normalised.
    reference_labels: int64 [M].
    """

    anchors: Tensor
    labels: Tensor
    references: Tensor
    reference_labels: Tensor

    def share_above(self, similarity: float) -> float:
        """The share of negatives that are more similar than `similarity`."""
        negative = self.labels[:, None] != self.reference_labels
        above = (self.anchors @ self.references.T > similarity) & negative
        return float(above.sum() / negative.sum())


def clustered(labels: Tensor, generator: torch.Generator, spread: float = 0.5) -> Tensor:
    """An embedding for each label, float32 [n, 128], L2-normalised: around its class, which lies around its group.

    spread: how far from its class on average; rows differ, from none to twice that. At 0.5 similarities are about
    0.8 ± 0.1 within a class, 0.5 ± 0.1 between classes of the same group (a hundredth of all) and 0.0 ± 0.09 else, so
    that of the negatives some lie above 0.5, yet most do not, and some above a positive.
    """
    groups = _directions(_GROUPS, generator)
    classes = int(labels.max()) + 1
    centres = normalize(groups[torch.arange(classes) % _GROUPS] + _CLASS * _directions(classes, generator))
    distance = 2 * spread * torch.rand(len(labels), 1, generator=generator)
    return normalize(centres[labels] + distance * _directions(len(labels), generator))


def make_inputs(references: int, device: torch.device) -> Inputs:
    """64 anchors, four of each of 16 classes that the bank holds, and `references` in no order, about five a class.

    The same for the same number. Raises InputError for a bank smaller than the batch.
    """
    if references < BATCH:
        raise InputError(f"a bank must hold at least the batch, {BATCH}, not {references}")
    generator = torch.Generator().manual_seed(references)
    reference_labels = torch.randint(references // CLASS_SIZE, (references,), generator=generator)
    chosen = reference_labels[torch.randperm(references, generator=generator)[: BATCH // _OF_A_CLASS]]
    labels = chosen.repeat_interleave(_OF_A_CLASS)
    embeddings = clustered(torch.cat([labels, reference_labels]), generator).to(device)
    return Inputs(embeddings[:BATCH], labels.to(device), embeddings[BATCH:], reference_labels.to(device))


def _directions(count: int, generator: torch.Generator) -> Tensor:
    return normalize(torch.randn(count, DIMENSIONS, generator=generator))

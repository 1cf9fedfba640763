"""The ways to get the gradient of the anchors that are compared, each of them a function of the same inputs.

Everything here can be pickled: memory is measured in processes of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor

from benchmarks.inputs import Inputs
from weightlab import losses
from weightlab.assignment import as_weighting, assign
from weightlab.losses import Contrastive, Loss, MultiSimilarity, Triplet
from weightlab.memory import MemoryBank
from weightlab.pairs import Pairs, Weighting
from weightlab.step import surrogate

__all__ = ["AUTOGRAD", "LIBRARY", "PRODUCTS", "WEIGHTLAB", "XBM", "Method", "has_library", "methods"]

PRODUCTS = "two dense products"
WEIGHTLAB = "weightlab"
AUTOGRAD = "autograd"
XBM = "XBM"
LIBRARY = "pytorch-metric-learning"
_LIBRARY_MEMORY = "CrossBatchMemory"

_ENQUEUED = 1024  # at a time

Value = Callable[[Tensor], Tensor]  # a loss, of the anchors [B, D]


@dataclass(frozen=True)
class Method:
    """One way to do the step.

    name: the way.
    loss: of what.
    make: inputs → the loss as a function of the anchors, or None for the bare products.
    largest: the number of references above which it takes too much memory to be run.
    """

    name: str
    loss: str
    make: Callable[[Inputs], Value] | None
    largest: int | None = None

    @property
    def title(self) -> str:
        """Way and loss."""
        return f"{self.name}, {self.loss}" if self.loss else self.name

    def fits(self, references: int) -> bool:
        """Whether it can be run with so many."""
        return self.largest is None or references <= self.largest

    def prepare(self, inputs: Inputs) -> Callable[[], Tensor]:
        """The step, ready to be run again and again: each time the gradient of the anchors, [B, D]."""
        if self.make is None:
            return partial(_products, inputs)
        return partial(_gradient, self.make(inputs), inputs.anchors.detach().clone().requires_grad_())


def has_library() -> bool:
    """Whether pytorch-metric-learning is installed."""
    return find_spec("pytorch_metric_learning") is not None


def methods() -> list[Method]:
    """All of them, the yardstick first; those of pytorch-metric-learning where it is installed."""
    contrastive, ms_loss, triplet = Contrastive(), MultiSimilarity(), Triplet()
    step = assign(positive="constant", negative="step(0.5)")
    found = [
        Method(PRODUCTS, "", None),
        Method(WEIGHTLAB, contrastive.name, partial(_weightlab, contrastive)),
        Method(WEIGHTLAB, "step(0.5)", partial(_weightlab, step)),
        Method(WEIGHTLAB, ms_loss.name, partial(_weightlab, ms_loss)),
        Method(WEIGHTLAB, triplet.name, partial(_weightlab, triplet)),
        Method(AUTOGRAD, contrastive.name, partial(_autograd, contrastive)),
        Method(AUTOGRAD, ms_loss.name, partial(_autograd, ms_loss)),
        Method(AUTOGRAD, triplet.name, partial(_autograd, triplet), largest=1 << 18),
        Method(XBM, contrastive.name, _xbm),
    ]
    if has_library():
        found += [
            Method(LIBRARY, contrastive.name, partial(_library, contrastive.name)),
            Method(LIBRARY, ms_loss.name, partial(_library, ms_loss.name)),
            Method(LIBRARY, triplet.name, partial(_library, triplet.name), largest=1 << 16),
            Method(_LIBRARY_MEMORY, contrastive.name, partial(_library_memory, contrastive.name)),
            Method(_LIBRARY_MEMORY, ms_loss.name, partial(_library_memory, ms_loss.name)),
        ]
    return found


def _products(inputs: Inputs) -> Tensor:
    """The least that a dense step has to do: all similarities, and a sum of references weighted by them."""
    return inputs.anchors @ inputs.references.T @ inputs.references


def _gradient(value: Value, anchors: Tensor) -> Tensor:
    return torch.autograd.grad(value(anchors), anchors)[0]


def _weightlab(weighting: Weighting, inputs: Inputs) -> Value:
    """Against a bank that holds the references; the form is made once, the look-up by label at each step."""
    form, bank = as_weighting(weighting), MemoryBank(*inputs.references.shape, device=inputs.references.device)
    for rows in torch.arange(len(inputs.references)).split(_ENQUEUED):
        bank.enqueue(inputs.references[rows], inputs.reference_labels[rows])
    return lambda anchors: surrogate(form, anchors, inputs.labels, bank.references(inputs.labels))


def _autograd(loss: Loss, inputs: Inputs) -> Value:
    def value(anchors: Tensor) -> Tensor:
        pairs = Pairs.from_embeddings(anchors, inputs.labels, inputs.references, inputs.reference_labels)
        return loss.value(pairs).mean()

    return value


def _xbm(inputs: Inputs) -> Value:
    """The contrastive loss over a memory as Wang et al. 2020 describe it (section 3, eq. 1 and algorithm 1)."""
    limit = losses.Contrastive().neg_margin

    def value(anchors: Tensor) -> Tensor:
        similarity = anchors @ inputs.references.T
        same = inputs.labels[:, None] == inputs.reference_labels
        total = anchors.new_zeros(())
        for row, is_positive in zip(similarity, same, strict=True):
            positive, negative = row[is_positive], row[~is_positive]
            positive, negative = positive[positive < 1], negative[negative > limit]
            total = total + (1 - positive).sum() + (negative - limit).sum()
        return total / len(anchors)

    return value


def _library(loss: str, inputs: Inputs) -> Value:
    module = _library_loss(loss)
    return lambda anchors: module(anchors, inputs.labels, ref_emb=inputs.references, ref_labels=inputs.reference_labels)


def _library_memory(loss: str, inputs: Inputs) -> Value:
    """Its wrapper with a memory that is full; each step writes the batch over the same slots, so that all are alike."""
    from pytorch_metric_learning.losses import CrossBatchMemory

    size, dimensions = inputs.references.shape
    memory = CrossBatchMemory(_library_loss(loss), dimensions, memory_size=size).to(inputs.references.device)
    memory.add_to_memory(inputs.references, inputs.reference_labels, size)

    def value(anchors: Tensor) -> Tensor:
        memory.queue_idx = 0
        result: Tensor = memory(anchors, inputs.labels)
        return result

    return value


def _library_loss(name: str) -> Callable[..., Tensor]:
    """pytorch-metric-learning's loss of our name, in cosine similarity and with our margins; its own averaging."""
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import ContrastiveLoss, MultiSimilarityLoss, TripletMarginLoss

    contrastive, ms_loss, triplet = losses.Contrastive(), losses.MultiSimilarity(), losses.Triplet()
    known: dict[str, Callable[..., Callable[..., Tensor]]] = {
        contrastive.name: partial(
            ContrastiveLoss, pos_margin=contrastive.pos_margin, neg_margin=contrastive.neg_margin
        ),
        ms_loss.name: partial(MultiSimilarityLoss, alpha=ms_loss.alpha, beta=ms_loss.beta, base=ms_loss.base),
        triplet.name: partial(TripletMarginLoss, margin=triplet.margin),
    }
    return known[name](distance=CosineSimilarity())

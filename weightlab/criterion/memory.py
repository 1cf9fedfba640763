"""MemoryCriterion: a criterion against the batch and a memory of past batches, in other people's training loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from weightlab.arrays import as_entries, normalised
from weightlab.criterion.criterion import Criterion
from weightlab.criterion.held import HeldBank
from weightlab.criterion.uncompiled import uncompiled
from weightlab.errors import InputError, check_whole, describe
from weightlab.forms import form_of

if TYPE_CHECKING:
    from weightlab.arrays import Array

__all__ = ["MemoryCriterion"]


class MemoryCriterion(nn.Module):
    """A `Criterion` of the batch against itself, plus the same of the batch against a memory of `size` entries.

        criterion = wl.MemoryCriterion(wl.Criterion("ms-loss"), size=8192)
        loss = criterion(model(images), labels)

    Each call in training puts the batch in first, over the oldest entries, and then compares it with all of them, each
    anchor's own entry left out by its place: two images with the same embedding stay a pair. In eval mode, or without
    gradients, nothing is put in, and the memory, where it has entries, is compared with as it is.

    With a momentum encoder, whose embeddings fill the memory and stay true for longer, the loop says what it encodes,
    and lets it follow once the optimiser has stepped. The momentum encoder is a part of this module: of its
    state_dict too, and never trained.

        momentum = wl.memory.momentum_encoder(model, 0.99)
        criterion = wl.MemoryCriterion(wl.Criterion("ms-loss"), size=8192, momentum_encoder=momentum)
        loss = criterion(model(images), labels, inputs=images)
        loss.backward(); optimizer.step(); criterion.momentum_encoder.update_parameters(model)

    In Lightning it follows in `optimizer_step`, after the parent's: `on_before_zero_grad` is called too late. Make it
    of the model itself, before that is compiled or wrapped. It is put into training mode with the criterion, whatever
    the model was in, and goes with it from then on. Where inputs are no single argument, or keys come from elsewhere,
    give the keys themselves: criterion(embeddings, labels, keys=keys).

    Gradient accumulation: every call puts its part of the batch in, and compares it with what is there by then; divide
    the losses by their number, as ever, and let the momentum encoder follow once, after the optimiser's step. A second
    pass over a batch within one step (SAM, a closure) is to be made in eval mode, or the batch is put in twice.

    Its state_dict holds the bank (`bank.embeddings`, `bank.labels`, `bank.seen`): a copy, exact, and loaded strictly.
    How many dimensions there are the first batch says, or the state that is loaded before it; of a criterion that has
    seen none it has embeddings [size, 0]. The bank moves with the module and follows the embeddings' device; it keeps
    float32 (float64 for float64 embeddings), whatever the module is cast to. A run that goes on from a state is the run
    that was not stopped.

    size: entries, at least as many as a batch has rows. momentum_encoder: any module that gives keys, None for a plain
    memory. Source: Wang et al. 2020 (XBM), algorithm 1; He et al. 2020 (MoCo).
    Raises InputError for a criterion that is none, another size, and a momentum encoder that is no module.
    """

    def __init__(self, criterion: Criterion, size: int = 8192, momentum_encoder: nn.Module | None = None) -> None:
        super().__init__()
        if not isinstance(criterion, Criterion):
            raise InputError(
                f'criterion must be a Criterion, such as wl.Criterion("ms-loss"), not {describe(criterion)}'
            )
        if momentum_encoder is not None and not isinstance(momentum_encoder, nn.Module):
            raise InputError(f"momentum_encoder must be a torch.nn.Module, not {describe(momentum_encoder)}")
        self.criterion = criterion
        self.bank = HeldBank(check_whole("size", size, 1))
        self.momentum_encoder = momentum_encoder
        self.train()  # a momentum encoder is often the copy of a model that was just evaluated

    @uncompiled  # as `Criterion` is
    def forward(
        self,
        embeddings: Array,
        labels: Array,
        indices_tuple: Sequence[Array] | None = None,
        ref_emb: Array | None = None,
        ref_labels: Array | None = None,
        *,
        keys: Array | None = None,
        inputs: Any = None,  # noqa: ANN401 (whatever the momentum encoder takes)
        enqueue_mask: Array | None = None,
    ) -> Tensor:
        """The batch's surrogate plus the memory's, each the mean over the anchors: a scalar to call backward on.

        embeddings: [B, D], of any length but 0, with labels [B].
        indices_tuple, ref_emb, ref_labels: of the batch's term, as `Criterion` takes them; the memory's term has all
        pairs with the memory, as that of pytorch-metric-learning's CrossBatchMemory has.
        keys: [B, D], what is put in for each row, in place of the row itself. inputs: what the momentum encoder makes
        the keys of; with a momentum encoder one of the two is wanted in training. In eval mode neither is used.
        enqueue_mask: bool [B], as of CrossBatchMemory: these rows are keys, put in and not compared otherwise; the
        others are the anchors, and have no own entry: a key of the same label is their positive.

        Raises InputError as `Criterion` does, for a batch larger than the memory, and for keys of another shape.
        """
        if enqueue_mask is not None:
            return self._masked(embeddings, labels, enqueue_mask, (indices_tuple, ref_emb, ref_labels, keys, inputs))
        anchors = normalised("embeddings", embeddings)
        references = self.criterion.references(ref_emb, ref_labels, labels)
        value = self.criterion.of_rows(anchors, labels, references, indices_tuple)
        entries = self.criterion.as_labels("labels", labels, anchors)
        own = self.bank.enqueue(self._keys(anchors, keys, inputs), entries) if self._enqueues else None
        return self._with_memory(value, anchors, entries, own)

    def reset_queue(self) -> None:
        """Forget every entry, as of pytorch-metric-learning's CrossBatchMemory."""
        self.bank.clear()

    @property
    def _enqueues(self) -> bool:
        return self.training and torch.is_grad_enabled()

    def _with_memory(self, value: Tensor, anchors: Tensor, labels: Tensor, own: Tensor | None) -> Tensor:
        if not len(self.bank) or not len(anchors):
            return value
        references = self.bank.references(labels, own)
        if form_of(self.criterion.weighting) is None:
            # then all pairs are held until the backward, and the next batch may be put in before that
            references = replace(references, embeddings=references.embeddings.clone())
        return value + self.criterion.of_rows(anchors, labels, references)

    def _masked(self, embeddings: Array, labels: Array, mask: Array, others: tuple[object, ...]) -> Tensor:
        """Some rows are keys, the others anchors."""
        if any(each is not None for each in others):
            raise InputError("enqueue_mask goes with embeddings and labels alone: the keys are among them")
        rows = normalised("embeddings", embeddings)
        entries = self.criterion.as_labels("labels", labels, rows)
        is_key = as_entries("enqueue_mask", mask, rows)
        if is_key.ndim != 1 or is_key.dtype != torch.bool:
            raise InputError(f"enqueue_mask must be bool [{len(rows)}], not {describe(is_key)}")
        anchors, wanted = rows[~is_key], entries[~is_key]
        value = self.criterion.of_rows(anchors, wanted)
        if self._enqueues:
            self.bank.enqueue(rows[is_key], entries[is_key])
        return self._with_memory(value, anchors, wanted, None)

    @torch.no_grad()
    def _keys(self, anchors: Tensor, keys: Array | None, inputs: Any) -> Tensor:  # noqa: ANN401
        if keys is not None and inputs is not None:
            raise InputError("give keys, or inputs that the momentum encoder makes them of, not both")
        if inputs is not None:
            if self.momentum_encoder is None:
                raise InputError(
                    "inputs are for a momentum encoder: MemoryCriterion(criterion, size, momentum_encoder)"
                )
            keys = self.momentum_encoder(inputs)
        if keys is None:
            if self.momentum_encoder is not None:
                raise InputError("with a momentum encoder, training wants inputs=..., which it encodes, or keys=...")
            return anchors
        rows = normalised("keys", keys)
        if rows.shape != anchors.shape:
            raise InputError(f"keys must be {list(anchors.shape)}, one for each anchor, not {describe(rows)}")
        return rows.to(anchors.device)

"""The momentum encoder: a slow copy of the encoder, whose embeddings stay true for longer in the memory."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from weightlab.errors import InputError, check_number, describe

__all__ = ["MomentumEncoder", "momentum_encoder"]


class MomentumEncoder(nn.Module):
    """A copy of an encoder that follows it: what torch's AveragedModel does for an exponential mean, and its
    state_dict, in a fifth of its time where the encoder is small.

    encoder: any module. momentum: in [0, 1).
    """

    n_averaged: torch.Tensor

    def __init__(self, encoder: nn.Module, momentum: float) -> None:
        super().__init__()
        self.module = deepcopy(encoder)
        self.register_buffer("n_averaged", torch.tensor(0))
        self.momentum = momentum

    def forward(self, *inputs: Any, **named: Any) -> Any:  # noqa: ANN401 (whatever the encoder takes and gives)
        """The copy's embeddings."""
        return self.module(*inputs, **named)

    @torch.no_grad()
    def update_parameters(self, encoder: nn.Module) -> None:
        """θ_k ← momentum·θ_k + (1 − momentum)·θ, the first time θ_k ← θ; buffers are copied."""
        own = list(self.module.parameters())
        new = [theirs.to(its.device) for its, theirs in zip(own, encoder.parameters(), strict=True)]
        if self.n_averaged and own:
            get_ema_multi_avg_fn(self.momentum)(own, new, self.n_averaged)  # made here: a closure does not pickle
        else:
            _copy(own, new)
        _copy(self.module.buffers(), encoder.buffers())
        self.n_averaged += 1


def _copy(to: Iterable[torch.Tensor], given: Iterable[torch.Tensor]) -> None:
    for its, theirs in zip(to, given, strict=True):
        its.copy_(theirs)


def momentum_encoder(encoder: nn.Module, momentum: float) -> MomentumEncoder:
    """A copy of `encoder` whose `update_parameters(encoder)` does θ_k ← momentum·θ_k + (1 − momentum)·θ.

    Buffers are copied; the first update copies the parameters too. momentum: in [0, 1).
    Source: He et al. 2020 (MoCo), eq. 2. Raises InputError for a momentum out of
    range, and for what is no encoder.
    """
    momentum = check_number("momentum", momentum)
    if not 0 <= momentum < 1:
        raise InputError(f"momentum must be in [0, 1), not {momentum!r}")
    if not isinstance(encoder, nn.Module):
        raise InputError(f"encoder must be a torch.nn.Module, not {describe(encoder)}")
    return MomentumEncoder(encoder, momentum).requires_grad_(False)

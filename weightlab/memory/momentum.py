"""The momentum encoder: a slow copy of the encoder, whose embeddings stay true for longer in the memory."""

from __future__ import annotations

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from weightlab.errors import InputError, check_number, describe

__all__ = ["momentum_encoder"]


def momentum_encoder(encoder: nn.Module, momentum: float) -> AveragedModel:
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
    copy = AveragedModel(encoder, multi_avg_fn=get_ema_multi_avg_fn(momentum))
    return copy.requires_grad_(False)

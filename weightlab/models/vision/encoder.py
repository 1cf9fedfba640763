"""A network of timm, with an embedding head, as an encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import timm
import torch
from timm.data import resolve_model_data_config
from timm.optim import param_groups_layer_decay
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from weightlab.errors import InputError
from weightlab.foreign.guarded import guarded, guarded_import
from weightlab.models.kind import Wanted
from weightlab.models.vision.weights import with_weights

__all__ = ["Vision", "build"]


class Vision(nn.Module):
    """x = normalise(W f((v − mean) / std) + b) of images v in [0, 1], with timm's network f.

    float32 [n, channels, height, width] to L2-normalised [n, dimensions].

    features: how many f gives.
    mean, std: of each channel, [channels].
    frozen: keep batch norm's statistics and parameters as they are, in training too.
    backbone_rate: the learning rate of f against the head's.
    layer_decay: of each of f's layers against the one after it (Clark et al. 2020, ELECTRA; Bao et al. 2021, BEiT).
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        features: int,
        dimensions: int,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        frozen: bool = False,
        backbone_rate: float = 1.0,
        layer_decay: float = 1.0,
    ) -> None:
        super().__init__()
        self.backbone, self.head = backbone, nn.Linear(features, dimensions)
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])
        self.frozen, self.backbone_rate, self.layer_decay = frozen, backbone_rate, layer_decay
        if frozen:
            for norm in batch_norms(backbone):
                norm.requires_grad_(False)
        self.train()

    def forward(self, images: Tensor) -> Tensor:
        """The embeddings of the images."""
        features = self.backbone((images - self.mean) / self.std)
        return nn.functional.normalize(self.head(features), dim=1)

    def train(self, mode: bool = True) -> Self:
        """As every module's, but frozen batch norm stays as it is."""
        super().train(mode)
        if self.frozen:
            for norm in batch_norms(self.backbone):
                norm.eval()
        return self

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """What the learning rate is multiplied by, and the parameters of which; those that are trained."""
        layers: dict[float, list[nn.Parameter]] = {}
        if self.layer_decay == 1:
            layers[1.0] = [each for each in self.backbone.parameters() if each.requires_grad]
        else:
            for group in param_groups_layer_decay(self.backbone, weight_decay=0.0, layer_decay=self.layer_decay):
                layers.setdefault(group["lr_scale"], []).extend(group["params"])
        return [
            *((self.backbone_rate * scale, parameters) for scale, parameters in layers.items()),
            (1.0, list(self.head.parameters())),
        ]


def batch_norms(module: nn.Module) -> list[nn.Module]:
    """Those in a module."""
    return [each for each in module.modules() if isinstance(each, _BatchNorm)]


def build(architecture: str, options: Mapping[str, Any], wanted: Wanted) -> Vision:
    """timm's `architecture` as an encoder of images of the wanted shape.

    Raises InputError where it does not take them, its weights can't be had or don't fit, and for an option that has no
    say in it.
    """
    channels, height, width = wanted.shape
    config = timm.models.get_pretrained_cfg(architecture)
    arguments: dict[str, Any] = {"num_classes": 0, "in_chans": channels}
    if options["pooling"]:
        arguments["global_pool"] = options["pooling"]
    if config is not None and config.fixed_input_size:
        arguments["img_size"] = (height, width)
    pretrained, file = (None if wanted.bare else options[name] for name in ("pretrained", "weights"))
    source = " with weights from the network, which weights=FILE does without" if pretrained else ""
    with guarded_import(f"timm can't build {architecture} of {_given(arguments)}{source}"):
        backbone = (
            with_weights(architecture, file, arguments)
            if file
            else timm.create_model(architecture, bool(pretrained), **arguments)
        )
    if options["freeze_batch_norm"] and not batch_norms(backbone):
        raise InputError(f"{architecture} has no batch norm: leave freeze_batch_norm out")
    data = resolve_model_data_config(backbone)
    features = _features(backbone, architecture, wanted.shape, data["input_size"][-1])
    return Vision(
        backbone,
        features,
        wanted.dimensions,
        _of_channels(data["mean"], channels),
        _of_channels(data["std"], channels),
        frozen=options["freeze_batch_norm"],
        backbone_rate=options["backbone_rate"],
        layer_decay=options["layer_decay"],
    )


def _given(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def _features(backbone: nn.Module, architecture: str, shape: Sequence[int], made_for: int) -> int:
    """How many it gives, found by trying it."""
    channels, height, width = shape
    what = f"timm's {architecture} fails for images of {height} × {width}: it is made for --size {made_for}"
    with guarded(what), torch.no_grad():
        found = backbone.eval()(torch.rand(2, channels, height, width))
    if not isinstance(found, Tensor) or found.ndim != 2:
        form = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise InputError(f"timm's {architecture} gives {form} for two images, not their features")
    if not bool(found.isfinite().all()):
        raise InputError(f"timm's {architecture} gives features that are not finite for images of {height} × {width}")
    return found.shape[1]


def _of_channels(values: Sequence[float], channels: int) -> list[float]:
    """Of a colour's three; for other channels the mean of them, as timm makes its first layer of other channels."""
    return list(values) if len(values) == channels else [sum(values) / len(values)] * channels

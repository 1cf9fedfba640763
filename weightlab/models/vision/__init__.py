"""Encoders on the networks of timm (the extra `weightlab[vision]`): what their text says, and whether it can be built.

timm: R. Wightman, PyTorch Image Models, https://github.com/huggingface/pytorch-image-models
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weightlab.errors import InputError, nearest, shown
from weightlab.files import check_readable
from weightlab.foreign.guarded import guarded_import
from weightlab.models.kind import Kind, Wanted
from weightlab.models.option import choice, number, text, truth

if TYPE_CHECKING:
    from torch import nn

__all__ = ["KIND"]

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")


def _check(architecture: str, options: Mapping[str, Any]) -> None:
    if options["pretrained"] and options["weights"]:
        raise InputError(f"weights of timm:{architecture} are given and pretrained=true: leave one out")
    if options["weights"] and Path(options["weights"]).suffix not in _SUFFIXES:
        raise InputError(
            f"weights of timm:{architecture} must be a file that ends in {', '.join(_SUFFIXES[:-1])} or "
            f"{_SUFFIXES[-1]}, not {shown(options['weights'])}"
        )
    _check_timm(architecture)
    import timm

    if not timm.is_model(architecture):
        near = nearest(architecture.partition(".")[0], timm.list_models())
        hint = "timm.list_models() has them all" if near is None else f"did you mean '{near}'?"
        raise InputError(f"unknown timm model {shown(architecture)}: {hint}")
    name, _, tag = architecture.partition(".")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(name)]
    if tag and tag not in tags:
        raise InputError(f"timm's {name} has no weights called {shown(tag)}: it has {', '.join(tags) or 'none'}")
    if options["pretrained"] and not tags:
        raise InputError(f"timm has no pretrained weights of {name}: leave pretrained out, or give weights=FILE")


def _check_timm(architecture: str) -> None:
    """Raise InputError where timm is not installed, or can't be imported."""
    with guarded_import("importing timm fails (torchvision must be one that is made for this torch)"):
        try:
            import timm.data
            import timm.models
            import timm.optim  # noqa: F401
        except ModuleNotFoundError as error:
            if not f"{error.name}.".startswith("timm."):
                raise
            raise InputError(f"timm:{architecture} needs timm: pip install 'weightlab[vision]'") from error


def _check_files(architecture: str, options: Mapping[str, Any]) -> None:
    if options["weights"]:
        check_readable(Path(options["weights"]).expanduser())


def _build(architecture: str, options: Mapping[str, Any], wanted: Wanted) -> nn.Module:
    from weightlab.models.vision.encoder import build  # its class needs torch at once

    return build(architecture, options, wanted)


KIND = Kind(
    name="timm",
    example="timm:resnet50(pooling=max, freeze_batch_norm=true)",
    place="ARCHITECTURE",
    takes="images",
    options={
        "pooling": choice("avg", "max", "avgmax", "catavgmax", "token", "map"),
        "freeze_batch_norm": truth(False),
        "pretrained": truth(False),
        "weights": text(),
        "backbone_rate": number(1.0, 1.0),
        "layer_decay": number(1.0, 1.0),
    },
    build=_build,
    check=_check,
    check_files=_check_files,
)

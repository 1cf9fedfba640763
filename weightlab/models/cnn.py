"""A small convolutional encoder, quick on one CPU core."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["CNN"]


class CNN(nn.Module):
    """Four 3 × 3 convolutions of width 1, 2, 4 and 4 times `width`; the first three halve the image.

    float32 [n, channels, height, width] of any size from 8 × 8 to L2-normalised [n, dimensions]. The maximum over
    what is left of the image (rather than the mean: strokes are sparse) goes through one linear layer.
    """

    SMALLEST = 8  # side of an image that has a pixel left after three halvings

    def __init__(self, channels: int, width: int, dimensions: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _block(channels, width, halve=True),
            _block(width, 2 * width, halve=True),
            _block(2 * width, 4 * width, halve=True),
            _block(4 * width, 4 * width, halve=False),
        )
        self.head = nn.Linear(4 * width, dimensions)
        for parameter in self.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)  # half the time on a CPU

    def forward(self, images: Tensor) -> Tensor:
        """The embeddings of the images."""
        maps = self.features(images.contiguous(memory_format=torch.channels_last))
        return nn.functional.normalize(self.head(maps.amax(dim=(2, 3))), dim=1)


def _block(channels: int, width: int, *, halve: bool) -> nn.Sequential:
    # Pooled before it is normalised: a quarter of the work for the two layers after it.
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=False)]
    layers += [nn.MaxPool2d(2)] if halve else []
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU())

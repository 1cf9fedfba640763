"""A kind of encoder: what `--model` can say, and how it is built. Each kind is a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from weightlab.models.option import Option

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Kind", "Rated", "Wanted"]


@runtime_checkable
class Rated(Protocol):
    """An encoder whose parameters learn at several rates."""

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """What the learning rate is multiplied by, and the parameters of which; those that are trained."""
        ...


@dataclass(frozen=True)
class Wanted:
    """What an encoder is built for.

    shape: of one row's input, (channels, height, width) or (dimensions,).
    width: channels of a network's first layer, where the kind has a say in it.
    dimensions: of the embedding.
    bare: without the weights of a file or of the network: others are loaded into it.
    """

    shape: tuple[int, ...]
    width: int
    dimensions: int
    bare: bool


@dataclass(frozen=True)
class Kind:
    """A kind of encoder.

    name: what `--model` begins with.
    example: how it is written.
    place: what stands behind the colon; empty for none.
    takes: what one row of its input is.
    options: by name.
    build: (place, options, wanted) to the encoder. It may raise RuntimeError or MemoryError where memory can't hold it.
    check: (place, options), raises InputError for what is wrong with them beyond each option's own values.
    check_files: likewise, for a file that they name and that is not there.
    """

    name: str
    example: str
    takes: Literal["images", "vectors"]
    build: Callable[[str, Mapping[str, Any], Wanted], nn.Module]
    place: str = ""
    options: Mapping[str, Option] | None = None
    check: Callable[[str, Mapping[str, Any]], None] = lambda place, options: None
    check_files: Callable[[str, Mapping[str, Any]], None] = lambda place, options: None

"""Encoders: images or vectors to L2-normalised embeddings, by what `--model` says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from weightlab.errors import InputError, check_whole, describe, reason, shown, unknown
from weightlab.foreign.imported import is_path
from weightlab.lazy import torch
from weightlab.literals import read_options
from weightlab.models.kind import Kind, Rated, Wanted
from weightlab.models.option import read
from weightlab.models.registry import KINDS

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build", "check", "groups", "kind_of", "names"]

_MOST_SIZE = 2**31 - 1  # channels: far beyond any memory, and within what torch counts
_MOST_SEED = 2**64 - 1  # torch takes no more
_OWN = "my_models.py:Net(width=3)"


def names() -> list[str]:
    """How each encoder is written; the last is a class of one's own."""
    return [*(kind.example for kind in KINDS.values()), _OWN]


def kind_of(text: str) -> str | None:
    """The name of the kind of encoder that `text` says; None for a class of one's own.

    Raises InputError for what is neither.
    """
    found = _split(text)
    return None if found is None else found[0].name


def check(text: str, *, files: bool = True) -> None:
    """Raise InputError unless `text` says an encoder that can be had here: without building it, but importing a class.

    files: whether a file of weights that it names must be there.
    """
    found = _read(text)
    if found is None:
        from weightlab.models import own

        own.check(text)
        return
    kind, place, options = found
    kind.check(place, options)
    if files:
        kind.check_files(place, options)


def build(
    text: str,
    *,
    shape: Sequence[int] = (1, 24, 24),
    width: int = 32,
    dimensions: int = 64,
    seed: int = 0,
    bare: bool = False,
) -> nn.Module:
    """The encoder `text`, "cnn", "timm:resnet50(pooling=max)": float32 [n, *shape] to L2-normalised [n, dimensions].

    shape: of one row's input, (channels, height, width in pixels) or (dimensions of a vector,). width: channels of the
    first layer of `cnn`, which the others are multiples of. The same `seed` gives the same initial weights; torch's own
    random state stays as it was. bare: without reading weights from a file or the network, for what others are loaded
    into. A class of one's own: see `weightlab.models.own.build`.

    Raises InputError for an unknown name, a number below 1 or one that memory can't hold, an encoder that does not take
    such inputs, and as `check` does.
    """
    sizes = _sizes(shape)
    width, dimensions = (
        check_whole(what, value, 1, _MOST_SIZE) for what, value in (("width", width), ("dimensions", dimensions))
    )
    seed = check_whole("seed", seed, 0, _MOST_SEED)
    wanted = Wanted(sizes, width, dimensions, bare)
    found = _read(text)
    if found is not None:
        _check_takes(found[0], wanted.shape)
        check(text, files=not bare)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            if found is None:
                from weightlab.models import own

                return own.build(text, wanted, seed)
            kind, place, options = found
            return kind.build(place, options, wanted)
        except (RuntimeError, MemoryError) as error:
            raise InputError(
                f"can't build '{text}' of width {shown(width)} and {shown(dimensions)} dimensions: {reason(error)}"
            ) from error


def groups(model: nn.Module) -> list[dict[str, Any]]:
    """The parameters that are trained, as an optimizer takes them: {"params": …, "factor": …}.

    factor: what the learning rate is multiplied by for these: 1, or what the encoder's `rates()` says.
    """
    if isinstance(model, Rated):
        return [{"params": parameters, "factor": factor} for factor, parameters in model.rates() if parameters]
    return [{"params": [each for each in model.parameters() if each.requires_grad], "factor": 1.0}]


def _read(text: str) -> tuple[Kind, str, dict[str, Any]] | None:
    """The kind, the place and all options of a text; None for a class of one's own."""
    found = _split(text)
    if found is None:
        return None
    kind, place, brackets = found
    title = f"{kind.name}:{place}" if kind.place else kind.name
    try:
        given = read_options(brackets or "()")
    except InputError as error:
        raise InputError(f"{error}; a text that is more than a word stands in quotes") from error
    return kind, place, read(title, kind.options or {}, given)


def _split(text: str) -> tuple[Kind, str, str] | None:
    """The kind, the place and what stands in brackets; None for a class of one's own."""
    if not isinstance(text, str):
        raise InputError(f"a model is given as text, such as {', '.join(names())}, not {describe(text)}")
    head, brackets = _halves(text.strip())
    name, colon, place = (part.strip() for part in head.partition(":"))
    if name in KINDS:
        kind = KINDS[name]
        if bool(place) != bool(kind.place) or (colon and not kind.place):
            form = f"{name}:{kind.place}" if kind.place else name
            raise InputError(f"can't read the model {shown(text)}: write {form}, as in {kind.example}")
        return kind, place, brackets
    if is_path(text):
        return None
    raise unknown("model", name, KINDS)


def _sizes(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape, checked."""
    if not isinstance(shape, list | tuple) or not shape:
        raise InputError(f"shape must be (channels, height, width) or (dimensions,), not {shown(shape)}")
    what = ("channels", "height", "width") if len(shape) == 3 else ("shape",) * len(shape)
    return tuple(check_whole(name, size, 1, _MOST_SIZE) for name, size in zip(what, shape, strict=True))


def _halves(text: str) -> tuple[str, str]:
    """What stands before the first bracket, and from it on."""
    found = re.fullmatch(r"([^(]*)(\(.*)?", text, re.DOTALL)
    assert found is not None  # it takes any text
    return found[1].strip(), found[2] or ""


def _check_takes(kind: Kind, shape: Sequence[int]) -> None:
    """Raise InputError where rows of this shape are not what the encoder takes."""
    given = {1: "vectors", 3: "images"}.get(len(shape))
    if given == kind.takes:
        return
    others = [f"{each.name}:…" if each.place else each.name for each in KINDS.values() if each.takes == given]
    form = f"vectors of {shape[0]}" if given == "vectors" else " × ".join(map(str, shape))
    hint = f"use --model {' or '.join(others)}" if others else "only a class of your own can take these"
    what = form if given == "vectors" else f"{given or 'rows'} of {form}"
    raise InputError(f"{kind.name} takes {kind.takes}; this data set gives {what}: {hint}")

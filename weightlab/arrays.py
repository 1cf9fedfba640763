"""The door for arrays: embeddings, labels, indices and masks, from torch, numpy or lists, checked alike everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from weightlab.errors import InputError, describe, reason
from weightlab.lazy import np, torch
from weightlab.precision import wide

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Array = Tensor | NDArray[Any] | Sequence[Any]

__all__ = [
    "ROUNDING",
    "as_embeddings",
    "as_entries",
    "as_floats",
    "as_indices",
    "as_labels",
    "as_mask",
    "check_norms",
    "is_dense",
    "normalised",
]

_SHORTEST = 1e-34  # of a row to be normalised through which a gradient goes: float32 has 1e4 left for its weights
ROUNDING = 0.02  # how far a norm may stray from 1, and a cosine past ±1, by rounding (bfloat16 keeps 8 bits)


def as_embeddings(name: str, given: Array) -> Tensor:
    """Embeddings as a floating-point tensor [rows, dimensions], of half, single or double precision, L2-normalised.

    A tensor is returned as it is, with its gradient; an array of numpy's or nested lists become one.
    Raises InputError for another shape or type, for NaN and infinity, and for rows that are not of length 1.
    """
    embeddings = _as_rows(name, given)
    check_norms(name, embeddings)
    return embeddings


def normalised(name: str, given: Array) -> Tensor:
    """Embeddings as of `as_embeddings` but of any length other than 0, divided by it, in float32 at least.

    Differentiable. Rows are first divided by their largest entry, held constant, for their squares may overflow.
    Raises InputError as `as_embeddings` does, for rows without a direction, and for rows shorter than 10⁻³⁴ that want a
    gradient: it is divided by their length.
    """
    embeddings = _as_rows(name, given)
    if not len(embeddings):
        return embeddings
    largest = embeddings.detach().abs().amax(dim=1, keepdim=True)
    if not bool(((largest > 0) & (largest < float("inf"))).all()):
        raise InputError(f"{name}: a row is NaN, infinite or 0: it has no direction and can't be normalised")
    if embeddings.requires_grad and bool((largest < _SHORTEST).any()):
        raise InputError(f"{name}: a row is shorter than {_SHORTEST:g}, and its gradient larger than a number can be")
    return torch.nn.functional.normalize(wide(embeddings) / largest, dim=1)


def as_labels(name: str, given: Array, like: Tensor | None = None) -> Tensor:
    """Labels as int64 [n], on the device of the embeddings `like`, [n, D], where there are any.

    Whole numbers of any type, those of a floating-point type and truth values included.
    Raises InputError for another shape, and for what is not whole or, as a float, too large to be told from the next.
    """
    labels = _dense(name, given)
    if labels.ndim != 1 or (like is not None and len(labels) != len(like)):
        size = "n" if like is None else len(like)
        raise InputError(f"{name} must be whole numbers, [{size}], one for each row, not {describe(labels)}")
    if labels.dtype != torch.int64:
        labels = _whole(name, labels)
    labels = labels.contiguous()  # torch warns where it makes a copy itself
    return labels if like is None else labels.to(like.device)


def as_entries(name: str, given: Array, like: Tensor | None = None) -> Tensor:
    """Labels for a relation: a tensor [n, ...] of any shape and type, on the device of `like`, [n, D], where given.

    Raises InputError for another number of rows, and for NaN.
    """
    entries = _dense(name, given)
    if not entries.ndim or (like is not None and len(entries) != len(like)):
        size = "n" if like is None else len(like)
        raise InputError(f"{name} must be [{size}, ...], one for each row, not {describe(entries)}")
    if (entries.is_floating_point() or entries.is_complex()) and bool(entries.isnan().any()):
        raise InputError(f"{name} must be numbers, not nan")
    return entries if like is None else entries.to(like.device)


def as_indices(
    name: str, given: Array, low: int, high: int, rows: int | None = None, device: torch.device | None = None
) -> Tensor:
    """Indices as int64 [rows], from `low` to `high`. Raises InputError for others; a mask or a float is no index."""
    indices = _dense(name, given)
    size = "n" if rows is None else rows
    mistaken = indices.dtype == torch.bool or (indices.is_floating_point() and indices.numel())  # [] is floating-point
    if mistaken or indices.ndim != 1 or (rows is not None and len(indices) != rows):
        raise InputError(f"{name} must be whole numbers, [{size}], from {low} to {high}, not {describe(indices)}")
    indices = _whole(name, indices)
    if len(indices):
        least, most = torch.stack(indices.aminmax()).tolist()
        if not low <= least <= most <= high:
            raise InputError(f"{name} must be whole numbers from {low} to {high}, not {least} to {most}")
    return indices if device is None else indices.to(device)


def as_mask(name: str, given: Array, shape: Sequence[int], device: torch.device) -> Tensor:
    """Truth values of this shape, on the device. Raises InputError for others."""
    mask = _dense(name, given)
    if mask.dtype != torch.bool:
        raise InputError(f"{name} must be a bool tensor, not {describe(mask)}")
    if mask.shape != torch.Size(shape):
        raise InputError(f"{name} has shape {tuple(mask.shape)}, similarity {tuple(shape)}")
    return mask.to(device)


def as_floats(name: str, given: Array, dimensions: Sequence[str]) -> Tensor:
    """A floating-point tensor of half, single or double precision with these dimensions."""
    floats = _dense(name, given)
    if floats.ndim != len(dimensions) or floats.dtype not in _floats():
        shape = ", ".join(dimensions)
        raise InputError(f"{name} must be a floating-point tensor [{shape}], not {describe(floats)}")
    return floats


def is_dense(given: object) -> TypeGuard[Tensor]:
    """Whether it is a tensor whose values lie side by side, as all that is computed here needs them."""
    if not isinstance(given, torch.Tensor) or given.is_nested:
        return False
    return given.layout == torch.strided and not given.is_quantized and not given.is_meta


def check_norms(name: str, embeddings: Tensor) -> None:
    """Raise InputError unless embeddings [n, D] are finite and their norms within 0.02 of 1: one pass over them."""
    if not len(embeddings):
        return
    norms = torch.linalg.vector_norm(
        embeddings.detach(), dim=1, dtype=torch.promote_types(embeddings.dtype, torch.float32)
    )
    low, high = torch.stack(norms.aminmax()).tolist()  # NaN where any is NaN
    off = max(1 - low, high - 1) if low == low else float("nan")
    if not off < float("inf"):
        raise InputError(f"{name} contain NaN or infinity: give finite, L2-normalised embeddings")
    if off > ROUNDING:
        raise InputError(
            f"{name} have lengths up to {off:g} away from 1: normalise them (torch.nn.functional.normalize)"
        )


def _as_rows(name: str, given: Array) -> Tensor:
    embeddings = as_floats(name, given, ("rows", "dimensions"))
    if not embeddings.shape[1]:
        raise InputError(f"{name} have no dimensions: they are {describe(embeddings)}")
    return embeddings


def _dense(name: str, given: Array) -> Tensor:
    """A dense tensor on a device, whatever its type; numpy's memory is shared where torch can."""
    if is_dense(given):
        return given
    if isinstance(given, torch.Tensor):
        kind = "a nested one" if given.is_nested else f"{given.layout} {describe(given)} on {given.device}"
        raise InputError(f"{name} must be a dense tensor with values, not {kind}")
    try:
        array = np.asarray(given)
        if array.dtype == object:  # as pandas has columns of whole numbers
            array = np.array(array.tolist())
    except Exception as error:  # ragged lists, and whatever a stranger's `__array__` raises
        raise InputError(f"{name} can't be read as an array ({describe(given)}): {reason(error)}") from error
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} must be numbers, not {describe(given)} of {array.dtype}")
    held = array.dtype.newbyteorder("=") if array.dtype.itemsize <= 8 else np.dtype(np.float64)
    # torch takes neither another byte order nor steps backwards, which numpy keeps along an axis of length 1, and warns
    # of memory that it may not write to
    shared = array.flags.writeable and min(array.strides, default=0) >= 0
    return torch.from_numpy(np.array(array, held, order="C", copy=None if shared else True))


def _whole(name: str, numbers: Tensor) -> Tensor:
    """Whole numbers of any type as int64."""
    if numbers.dtype in _floats():
        values = numbers.detach()
        # from 2/eps on, two whole numbers may have become one
        told_apart = (values == values.round()) & (values.abs() < 2 / torch.finfo(values.dtype).eps)
        if not bool(told_apart.all()):
            wrong = float(values[~told_apart][0])
            raise InputError(f"{name} must be whole numbers that {numbers.dtype} tells apart, not {wrong!r}")
    elif numbers.is_floating_point() or numbers.is_complex():
        raise InputError(f"{name} must be whole numbers, not {describe(numbers)}")
    whole = numbers.detach().long()
    if numbers.dtype == torch.uint64 and bool((whole < 0).any()):
        raise InputError(f"{name} must be whole numbers below 2**63")
    return whole


def _floats() -> tuple[torch.dtype, ...]:
    return torch.float32, torch.float64, torch.float16, torch.bfloat16

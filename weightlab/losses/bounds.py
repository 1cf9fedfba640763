"""The range of a loss's parameter, stated once: in its field.

The ends are such that weights and values stay finite in float32, also of pairs that come in float16 or bfloat16, for
any similarities and up to 10⁵ pairs of an anchor, with room for every published setting.
"""

from __future__ import annotations

from dataclasses import Field, field, fields
from typing import TYPE_CHECKING, Any

from weightlab.errors import check_number

if TYPE_CHECKING:
    from weightlab.losses.loss import Loss

__all__ = ["SCALE", "check_ranges", "parameter", "ranges"]

SCALE = (1e-4, 1e4)  # of what similarities are multiplied or divided by: float32 has 10⁻³ of an exponent of 10⁴ left


def parameter(default: float | None, low: float, high: float) -> Any:  # noqa: ANN401 (a field of any type)
    """The field of a parameter in [low, high]; with the default None, None too."""
    return field(default=default, metadata={"range": (low, high)})


def ranges(loss: Loss | type[Loss]) -> dict[str, tuple[float, float]]:
    """The least and the largest value of each parameter of a loss."""
    return {each.name: each.metadata["range"] for each in _bounded(loss)}


def check_ranges(loss: Loss) -> None:
    """Make each parameter a plain float. Raises InputError for one that is out of its range."""
    for each in _bounded(loss):
        value = getattr(loss, each.name)
        if value is None and each.default is None:
            continue
        object.__setattr__(loss, each.name, check_number(each.name, value, *each.metadata["range"]))


def _bounded(loss: Loss | type[Loss]) -> list[Field[Any]]:
    """The fields that state a range; a subclass may add others."""
    return [each for each in fields(loss) if "range" in each.metadata]  # type: ignore[arg-type]

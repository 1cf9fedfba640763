"""How far a decomposition has come, on standard error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["track"]


def track(blocks: list[Any]) -> Iterable[Any]:
    """The blocks, with a bar that counts them on a terminal."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    return progress.track(blocks, "decomposing", console=console, transient=True, disable=not console.is_terminal)

"""Groups of commands whose help is whole."""

from __future__ import annotations

import sys
from typing import Any

from typer.core import TyperGroup

__all__ = ["Group"]


class Group(TyperGroup):
    """A group whose help shows each command's first sentence in full, where its base cuts it at the line's end."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 (whatever its base takes)
        super().__init__(**settings)
        for command in self.commands.values():
            command.short_help = command.get_short_help_str(sys.maxsize)

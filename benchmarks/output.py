"""Where a benchmark writes what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from weightlab.files import check_folder

__all__ = ["Figures", "output_folder"]

Figures = Annotated[Path, typer.Option(help="where bench/ is, the folder that is written to")]


def output_folder(figures: Path, *files: str) -> Path:
    """bench/ in `figures`, to be asked for before the work. Raises InputError where `files` can't be written there."""
    folder = figures / "bench"
    check_folder(folder, "--figures", files)
    return folder

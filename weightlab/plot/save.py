"""Figures as files, whole or absent and the same bytes for the same figure, and as pictures in a page."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from weightlab.files import write_atomically
from weightlab.lazy import plt
from weightlab.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["figure_of", "html_picture", "save_figure"]


def figure_of(ax: Axes) -> Figure:
    """The figure that holds the axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # axes that were removed from their figure
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Write the figure in the format of the path's suffix and close it; returns the path."""
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with style.context():
        write_atomically(path, lambda temporary: figure.savefig(temporary, metadata=metadata))
    plt.close(figure)
    return path


def html_picture(figure: Figure, alt: str) -> str:
    """The figure as an <img> that holds its PNG; closes it."""
    picture = io.BytesIO()
    with style.context():
        figure.savefig(picture, format="png", dpi=110)
    plt.close(figure)
    return f'<img src="data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}" alt="{escape(alt)}">'

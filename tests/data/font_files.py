"""Small fonts for tests: a few characters of matplotlib's, a style a file."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

__all__ = ["MONO", "STYLES", "TEXT", "font_files"]

MONO = "ACDGHKMR"  # which SansMono draws in another way than Sans
TEXT = f"{MONO}BEFJLNPQSTUVWXYZ2345679&?АВ — \u0301█"  # with look-alikes, and what is no class
STYLES = ("Sans", "Serif", "Sans-Bold", "Serif-Bold", "SansMono")


def font_files(folder: Path) -> Path:
    """The folder with small fonts in it; SansMono has some of the characters only."""
    folder.mkdir(parents=True, exist_ok=True)
    for style in STYLES:
        with TTFont(Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVu{style}.ttf")) as font:
            subset = Subsetter(
                Options(
                    drop_tables=["FFTM", "GPOS", "GSUB", "GDEF", "kern"],
                    notdef_outline=True,
                    layout_features=[],
                    glyph_names=False,
                )
            )
            subset.populate(text=MONO if style == "SansMono" else TEXT)
            subset.subset(font)
            font.save(folder / f"{style}.ttf")
    return folder

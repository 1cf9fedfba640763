"""A data set of other people's drawings: icon themes of Debian draw the same names, each in its own way.

A class is an icon's name, an instance of it one theme's drawing: with Debian 12's packages some 950 classes and 6,800
drawings. It takes Debian's or Ubuntu's `apt-get` and `dpkg` (no root: packages are taken apart in a folder), and, for
the SVGs, `pip install resvg-py`:

    python examples/icons.py build                              # 380 MB of packages, then some minutes
    weightlab train --data folder:build/icons --scale mass --out runs/icons
    weightlab study run studies/negatives.toml --data folder:build/icons

What is a class, and what is left out, so that labels mean something and retrieval is not trivial:

- of each name a theme's largest drawing counts: an SVG drawn for 32 pixels or more, a PNG of 48 or more; symbolic
  icons are none, nor is what does not show on white;
- names that two themes or more, most of those which have both, show by one file (a link) are one class: gtk-copy,
  edit-copy;
- any other link is no drawing: where a theme draws no icon of its own for a name, it has none;
- drawings that look alike, whatever their colour (themes that began as another's copy): one of a class stays, and none
  where they are of several classes;
- a class has 4 drawings at least.

The drawings are their authors', under the licences in usr/share/doc of the packages: build the set, don't publish it.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# a package and the themes in it that are drawings of their own, not the colours of others
PACKAGES = {
    "adwaita-icon-theme": ("Adwaita",),
    "breeze-icon-theme": ("breeze",),
    "deepin-icon-theme": ("bloom", "bloom-classic", "Sea", "Vintage"),
    "elementary-icon-theme": ("elementary",),
    "elementary-xfce-icon-theme": ("elementary-xfce",),
    "faenza-icon-theme": ("Faenza",),
    "gnome-colors-common": ("gnome-colors-common",),
    "gnome-icon-theme": ("gnome",),
    "gnome-icon-theme-gartoon": ("gartoon",),
    "gnome-icon-theme-nuovo": ("Nuovo",),
    "gnome-icon-theme-suede": ("Suede",),
    "gnome-icon-theme-yasis": ("yasis",),
    "lxde-icon-theme": ("nuoveXT2",),
    "mate-icon-theme": ("mate", "menta"),
    "mint-y-icons": ("Mint-Y",),
    "moka-icon-theme": ("Moka",),
    "numix-icon-theme": ("Numix",),
    "numix-icon-theme-circle": ("Numix-Circle",),
    "obsidian-icon-theme": ("Obsidian",),
    "oxygen-icon-theme": ("oxygen",),
    "papirus-icon-theme": ("Papirus",),
    "paper-icon-theme": ("Paper",),
    "suru-icon-theme": ("suru",),
    "tango-icon-theme": ("Tango",),
    "yaru-theme-icon": ("Yaru",),
}
THEMES = tuple(theme for themes in PACKAGES.values() for theme in themes)
SIDE = 96  # pixels of a drawing in the set
LEAST = 4  # drawings of a class
LEAST_SVG, LEAST_PNG, SCALABLE = 32, 48, 256  # nominal sizes, in pixels
GRID = 24  # pixels of what drawings are compared by
ALIKE = 0.98  # correlation of two such: another colour, a shade, a hair's breadth
FAINT = 0.02  # standard deviation of one that does not show, black to white being 1


@dataclass(frozen=True)
class Icon:
    """An icon of a theme.

    name: what programs ask for it by.
    file: the drawing, where a link leads to.
    """

    name: str
    file: Path

    @property
    def is_own(self) -> bool:
        """Whether the drawing bears this name, and is no other icon's."""
        return self.file.stem.lower() == self.name


def main() -> None:
    """Make the set, and say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="packages/, root/ (what they hold), icons/ (the data set) go there")
    folder = parser.parse_args().folder
    if (out := folder / "icons").exists():
        sys.exit(f"{out} is there already: remove it to make it again")
    themes = fetch(folder) / "usr/share/icons"
    counts = make([themes / theme for theme in THEMES], out)
    print(f"{len(counts):,} classes, {sum(counts.values()):,} drawings in {out}")


def fetch(folder: Path) -> Path:
    """Download the packages that are not there yet and take them apart; the folder of what they hold."""
    packages, root = folder / "packages", folder / "root"
    packages.mkdir(parents=True, exist_ok=True)
    missing = [name for name in PACKAGES if not any(packages.glob(f"{name}_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", *missing], cwd=packages, check=True)
    for path in sorted(packages.glob("*.deb")):
        subprocess.run(["dpkg", "-x", path, root], check=True)
    return root


def make(themes: Sequence[Path], out: Path) -> Counter[str]:
    """Write the data set, a folder a class; how many drawings each class has."""
    icons = {theme.name: best(theme) for theme in themes}
    class_of = classes(icons.values())
    owned = [(class_of[icon.name], theme, icon.file) for theme, found in icons.items() for icon in found if icon.is_own]
    wanted = enough(owned)
    with ProcessPoolExecutor() as pool:
        drawings = list(pool.map(draw, [file for *_, file in wanted], chunksize=64))
    drawn = [(*each[:2], drawing) for each, drawing in zip(wanted, drawings, strict=True) if drawing is not None]
    kept = enough(distinct(drawn))
    for name, theme, drawing in kept:
        path = out / name / f"{theme}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        drawing.save(path)
    return Counter(name for name, *_ in kept)


def best(theme: Path) -> list[Icon]:
    """The largest drawing of each name in a theme, an SVG before a PNG of its size."""
    theme = theme.resolve()
    found: dict[str, tuple[int, bool, Path]] = {}
    for folder, _, files in os.walk(theme):
        size = nominal(Path(folder).relative_to(theme))
        for path in (Path(folder, file) for file in files if "symbolic" not in f"{folder}/{file}"):
            name, is_svg = path.stem.lower(), path.suffix == ".svg"
            if path.suffix not in (".svg", ".png") or size < (LEAST_SVG if is_svg else LEAST_PNG):
                continue
            if re.fullmatch(r"[\w.+-]+", name):
                found[name] = max(found.get(name, (0, False, path)), (size, is_svg, path))
    resolved = [Icon(name, path.resolve()) for name, (*_, path) in sorted(found.items())]
    return [icon for icon in resolved if icon.file.is_file() and icon.file.is_relative_to(theme)]


def nominal(folder: Path) -> int:
    """The size that a folder of a theme says its drawings are for: 48x48/apps, apps/48, 24x24@2x/apps, scalable."""
    if "scalable" in str(folder):
        return SCALABLE
    found = [re.fullmatch(r"(\d+)(?:x\d+)?(?:@(\d)x?)?", part) for part in folder.parts]
    return max((int(each[1]) * int(each[2] or 1) for each in found if each), default=0)


def classes(themes: Iterable[Sequence[Icon]]) -> dict[str, str]:
    """The class of each name: names that most of the themes which have both, two or more, show by one file are one.

    It is called as most of its drawings are, the shortest of those.
    """
    icons = list(themes)
    having = defaultdict[str, set[int]](set)
    together, owners = Counter[tuple[str, str]](), Counter[str]()
    for number, found in enumerate(icons):
        by_file = defaultdict[Path, list[str]](list)
        for icon in found:
            having[icon.name].add(number)
            owners[icon.name] += icon.is_own
            by_file[icon.file].append(icon.name)
        for names in by_file.values():
            together.update(combinations(sorted(names), 2))
    root = {name: name for name in having}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for (one, other), count in together.items():
        if 2 <= count > len(having[one] & having[other]) / 2:
            first, second = sorted((find(one), find(other)), key=lambda name: (-owners[name], len(name), name))
            root[second] = first
    return {name: find(name) for name in root}


def enough(drawings: Iterable[tuple]) -> list[tuple]:
    """The first drawing of each theme in each class, of the classes that have enough of them."""
    first = {each[:2]: each for each in reversed(list(drawings))}
    count = Counter(name for name, _ in first)
    return sorted((each for each in first.values() if count[each[0]] >= LEAST), key=lambda each: each[:2])


def draw(file: Path) -> Image.Image | None:
    """A drawing, RGBA [SIDE, SIDE], whole and centred; None where it can't be read."""
    try:
        image = Image.open(io.BytesIO(rasterised(file)) if file.suffix == ".svg" else file).convert("RGBA")
    except (ValueError, OSError, UnidentifiedImageError):
        return None
    image = ImageOps.contain(image, (SIDE, SIDE), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return square


def rasterised(file: Path) -> bytes:
    """A PNG of the SVG, SIDE pixels wide, without this machine's fonts. Raises ValueError for a damaged one."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_path=str(file), width=SIDE, skip_system_fonts=True))


def distinct(drawings: Sequence[tuple[str, str, Image.Image]]) -> list[tuple[str, str, Image.Image]]:
    """Without what does not show, and of those that look alike the first, or none where they are of several classes."""
    looks = np.stack([look(drawing) for *_, drawing in drawings])
    shown = np.flatnonzero(looks.std(axis=1) > FAINT)
    groups = alike(looks[shown])
    members = defaultdict[int, list[int]](list)
    for index, group in zip(shown.tolist(), groups, strict=True):
        members[group].append(index)
    kept = [each[0] for each in members.values() if len({drawings[index][0] for index in each}) == 1]
    return [drawings[index] for index in sorted(kept)]


def look(drawing: Image.Image) -> np.ndarray:
    """What a drawing is compared by: its ink's box in grey on white, float32 [GRID²] in [0, 1]."""
    box = drawing.getchannel("A").point(lambda alpha: 255 * (alpha > 32)).getbbox() or (0, 0, SIDE, SIDE)
    white = Image.new("RGBA", drawing.size, "white")
    grey = Image.alpha_composite(white, drawing).convert("L").crop(box)
    side = max(grey.size)
    square = Image.new("L", (side, side), 255)
    square.paste(grey, ((side - grey.width) // 2, (side - grey.height) // 2))
    return np.asarray(square.resize((GRID, GRID), Image.Resampling.BOX), np.float32).ravel() / 255


def alike(looks: np.ndarray) -> list[int]:
    """The group of each look [n, GRID²], numbered by its first: what is like one that is like a third is like that."""
    group = list(range(len(looks)))

    def find(index: int) -> int:
        while group[index] != index:
            index = group[index]
        return index

    centred = looks - looks.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    for start in range(0, len(looks), 1024):
        for one, other in np.argwhere(centred[start : start + 1024] @ centred.T > ALIKE).tolist():
            first, second = sorted((find(start + one), find(other)))
            group[second] = first
    return [find(index) for index in group]


if __name__ == "__main__":
    main()

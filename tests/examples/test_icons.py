"""The recipe of the icon set, on themes of a few pictures made here."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
THEMES = ("one", "two", "three", "four", "five")


@pytest.fixture(scope="module")
def icons() -> ModuleType:
    found = importlib.util.spec_from_file_location("icons_example", ROOT / "examples" / "icons.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def draw(path: Path, seed: int) -> None:
    """A picture of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((48, 48), Image.Resampling.NEAREST).save(path)


@pytest.fixture
def themes(tmp_path: Path) -> list[Path]:
    """Five themes that draw: apple; pear, one of them apple's copy; fig, in three of its own and links; small plum."""
    for number, theme in enumerate(THEMES):
        apps = tmp_path / theme / "48x48" / "apps"
        draw(apps / "apple.png", number)
        if number:
            draw(apps / "pear.png", 10 + number)
        else:
            (apps / "pear.png").write_bytes((apps / "apple.png").read_bytes())
        (apps / "malus.png").symlink_to("apple.png")  # another name of it, everywhere
        if number < 3:
            draw(apps / "fig.png", 20 + number)
        else:
            (apps / "fig.png").symlink_to("pear.png")
        draw(tmp_path / theme / "16x16" / "plum.png", 30 + number)
        draw(apps / "plum-symbolic.png", 40 + number)
    return [tmp_path / theme for theme in THEMES]


def test_classes_are_names_and_their_instances_themes(icons: ModuleType, themes: list[Path], tmp_path: Path) -> None:
    counts = icons.make(themes, tmp_path / "set")
    # the first theme's apple is its pear as well: neither counts; fig has three drawings of its own, plum is small
    assert dict(counts) == {"apple": 4, "pear": 4}
    files = sorted(path.relative_to(tmp_path / "set").as_posix() for path in (tmp_path / "set").rglob("*.png"))
    assert files == sorted(f"{name}/{theme}.png" for name in ("apple", "pear") for theme in THEMES[1:])
    with Image.open(tmp_path / "set" / "apple" / "two.png") as image:
        assert (image.size, image.mode) == ((96, 96), "RGBA")


def test_names_of_one_drawing_are_one_class(icons: ModuleType, themes: list[Path]) -> None:
    found = icons.classes([icons.best(theme) for theme in themes])
    assert found["malus"] == found["apple"] == "apple"
    # two of the five themes link fig to pear: they are two
    assert found["fig"] == "fig"


def test_sizes(icons: ModuleType) -> None:
    sizes = {"48x48/apps": 48, "apps/48": 48, "24x24@2x/apps": 48, "scalable/apps": 256, "apps/64@2x": 128, "apps": 0}
    assert {name: icons.nominal(Path(name)) for name in sizes} == sizes


def test_what_looks_alike_is_found_whatever_its_colour(icons: ModuleType) -> None:
    draws = np.random.default_rng(0)
    one, other = draws.random((2, 576)).astype(np.float32)
    noise = 0.01 * draws.random(576).astype(np.float32)
    assert icons.alike(np.stack([one, other, 0.5 * one + 0.3 + noise])) == [0, 1, 0]

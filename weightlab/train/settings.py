"""Settings of a run from files: a TOML file of one's own, and the presets that come with weightlab."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from weightlab.errors import InputError, unknown
from weightlab.files import AnyPath, as_path, exists, read_toml
from weightlab.train.config import TrainConfig

__all__ = ["about", "merged", "names", "preset", "read_settings"]

_FOLDER = Path(str(resources.files("weightlab.train"))) / "presets"


def names() -> list[str]:
    """Of the presets."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def about(name: str) -> str:
    """What a preset is, in a line: its file's first comment."""
    return _path(name).read_text(encoding="utf-8").splitlines()[0].removeprefix("#").strip()


def preset(name: str) -> dict[str, Any]:
    """The settings of a preset. Raises InputError for an unknown one."""
    return read_settings(_path(name))


def read_settings(path: AnyPath) -> dict[str, Any]:
    """The settings in a TOML file, each a key of its top level named as an option: learning_rate = 0.001.

    Raises InputError, in one line, where it is missing, no TOML, or has keys that are no settings; what values are
    allowed is `TrainConfig.checked`'s to say.
    """
    file = as_path("path", path)
    if not exists(file):
        raise InputError(f"no settings at {file}: give a TOML file with lines such as learning_rate = 0.001")
    found = read_toml(file)
    if others := [name for name in found if name not in TrainConfig.model_fields]:
        raise InputError(f"{file}: {'; '.join(str(TrainConfig.unknown(name)) for name in others[:5])}")
    return found


def merged(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of several sources, the later ones ahead; a loss in one stands in place of earlier ones' assignment,
    and an assignment in place of an earlier loss.
    """
    found: dict[str, Any] = {}
    for source in sources:
        if source.get("loss") is not None:
            found = {name: value for name, value in found.items() if name not in ("positive", "negative", "scale")}
        if {"positive", "negative"} & source.keys():
            found.pop("loss", None)
        found.update(source)
    return found


def _path(name: str) -> Path:
    if name not in names():
        raise unknown("preset", name, names())
    return _FOLDER / f"{name}.toml"

"""The specification of a study: a TOML file with its question, its arms and what it claims."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from weightlab.errors import InputError, unknown
from weightlab.files import AnyPath, as_path
from weightlab.train.config import TrainConfig

__all__ = ["Finding", "Size", "StudySpec", "find", "read"]

Settings = dict[str, Any]


def _seeds(value: object) -> object:
    """A count n as the seeds 0 … n − 1; a list as it is, each seed once."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError(f"a study needs at least 1 seed, not {value}")
        return tuple(range(value))
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError("a study needs at least 1 seed, the list is empty")
        if len(set(map(repr, value))) < len(value):
            raise ValueError(f"a seed appears twice in {list(value)}")
        return tuple(value)
    raise ValueError(f"seeds are a count or a list of whole numbers, not {value!r}")


Seeds = Annotated[tuple[Annotated[int, Field(ge=0, strict=True)], ...], BeforeValidator(_seeds)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]  # names folders


class Finding(BaseModel):
    """A claim about the arms: each arm of a group lies above each arm of the group before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, description="a short name, F1")
    claim: str = Field(min_length=1, description="the claim in words, a clause without a full stop")
    order: tuple[tuple[str, ...], ...] = Field(description="groups of arms in the claimed ascending order")

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The comparisons that decide, (lower arm, upper arm): every pair of two adjacent groups."""
        return [pair for low, high in pairwise(self.order) for pair in product(low, high)]


class Size(BaseModel):
    """How much of a study to run.

    seeds: None for the study's.
    arms: None for all of them.
    settings: those of the base that differ.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: Seeds | None = None
    arms: tuple[str, ...] | None = None
    settings: Settings = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, value: object) -> object:
        """In the file the settings stand beside seeds and arms."""
        if not isinstance(value, Mapping):
            return value
        own = {key: value[key] for key in ("seeds", "arms") if key in value}
        return own | {"settings": {key: value[key] for key in value if key not in own}}


class StudySpec(BaseModel):
    """A study.

    name: names folders: lower-case letters, digits, "-" and "_".
    question: what it asks, in words.
    metric: the one that decides.
    seeds: a count n stands for 0 … n − 1.
    baseline: the arm that the figure draws its reference line at, or None.
    base: the settings that all arms share.
    arms: in their order, the settings that make each of them.
    sizes: at which it can run.
    findings: its claims.

    A trial's settings are those of `base`, then of the size, then of the arm; the later one wins.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    question: str = Field(min_length=1)
    metric: Literal["R@1", "R@10", "R@100", "MAP@R"] = "R@1"
    seeds: Seeds = Field((0, 1, 2), validate_default=False)
    baseline: str | None = None
    base: Settings = Field(default_factory=dict)
    arms: dict[str, Settings] = Field(min_length=1)
    sizes: dict[Name, Size] = Field(default_factory=lambda: {"quick": Size()}, min_length=1)
    findings: tuple[Finding, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.baseline is not None:
            _known([self.baseline], self.arms, "baseline")
        for size_name, size in self.sizes.items():
            _known(size.arms or (), self.arms, f"[sizes.{size_name}] arms")
        for finding in self.findings:
            _check_finding(finding, self.arms)
        if len({finding.id for finding in self.findings}) < len(self.findings):
            raise ValueError("two findings have the same id")
        for size_name in self.sizes:
            for arm in self.arms_at(size_name):
                self.config(arm, size_name, self.seeds_at(size_name)[0])
        return self

    def size(self, name: str) -> Size:
        """The size of that name. Raises InputError for an unknown one."""
        if name not in self.sizes:
            raise unknown("size", name, self.sizes)
        return self.sizes[name]

    def arms_at(self, size: str) -> list[str]:
        """The arms that run at a size, in the order of the specification."""
        chosen = self.size(size).arms
        return [arm for arm in self.arms if chosen is None or arm in chosen]

    def seeds_at(self, size: str) -> tuple[int, ...]:
        """The seeds that run at a size."""
        return self.size(size).seeds or self.seeds

    def settings_at(self, size: str) -> Settings:
        """The settings that all arms share at a size."""
        return self.base | self.size(size).settings

    def config(self, arm: str, size: str, seed: int) -> TrainConfig:
        """The training run of an arm at a size with a seed. Raises InputError for a setting that is wrong."""
        sections = {
            "[base]": self.base,
            f"[sizes.{size}]": self.size(size).settings,
            f'[arms."{arm}"]': self.arms[arm],
        }
        for section, settings in sections.items():
            _check_keys(section, settings)
        try:
            return TrainConfig.model_validate(self.settings_at(size) | self.arms[arm] | {"seed": seed})
        except ValidationError as error:
            raise InputError(_explain_setting(error, sections)) from None


def read(path: AnyPath) -> StudySpec:
    """The study in a TOML file. Raises InputError, in one line, for whatever is wrong with the file."""
    path = as_path("path", path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no study at {path}: give the path of a TOML file or the name of one in studies/") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {_one_line(str(error))}") from None
    try:
        return StudySpec.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{path}: {_explain_spec(error)}") from None


def find(name: AnyPath, folder: AnyPath = "studies") -> Path:
    """The file of a study given by path or, without a folder and `.toml`, by its name in `folder`."""
    given = as_path("name", name)
    if given.suffix == ".toml" or len(given.parts) != 1:
        return given
    studies = as_path("folder", folder)
    path = studies / f"{name}.toml"
    others = [other.stem for other in studies.glob("*.toml")]
    if not path.exists() and others:
        raise unknown("study", str(given), others)
    return path


def _known(names: Iterable[str], arms: Iterable[str], where: str) -> None:
    for name in names:
        if name not in arms:
            raise ValueError(f"{where}: {unknown('arm', name, arms)}")


def _check_finding(finding: Finding, arms: Iterable[str]) -> None:
    where = f"finding {finding.id}"
    if len(finding.order) < 2 or not all(finding.order):
        raise ValueError(f"{where}: order needs two groups of arms or more, none of them empty")
    names = [arm for group in finding.order for arm in group]
    _known(names, arms, where)
    if len(set(names)) < len(names):
        raise ValueError(f"{where}: order names an arm twice")


def _check_keys(section: str, settings: Settings) -> None:
    for key in settings:
        if key == "seed":
            raise InputError(f"{section} sets 'seed': a study runs over the seeds in `seeds`")
        if key not in TrainConfig.model_fields:
            raise InputError(f"{section}: {unknown('setting', key, TrainConfig.model_fields)}")


def _explain_setting(error: ValidationError, sections: Mapping[str, Settings]) -> str:
    """One line for the first thing that is wrong with a run, and the section of the file that says so."""
    first = error.errors()[0]
    key = str(first["loc"][0]) if first["loc"] else None
    # the last section that sets the key is the one whose value counted; without a key the arm is at fault
    section = next((name for name in reversed(list(sections)) if key is None or key in sections[name]), "[base]")
    return f"{section} {key}: {_message(first)}" if key else f"{section}: {_message(first)}"


def _explain_spec(error: ValidationError) -> str:
    """One line for the first thing that is wrong with a specification."""
    errors = error.errors()
    # a misspelt key is missing under its right name too: say what was misspelt
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    where = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    if first["type"] == "extra_forbidden":
        owner = Finding if first["loc"][0] == "findings" else StudySpec
        return str(unknown("key", where, owner.model_fields))
    return f"{where}: {_message(first)}" if where else _message(first)


def _message(error: Mapping[str, Any]) -> str:
    """Pydantic's message, with the value where pydantic leaves it out."""
    message = _one_line(error["msg"].removeprefix("Value error, "))
    shows_value = error["type"] in ("value_error", "missing", "extra_forbidden") or not error["loc"]
    return message if shows_value else f"{message}, not {error['input']!r}"


def _one_line(text: str) -> str:
    return " ".join(text.split())

"""The specification of a study: a TOML file with its question, its arms and what it claims."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, pairwise, product
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from weightlab import data
from weightlab.errors import InputError, shown, unknown
from weightlab.files import AnyPath, as_path, exists, read_toml
from weightlab.study.names import arm_name, data_slug, folder_name, line, metric_name
from weightlab.train.config import TrainConfig
from weightlab.validation import Fault, faults

__all__ = ["Finding", "Size", "StudySpec", "find", "read"]

_MOST_SEEDS, _MOST_SIZES = 1000, 20
_MOST_ARMS = 100  # a figure of more has more pixels than can be drawn
_MOST_SAID = 600  # characters of faults in a line

Settings = dict[str, Any]


def _seeds(value: object) -> object:
    """A count n as the seeds 0 … n − 1; a list as it is, each seed once."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= _MOST_SEEDS:
            raise ValueError(f"a study has 1 to {_MOST_SEEDS:,} seeds, not {shown(value)}")
        return tuple(range(value))
    if isinstance(value, list | tuple):
        if not 1 <= len(value) <= _MOST_SEEDS:
            raise ValueError(f"a study has 1 to {_MOST_SEEDS:,} seeds; the list has {len(value):,}")
        if twice := _twice(value):
            raise ValueError(f"seed {shown(twice[0])} appears twice")
        return tuple(value)
    raise ValueError(f"seeds are a count or a list of whole numbers, not {shown(value)}")


Seeds = Annotated[tuple[Annotated[int, Field(ge=0, strict=True)], ...], BeforeValidator(_seeds)]
Name = Annotated[str, AfterValidator(folder_name)]
Line = Annotated[str, AfterValidator(line)]


class Finding(BaseModel):
    """A claim about the arms: each arm of a group lies above each arm of the group before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Line = Field(description="a short name, F1")
    claim: Line = Field(description="the claim in words, a clause without a full stop")
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

    name: names folders: lower-case letters, digits, "-" and "_", 60 at most.
    question: what it asks, in words.
    metric: the one that decides, MAP@R or an R@k that its data give.
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
    question: Line
    metric: Annotated[str, AfterValidator(metric_name)] = "R@1"
    seeds: Seeds = Field((0, 1, 2), validate_default=False)
    baseline: str | None = None
    base: Settings = Field(default_factory=dict)
    arms: dict[str, Settings] = Field(min_length=1, max_length=_MOST_ARMS)
    sizes: dict[Name, Size] = Field(default_factory=lambda: {"quick": Size()}, min_length=1, max_length=_MOST_SIZES)
    findings: tuple[Finding, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        wrong = list(dict.fromkeys(self._faults()))
        if wrong:
            raise ValueError(_joined(wrong))
        return self

    def _faults(self) -> Iterator[str]:
        """What is wrong between its parts, and with its arms' settings."""
        yield from _unusable(self.arms)
        if self.baseline is not None:
            yield from _unknown([self.baseline], self.arms, "baseline")
        for size_name, size in self.sizes.items():
            if size.arms is not None:
                yield from _wrong_arms(size.arms, self.arms, f"[sizes.{size_name}] arms")
        for finding in self.findings:
            yield from _wrong_arms_of(finding, self.arms)
        yield from (f"two findings have the id {shown(each)}" for each in _twice([each.id for each in self.findings]))
        for section, settings in self._sections():
            yield from _wrong_keys(section, settings)
        for size_name in self.sizes:
            seeds = self.seeds_at(size_name)
            for arm in self.arms_at(size_name):
                yield from self._wrong_settings(arm, size_name, seeds[0])
            yield from self._wrong_settings(next(iter(self.arms)), size_name, max(seeds))

    def _sections(self) -> Iterator[tuple[str, Settings]]:
        """The parts of the file that hold settings, as it names them."""
        yield "[base]", self.base
        yield from ((f"[sizes.{name}]", size.settings) for name, size in self.sizes.items())
        yield from ((_section_of(arm), settings) for arm, settings in self.arms.items())

    def _wrong_settings(self, arm: str, size: str, seed: int) -> Iterator[str]:
        """What is wrong with a run, each with the section that says so."""
        # the last section that sets a key is the one whose value counts; without a key the arm is at fault
        sections = {
            _section_of(arm): self.arms[arm],
            f"[sizes.{size}]": self.size(size).settings,
            "[base]": self.base,
            "seeds": {"seed": seed},
        }
        try:
            self._config(arm, size, seed)
        except ValidationError as error:
            for fault in faults(error):
                if fault.kind != "extra_forbidden":  # `_wrong_keys` says it once
                    yield _in_section(fault, sections)

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

    def on(self, text: str) -> Self:
        """The same study on other data, of which its name says so: its results and figures go elsewhere.

        On the data that it names itself it stays as it is. Raises InputError for what is no data set or not there, and
        where an arm or a size has data of its own.
        """
        data.check(text)
        for section, settings in self._sections():
            if section != "[base]" and "data" in settings:
                raise InputError(f"--data {shown(text)}: {section} of {self.name} has data of its own")
        if text == self.base.get("data", TrainConfig.model_fields["data"].default):
            return self
        return self.model_copy(update={"name": f"{self.name}-{data_slug(text)}", "base": self.base | {"data": text}})

    def config(self, arm: str, size: str, seed: int) -> TrainConfig:
        """The training run of an arm at a size with a seed."""
        return self._config(arm, size, seed)

    def _config(self, arm: str, size: str, seed: int) -> TrainConfig:
        settings = self.settings_at(size) | self.arms[arm] | {"seed": seed}
        return TrainConfig.model_validate(settings, strict=True)  # TOML has types: "40" is no number


def read(path: AnyPath) -> StudySpec:
    """The study in a TOML file. Raises InputError, in one line, for all that is wrong with the file."""
    path = as_path("path", path)
    if not exists(path):
        raise InputError(f"no study at {path}: give the path of a TOML file or the name of one in studies/")
    content = read_toml(path)
    try:
        return StudySpec.model_validate(content)
    except ValidationError as error:
        found = faults(error)
    raise InputError(
        f"{path}: {_joined(list(dict.fromkeys([*_explained(found), *_found_in_the_rest(content, found)])))}"
    )


def find(name: AnyPath, folder: AnyPath = "studies") -> Path:
    """The file of a study given by path or, without a folder and `.toml`, by its name in `folder`."""
    if not name:
        raise InputError("no study: give the path of a TOML file or the name of one in studies/")
    given = as_path("name", name)
    if given.suffix == ".toml" or len(given.parts) != 1:
        return given
    studies = as_path("folder", folder)
    path = studies / f"{name}.toml"
    others = [other.stem for other in studies.glob("*.toml")]
    if not exists(path) and others:
        raise unknown("study", str(given), others)
    return path


def _unusable(arms: Iterable[str]) -> Iterator[str]:
    """Arms whose names can't be shown."""
    for arm in arms:
        try:
            arm_name(arm)
        except ValueError as error:
            yield f"arms: {error}"


def _unknown(names: Iterable[str], arms: Iterable[str], where: str) -> Iterator[str]:
    yield from (f"{where}: {unknown('arm', name, arms)}" for name in names if name not in arms)


def _wrong_arms(names: tuple[str, ...], arms: Iterable[str], where: str) -> Iterator[str]:
    if not names:
        yield f"{where}: the list is empty; leave it out for all arms"
    yield from _unknown(names, arms, where)
    yield from (f"{where}: names {shown(name)} twice" for name in _twice(names))


def _wrong_arms_of(finding: Finding, arms: Iterable[str]) -> Iterator[str]:
    where = f"finding {finding.id}"
    if len(finding.order) < 2 or not all(finding.order):
        yield f"{where}: order needs two groups of arms or more, none of them empty"
    names = [arm for group in finding.order for arm in group]
    yield from _unknown(names, arms, where)
    yield from (f"{where}: order names {shown(name)} twice" for name in _twice(names))


def _wrong_keys(section: str, settings: Settings) -> Iterator[str]:
    for key in settings:
        if key == "seed":
            yield f"{section} sets 'seed': a study runs over the seeds in `seeds`"
        elif key not in TrainConfig.model_fields:
            yield f"{section}: {TrainConfig.unknown(key)}"


def _section_of(arm: str) -> str:
    return f'[arms."{arm}"]' if arm.isprintable() else f"[arms.{shown(arm)}]"


def _who_sets(key: str, sections: Mapping[str, Settings]) -> str:
    return next((name for name, settings in sections.items() if key in settings), "[base]")


def _in_section(fault: Fault, sections: Mapping[str, Settings]) -> str:
    if not fault.place:
        return f"{next(iter(sections))}: {fault}"
    key = str(fault.place[0])
    if key == "seed":
        return f"seeds: a seed {fault.message}"
    return f"{_who_sets(key, sections)} {fault}"


def _explained(found: Iterable[Fault]) -> list[str]:
    """The faults of a file; a misspelt key, which is missing under its right name too, comes first."""
    owners = {"findings": Finding}
    misspelt, others = [], []
    for fault in found:
        if fault.kind == "extra_forbidden":
            fields = owners.get(str(fault.place[0]), StudySpec).model_fields
            where = Fault(fault.place[:-1], fault.kind, "", complete=True).where
            error = str(unknown("key", str(fault.place[-1]), fields))
            misspelt.append(f"{where}: {error}" if where else error)
        else:
            others.append(str(fault))
    return [*misspelt, *others]


def _found_in_the_rest(content: Settings, found: Iterable[Fault]) -> list[str]:
    """What is wrong besides, between the parts that are right in themselves: all is said at once."""
    rest = {"name": "x", "question": "x"} | {
        key: value for key, value in content.items() if key in StudySpec.model_fields
    }
    rest = {key: dict(value) if isinstance(value, dict) else value for key, value in rest.items()}
    dropped: set[int] = set()
    for fault in found:
        if not fault.place or fault.place[0] == "base":
            return []  # it was between the parts, or there is nothing to see them by
        part, *inside = fault.place
        if part in ("name", "question"):
            rest[part] = "x"
        elif part == "arms" and inside:
            rest["arms"][inside[0]] = {}  # it is there, whatever it sets
        elif part == "sizes" and inside:
            rest["sizes"].pop(inside[0], None)
        elif part == "findings" and inside and isinstance(inside[0], int):
            dropped.add(inside[0])
        else:
            rest.pop(str(part), None)
    if dropped:
        rest["findings"] = [each for index, each in enumerate(rest["findings"]) if index not in dropped]
    if not rest.get("sizes", True):
        del rest["sizes"]
    if "arms" not in rest:
        return []
    try:
        StudySpec.model_validate(rest)
    except ValidationError as error:
        return _explained(faults(error))
    return []


def _twice(items: Iterable[object]) -> list[object]:
    """What comes more than once; 1 and true are two things."""
    seen, found = set[str](), list[object]()
    for item in items:
        key = shown(item) if isinstance(item, dict | list) else f"{type(item).__name__} {item!r}"
        if key in seen and item not in found:
            found.append(item)
        seen.add(key)
    return found


def _joined(wrong: list[str]) -> str:
    """All of them in a line, or as many as a line takes."""
    lengths = accumulate(len(each) + 2 for each in wrong)
    said = max(1, sum(length <= _MOST_SAID for length in lengths))
    more = [f"and {len(wrong) - said} more"] if said < len(wrong) else []
    return "; ".join([*wrong[:said], *more])

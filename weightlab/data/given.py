"""A data set that was made in Python and handed over: a run's configuration knows no more of it than its name."""

from __future__ import annotations

from typing import NoReturn

from weightlab.data.kind import Found, Kind, Wanted
from weightlab.data.source import Source
from weightlab.errors import InputError

__all__ = ["KIND"]


def _refuse(source: Source, wanted: Wanted | None = None) -> NoReturn:
    raise InputError(f"the data set '{source.place}' was given in Python: hand it over again, as dataset=")


def _inspect(source: Source) -> Found:
    _refuse(source)


def _version(source: Source) -> str:
    return "given"


KIND = Kind(
    name="given",
    place="PATH",
    about="made in Python",
    check=lambda source: None,
    load=_refuse,
    version=_version,
    inspect=_inspect,
)

"""Options that several commands share, and options that are the fields of a model."""

from __future__ import annotations

import inspect
import re
import shlex
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer

from weightlab.errors import InputError, shown
from weightlab.literals import read_value

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

__all__ = ["Format", "again", "given", "options_of", "settings"]

Command = TypeVar("Command", bound=Callable[..., None])

_BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


class Format(StrEnum):
    """How a table is printed; json and csv print nothing else on standard output."""

    table = "table"
    json = "json"
    csv = "csv"


def options_of(model: type[BaseModel]) -> Callable[[Command], Command]:
    """Give a command the fields of a model as options, ahead of its own; it takes them as `**settings`.

    An option shows its field's description, bounds and default. Typer sees to the type alone: whether the values are
    allowed is the model's to say.
    """

    def decorate(command: Command) -> Command:
        fields = [_option(name, field) for name, field in model.model_fields.items()]
        own = inspect.signature(command, eval_str=True).parameters.values()
        named = [each.replace(kind=each.KEYWORD_ONLY) for each in own if each.kind is not each.VAR_KEYWORD]
        command.__signature__ = inspect.Signature([*fields, *named])  # type: ignore[attr-defined]
        return command

    return decorate


def given(context: typer.Context) -> list[str]:
    """The options that stand on the command line: --steps, --out, …"""
    sources = {option.opts[0]: context.get_parameter_source(option.name or "") for option in context.command.params}
    return [option for option, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def again(context: typer.Context) -> str:
    """The command line as it was given, to be pasted into a shell."""
    words = context.command_path.split()
    for parameter in context.command.params:
        if (source := context.get_parameter_source(parameter.name or "")) is None or source.name != "COMMANDLINE":
            continue
        value = str(context.params[parameter.name or ""])
        words += [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]
    return shlex.join(words)


def settings(texts: list[str]) -> dict[str, object]:
    """["beta=40", "mining_margin=None"] as {"beta": 40, "mining_margin": None}; values are literals."""
    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = (part.strip(" ") for part in text.partition("="))
        if not equals or not re.fullmatch("[A-Za-z_][A-Za-z_0-9]*", name):
            raise InputError(f"--set {shown(text)}: write --set name=value, such as --set beta=40")
        if name in found:
            raise InputError(f"--set {name} is given twice")
        try:
            found[name] = read_value(value)
        except InputError as error:
            raise InputError(f"--set {name}: {error}") from error
    return found


def _option(name: str, field: FieldInfo) -> inspect.Parameter:
    values = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    option = typer.Option(
        f"--{name.replace('_', '-')}",
        help=f"{field.description}{_bounds(field)}",
        metavar=f"<{'|'.join(values)}>" if values else None,
    )
    many = values or str in get_args(field.annotation)  # a text, or a number that a text says
    kind: Any = str if many and field.default is not None else field.annotation
    default = str(field.default) if kind is str else field.default
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])


def _bounds(field: FieldInfo) -> str:
    """ " (at least 0, below 1)"; empty where there are none."""
    words = [
        f"{word} {getattr(bound, name)}"
        for bound in field.metadata
        for name, word in _BOUNDS.items()
        if hasattr(bound, name)
    ]
    return f" ({', '.join(words)})" if words else ""

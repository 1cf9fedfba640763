"""The least that still breaks the contract in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from fuzz.case import Call, Command

__all__ = ["least_call", "least_command"]

_TRIES = 40
Case = TypeVar("Case", Call, Command)


def least_command(command: Command, fails: Callable[[Command], bool]) -> Command:
    """Words, files and variables left out one by one, as long as it still fails."""
    return _least(command, fails, _less_of_a_command)


def least_call(call: Call, fails: Callable[[Call], bool]) -> Call:
    """Arguments left out one by one, as long as it still fails."""
    return _least(call, fails, lambda each: (_without(each, name) for name in each.arguments))


def _least(case: Case, fails: Callable[[Case], bool], less: Callable[[Case], Iterator[Case]]) -> Case:
    tries = _TRIES
    found = True
    while found and tries > 0:
        found = False
        for smaller in less(case):
            tries -= 1
            if tries < 0:
                break
            if fails(smaller):
                case, found = smaller, True
                break
    return case


def _less_of_a_command(command: Command) -> Iterator[Command]:
    if command.environment:
        yield replace(command, environment={})
    words = command.arguments
    for at in reversed(range(1, len(words))):
        if words[at - 1].startswith("--") and "=" not in words[at - 1] and not words[at].startswith("--"):
            yield replace(command, arguments=words[: at - 1] + words[at + 1 :])
        yield replace(command, arguments=words[:at] + words[at + 1 :])
    for name in command.files:
        yield replace(command, files={path: code for path, code in command.files.items() if path != name})


def _without(call: Call, name: str) -> Call:
    return Call(call.target, {each: argument for each, argument in call.arguments.items() if each != name})

"""What is tried, what came of it, and what was wrong with that."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Argument", "Call", "Command", "Failure", "Outcome", "Verdict"]


class Verdict(Enum):
    """What the contract says of a piece of input."""

    good = "good"  # to be accepted
    odd = "odd"  # to be refused, or accepted and treated rightly
    bad = "bad"  # to be refused

    @staticmethod
    def of(parts: list[Verdict]) -> Verdict:
        """Of several pieces together: one that is bad makes them bad."""
        return next((each for each in (Verdict.bad, Verdict.odd) if each in parts), Verdict.good)


@dataclass(frozen=True)
class Command:
    """A command line and the folder that it finds.

    arguments: after `weightlab`.
    files: path → code of its bytes, which `names` gives the words of; None for a folder.
    environment: variables that differ.
    verdict: of the arguments and files together.
    finished: whether all trials of the studies in the folder are there already, so that none is trained.
    shell: a shell's words around the command ("{} >&-") for one that is run as a process of its own; None in-process.
    """

    arguments: tuple[str, ...]
    files: Mapping[str, str | None] = field(default_factory=dict)
    environment: Mapping[str, str | None] = field(default_factory=dict)
    verdict: Verdict = Verdict.odd
    finished: bool = True
    shell: str | None = None

    def __str__(self) -> str:
        """As a shell has it, after a line for each file."""
        made = [f"# {path}: {code if code is not None else 'a folder'}" for path, code in self.files.items()]
        settings = [
            f"{name}={value}" if value is not None else f"-u {name}" for name, value in self.environment.items()
        ]
        words = shlex.join(["weightlab", *self.arguments])
        line = f"env {' '.join(settings)} {words}" if settings else words
        return "\n".join([*made, (self.shell or "{}").format(line)])


@dataclass(frozen=True)
class Argument:
    """Code of a value for a call.

    code: an expression in the words of `names`.
    verdict: what the contract says of it.
    """

    code: str
    verdict: Verdict = Verdict.good


@dataclass(frozen=True)
class Call:
    """A call of the library.

    target: which of the targets.
    arguments: by name.
    """

    target: str
    arguments: Mapping[str, Argument]

    @property
    def verdict(self) -> Verdict:
        """Of all arguments together."""
        return Verdict.of([each.verdict for each in self.arguments.values()])

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={argument.code}" for name, argument in self.arguments.items())
        return f"{self.target}({arguments})"


@dataclass(frozen=True)
class Outcome:
    """What a command did.

    code: its exit code; None where an exception escaped or time was up.
    out, err: what it printed.
    escaped: the exception that escaped, and where it was raised; or None.
    left: what differs in its folder, a line each.
    """

    code: int | None
    out: str
    err: str
    escaped: str | None = None
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """How a case broke the contract.

    kind: the same for all that break it in the same way.
    detail: what this one did.
    """

    kind: str
    detail: str = ""

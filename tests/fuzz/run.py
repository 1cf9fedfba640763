"""Many cases of a seed, each a function of the seed and its number alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from fuzz.calls import run_call
from fuzz.case import Call, Command, Failure
from fuzz.commands import run_command
from fuzz.generators.calls import call
from fuzz.generators.commands import command
from fuzz.oracle import judge
from fuzz.shrink import least_call, least_command
from fuzz.targets.target import Target

__all__ = ["Tally", "calls", "commands", "shrunk"]


@dataclass
class Tally:
    """What came of the cases.

    outcomes: of each command or target, how often what came of it.
    failures: kind → the case's number, the shortest case of the kind, and how it failed.
    counts: how many of each kind.
    """

    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    failures: dict[str, tuple[int, Command | Call, Failure, Target | None]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, number: int, case: Command | Call, failure: Failure | None, target: Target | None = None) -> None:
        """Count a failure, and keep the case if it is the shortest so far."""
        if failure is None:
            return
        self.counts[failure.kind] += 1
        known = self.failures.get(failure.kind)
        if known is None or len(str(case)) < len(str(known[1])):
            self.failures[failure.kind] = (number, case, failure, target)


def commands(tally: Tally, seed: int, numbers: Iterable[int]) -> None:
    """Try the command lines of these numbers."""
    for number in numbers:
        case = command(Random(f"command {seed} {number}"))
        outcome = run_command(case)
        tally.outcomes[_name(case)][f"exit {outcome.code}" if outcome.code is not None else "no exit"] += 1
        tally.note(number, case, judge(case, outcome))


def calls(tally: Tally, seed: int, numbers: Iterable[int]) -> None:
    """Try the calls of these numbers."""
    for number in numbers:
        target, case = call(Random(f"call {seed} {number}"))
        outcome, failure = run_call(target, case)
        tally.outcomes[case.target][outcome] += 1
        tally.note(number, case, failure, target)


def shrunk(case: Command | Call, kind: str, target: Target | None) -> Command | Call:
    """The least of a case that fails in the same way."""
    if isinstance(case, Command):
        return (
            least_command(case, lambda each: _kind(judge(each, run_command(each))) == kind)
            if case.shell is None
            else case
        )
    assert target is not None
    return least_call(case, lambda each: _kind(run_call(target, each)[1]) == kind)


def _kind(failure: Failure | None) -> str | None:
    return None if failure is None else failure.kind


def _name(case: Command) -> str:
    """Of the command that is run, as far as it can be told."""
    words = case.arguments[:2] if case.arguments[:1] in (("study",), ("data",)) else case.arguments[:1]
    name = " ".join(words)
    return (
        f"weightlab {name}" if name.replace(" ", "").isalpha() and name.isascii() and len(name) < 30 else "weightlab …"
    )

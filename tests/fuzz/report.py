"""What came of the cases, for people."""

from __future__ import annotations

from fuzz.run import Tally, shrunk
from rich.console import Console

__all__ = ["show"]

_LONGEST = 1500  # characters of an example


def show(tally: Tally, seed: int, console: Console) -> None:
    """Counts a command and call, then each kind of failure with the least example of it."""
    width = max(map(len, tally.outcomes), default=0)
    for name, outcomes in sorted(tally.outcomes.items()):
        counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        console.print(f"{name:<{width}}  {sum(outcomes.values()):>5}: {counts}", markup=False, highlight=False)
    for kind, count in tally.counts.most_common():
        number, case, failure, target = tally.failures[kind]
        least = str(shrunk(case, kind, target))
        name = "call" if target is not None else "command"
        lines = (
            f"{count} × {kind}",
            f"  {failure.detail}",
            *least.splitlines(),
            f"--seed {seed} --only '{name} {number}'",
        )
        console.print()
        for line in lines:
            head = line is lines[0]
            shown = line if line.isprintable() and (head or line.isascii()) else ascii(line)[1:-1]
            console.print(shown if head else f"  {shown[:_LONGEST]}", markup=False, highlight=False)
    cases = sum(sum(outcomes.values()) for outcomes in tally.outcomes.values())
    console.print(
        f"\n{cases} cases, {sum(tally.counts.values())} failures of {len(tally.counts)} kinds", highlight=False
    )

"""What holds of a weighting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Law", "Report", "Verdict"]

Verdict = Literal["holds", "fails", "does not apply"]


@dataclass(frozen=True)
class Law:
    """A law and how a weighting stands to it.

    name: in a word or a few.
    statement: what it asks.
    verdict: whether it holds; some ask nothing of some weightings.
    detail: where it fails, a counter-example; where it does not apply, why; in a line. Else empty.
    """

    name: str
    statement: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """How a weighting stands to all laws.

    laws: in the order in which they were looked at.
    """

    laws: tuple[Law, ...]

    @property
    def holds(self) -> bool:
        """Whether no law is broken."""
        return not self.broken

    @property
    def broken(self) -> tuple[Law, ...]:
        """The laws that fail."""
        return tuple(law for law in self.laws if law.verdict == "fails")

    def raise_if_broken(self) -> None:
        """Raise AssertionError with each broken law and its counter-example, unless all hold."""
        if not self.holds:
            lines = [f"{law.name}: {law.statement}\n  {law.detail}" for law in self.broken]
            raise AssertionError(f"{len(lines)} of {len(self.laws)} laws broken\n" + "\n".join(lines))

    def __str__(self) -> str:
        """A law a line: verdict, name, and what there is to say of it."""
        verdict, name = (max(len(getattr(law, field)) for law in self.laws) for field in ("verdict", "name"))
        lines = (f"{law.verdict:<{verdict}}  {law.name:<{name}}  {law.detail}".rstrip() for law in self.laws)
        return "\n".join(lines)

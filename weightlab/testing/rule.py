"""How a law is written: a function that looks for counter-examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from weightlab.foreign.guarded import contained, reason_of
from weightlab.pairs import Weighting
from weightlab.testing.contexts import Contexts
from weightlab.testing.report import Law

__all__ = ["Rule", "rule"]

CounterExamples = Callable[[Weighting, Contexts], Iterator[str]]


@dataclass(frozen=True)
class Rule:
    """A law that weightings can be held to.

    name: in a word or a few.
    statement: what it asks.
    counter_examples: of a weighting in contexts, a line each.
    exempt: why it does not apply to a weighting; None where it does.
    """

    name: str
    statement: str
    counter_examples: CounterExamples
    exempt: Callable[[Weighting], str | None]

    def judge(self, weighting: Weighting, contexts: Contexts) -> Law:
        """How a weighting stands to it: to raise is to break it."""
        try:
            with contained():
                if (why := self.exempt(weighting)) is not None:
                    return Law(self.name, self.statement, "does not apply", why)
                found = next(self.counter_examples(weighting, contexts), None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a stranger's code raises
            found = f"raises {reason_of(error)}"
        return Law(self.name, self.statement, "holds" if found is None else "fails", found or "")


def rule(
    name: str, statement: str, exempt: Callable[[Weighting], str | None] = lambda weighting: None
) -> Callable[[CounterExamples], Rule]:
    """Make a rule of a function that yields counter-examples."""
    return lambda counter_examples: Rule(name, statement, counter_examples, exempt)

"""Running a call: InputError or a right and finite answer, and nothing else changed."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from fuzz import names
from fuzz.case import Call, Failure, Verdict
from fuzz.oracle import told, unfit
from fuzz.sandbox import CANARY, OUTSIDE, TimeUpError, bounded, captured, environment, folder, where
from fuzz.state import copied, differences, same, snapshot
from fuzz.targets.target import Target

from weightlab.errors import InputError

__all__ = ["run_call"]

SECONDS = 10.0  # of processor time


def run_call(target: Target, call: Call) -> tuple[str, Failure | None]:
    """What came of it ("InputError", "an answer" or an error's name), and how that breaks the contract."""
    with folder() as root, environment({"HOME": str(root / "home")}), captured() as printed, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        words = {name: getattr(names, name) for name in names.__all__}
        function = eval(call.target, words)
        try:
            given = {name: eval(argument.code, words) for name, argument in call.arguments.items()}
        except Exception as error:
            if call.verdict is not Verdict.good:
                return "no call", None  # what is done to one good value can't be done to every one
            return "no call", Failure(f"the case itself fails: {type(error).__name__}", f"{error} in {call}")
        outcome, failure = _called(target, call, function, given)
        if failure is None and (made := [path.name for path in Path(root).rglob(f"{CANARY}*")]):
            failure = Failure("data were executed", str(made))
        if failure is None and any(printed()):
            failure = Failure(f"{call.target} prints", "".join(printed())[:300])
        return outcome, failure


def _called(target: Target, call: Call, function: Any, given: dict[str, Any]) -> tuple[str, Failure | None]:
    kept, before = copied(given), snapshot()
    try:
        with bounded(SECONDS):
            answer = function(**given)
            wrong = target.right(given, answer)
    except InputError as error:
        outcome, failure = "InputError", _refused(call, str(error))
    except BaseException as error:
        return type(error).__name__, _raised(call, error)
    else:
        outcome, failure = "an answer", _answered(call, given, wrong)
    if failure is None:
        failure = _changed(call, given, kept, before)
    return outcome, failure


def _refused(call: Call, message: str) -> Failure | None:
    if call.verdict is Verdict.good:
        return Failure(f"{call.target}: good input is refused: {told(message)}", message[:300])
    if len(message.splitlines()) != 1:
        return Failure(f"{call.target}: a message of {len(message.splitlines())} lines", ascii(message[:300]))
    why = unfit(message)
    return (
        Failure(f"{call.target}: a message with {re.sub('[0-9]+ char', '# char', why)}", ascii(message[:300]))
        if why
        else None
    )


def _answered(call: Call, given: dict[str, Any], wrong: str | None) -> Failure | None:
    bad = [f"{name}={each.code}" for name, each in call.arguments.items() if each.verdict is Verdict.bad]
    if bad and not any(_is_empty(name, each) for name, each in given.items()):
        return Failure(
            f"{call.target}: accepts bad {bad[0].partition('=')[0]}: {told(_short(bad[0]))}", "; ".join(bad)[:300]
        )
    if wrong:
        return Failure(f"{call.target}: {told(wrong)}", wrong[:300])
    return None


def _is_empty(name: str, value: object) -> bool:
    """Whether there is nothing in it that could be wrong: no rows; of a matrix of pairs no columns either."""
    shape = getattr(value, "shape", None)
    return shape is not None and 0 in tuple(shape)[: 2 if name == "similarity" else 1]


def _raised(call: Call, error: BaseException) -> Failure:
    if isinstance(error, TimeUpError):
        return Failure(f"{call.target}: time is up in {where(error)}", str(error))
    place = where(error)
    kind = f"{call.target}: {type(error).__name__} in {place}"
    return Failure(f"{kind}: {told(str(error))}" if place == OUTSIDE else kind, str(error)[:300])


def _changed(call: Call, given: dict[str, Any], kept: object, before: dict[str, object]) -> Failure | None:
    changed = differences(before, snapshot())
    if changed:
        return Failure(f"{call.target} changes {', '.join(changed)}")
    assert isinstance(kept, dict)
    written = [name for name, value in kept.items() if not same(value, given[name])]
    return Failure(f"{call.target} writes to its {', '.join(written)}") if written else None


def _short(code: str) -> str:
    """What is done to a value, less the value."""
    return re.sub(r"(unit|similarities|one_hot|torch\.tensor)\(.*?\)", "x", code)

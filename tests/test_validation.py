"""What pydantic finds wrong is said in our words, whatever it is."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from weightlab.validation import faults


class Colour(Enum):
    red = "red"


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    count: int = 0


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")

    whole: int = Field(1, ge=1, le=9)
    number: float = Field(1.0, gt=0, lt=2, allow_inf_nan=False)
    yes: bool = True
    text: str = Field("a", min_length=1, max_length=3)
    choice: Literal["a", "b"] = "a"
    colour: Colour = Colour.red
    items: Annotated[list[int], Field(min_length=2, max_length=3)] = Field(default_factory=lambda: [1, 2])
    pair: tuple[int, ...] = ()
    table: dict[str, Inner] = Field(default_factory=dict)
    checked: str = "a"

    @field_validator("checked")
    @classmethod
    def _check(cls, value: str) -> str:
        if value != "a":
            raise ValueError(f"checked: must be\na, not {value}")
        return value


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("whole", 0, "whole must be at least 1, not 0"),
        ("whole", 10, "whole must be at most 9, not 10"),
        ("whole", "x", "whole must be a whole number, not 'x'"),
        ("whole", 1.5, "whole must be a whole number, not 1.5"),
        ("whole", [], "whole must be a whole number, not []"),
        ("whole", None, "whole must be a whole number, not None"),
        ("number", 0.0, "number must be above 0, not 0.0"),
        ("number", 2, "number must be below 2, not 2"),
        ("number", float("nan"), "number must be finite, not nan"),
        ("number", "many", "number must be a number, not 'many'"),
        ("number", {}, "number must be a number, not {}"),
        ("yes", "perhaps", "yes must be true or false, not 'perhaps'"),
        ("yes", [], "yes must be true or false, not []"),
        ("text", "", "text must not be empty"),
        ("text", "abcd", "text must be of 3 characters at most, not 'abcd'"),
        ("text", 3, "text must be a text, not 3"),
        ("choice", "c", "choice must be 'a' or 'b', not 'c'"),
        ("colour", "blue", "colour must be 'red', not 'blue'"),
        ("items", [1], "items must be of 2 items or more, not [1]"),
        ("items", [1, 2, 3, 4], "items must be of 3 items at most, not [1, 2, 3, 4]"),
        ("items", 3, "items must be a list, not 3"),
        ("items", [1, "x"], "items[2] must be a whole number, not 'x'"),
        ("pair", 3, "pair must be a list, not 3"),
        ("table", [], "table must be a table, not []"),
        ("table", {"a": 3}, "table.a must be a table, not 3"),
        ("table", {"a": {"cont": 3}}, "table.a.cont is no key of this table"),
        ("table", {"a\x1b": 3}, r"table.a\x1b must be a table, not 3"),
        ("checked", "b", "checked: must be a, not b"),
        ("other", 1, "other is no key of this table"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(key: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({key: value})
    assert [str(fault) for fault in faults(caught.value)] == [said]


def test_what_is_missing_and_what_is_no_json() -> None:
    class Needed(BaseModel):
        one: int
        two: int

    with pytest.raises(ValidationError) as caught:
        Needed.model_validate({})
    assert [str(fault) for fault in faults(caught.value)] == ["one is missing", "two is missing"]
    for text in ("{", "", json.dumps({"one": 1})[:-1]):
        with pytest.raises(ValidationError) as caught:
            Needed.model_validate_json(text)
        (said,) = map(str, faults(caught.value))
        assert said.startswith("is not valid JSON: ")


def test_long_values_are_shortened() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"choice": "x" * 100_000})
    (said,) = map(str, faults(caught.value))
    assert len(said) < 200

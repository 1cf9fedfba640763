from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import pytest

from weightlab import InputError, losses


@pytest.mark.parametrize("loss", losses.ALL)
def test_losses_are_frozen_and_documented(loss: type[losses.Loss]) -> None:
    assert isinstance(loss(), losses.Loss)
    assert loss.source
    for text in (loss, loss.value, loss.weights, loss.formula):
        assert text.__doc__
    with pytest.raises(dataclasses.FrozenInstanceError):
        loss().name = "other"  # type: ignore[misc]


def test_every_file_is_in_the_registry() -> None:
    """A file with a class that has a name is a loss."""
    found = set()
    for module in pkgutil.iter_modules(losses.__path__):
        members = vars(importlib.import_module(f"{losses.__name__}.{module.name}")).values()
        found |= {each for each in members if isinstance(each, type) and isinstance(vars(each).get("name"), str)}
    assert found == set(losses.ALL)
    assert len(set(losses.names())) == len(losses.ALL)


@pytest.mark.parametrize("name", losses.names())
def test_every_parameter_is_checked(name: str) -> None:
    for field in dataclasses.fields(losses.get(name)):  # type: ignore[arg-type]
        for bad in (float("nan"), float("inf"), "much", True):
            with pytest.raises(InputError, match=field.name):
                losses.get(name, **{field.name: bad})


def test_get_by_name_and_text() -> None:
    assert losses.get("ms-loss", beta=40.0) == losses.MultiSimilarity(beta=40.0)
    assert losses.from_text("ms-loss(beta=40.0, mining_margin=None)") == losses.MultiSimilarity(beta=40.0)
    assert losses.from_text(" triplet ") == losses.Triplet()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ms-los", "did you mean 'ms-loss'"),
        ("zzz", "known are"),
        ("ms-loss(bta=40)", "did you mean 'beta'"),
        ("ms-loss(beta=-1)", "beta must be at least 0.0001 and at most 10000, not -1"),
        ("ms-loss(40)", "write name"),
        ("ms-loss(beta=", "write name"),
        ("ms-loss(beta=__import__('os'))", "write name"),
        ("contrastive(neg_margin=2)", "at most 1"),
    ],
)
def test_wrong_texts_are_explained(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        losses.from_text(text)

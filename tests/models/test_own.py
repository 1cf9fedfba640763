"""A class of one's own as an encoder: what it is told, what it must give, and what is done about all else."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from weightlab import models
from weightlab.errors import InputError

MINE = """
import random, sys
import numpy
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, dimensions, shape, width=3, act="relu", big=False):
        super().__init__()
        print("made")
        self.told = dimensions, shape, width, act, big
        self.drawn = random.random(), numpy.random.rand()
        size = torch.Size(shape).numel()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(size, width), nn.BatchNorm1d(width), nn.ReLU())
        self.head = nn.Linear(width, dimensions)
    def forward(self, inputs):
        print("called")
        return 5 * self.head(self.layers(inputs))

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.LazyLinear(8)
    def forward(self, inputs):
        return self.layer(inputs.flatten(1)).double()

class Gives(nn.Module):
    def __init__(self, what):
        super().__init__()
        self.what, self.layer = what, nn.Linear(4, 8)
    def forward(self, inputs):
        found = self.layer(inputs)
        return {
            "pair": (found, found), "one": found[0], "none": None, "few": found[:1], "nan": found * float("nan"),
            "detached": found.detach(), "whole": found, "cut": found[:, :5],
        }.get(self.what) if self.what != "exit" else sys.exit(4)

class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
    def forward(self, inputs):
        return inputs.repeat(1, 2)

class Extra(nn.Linear):
    def get_extra_state(self):
        return {"a": 1}
    def set_extra_state(self, state):
        pass

class Alone(nn.Linear):
    def __deepcopy__(self, memo):
        raise TypeError("no copies")

class Exits(nn.Module):
    def __init__(self):
        sys.exit(3)

class Other:
    pass

def function(width):
    return Net(width)

NUMBER = 3
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)


def test_it_is_told_shape_and_dimensions_and_its_embeddings_are_normalised(capsys: pytest.CaptureFixture[str]) -> None:
    model = models.build("mine.py:Net(width=4, act=gelu, big=true)", shape=(2, 5, 3), dimensions=7)
    network = model.network
    assert network.told == (7, (2, 5, 3), 4, "gelu", True)
    assert model.training
    assert not network.layers[2].running_mean.any()  # trying it leaves no trace
    inputs = torch.rand(6, 2, 5, 3)
    raw = network(inputs)
    torch.testing.assert_close(model(inputs), raw / raw.norm(dim=1, keepdim=True))
    out, err = capsys.readouterr()
    assert "made" in err
    assert out == "called\n"  # by this test alone


def test_arguments_by_position_are_its_own() -> None:
    assert models.build("mine.py:Net(8)", shape=(5,), dimensions=8).network.told[:2] == (8, (5,))
    with pytest.raises(InputError, match="gives embeddings of 9 dimensions, not 8: pass --dimensions 9"):
        models.build("mine.py:Net(9)", shape=(5,), dimensions=8)


def test_any_module_with_a_path_will_do() -> None:
    models.check("torch.nn:Linear(6, 8)")
    assert models.build("torch.nn:Linear(6, 8)", shape=(6,), dimensions=8)(torch.rand(3, 6)).shape == (3, 8)


def test_lazy_layers_and_doubles_are_taken() -> None:
    model = models.build("mine.py:Lazy", shape=(2, 3, 3), dimensions=8)
    assert model(torch.rand(4, 2, 3, 3)).dtype == torch.float32
    assert model.network.layer.weight.shape == (8, 18)


def test_the_same_seed_gives_the_same_network_and_leaves_others_numbers_alone() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    expected = random.random(), np.random.rand(), torch.rand(2).tolist()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    one = models.build("mine.py:Net", shape=(5,), seed=3)
    assert (random.random(), np.random.rand(), torch.rand(2).tolist()) == expected  # noqa: NPY002
    again, other = (models.build("mine.py:Net", shape=(5,), seed=seed) for seed in (3, 4))
    for number in range(2):
        assert one.network.drawn[number] == again.network.drawn[number] != other.network.drawn[number]
    assert torch.equal(one.network.head.weight, again.network.head.weight)
    assert not torch.equal(one.network.head.weight, other.network.head.weight)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine.py", "^mine.py has Net, Lazy, Gives, Fixed, Extra, Alone, Exits: write mine.py:Net$"),
        ("mine.py:Nett", "^unknown name in mine.py 'Nett': did you mean 'Net'[?]$"),
        (
            "mine.py:function(3)",
            "^mine.py:function is a function: an encoder is given as its class, a torch.nn.Module$",
        ),
        ("mine.py:NUMBER", "mine.py:NUMBER is of type int: an encoder is given as its class"),
        ("mine.py:Other", "mine.py:Other is a class of no encoders: it must be a torch.nn.Module"),
        ("mine.py:nn", "mine.py:nn is a module, not a model"),
        ("mine.py:Net(widht=3)", r"^mine.py:Net\(widht=3\): TypeError: got an unexpected keyword argument 'widht'$"),
        ("mine.py:Net(1, dimensions=3)", "multiple values for argument 'dimensions'"),
        ("mine.py:Net(width=1+1)", r"arguments must be literals, such as \(width=3\); can't read '\(width=1\+1\)'"),
        ("mine.py:Gives", "missing a required argument: 'what'"),
        ("none.py:Net", "^there is no file none.py$"),
        ("mine:Net", "can't import mine: there is no module mine; did you mean mine.py:Net[?]"),
        ("no_such.package:Net", "there is no module no_such"),
        ("fails.py:Net", "importing fails.py fails: SystemExit: 1"),
        ("mine.ipynb:Net", "put the model into a file that ends in .py"),
        ("empty.py", "^empty.py has nothing that could be a model: no class that is a torch.nn.Module$"),
    ],
)
def test_what_is_wrong_is_known_without_making_one(text: str, message: str) -> None:
    Path("fails.py").write_text("import sys\nsys.exit(1)")
    Path("empty.py").write_text("")
    with pytest.raises(InputError, match=message):
        models.check(text)
    with pytest.raises(InputError, match=message):
        models.build(text, shape=(4,), dimensions=8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine.py:Exits", "^mine.py:Exits: SystemExit: 3$"),
        ("mine.py:Gives(pair)", r"mine.py:Gives gives tuple for inputs \[2, 4\]: it must give embeddings, a tensor"),
        ("mine.py:Gives(one)", r"gives torch.float32 \[8\]"),
        ("mine.py:Gives(none)", "gives NoneType"),
        ("mine.py:Gives(few)", r"gives torch.float32 \[1, 8\]"),
        ("mine.py:Gives(nan)", "gives embeddings that are not finite"),
        ("mine.py:Gives(detached)", "gives embeddings without a gradient"),
        ("mine.py:Gives(exit)", "^mine.py:Gives fails: SystemExit: 4$"),
        ("mine.py:Gives(cut)", "gives embeddings of 5 dimensions, not 8: pass --dimensions 5$"),
        ("mine.py:Fixed", "mine.py:Fixed has no parameter to train"),
        ("mine.py:Extra(4, 8)", "mine.py:Extra has a state that is no tensor and can't be saved: network._extra_state"),
        ("mine.py:Alone(4, 8)", "mine.py:Alone can't be copied and saved: TypeError: no copies"),
        ("torch.nn:Linear(5, 8)", "torch.nn:Linear fails: RuntimeError: mat1 and mat2"),
    ],
)
def test_what_it_does_wrong_is_said_when_it_is_built(text: str, message: str) -> None:
    models.check(text)
    with pytest.raises(InputError, match=message):
        models.build(text, shape=(4,), dimensions=8)
    assert models.build("mine.py:Gives(whole)", shape=(4,), dimensions=8)(torch.rand(2, 4)).shape == (2, 8)

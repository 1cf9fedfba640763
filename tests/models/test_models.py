from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from weightlab import models
from weightlab.errors import InputError
from weightlab.train import TrainConfig


@pytest.mark.parametrize("size", [(8, 8), (20, 20), (24, 24), (9, 31), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_embeddings_are_normalised_for_any_size(size: tuple[int, int], channels: int) -> None:
    model = models.build("cnn", shape=(channels, *size), width=4, dimensions=7)
    embeddings = model(torch.rand(5, channels, *size))
    assert embeddings.shape == (5, 7)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(5))


def test_same_seed_same_weights_and_the_global_random_state_stays() -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    first, again, other = (models.build("cnn", width=4, seed=seed) for seed in (5, 5, 6))
    assert torch.equal(torch.rand(3), expected)
    for one, same in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, same)
    assert not torch.equal(next(first.parameters()), next(other.parameters()))


def test_every_parameter_gets_a_gradient() -> None:
    model = models.build("cnn", width=4, dimensions=6)
    (model(torch.rand(8, 1, 20, 20)) * torch.rand(8, 6)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name


def test_shifted_images_are_nearer_than_other_images() -> None:
    """The encoder sees the images at all: untrained, it's still smooth."""
    model = models.build("cnn", width=8).eval()
    images = torch.rand(20, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, noisy = model(images), model(images + 0.01)
    assert (first @ noisy.T).argmax(dim=1).tolist() == list(range(20))


def test_width_scales_the_parameters() -> None:
    counts = [sum(p.numel() for p in models.build("cnn", width=width).parameters()) for width in (8, 16)]
    assert counts[1] / counts[0] == pytest.approx(4, rel=0.2)


def test_linear_and_mlp_are_their_formulas() -> None:
    vectors = torch.randn(9, 6)
    linear = models.build("linear", shape=(6,), dimensions=4)
    weight, bias = linear.state_dict().values()
    expected = vectors @ weight.T + bias
    torch.testing.assert_close(linear(vectors), expected / expected.norm(dim=1, keepdim=True))
    mlp = models.build("mlp(hidden=5)", shape=(6,), dimensions=4)
    hidden_weight, hidden_bias, weight, bias = mlp.state_dict().values()
    assert hidden_weight.shape == (5, 6)
    expected = (vectors @ hidden_weight.T + hidden_bias).clamp(min=0) @ weight.T + bias
    torch.testing.assert_close(mlp(vectors), expected / expected.norm(dim=1, keepdim=True))
    assert models.build("mlp", shape=(6,)).state_dict()["hidden.weight"].shape == (1024, 6)


def test_names_are_how_encoders_are_written() -> None:
    assert models.names() == [
        "cnn",
        "linear",
        "mlp(hidden=1024)",
        "timm:resnet50(pooling=max, freeze_batch_norm=true)",
        "my_models.py:Net(width=3)",
    ]
    for text in models.names()[:-1]:
        models.check(text)
    assert [models.kind_of(text) for text in models.names()] == ["cnn", "linear", "mlp", "timm", None]
    assert str(TrainConfig.model_fields["model"].description).endswith(", ".join(models.names()))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cn", "unknown model 'cn': did you mean 'cnn'"),
        ("resnet50", "unknown model 'resnet50': known are cnn, linear, mlp, timm"),
        ("", "unknown model ''"),
        (7, "a model is given as text, such as cnn, linear, .*, not int"),
        (None, "a model is given as text"),
        ("cnn(", r"can't read '\(': its end where"),
        ("cnn(3)", r"can't read '\(3\)': write options with their names"),
        ("cnn(depth=3)", "^cnn has no options; depth is given$"),
        ("cnn(width=3)", "^width is no option of cnn but a setting of its own: --width$"),
        ("cnn:x", "can't read the model 'cnn:x': write cnn"),
        ("mlp(hiden=3)", "^unknown option of mlp 'hiden': did you mean 'hidden'[?]$"),
        ("mlp(dimensions=3)", "a setting of its own: --dimensions"),
        ("mlp(hidden=0)", "^hidden of mlp must be a whole number of 1 to 65536, not 0$"),
        ("mlp(hidden=1.5)", "whole number of 1 to 65536, not 1.5"),
        ("mlp(hidden=true)", "whole number of 1 to 65536, not True"),
        ("mlp(hidden=many)", "whole number of 1 to 65536, not 'many'"),
        ("mlp(hidden=3, hidden=4)", "hidden is given twice"),
        ("timm", "can't read the model 'timm': write timm:ARCHITECTURE, as in timm:resnet50"),
        ("timm:(pooling=max)", "write timm:ARCHITECTURE"),
    ],
)
def test_what_can_not_be_read_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        models.check(text)
    with pytest.raises(InputError, match=message):
        models.build(text)


def test_spaces_do_not_matter() -> None:
    assert models.build(" mlp ( hidden = 5 ) ", shape=(6,)).state_dict()["hidden.weight"].shape == (5, 6)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("cnn", (512,), "^cnn takes images; this data set gives vectors of 512: use --model linear or mlp$"),
        ("timm:resnet18", (8,), "^timm takes images; this data set gives vectors of 8: use --model linear or mlp$"),
        (
            "linear",
            (1, 24, 20),
            "^linear takes vectors; this data set gives images of 1 × 24 × 20: use --model cnn or timm:…$",
        ),
        ("mlp(hidden=2)", (3, 8, 8), "^mlp takes vectors; .* images of 3 × 8 × 8"),
        ("cnn", (3, 8), "rows of 3 × 8: only a class of your own"),
        ("cnn", (1, 7, 30), "^cnn takes images of 8 × 8 pixels and more, not of 7 × 30$"),
        ("linear", (0,), "shape must be a whole number of 1 to"),
    ],
)
def test_inputs_of_the_other_kind_are_refused(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        models.build(text, shape=shape)


def test_numbers_out_of_range() -> None:
    for what in ("channels", "width", "dimensions"):
        for value in (0, 1.5, True, 2**31, 10**31):
            with pytest.raises(InputError, match=f"{what} must be a whole number of 1 to 2147483647"):
                models.build("cnn", **({"shape": (value, 8, 8)} if what == "channels" else {what: value}))
    with pytest.raises(InputError, match="seed"):
        models.build("cnn", seed=-1)


@pytest.mark.parametrize("shape", [(), None, 24, "abc"])
def test_what_is_no_shape(shape: object) -> None:
    with pytest.raises(InputError, match=r"^shape must be \(channels, height, width\) or \(dimensions,\), not "):
        models.build("cnn", shape=shape)  # type: ignore[arg-type]


def test_what_no_memory_holds_is_refused() -> None:
    with pytest.raises(InputError, match=r"can't build 'mlp\(hidden=65536\)' of width 32 and 2147483647 dimensions"):
        models.build("mlp(hidden=65536)", shape=(2**31 - 1,), dimensions=2**31 - 1)


def test_checking_a_built_in_imports_nothing_heavy() -> None:
    code = (
        "import sys; from weightlab import models; models.check('mlp(hidden=3)'); models.check('cnn'); "
        "models.names(); print(*sorted({'torch', 'timm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not done.stdout.strip()


def test_groups_are_all_that_is_trained() -> None:
    model = models.build("mlp(hidden=3)", shape=(6,))
    model.hidden.bias.requires_grad_(False)
    (group,) = models.groups(model)
    assert group["factor"] == 1
    assert [id(each) for each in group["params"]] == [
        id(each) for name, each in model.named_parameters() if name != "hidden.bias"
    ]

"""timm's networks as encoders, with random weights: options, weights from files, frozen batch norm, rates."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from weightlab import models
from weightlab.errors import InputError
from weightlab.memory import momentum_encoder


def norms(model: nn.Module) -> list[nn.Module]:
    return [each for each in model.modules() if isinstance(each, nn.BatchNorm2d)]


@pytest.mark.parametrize(
    "text",
    [
        "timm:resnet18",
        "timm:resnet50(pooling=max, freeze_batch_norm=true)",
        "timm:vit_tiny_patch16_224",
        "timm:mobilenetv3_small_050",
        "timm:test_vit(pooling=avg)",
        "timm:test_resnet.r160_in1k(pooling=catavgmax)",
    ],
)
def test_every_familys_embeddings_are_normalised(text: str) -> None:
    model = models.build(text, shape=(3, 32, 32), dimensions=9).eval()
    found = model(torch.rand(2, 3, 32, 32))
    assert found.shape == (2, 9)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(2))


def test_it_is_timms_network_of_normalised_images_and_a_linear_head() -> None:
    model = models.build("timm:test_resnet(pooling=max)", shape=(3, 40, 40), dimensions=5).eval()
    images = torch.rand(3, 3, 40, 40)
    mean, std = (torch.tensor(model.backbone.pretrained_cfg[name]) for name in ("mean", "std"))
    colours = (images.movedim(1, 3) - mean) / std
    maps = model.backbone.forward_features(colours.movedim(3, 1))
    embeddings = maps.amax(dim=(2, 3)) @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(images), embeddings / embeddings.norm(dim=1, keepdim=True))
    assert {"mean", "std", "backbone.conv1.0.weight", "head.weight"} <= set(model.state_dict())


@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels_than_three(channels: int) -> None:
    model = models.build("timm:resnet18", shape=(channels, 32, 32), dimensions=5)
    assert model.backbone.conv1.in_channels == channels
    assert model.mean.flatten().tolist() == pytest.approx([(0.485 + 0.456 + 0.406) / 3] * channels)
    assert model(torch.rand(2, channels, 32, 32)).shape == (2, 5)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, again, other = (models.build("timm:test_vit", shape=(3, 32, 32), seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    assert not torch.equal(one.head.weight, other.head.weight)


def test_frozen_batch_norm_stays_as_it_is() -> None:
    model = models.build("timm:test_resnet(freeze_batch_norm=true)", shape=(3, 32, 32), dimensions=5)
    slow = momentum_encoder(model, 0.5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for module in (model, slow):
        for each in (module.train(), module.eval().train()):
            assert each.training
            assert not any(norm.training for norm in norms(each))
            assert len(norms(each)) > 5
    optimizer = torch.optim.AdamW(models.groups(model), lr=0.1)
    model(torch.rand(4, 3, 32, 32))[:, 0].sum().backward()
    optimizer.step()
    slow.update_parameters(model)
    slow(torch.rand(4, 3, 32, 32))
    parts = {id(part) for norm in norms(model) for part in (*norm.parameters(), *norm.buffers())}
    for encoder in (model, slow.module):
        for name, value in encoder.state_dict(keep_vars=True).items():
            is_fixed = id(dict(model.state_dict(keep_vars=True))[name]) in parts or name in ("mean", "std")
            assert torch.equal(value, before[name]) == is_fixed, name


def test_without_it_batch_norm_is_trained() -> None:
    model = models.build("timm:test_resnet", shape=(3, 32, 32), dimensions=5)
    assert all(norm.training for norm in norms(model))
    assert all(each.requires_grad for each in model.parameters())


def test_rates_fall_from_the_head_to_the_first_layer() -> None:
    model = models.build("timm:test_vit(backbone_rate=0.1, layer_decay=0.5)", shape=(3, 32, 32))
    factors = {id(each): group["factor"] for group in models.groups(model) for each in group["params"]}
    names = {name: factors.pop(id(each)) for name, each in model.named_parameters()}
    assert not factors  # each once
    blocks = len(model.backbone.blocks)
    assert names["head.weight"] == names["head.bias"] == 1
    assert names["backbone.norm.weight"] == pytest.approx(0.1)
    for block in range(blocks):
        assert names[f"backbone.blocks.{block}.mlp.fc1.weight"] == pytest.approx(0.1 * 0.5 ** (blocks - 1 - block))
    assert names["backbone.patch_embed.proj.weight"] == pytest.approx(0.1 * 0.5**blocks)


def test_a_backbones_rate_alone() -> None:
    model = models.build("timm:test_resnet(backbone_rate=0.25, freeze_batch_norm=true)", shape=(3, 32, 32))
    backbone, head = models.groups(model)
    assert (backbone["factor"], head["factor"]) == (0.25, 1)
    assert len(head["params"]) == 2
    assert len(backbone["params"]) == len(list(model.backbone.parameters())) - 2 * len(norms(model))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timm:resnet_50", "^unknown timm model 'resnet_50': did you mean 'resnet50'[?]$"),
        ("timm:zzzzzzzzzzzz", r"^unknown timm model 'zzzzzzzzzzzz': timm.list_models\(\) has them all$"),
        ("timm:resnet18.none", "^timm's resnet18 has no weights called 'none': it has a1_in1k, "),
        ("timm:hf-hub:timm/resnet18", "unknown timm model 'hf-hub:timm/resnet18'"),
        ("timm:resnet18(pooling=mx)", "^unknown pooling of timm:resnet18 'mx': did you mean 'max'[?]$"),
        ("timm:resnet18(pool=max)", "unknown option of timm:resnet18 'pool': did you mean 'pooling'"),
        ("timm:resnet18(freeze_batch_norm=1)", "freeze_batch_norm of timm:resnet18 must be true or false, not 1"),
        ("timm:resnet18(freeze_batch_norm=yes)", "must be true or false, not 'yes'"),
        ("timm:resnet18(layer_decay=0)", "layer_decay of timm:resnet18 must be above 0 and at most 1, not 0"),
        ("timm:resnet18(backbone_rate=1.5)", "backbone_rate of timm:resnet18 must be above 0 and at most 1, not 1.5"),
        ("timm:resnet18(weights=3)", "weights of timm:resnet18 must be a text, not 3"),
        ("timm:resnet18(weights=a/b.pth)", "a text that is more than a word stands in quotes"),
        ("timm:resnet18(weights='none.pth')", "none.pth"),
        ("timm:resnet18(weights='none.npz')", "must be a file that ends in .safetensors, .pth, .pt or .bin, not"),
        ("timm:resnet18(weights='a.pth', pretrained=true)", "leave one out"),
        ("timm:vgg11_none", "unknown timm model"),
        ("timm:test_resnet2(pretrained=true)", "unknown timm model"),
    ],
)
def test_what_is_wrong_is_known_without_building(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        models.check(text)
    with pytest.raises(InputError, match=message):
        models.build(text, shape=(3, 32, 32))


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("timm:test_vit(freeze_batch_norm=true)", (3, 32, 32), "^test_vit has no batch norm: leave freeze_batch_norm"),
        ("timm:test_vit", (3, 30, 32), "timm's test_vit fails for images of 30 × 32: it is made for --size 160: Asser"),
        ("timm:inception_v3", (3, 24, 24), "fails for images of 24 × 24: it is made for --size 299"),
        ("timm:test_resnet(pooling=token)", (3, 32, 32), "timm can't build test_resnet of .*global_pool=token: "),
        ("timm:test_vit(pooling=catavgmax)", (3, 32, 32), "timm can't build test_vit of .*global_pool=catavgmax"),
    ],
)
def test_what_a_network_does_not_take(text: str, shape: tuple[int, ...], message: str) -> None:
    models.check(text)
    with pytest.raises(InputError, match=message):
        models.build(text, shape=shape)


def test_pretrained_weights_that_can_not_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*given: object, **named: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(timm.models._builder, "load_state_dict_from_hf", offline)
    models.check("timm:test_resnet(pretrained=true)")
    with pytest.raises(InputError, match="weights from the network, which weights=FILE does without: OSError: no netw"):
        models.build("timm:test_resnet(pretrained=true)")
    models.build("timm:test_resnet(pretrained=true)", bare=True)


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"^timm:resnet18 needs timm: pip install 'weightlab\[vision\]'$"):
        models.check("timm:resnet18")
    monkeypatch.delitem(sys.modules, "timm")
    for name in [name for name in sys.modules if name.startswith(("timm.", "torchvision"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(InputError, match=r"^importing timm fails .*torchvision.*: ModuleNotFoundError: .*torchvision"):
        models.check("timm:resnet18")


def a_file(
    architecture: str, path: Path, change: Callable[[dict[str, Any]], object] | None = None
) -> dict[str, Tensor]:
    """Weights in a file, with a classifier of three classes; they are what it returns."""
    torch.manual_seed(7)
    state = timm.create_model(architecture, num_classes=3).state_dict()
    content: Any = dict(state)
    if change is not None:
        content = change(content) or content
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)
    return state


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("w.safetensors", None),
        ("w.pth", None),
        ("w.pt", lambda state: {"epoch": 3, "state_dict": {f"module.{name}": each for name, each in state.items()}}),
        ("w.bin", lambda state: [state.pop(name) for name in ("fc.weight", "fc.bias")] and state),
    ],
)
def test_weights_of_a_file(file: str, change: Callable[[dict[str, Any]], object] | None, tmp_path: Path) -> None:
    state = a_file("test_resnet", tmp_path / file, change)
    model = models.build(f"timm:test_resnet(weights='{tmp_path / file}', pooling=max)", shape=(3, 32, 32))
    loaded = model.backbone.state_dict()
    assert set(loaded) == {name for name in state if not name.startswith("fc.")}
    assert all(torch.equal(value, state[name]) for name, value in loaded.items())
    bare = models.build(f"timm:test_resnet(weights='{tmp_path / file}')", shape=(3, 32, 32), bare=True)
    assert not torch.equal(bare.backbone.conv1[0].weight, loaded["conv1.0.weight"])


def test_weights_fit_other_channels_and_sizes(tmp_path: Path) -> None:
    state = a_file("test_vit", tmp_path / "w.safetensors")
    model = models.build(f"timm:test_vit(weights='{tmp_path / 'w.safetensors'}')", shape=(1, 32, 32))
    loaded = model.backbone.state_dict()
    assert loaded["pos_embed"].shape[1] < state["pos_embed"].shape[1]
    torch.testing.assert_close(loaded["patch_embed.proj.weight"], state["patch_embed.proj.weight"].sum(1, keepdim=True))
    assert torch.equal(loaded["blocks.0.mlp.fc1.weight"], state["blocks.0.mlp.fc1.weight"])


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "w.pth",
            lambda state: {"head.x": torch.zeros(3)},
            "it lacks conv1.0.weight, .* and [0-9]+ more; it has, beyo",
        ),
        (
            "w.pth",
            lambda state: {name: each for name, each in state.items() if name != "bn1.weight"},
            "test_resnet: it lacks bn1.weight$",
        ),
        ("w.pth", lambda state: {**state, "neck.w": torch.zeros(3)}, "test_resnet: it has, beyond them, neck.w$"),
        ("w.pth", lambda state: {**state, "bn1.weight": torch.zeros(3)}, "test_resnet: other shapes have bn1.weight$"),
        ("w.pth", lambda state: [1, 2], "w.pth can't be read as weights: "),
        ("w.pth", lambda state: {"state_dict": 3}, "w.pth can't be read as weights: "),
        (
            "w.pth",
            lambda state: {"model": nn.Linear(2, 2)},
            "w.pth can't be read as weights: RuntimeError: weights_only",
        ),
    ],
)
def test_a_file_of_other_weights(
    file: str, change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    a_file("test_resnet", tmp_path / file, change)
    with pytest.raises(InputError, match=message):
        models.build(f"timm:test_resnet(weights='{tmp_path / file}')", shape=(3, 32, 32))


@pytest.mark.parametrize("file", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"nothing of the kind"])
def test_a_damaged_file(file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=f"{file} can't be read as weights: "):
        models.build(f"timm:test_resnet(weights='{tmp_path / file}')", shape=(3, 32, 32))
    folder = tmp_path / "folder.pth"
    folder.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        models.check(f"timm:test_resnet(weights='{folder}')")

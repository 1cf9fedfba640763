"""The benchmark of the step: all its methods do the same work, on the inputs that it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from benchmarks.inputs import Inputs, make_inputs
from benchmarks.memory import extra_memory
from benchmarks.methods import AUTOGRAD, LIBRARY, PRODUCTS, WEIGHTLAB, XBM, methods
from benchmarks.step import main
from benchmarks.step_figure import draw_step
from benchmarks.step_report import report
from benchmarks.step_times import StepTimes, measure, sizes
from benchmarks.timing import median_ratio, time_in_turns
from weightlab.errors import InputError


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return make_inputs(600, torch.device("cpu"))


@pytest.fixture(scope="module")
def gradients(inputs: Inputs) -> dict[str, Tensor]:
    return {method.title: method.prepare(inputs)() for method in methods()}


def test_inputs_have_positives_and_a_few_hard_negatives() -> None:
    inputs = make_inputs(4096, torch.device("cpu"))
    assert inputs.references.shape == (4096, 128)
    assert torch.allclose(inputs.references.norm(dim=1), torch.ones(4096))
    positives = (inputs.labels[:, None] == inputs.reference_labels).sum(1)
    assert int(positives.min()) >= 1
    assert 3 < len(inputs.reference_labels) / len(inputs.reference_labels.unique()) < 7
    assert 0.001 < inputs.share_above(0.5) < 0.02
    assert inputs.share_above(-1.0) == 1


def test_contrastive_of_all_ways_is_the_same_by_hand(inputs: Inputs, gradients: dict[str, Tensor]) -> None:
    expected = torch.zeros_like(inputs.anchors)
    for i, (anchor, label) in enumerate(zip(inputs.anchors, inputs.labels, strict=True)):
        for reference, reference_label in zip(inputs.references, inputs.reference_labels, strict=True):
            if label == reference_label:
                expected[i] -= reference / 64
            elif anchor @ reference > 0.5:
                expected[i] += reference / 64
    for title in (
        f"{WEIGHTLAB}, contrastive",
        f"{WEIGHTLAB}, step(0.5)",
        f"{AUTOGRAD}, contrastive",
        f"{XBM}, contrastive",
    ):
        assert torch.allclose(gradients[title], expected, atol=1e-6), title


def on_the_sphere(gradient: Tensor, anchors: Tensor) -> Tensor:
    """Less the part along the anchor, which normalising takes away."""
    return gradient - (gradient * anchors).sum(1, keepdim=True) * anchors


@pytest.mark.parametrize("loss", ["ms-loss", "triplet"])
def test_other_losses_agree_between_ways(inputs: Inputs, gradients: dict[str, Tensor], loss: str) -> None:
    ours, theirs = gradients[f"{WEIGHTLAB}, {loss}"], gradients[f"{LIBRARY}, {loss}"]
    assert float(ours.abs().max()) > 1e-4
    assert torch.allclose(ours, gradients[f"{AUTOGRAD}, {loss}"], rtol=1e-4, atol=1e-5)
    ours = on_the_sphere(ours, inputs.anchors)  # theirs normalises the anchors once more
    if loss == "triplet":  # theirs is the mean over violating triplets
        theirs = theirs * (ours.norm() / theirs.norm())
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4 * float(ours.abs().max()))


def test_memory_wrapper_takes_the_bank_and_stays_the_same(inputs: Inputs) -> None:
    """Its bank is ours but for the first 64 slots, which the batch takes without being compared with itself."""
    (wrapper,) = [method for method in methods() if method.title == "CrossBatchMemory, ms-loss"]
    run = wrapper.prepare(inputs)
    first = run()
    assert torch.equal(first, run())
    own = torch.arange(64)
    labels = torch.cat([inputs.labels, inputs.reference_labels[64:]])
    bank = torch.cat([inputs.anchors, inputs.references[64:]])
    from weightlab.losses import MultiSimilarity
    from weightlab.pairs import References
    from weightlab.step import surrogate

    anchors = inputs.anchors.clone().requires_grad_()
    surrogate(MultiSimilarity(), anchors, inputs.labels, References(bank, labels, own)).backward()
    assert anchors.grad is not None
    assert torch.allclose(first, on_the_sphere(anchors.grad, inputs.anchors), atol=1e-6)


def test_products_are_the_first_and_right(inputs: Inputs, gradients: dict[str, Tensor]) -> None:
    assert next(iter(gradients)) == PRODUCTS
    expected = (inputs.anchors.double() @ inputs.references.double().T) @ inputs.references.double()
    assert torch.allclose(gradients[PRODUCTS].double(), expected, atol=1e-4)


def test_turns_go_round_and_the_slow_drop_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now, order = [0.0], []

    def run(name: str, seconds: float) -> Callable[[], None]:
        def spend() -> None:
            order.append(name)
            now[0] += seconds

        return spend

    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    taken = time_in_turns({"a": run("a", 1), "b": run("b", 6)}, seconds=5, least=2, most=4)
    assert "".join(order) == "ababaa"
    assert taken == {"a": [1, 1, 1, 1], "b": [6, 6]}
    assert median_ratio(taken["b"], taken["a"]) == 6


def test_the_clock_is_read_when_all_work_is_done() -> None:
    events: list[str] = []
    time_in_turns(
        {"a": lambda: events.append("run")}, seconds=0, least=1, most=1, finish=lambda: events.append("finish")
    )
    assert events == ["finish", "run", "finish"]


def allocate_64_mebibytes(inputs: Inputs) -> Callable[[], object]:
    """Only for the inputs proper, not at the warm-up, which would leave its peak behind."""
    size = 16 * 2**20 if len(inputs.references) > 256 else 1
    return lambda: torch.ones(size).sum()


def allocate_nothing(inputs: Inputs) -> Callable[[], object]:
    return lambda: len(inputs.references)


def test_extra_memory_is_what_is_allocated() -> None:
    """Also where this process has held far more before: a child must not inherit its peak."""
    torch.ones(64 * 2**20).sum()
    allocated, nothing = extra_memory(
        [allocate_64_mebibytes, allocate_nothing], make_inputs(20_000, torch.device("cpu"))
    )
    assert 60 < allocated < 70
    assert 0 <= nothing < 3


def test_sizes() -> None:
    assert sizes(20) == [1 << 10, 1 << 12, 1 << 14, 55_000, 1 << 16, 1 << 18, 1 << 20]
    assert sizes(15) == [1 << 10, 1 << 12, 1 << 14]
    with pytest.raises(InputError, match="10 to 24, not 9"):
        sizes(9)


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(InputError, match="'gpu': use cpu or cuda"):
        measure(10, "gpu")
    with pytest.raises(InputError, match="must be cpu or cuda, not meta"):
        measure(10, "meta")
    count = torch.cuda.device_count()
    with pytest.raises(InputError, match=f"device cuda:{count}: torch finds {count} CUDA devices"):
        measure(10, f"cuda:{count}")


@pytest.fixture
def measured() -> StepTimes:
    rows = [
        (PRODUCTS, "", 1024, 0.001, 1.0, 3),
        (PRODUCTS, "", 4096, 0.004, 1.0, 3),
        (WEIGHTLAB, "contrastive", 1024, 0.002, 2.0, 3),
        (WEIGHTLAB, "contrastive", 4096, 0.002, 0.5, 3),
        (WEIGHTLAB, "step(0.5)", 4096, 0.006, 1.5, 3),
        (LIBRARY, "contrastive", 1024, 0.008, 8.0, 3),
        (LIBRARY, "contrastive", 4096, 0.008, 2.0, 3),
        (LIBRARY, "triplet", 1024, 0.9, 900.0, 3),
        (AUTOGRAD, "triplet", 4096, 0.5, 125.0, 3),
    ]
    times = pd.DataFrame(rows, columns=["method", "loss", "references", "seconds", "ratio", "runs"])
    memory = pd.DataFrame([{"method": WEIGHTLAB, "loss": "step(0.5)", "references": 4096, "mebibytes": 11.6}])
    return StepTimes(times, memory, 4096, 0.0123, "a machine")


def test_report_has_the_ratios(measured: StepTimes) -> None:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in report(measured).splitlines()]
    assert [PRODUCTS, "", "1 ms", "4 ms"] in lines
    assert [LIBRARY, "triplet", "900.00", "–"] in lines
    assert [WEIGHTLAB, "contrastive", "2", "0.50", "0.25", "–"] in lines
    assert [WEIGHTLAB, "step(0.5)", "6", "1.50", "0.75", "12"] in lines
    assert "1.2 % of the" in report(measured)


def test_figure_labels_every_line_at_its_end(measured: StepTimes) -> None:
    contrastive, triplet = draw_step(measured.times, PRODUCTS).axes
    assert {text.get_text() for text in contrastive.texts} == {PRODUCTS, WEIGHTLAB, f"{WEIGHTLAB}, step(0.5)", LIBRARY}
    assert {text.get_text() for text in triplet.texts} == {PRODUCTS, LIBRARY, AUTOGRAD}
    colours = {(line.get_label(), line.get_color()) for ax in (contrastive, triplet) for line in ax.get_lines()}
    assert len(colours) == len({name for name, _ in colours}) == 5


def test_command_writes_table_and_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    some = [method for method in methods() if method.name == PRODUCTS or method.loss == "contrastive"][:3]
    monkeypatch.setattr("benchmarks.step_times.methods", lambda: some)
    monkeypatch.setattr("benchmarks.step_times.extra_memory", lambda steps, inputs: [7.0 for _ in steps])
    with pytest.raises(SystemExit) as exit_:
        main(["--max-power", "10", "--figures", str(tmp_path)])
    assert exit_.value.code == 0
    text = (tmp_path / "bench" / "step.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == text
    assert sorted(path.name for path in (tmp_path / "bench").iterdir()) == ["step.md", "step.png"]
    assert f"| {WEIGHTLAB} " in text

"""The memory bank and the momentum encoder."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from fuzz.generators.values import NOTHING
from fuzz.targets.pairs import labels
from fuzz.targets.target import Target
from fuzz.targets.truth import as_64, as_ids, finite, near

__all__ = ["TARGETS"]


def _bank(random: Random) -> dict[str, str]:
    made = {"capacity": str(random.choice((1, 2, 7, 64))), "dimensions": str(random.choice((1, 3, 16)))}
    if random.random() < 0.3:
        made["dtype"] = random.choice(("torch.float32", "torch.bfloat16"))
    return made


def _size(given: Mapping[str, Any], answer: Any) -> str | None:
    return None if (len(answer), answer.capacity) == (0, int(given["capacity"])) else "the bank is of another size"


def _enqueued(random: Random) -> dict[str, str]:
    capacity, dimensions = random.choice((4, 5, 9)), random.choice((1, 2, 8))
    batches = [[random.randrange(3) for _ in range(random.choice((0, 1, 3)))] for _ in range(random.choice((0, 1, 4)))]
    count = random.choice((1, 2, capacity))
    return {
        "bank": f"bank({capacity}, {dimensions}, {batches})",
        "embeddings": f"unit({random.randrange(99)}, {count}, {dimensions})",
        "labels": labels(random, count),
    }


def _is_in(given: Mapping[str, Any], answer: Any) -> str | None:
    """`answer`: the slots, and the bank's embeddings and labels there."""
    slots, embeddings, found = answer
    if len(slots) != len(given["embeddings"]):
        return f"{len(slots)} slots"
    if not near(embeddings, as_64(given["embeddings"]), 1e-2):
        return "the embeddings in the bank are others"
    return None if as_ids(found).equal(as_ids(given["labels"])) else "the labels in the bank are others"


def _looked_up(random: Random) -> dict[str, str]:
    made = _enqueued(random)
    count = random.choice((1, 3))
    return {"bank": made["bank"], "labels": labels(random, count), "own": f"torch.tensor({[-1] * count})"}


def _found(given: Mapping[str, Any], answer: Any) -> str | None:
    bank, anchor, row = given["bank"], *answer.shared
    wanted = [
        (i, j) for i, a in enumerate(_list(given["labels"])) for j, b in enumerate(bank.labels.tolist()) if int(a) == b
    ]
    return None if sorted(zip(anchor.tolist(), row.tolist(), strict=True)) == wanted else "the look-up is wrong"


def _list(values: Any) -> list[Any]:
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _restored(random: Random) -> dict[str, str]:
    bank = f"bank({random.choice((4, 9))}, {random.choice((1, 2, 8))}, {random.choice(([[0]], [[1, 2], [0, 0, 1]]))})"
    return {"bank": bank, "embeddings": "None", "labels": "None", "seen": "None"}


_STATES = {
    "embeddings": ("{s} * nan", "{s} * 2", "{s} + 1", "{s}.double()", "{s}.half()", "{s}[:-1]", "{s}.numpy()", "3", "'x'", "{s}.to_sparse()", "{s}.to('meta')"),
    "labels": ("{s}.int()", "{s}.double()", "{s}[:-1]", "{s}[None]", "3", "'x'", "{s}.numpy()", "{s}.to('meta')"),
    "seen": ("torch.tensor(-1)", "torch.tensor(2**63 - 1)", "torch.tensor(2.0)", "torch.tensor([3, 4])", "3", "'x'", "torch.tensor(nan)",
             "torch.tensor(True)", "torch.tensor(0, device='meta')"),
}  # fmt: skip


def _state(given: Mapping[str, Any], answer: Any) -> str | None:
    """`answer`: what the bank holds."""
    return finite(given, answer)


TARGETS = (
    Target(
        "wl.MemoryBank",
        _bank,
        {"capacity": "whole", "dimensions": "whole"},
        _size,
        bad={"capacity": ("0", "10**18", "2**63", "2**62")},
        odd={"dtype": ("torch.float16", "torch.float64", "torch.int64", "'float32'", "None", "np.float32")},
        share=5,
    ),
    Target(
        "enqueued",
        _enqueued,
        {"embeddings": "unit", "labels": "labels"},
        _is_in,
        bad={"embeddings": ("unit(0, 30, {x}.shape[1])", "unit(0, len({x}), 77)")},
        share=10,
    ),
    Target(
        "looked_up",
        _looked_up,
        {"labels": "labels", "own": "slots"},
        _found,
        bad={
            "own": (
                "torch.tensor([99])",
                "{x} - 1",
                "{x}[:-1]",
                "{x} + 0.5",
                "{x} > 0",
                *(each for each in NOTHING if each != "None"),
            )
        },
        # alone they may be of any length
        odd={
            "labels": ("{x}[:-1]", "torch.cat([{x}, {x}])"),
            "own": ("None", "{x}.numpy()", "{x}.tolist()", "{x}.int()"),
        },
        share=5,
    ),
    Target(
        "restored",
        _restored,
        {"embeddings": "state", "labels": "state", "seen": "state"},
        _state,
        bad={name: tuple("lambda s: " + code.replace("{s}", "s") for code in codes) for name, codes in _STATES.items()},
        share=6,
    ),
    Target(
        "wl.memory.momentum_encoder",
        lambda random: {"encoder": "nn.Linear(2, 2)", "momentum": random.choice(("0", "0.5", "0.99"))},
        {"momentum": "number"},
        bad={"momentum": ("1", "-0.1", "2")},
        share=2,
    ),
)

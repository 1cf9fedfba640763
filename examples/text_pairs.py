"""Sentences that find their passages: in-batch negatives, one positive a query, likely false negatives left out.

    python examples/text_pairs.py

Queries are the first sentences of NumPy's and SciPy's documentation, passages what follows them. Many say almost the
same ("Compute the …"), so a passage that lies nearer than the query's own is as likely a false negative as a hard one:
`below(0)` gives weight only to those that lie below it.
"""

import inspect
from importlib import import_module
from zlib import crc32

import torch
from torch import Tensor, nn

import weightlab as wl

STEPS, BATCH, BUCKETS, TEST = 50, 128, 20_000, 300
PACKAGES = ("numpy", "numpy.linalg", "scipy.linalg", "scipy.ndimage", "scipy.signal", "scipy.special", "scipy.stats")


def pairs() -> list[list[str]]:
    """[first sentence, 300 characters of what follows], each sentence once, in a fixed order."""
    modules = [import_module(package) for package in PACKAGES]
    texts = [inspect.getdoc(getattr(module, name)) or "" for module in modules for name in module.__all__]
    found = {first: rest[:300] for first, _, rest in (text.partition("\n\n") for text in texts)}
    return sorted(
        [pair for pair in map(list, found.items()) if len(min(pair, key=len)) > 25], key=lambda p: crc32(p[0].encode())
    )


def embed(bag: nn.EmbeddingBag, texts: tuple[str, ...]) -> Tensor:
    """The mean of each text's hashed trigrams, [texts, 64]."""
    grams = [[crc32(t[i : i + 3].lower().encode()) % BUCKETS for i in range(len(t) - 2)] for t in texts]
    return bag(torch.tensor([g for each in grams for g in each]), torch.tensor([0, *map(len, grams[:-1])]).cumsum(0))


def main() -> None:
    """Train, and say what it was good for."""
    torch.manual_seed(0)
    known, held_out = (every := pairs())[TEST:], every[:TEST]
    bag, each = nn.EmbeddingBag(BUCKETS, 64), torch.arange(BATCH)
    criterion = wl.Criterion(positive="constant", negative="exponential(10, 0.5) * below(0)", scale="mass")
    optimizer = torch.optim.Adam(bag.parameters(), lr=0.01)
    for step in range(STEPS + 1):
        if step in (0, STEPS):
            queries, passages = (nn.functional.normalize(embed(bag, texts)) for texts in zip(*held_out, strict=True))
            nearest = (queries @ passages.T).argmax(1) == torch.arange(TEST)
            print(f"R@1 {f'after {step} steps' if step else 'before training'}: {100 * nearest.float().mean():.1f} %")
        queries, passages = zip(*(known[i] for i in torch.randperm(len(known))[:BATCH].tolist()), strict=True)
        loss = criterion(embed(bag, queries), each, None, embed(bag, passages), each)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()

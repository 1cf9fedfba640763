"""A plain PyTorch loop with weights chosen apart and a momentum-updated memory, on the embedded glyphs.

    python examples/plain_loop.py

Positives pull alike, negatives push only above 0.5; R@1 is over characters that training has never seen.
"""

import torch
from torch import nn

import weightlab as wl

STEPS, BATCH, PER_CLASS, TEST = 50, 64, 4, 2000


@torch.no_grad()
def recall(model: nn.Module, split: wl.data.Split) -> float:
    """R@1 in percent among the first rows."""
    model.eval()
    embeddings = nn.functional.normalize(model(split.inputs(torch.arange(TEST))))
    return 100 * wl.retrieval.evaluate(embeddings, split.labels[:TEST])["R@1"]


def main() -> None:
    """Train, and say what it was good for."""
    torch.manual_seed(0)
    glyphs = wl.data.load("glyphs", size=24)
    sampler = wl.data.PKSampler(glyphs.train.labels, BATCH, PER_CLASS, seed=0)
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(800, 64)),
    )
    print(f"R@1 before training: {recall(model, glyphs.test):.1f} %")

    momentum = wl.memory.momentum_encoder(model, 0.95)
    weights = wl.Criterion(positive="constant", negative="step(0.5)", scale="mass")
    criterion = wl.MemoryCriterion(weights, size=2048, momentum_encoder=momentum)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    model.train()
    for step in range(STEPS):
        index = sampler.batch_at(step)
        images = glyphs.train.inputs(index, wl.data.Draw(0, step))
        loss = criterion(model(images), glyphs.train.labels[index], inputs=images)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        momentum.update_parameters(model)  # after the optimiser's step
    print(f"R@1 after {STEPS} steps: {recall(model, glyphs.test):.1f} %")


if __name__ == "__main__":
    main()

"""pytorch-metric-learning's trainer and tester with weightlab's criterion, a memory, and a miner of that library.

    python examples/pml_trainer.py

The memory stands where CrossBatchMemory would. For a momentum encoder, which wants the images, overwrite the trainer's
`calculate_loss`, and let it follow in `end_of_iteration_hook`.
"""

import torch
from pytorch_metric_learning import miners, samplers, testers, trainers
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from torch import nn
from torch.utils.data import TensorDataset

import weightlab as wl

STEPS, BATCH, PER_CLASS, ROWS = 50, 64, 4, 2000
HERE = {"data_device": torch.device("cpu"), "dataloader_num_workers": 0}


def images(split: wl.data.Split) -> TensorDataset:
    """The first rows of a split."""
    return TensorDataset(split.inputs(torch.arange(ROWS)), split.labels[:ROWS])


def main() -> None:
    """Train, and say what it was good for."""
    torch.manual_seed(0)
    glyphs = wl.data.load("glyphs", size=24)
    train, test = images(glyphs.train), images(glyphs.test)
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(800, 64)),
    )
    trainer = trainers.MetricLossOnly(
        models={"trunk": model},
        optimizers={"trunk_optimizer": torch.optim.AdamW(model.parameters(), lr=2e-3)},
        batch_size=BATCH,
        loss_funcs={"metric_loss": wl.MemoryCriterion(wl.Criterion("infonce"), size=1024)},
        mining_funcs={"tuple_miner": miners.MultiSimilarityMiner()},
        dataset=train,
        sampler=samplers.MPerClassSampler(train.tensors[1], PER_CLASS, BATCH, STEPS * BATCH),
        **HERE,
    )
    accuracy = AccuracyCalculator(include=("precision_at_1",), device=HERE["data_device"])
    tester = testers.GlobalEmbeddingSpaceTester(accuracy_calculator=accuracy, **HERE)
    for epoch, when in enumerate(("before training", f"after {STEPS} steps")):
        if epoch:
            trainer.train(num_epochs=1)
        recall = tester.test({"test": test}, epoch, model)["test"]["precision_at_1_level0"]
        print(f"R@1 {when}: {100 * recall:.1f} %")


if __name__ == "__main__":
    main()

"""A LightningModule that holds the memory and the momentum encoder, so its checkpoints do too; two batches a step."""

import torch
from lightning import pytorch as lightning
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import weightlab as wl

STEPS, BATCH, ROWS = 30, 64, 2000


class Retrieval(lightning.LightningModule):
    """24×24 images to 64 dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(
            *(nn.Conv2d(1, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, stride=2), nn.BatchNorm2d(32), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(800, 64)),
        )
        self.momentum = wl.memory.momentum_encoder(self.model, 0.95)
        self.criterion = wl.MemoryCriterion(wl.Criterion("infonce"), size=1024, momentum_encoder=self.momentum)

    def training_step(self, batch: list[Tensor], _index: int) -> Tensor:
        """Each of the batches of a step is put in as it comes."""
        return self.criterion(self.model(batch[0]), batch[1], inputs=batch[0])

    def optimizer_step(self, *given: object, **named: object) -> None:
        """The momentum encoder follows once a step (`on_before_zero_grad` would come a batch too late)."""
        super().optimizer_step(*given, **named)
        self.momentum.update_parameters(self.model)

    def validation_step(self, batch: list[Tensor], _index: int) -> None:
        """R@1 of one batch, which is all images."""
        self.log("R@1", 100 * wl.retrieval.evaluate(nn.functional.normalize(self.model(batch[0])), batch[1])["R@1"])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Of the encoder alone."""
        return torch.optim.AdamW(self.model.parameters(), lr=2e-3)


def main() -> None:
    """Train, and say what it was good for."""
    lightning.seed_everything(0)
    glyphs = wl.data.load("glyphs", size=24)
    train, test = (TensorDataset(s.inputs(torch.arange(ROWS)), s.labels[:ROWS]) for s in (glyphs.train, glyphs.test))
    sampler = wl.data.PKSampler(train.tensors[1], BATCH, 4, seed=0)
    batches = DataLoader(train, batch_sampler=[sampler.batch_at(step).tolist() for step in range(2 * STEPS)])
    options = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    trainer, module = lightning.Trainer(max_epochs=1, accumulate_grad_batches=2, **options), Retrieval()
    before = trainer.validate(module, whole := DataLoader(test, ROWS), verbose=False)[0]["R@1"]
    trainer.fit(module, batches, whole)
    print(f"R@1 before training: {before:.1f} %\nR@1 after {STEPS} steps: {trainer.callback_metrics['R@1']:.1f} %")


if __name__ == "__main__":
    main()

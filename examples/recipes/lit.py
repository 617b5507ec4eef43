"""A LightningModule: the problem is built from the module that was trained.

python lit.py                 # train, and save runs/lit.ckpt
landscape compute lit.yaml    # its loss on a plane
"""

import lightning
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from landscape_cli.problems import Problem


class Digits(lightning.LightningModule):
    """A perceptron with everything that Lightning wants of it."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, images):
        """Return the logits (n, 10)."""
        return self.net(images)

    def training_step(self, batch, _):
        """Return the mean loss of a batch."""
        return objective(self, batch)["loss"].mean()

    def configure_optimizers(self):
        """Train with Adam."""
        return torch.optim.Adam(self.parameters(), lr=0.003)


def load(part: slice) -> TensorDataset:
    """Load some of the 1797 digits, in their own order."""
    pixels, labels = load_digits(return_X_y=True)
    return TensorDataset(torch.tensor(pixels[part]).float() / 16, torch.tensor(labels[part]))


def objective(model, batch):
    """Return loss and accuracy of each of the batch's n images; no means, and no self.log."""
    images, labels = batch
    outputs = model(images)
    return {
        "loss": functional.cross_entropy(outputs, labels, reduction="none"),
        "accuracy": (outputs.argmax(1) == labels).float(),
    }


def build(width: int = 64) -> Problem:
    """Build the problem with a module of the same hyper-parameters; no Trainer is needed."""
    splits = {"train": load(slice(1437)), "test": load(slice(1437, None))}
    return Problem(Digits(width), splits, objective, name="Lightning's digits")


def main() -> None:
    """Train as usual and save a checkpoint."""
    lightning.seed_everything(0)
    trainer = lightning.Trainer(
        max_epochs=40, accelerator="cpu", logger=False, enable_checkpointing=False
    )
    trainer.fit(Digits(), DataLoader(load(slice(1437)), batch_size=64, shuffle=True))
    trainer.save_checkpoint("runs/lit.ckpt")


if __name__ == "__main__":
    main()

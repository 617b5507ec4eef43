"""A training script like yours, with the one function that landscape needs at its end.

    python own_network.py                     # train, and save runs/own_network.pt
    landscape compute own_network.yaml        # its loss on a plane, into runs/own_network.h5
    landscape plot runs/own_network.h5        # a picture of it

All but `build` is plain PyTorch: a small convolutional network learns to read scikit-learn's
handwritten digits.
"""

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from landscape_cli.problems import Problem


class Network(nn.Module):
    """Two convolutions with batch norm, and a linear layer on their mean over all pixels."""

    def __init__(self, channels: int = 8, activation: str = "relu"):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(2 * channels)
        self.linear = nn.Linear(2 * channels * 16, 10)
        self.activation = getattr(functional, activation)

    def forward(self, images):
        maps = self.activation(self.bn1(self.conv1(images)))
        maps = self.activation(self.bn2(self.conv2(maps)))
        return self.linear(maps.flatten(1))


def load_data() -> dict[str, TensorDataset]:
    """Load 1437 images to train with, of shape (1, 8, 8), and 360 to test with."""
    pixels, labels = load_digits(return_X_y=True)
    images = torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    labels = torch.tensor(labels)

    # Always the same division: a surface is reproducible only if its data are.
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    train, test = order[:1437], order[1437:]
    return {
        "train": TensorDataset(images[train], labels[train]),
        "test": TensorDataset(images[test], labels[test]),
    }


def train(model: nn.Module, data: TensorDataset, epochs: int, lr: float = 0.05):
    """Train with momentum and a rate that falls to zero; yield after each epoch."""
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(loader))
    for epoch in range(1, epochs + 1):
        model.train()
        for images, labels in loader:
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            schedule.step()
        yield epoch


def accuracy(model: nn.Module, data: TensorDataset) -> float:
    """Return the fraction of images that are classified right."""
    images, labels = data.tensors
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(1) == labels).float().mean().item()


def main():
    """Train one network, and save its weights after each epoch and at the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--activation", default="relu")
    parser.add_argument("--output", type=Path, default=Path("runs/own_network.pt"))
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    torch.set_num_threads(1)  # the same weights on every run
    model, data = Network(activation=options.activation), load_data()
    epochs = options.output.with_suffix("")
    epochs.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), epochs / "epoch_00.pt")
    for epoch in train(model, data["train"], options.epochs):
        torch.save(model.state_dict(), epochs / f"epoch_{epoch:02}.pt")
    torch.save(model.state_dict(), options.output)
    for split, samples in data.items():
        print(f"{split}: accuracy {accuracy(model, samples):.4f}")
    print(f"wrote {options.output}")


# What landscape needs: a function that returns model, data and objective.
def build(activation: str = "relu") -> Problem:
    """Build the problem; `problem_args` in the configuration are this function's arguments."""
    return Problem(
        Network(activation=activation), load_data(), objective, name="Two convolutions on digits"
    )


def objective(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> dict:
    """Return the loss and the accuracy of each of the batch's n images; no means."""
    images, labels = batch
    outputs = model(images)
    return {
        "loss": functional.cross_entropy(outputs, labels, reduction="none"),
        "accuracy": (outputs.argmax(1) == labels).float(),
    }


if __name__ == "__main__":
    main()

"""Scores of a generator's samples."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from landscape_cli.evaluation.derivatives import backward

from .data import DEVIATION, centres, images

NEAR = 3 * DEVIATION
"""Largest distance from the nearest centre of a sample of high quality; true of 98.9 % of data."""

COVERED = 0.01
"""Least share of all samples that are near a mode, for it to count as covered; its due is 1/8."""


def modes(samples: Tensor) -> tuple[int, float]:
    """Return the number of modes covered, and the share of samples near one, for (n, 2)."""
    distances, places = torch.cdist(samples, centres()).min(dim=1)
    near = distances < NEAR
    shares = torch.bincount(places[near], minlength=len(centres())) / len(samples)
    return int((shares >= COVERED).sum()), float(near.float().mean())


class Classifier(nn.Module):
    """A perceptron that tells digits apart, by which samples are judged."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the ten classes, (n, 10)."""
        logits: Tensor = self.head(self.features(x))
        return logits


@torch.enable_grad()
def train_classifier(epochs: int = 60) -> Classifier:
    """Train a classifier of digits."""
    torch.manual_seed(0)
    net, (x, labels) = Classifier(), images("train")
    optimizer = torch.optim.AdamW(net.parameters(), 0.003, weight_decay=0.05)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            noisy = x[rows] + 0.1 * torch.randn(len(rows), x.shape[1])
            loss = functional.cross_entropy(net(noisy), labels[rows])
            optimizer.zero_grad()
            backward(loss, net.parameters())
            optimizer.step()
    return net.requires_grad_(False)


def accuracy(net: Classifier, split: str) -> float:
    """Return the share of a split's digits that are told right."""
    x, labels = images(split)
    return float((net(x).argmax(1) == labels).float().mean())


def seen(net: Classifier, samples: Tensor) -> dict[str, float]:
    """Return what a classifier sees in samples (n, 64).

    Returns:
        ``classes``: exp of the entropy of the classes it assigns, the number of classes if all are
        equally frequent; ``confidence``: the mean of its largest probability; ``distance``: the
        Fréchet distance of its features from those of the training digits.
    """
    logits = net(samples)
    shares = torch.bincount(logits.argmax(1), minlength=10) / len(samples)
    entropy = -torch.special.xlogy(shares, shares).sum()
    return {
        "classes": math.exp(float(entropy)),
        "confidence": float(logits.softmax(1).max(1).values.mean()),
        "distance": frechet(net.features(samples), net.features(images("train")[0])),
    }


def frechet(first: Tensor, second: Tensor) -> float:
    """Return the Fréchet distance (squared) of Gaussians fitted to features (n, d) and (m, d).

    It is |m1 - m2|² + tr(C1 + C2 - 2 (C1^½ C2 C1^½)^½); see Heusel et al. 2017, equation 6.
    """
    first, second = first.double(), second.double()
    means = first.mean(0) - second.mean(0)
    one, two = torch.cov(first.T), torch.cov(second.T)
    root = _root(one)
    return float(means @ means + torch.trace(one + two - 2 * _root(root @ two @ root)))


def _root(matrix: Tensor) -> Tensor:
    """Return the square root of a symmetric positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T

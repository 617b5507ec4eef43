"""A graph network without a library: batches are objects that hold several graphs.

python graphs.py                 # train, and save runs/graphs.pt
landscape compute graphs.yaml    # its loss on a plane
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from landscape_cli.problems import Problem


@dataclass
class Graphs:
    """A batch of n graphs as one disconnected graph of N nodes and E edges."""

    nodes: torch.Tensor  # (N, 3): ink, row, column
    edges: torch.Tensor  # (2, E): from, to
    graph: torch.Tensor  # (N,): to which of the n graphs a node belongs
    labels: torch.Tensor  # (n,)


class Network(nn.Module):
    """Three rounds of mean aggregation, and a linear layer on the nodes' mean."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.own = nn.ModuleList(nn.Linear(n, width) for n in (3, width, width))
        self.near = nn.ModuleList(nn.Linear(n, width) for n in (3, width, width))
        self.classes = nn.Linear(width, 10)

    def forward(self, batch: Graphs) -> torch.Tensor:
        """Return the logits (n, 10)."""
        nodes, (start, end) = batch.nodes, batch.edges
        for own, near in zip(self.own, self.near, strict=True):
            nodes = torch.relu(own(nodes) + near(mean(nodes[start], end, len(nodes))))
        return self.classes(mean(nodes, batch.graph, len(batch.labels)))


def mean(values: torch.Tensor, groups: torch.Tensor, number: int) -> torch.Tensor:
    """Average rows by group; a group without rows gets zeros."""
    sums = values.new_zeros(number, values.shape[1]).index_add(0, groups, values)
    return sums / groups.bincount(minlength=number).clamp(min=1).unsqueeze(1)


def objective(model: nn.Module, batch: Graphs) -> dict:
    """Return loss and accuracy of each graph, not of each node."""
    outputs = model(batch)
    return {
        "loss": functional.cross_entropy(outputs, batch.labels, reduction="none"),
        "accuracy": (outputs.argmax(1) == batch.labels).float(),
    }


def build() -> Problem:
    """Build the problem: handwritten digits, each a graph of its pixels that have ink."""
    batches = load_batches()
    return Problem(
        Network(), {"train": batches[:23], "test": batches[23:]}, objective, name="Graphs of digits"
    )


def load_batches() -> list[Graphs]:
    """Divide 1797 digits into 29 batches of up to 64, always the same."""
    images, labels = (torch.tensor(array) for array in load_digits(return_X_y=True))
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return [join(images[part].reshape(-1, 8, 8), labels[part]) for part in order.split(64)]


def join(images: torch.Tensor, labels: torch.Tensor) -> Graphs:
    """Make graphs of images: a node for each inked pixel, edges to its neighbours with ink."""
    graph, row, column = (images > 0).nonzero().unbind(1)
    nodes = torch.stack([images[graph, row, column] / 16, row / 7, column / 7], 1).float()
    number = torch.full((len(images), 10, 10), -1)  # a node's number, -1 without ink or outside
    number[graph, row + 1, column + 1] = torch.arange(len(nodes))
    edges = []
    for down, right in product((-1, 0, 1), repeat=2):
        near = number[graph, row + 1 + down, column + 1 + right]
        there = (near >= 0) & (near != torch.arange(len(nodes)))
        edges.append(torch.stack([near[there], there.nonzero()[:, 0]]))
    return Graphs(nodes, torch.cat(edges, 1), graph, labels)


def main() -> None:
    """Train with Adam and save the weights."""
    torch.manual_seed(0)
    problem = build()
    optimizer = torch.optim.Adam(problem.model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
    for _ in range(30):
        for batch in problem.splits["train"]:
            optimizer.zero_grad()
            objective(problem.model, batch)["loss"].mean().backward()
            optimizer.step()
        schedule.step()
    Path("runs").mkdir(exist_ok=True)
    torch.save(problem.model.state_dict(), "runs/graphs.pt")
    for split, batches in problem.splits.items():
        right = torch.cat([objective(problem.model, b)["accuracy"] for b in batches])
        print(f"{split}: accuracy {right.mean():.4f}")


if __name__ == "__main__":
    main()

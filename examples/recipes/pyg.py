"""A graph network of PyTorch Geometric, on the graphs of graphs.py.

python pyg.py                 # train, and save runs/pyg.pt
landscape compute pyg.yaml    # its loss on a plane
"""

from pathlib import Path

import torch
from graphs import load_batches
from torch import nn
from torch.nn import functional
from torch_geometric.data import Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import SAGEConv, global_mean_pool

from landscape_cli.problems import Problem


class Network(nn.Module):
    """Three GraphSAGE layers and a linear one."""

    def __init__(self, width: int = 48):
        super().__init__()
        self.layers = nn.ModuleList(SAGEConv(n, width) for n in (3, width, width))
        self.classes = nn.Linear(width, 10)

    def forward(self, batch):
        """Return the logits (n, 10)."""
        nodes = batch.x
        for layer in self.layers:
            nodes = layer(nodes, batch.edge_index).relu()
        return self.classes(global_mean_pool(nodes, batch.batch, batch.num_graphs))


def objective(model, batch):
    """Return the loss of each of the batch's graphs."""
    return {"loss": functional.cross_entropy(model(batch), batch.y, reduction="none")}


def build() -> Problem:
    """Build the problem; splits are loaders of PyTorch Geometric that don't shuffle."""
    graphs = load_graphs()
    splits = {"train": DataLoader(graphs[:1437], 64), "test": DataLoader(graphs[1437:], 64)}
    return Problem(Network(), splits, objective, name="GraphSAGE")


def load_graphs() -> list[Data]:
    """Make a `Data` of each digit."""
    return [
        Data(x=whole.nodes[mine], edge_index=edges - mine.nonzero()[0], y=label)
        for whole in load_batches()
        for number, label in enumerate(whole.labels)
        for mine in [whole.graph == number]
        for edges in [whole.edges[:, mine[whole.edges[0]]]]
    ]


def main() -> None:
    """Train with Adam and save the weights."""
    torch.manual_seed(0)
    problem = build()
    optimizer = torch.optim.Adam(problem.model.parameters(), lr=0.005)
    for _ in range(30):
        for batch in DataLoader(problem.splits["train"].dataset, 64, shuffle=True):
            optimizer.zero_grad()
            loss = objective(problem.model, batch)["loss"].mean()
            loss.backward()
            optimizer.step()
    Path("runs").mkdir(exist_ok=True)
    torch.save(problem.model.state_dict(), "runs/pyg.pt")
    print(f"loss {loss.item():.3f}")


if __name__ == "__main__":
    main()

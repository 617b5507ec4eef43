"""The decreasing path to infinity along s times the parameters (Sun et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results import Claim, Results, Table, most
from steps import Network, Workshop

from claims.figures import draw_rays
from claims.paths import Numbers, profile
from claims.shop import Shop
from landscape_cli.problems.checkpoints import read_state_dict

FARTHEST, STEPS = 4, 16
"""The largest s, and the points in each unit of s."""

LINEAR = ("--lr", "0.5", "--batch-size", "64", "--every", "1000")
DEEP = ("--lr", "0.05", "--batch-size", "64", "--every", "1000")


@dataclass(frozen=True)
class Ray:
    """A network whose parameters are scaled.

    Args:
        name: the stem of its files.
        label: its name in tables and figures.
        changes: values by dotted key that override the base configuration.
        training: options of scripts/train.py, without its epochs.
        epochs: epochs of training.
    """

    name: str
    label: str
    changes: Mapping[str, Any]
    training: tuple[str, ...]
    epochs: int

    def network(self, shop: Shop) -> Network:
        """Return the network; one that is not to fit is trained as briefly whatever --epochs is."""
        epochs = shop.length(self.epochs) if self.epochs > 1 else "1"
        return Network(self.name, self.label, self.changes, (*self.training, "--epochs", epochs))


def hidden(*widths: int, **data: Any) -> dict[str, Any]:
    return {"problem_args.model_args": {"hidden": list(widths)}, **data}


FASHION = {
    "problem_args.data": "fashion_mnist",
    "problem_args.samples": {"train": 500, "test": 500},
}
RAYS = [
    Ray("linear", "digits, linear", hidden(), LINEAR, 300),
    Ray("linear_early", "digits, linear, after one epoch", hidden(), LINEAR, 1),
    Ray("mlp", "digits, MLP 64", hidden(64), DEEP, 60),
    Ray("fashion_mlp", "Fashion-MNIST, MLP 64", hidden(64, **FASHION), DEEP, 60),
]


def scales() -> Numbers:
    """Return the values of s, from 0."""
    return np.linspace(0, FARTHEST, FARTHEST * STEPS + 1)


def compute(workshop: Workshop, net: Network) -> Path:
    """Compute the loss on the line from a network to the origin and beyond the network.

    With t = 0 at the network and t = 1 at the origin, the parameters are s = 1 - t times its own.
    """
    origin = workshop.folder / f"{net.name}_origin.pt"
    state = read_state_dict(str(workshop.checkpoint(net)))
    torch.save({key: torch.zeros_like(value) for key, value in state.items()}, origin)
    return workshop.compute(
        f"{net.name}_ray",
        {
            **net.changes,
            "checkpoint": str(workshop.checkpoint(net)),
            "directions": {"x": {"kind": "checkpoint", "path": str(origin)}},
            "grid": {"x": [1 - FARTHEST, 1, FARTHEST * STEPS + 1]},
            "splits": ["train"],
        },
    )


PLACES = (0, 0.5, 1, 2, 3, 4)
"""Values of s in the table."""

HEAD = ["data, network", "training accuracy (%)", *(f"s = {place:g}" for place in PLACES)]
HEAD += ["falls from s = 1 on"]


def row(label: str, path: Path) -> list[str]:
    """Make the table row of a ray."""
    losses = profile(path, "train", "loss")[1][::-1]
    error = profile(path, "train", "error")[1][::-1][STEPS]
    falls = "yes" if np.all(np.diff(losses[STEPS:]) <= 0) else "no"
    values = (losses[round(place * STEPS)] for place in PLACES)
    return [label, f"{100 - error:.2f}", *(f"{value:.3g}" for value in values), falls]


def judge(rows: Sequence[Sequence[str]]) -> list[Claim]:
    """Compare what Sun et al. review with the rows of the table."""
    held = [(row[1] == "100.00") == (row[-1] == "yes") for row in rows]
    falls = [row[0] for row in rows if row[-1] == "yes"]
    return [
        Claim(
            "Sun et al. 2020, arXiv 2007.01429",
            "Where a network separates its data, the loss falls along a path to infinity.",
            f"Beyond the trained network, along its own direction, it falls for {len(falls)} of "
            f"{len(rows)} networks: {', '.join(falls)}.",
            most(held),
        )
    ]


def study(shop: Shop) -> Results | None:
    """Follow the training loss along s times the parameters of trained networks."""
    workshop = shop.workshop("infinity", "digits_mlp.yaml", {"problem_args.samples": None})
    networks = [ray.network(shop) for ray in RAYS]
    workshop.train(networks)
    if shop.train_only:
        return None
    rays = {net.label: compute(workshop, net) for net in networks}
    draw_rays(shop.folder / "infinity.png", rays, scales()[::-1].tolist())
    rows = [row(label, path) for label, path in rays.items()]
    settings = {"farthest": FARTHEST}
    return Results(settings, {}, {"infinity": Table(HEAD, rows)}, judge(rows), ["infinity"])

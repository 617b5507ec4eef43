"""Final losses over seeds against width: do bad minima disappear? (Sun et al. 2020)"""

from __future__ import annotations

import numpy as np
from steps import Workshop, table

from claims.figures import draw_against_width
from claims.shop import Shop
from claims.widths import PERCEPTRONS, Perceptrons

HEAD = ["data, network", "width", "least", "median", "largest", "largest - least"]
HEAD += ["standard deviation", "largest / least"]


def final_losses(shop: Shop, perceptrons: Perceptrons) -> dict[int, list[float]]:
    """Read the training loss of the last epoch of each network, by width."""
    workshop = perceptrons.workshop(shop)
    return {
        width: [workshop.log(net)["train_loss"] for net in nets]
        for width, nets in perceptrons.networks(shop).items()
    }


def row(label: str, width: int, losses: list[float]) -> list[str]:
    """Make the table row of a width."""
    least, most = min(losses), max(losses)
    deviation = np.std(losses, ddof=1) if len(losses) > 1 else float("nan")
    numbers = (least, np.median(losses), most, most - least, deviation, most / least)
    return [label, str(width), *(f"{value:.3g}" for value in numbers)]


def study(shop: Shop) -> None:
    """Compare the final losses of the perceptrons of ``widths``, all seeds of each width."""
    for perceptrons in PERCEPTRONS:
        networks = perceptrons.networks(shop).values()
        perceptrons.workshop(shop).train(net for each in networks for net in each)
    if shop.train_only:
        return
    losses = {each.label: final_losses(shop, each) for each in PERCEPTRONS}
    panels = {label: {"final loss": values} for label, values in losses.items()}
    draw_against_width(shop.folder / "seeds.png", panels, "training loss")
    rows = [row(label, *each) for label, values in losses.items() for each in values.items()]
    Workshop(shop.folder, {}).write("seeds.md", table(HEAD, rows))

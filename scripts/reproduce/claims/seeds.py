"""Final losses over seeds against width: do bad minima disappear? (Sun et al. 2020)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from results import Claim, Results, Table
from results import most as judge_all

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


LITTLE = 0.1
"""Fraction of the largest spread up to which that of the widest networks counts as none."""


def judge(losses: Mapping[str, Mapping[int, Sequence[float]]]) -> list[Claim]:
    """Compare what Sun et al. review with what was seen."""
    spreads = {
        label: [max(values) - min(values) for values in each.values()]
        for label, each in losses.items()
    }
    return [
        Claim(
            "Sun et al. 2020, arXiv 2007.01429",
            "Bad local minima disappear with width: where training ends depends less on the seed.",
            "Largest minus least final loss, at the worst width and at the widest: "
            + ", ".join(f"{max(s):.3g} and {s[-1]:.3g} ({label})" for label, s in spreads.items())
            + ".",
            judge_all([each[-1] <= LITTLE * max(each) for each in spreads.values()]),
        )
    ]


def study(shop: Shop) -> Results | None:
    """Compare the final losses of the perceptrons of ``widths``, all seeds of each width."""
    for perceptrons in PERCEPTRONS:
        networks = perceptrons.networks(shop).values()
        perceptrons.workshop(shop).train(net for each in networks for net in each)
    if shop.train_only:
        return None
    losses = {each.label: final_losses(shop, each) for each in PERCEPTRONS}
    panels = {label: {"final loss": values} for label, values in losses.items()}
    draw_against_width(shop.folder / "seeds.png", panels, "training loss")
    rows = [row(label, *each) for label, values in losses.items() for each in values.items()]
    settings = {"width_seeds": [each.seeds for each in PERCEPTRONS]}
    return Results(settings, {}, {"seeds": Table(HEAD, rows)}, judge(losses), ["seeds"])

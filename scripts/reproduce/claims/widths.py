"""Barriers against width, as in Entezari et al. 2022 and Ainsworth et al. 2023."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from results import Claim, Mean, Results, Table, Verdict, verdict, worst
from steps import Network, Workshop

from claims.figures import draw_against_width
from claims.paths import aligned, barrier, profile, straight
from claims.shop import Shop, seeded

RECIPE = ("--lr", "0.05", "--batch-size", "64", "--every", "1000")
EPOCHS = 60


@dataclass(frozen=True)
class Perceptrons:
    """Perceptrons with one hidden layer of several widths, several seeds of each.

    Args:
        name: the folder of their files.
        label: their name in tables and figures.
        changes: values by dotted key that override the base configuration.
        widths: units of the hidden layer.
        seeds: number of networks of each width; barriers are measured between every second one and
            the next.
    """

    name: str
    label: str
    changes: Mapping[str, Any]
    widths: Sequence[int]
    seeds: int

    def workshop(self, shop: Shop) -> Workshop:
        return shop.workshop(self.name, "digits_mlp.yaml", self.changes)

    def network(self, shop: Shop, width: int, seed: int) -> Network:
        return Network(
            name=f"width{width}_seed{seed}",
            label=f"{self.label}, width {width}, seed {seed}",
            changes={"problem_args.model_args": {"hidden": [width]}},
            training=(*RECIPE, "--epochs", shop.length(EPOCHS), *seeded(seed)),
        )

    def networks(self, shop: Shop) -> dict[int, list[Network]]:
        """Return the networks of each width, by seed."""
        return {
            width: [self.network(shop, width, seed) for seed in range(self.seeds)]
            for width in self.widths
        }


PERCEPTRONS = [
    Perceptrons(
        name="digits_widths",
        label="digits, one hidden layer",
        changes={"problem_args.samples": None, "splits": ["train"]},
        widths=(1, 2, 4, 8, 16, 32, 64, 128, 256),
        seeds=6,
    ),
    Perceptrons(
        name="fashion_widths",
        label="Fashion-MNIST, one hidden layer",
        changes={
            "problem_args.data": "fashion_mnist",
            "problem_args.samples": {"train": 2000, "test": 1000},
            "splits": ["train"],
        },
        widths=(1, 2, 4, 8, 16, 32, 64, 128),
        seeds=6,
    ),
]

Lines = Mapping[int, Sequence[Path]]
"""By width, the line between the networks of each pair."""


def lines_between(shop: Shop, perceptrons: Perceptrons) -> dict[str, Lines]:
    """Compute the lines between the networks of pairs, naive and aligned."""
    workshop = perceptrons.workshop(shop)
    naive, permuted = {}, {}
    for width, nets in perceptrons.networks(shop).items():
        pairs = list(zip(nets[::2], nets[1::2], strict=True))
        naive[width] = [
            straight(workshop, a, workshop.checkpoint(b), f"{a.name}_to_{b.name}", {})
            for a, b in pairs
        ]
        if width == 1:  # one unit has one order
            permuted[width] = naive[width]
            continue
        permuted[width] = [
            straight(workshop, a, aligned(workshop, a, b), f"{a.name}_to_aligned_{b.name}", {})
            for a, b in pairs
        ]
    return {"naive": naive, "aligned": permuted}


def training_losses(lines: Lines) -> dict[int, list[float]]:
    """Read the training losses at both ends of the lines of each width."""
    losses = {
        width: [profile(path, "train", "loss")[1] for path in each] for width, each in lines.items()
    }
    return {
        width: [float(v) for each in values for v in each[[0, -1]]]
        for width, values in losses.items()
    }


def series(found: Mapping[str, Lines]) -> dict[str, dict[int, list[float]]]:
    """Return the barriers of each width by kind of line, and the training losses at the ends."""
    barriers = {
        f"barrier, {kind}": {
            width: [barrier(path) for path in each] for width, each in lines.items()
        }
        for kind, lines in found.items()
    }
    return {**barriers, "training loss": training_losses(found["naive"])}


def rows(label: str, values: Mapping[str, Mapping[int, Sequence[float]]]) -> list[list[str]]:
    """Make a table row for each width: means with standard errors."""
    widths = next(iter(values.values()))
    return [
        [label, str(width), *(Mean.of(each[width]).text() for each in values.values())]
        for width in widths
    ]


WIDE, LITTLE = 16, 0.2
"""Width from which the aligned barrier's power is fitted; fraction that counts as little left."""

POWER, NEAR = -0.5, 0.15
"""The power of Zhan et al., and the deviation that still agrees."""

Series = Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]]
"""By label and kind, the values of each width."""


def power(barriers: Mapping[int, Sequence[float]]) -> Mean:
    """Fit the power of the width as which each pair's barrier falls, from ``WIDE`` units on.

    There is none of fewer than two widths, and where a barrier is zero.
    """
    wide = {width: values for width, values in barriers.items() if width >= WIDE}
    if len(wide) < 2 or min(map(min, wide.values())) <= 0:
        return Mean.of(())
    slopes, _ = np.polyfit(np.log(list(wide)), np.log(np.array([*wide.values()])), 1)
    return Mean.of(slopes)


def rise_and_fall(barriers: Mapping[int, Sequence[float]]) -> tuple[int, Verdict]:
    """Return the width of the largest mean barrier, and whether those at both ends are smaller."""
    means = {width: Mean.of(values) for width, values in barriers.items()}
    top = max(means, key=lambda width: means[width].value)
    ends = min(means), max(means)
    if top in ends:
        return top, "disagrees"
    return top, worst([verdict(means[top] - means[end]) for end in ends])


def judge(found: Series) -> list[Claim]:
    """Compare what is said of barriers and widths with what was seen."""
    tops, lefts, powers = {}, {}, {}
    for label, each in found.items():
        naive, permuted = each["barrier, naive"], each["barrier, aligned"]
        tops[label] = rise_and_fall(naive)
        widest = max(naive)
        lefts[label] = Mean.of(np.divide(permuted[widest], naive[widest]))
        powers[label] = power(permuted)
    little = [Mean(LITTLE - left.value, left.error) for left in lefts.values()]
    near = [Mean(NEAR - abs(each.value - POWER), each.error) for each in powers.values()]
    entezari = "Entezari et al. 2022, arXiv 2110.06296"
    return [
        Claim(
            entezari,
            "Barriers rise with width and then fall.",
            "Largest mean at a width of "
            + ", ".join(f"{top} ({label})" for label, (top, _) in tops.items())
            + ".",
            worst([each for _, each in tops.values()]),
        ),
        Claim(
            f"{entezari}; Ainsworth et al. 2023",
            "Permutations account for the barriers of wide networks.",
            "Left of the barrier of the widest networks: "
            + ", ".join(f"{left.percent()} ({label})" for label, left in lefts.items())
            + f"; at most {100 * LITTLE:.0f} % counts.",
            worst([verdict(each) for each in little]),
        ),
        Claim(
            "Zhan et al. 2025, arXiv 2503.06001",
            "The aligned barrier falls as one over the square root of the width.",
            f"Power of the width from {WIDE} units on: "
            + ", ".join(f"{each} ({label})" for label, each in powers.items())
            + f"; within {NEAR:g} of {POWER:g} agrees.",
            worst([verdict(each) for each in near]),
        ),
    ]


def study(shop: Shop) -> Results | None:
    """Measure the barrier between networks of two seeds against their width."""
    for perceptrons in PERCEPTRONS:
        networks = perceptrons.networks(shop).values()
        perceptrons.workshop(shop).train(net for each in networks for net in each)
    if shop.train_only:
        return None
    found = {each.label: series(lines_between(shop, each)) for each in PERCEPTRONS}
    draw_against_width(shop.folder / "widths.png", found, "training loss")
    head = ["data, network", "width", *next(iter(found.values()))]
    lines = [row for label, values in found.items() for row in rows(label, values)]
    settings = {"width_epochs": EPOCHS, "width_pairs": PERCEPTRONS[0].seeds // 2}
    return Results(settings, {}, {"widths": Table(head, lines)}, judge(found), ["widths"])

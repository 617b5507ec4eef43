"""Are the minima of small and large batches connected? (Keskar et al. 2017; Garipov et al. 2018)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from results import Claim, Results, Table, most
from steps import Network

from claims.figures import draw_paths
from claims.minima import CURVES, HEAD, SMALL, rows
from claims.paths import along, barriers, connect, say, straight
from claims.shop import DIGITS, FASHION, Setting, Shop

LARGE = {DIGITS: 1437, FASHION: 1000}
"""Samples in a large batch; of the digits, all."""

LARGE_EPOCHS, LARGE_RATE = 100, "0.1"
"""Training of large batches, whose few steps would otherwise not fit the data."""


STARTS = {"same start": 0, "other start": 1}
"""Seeds of small-batch networks by how their first weights relate to the large-batch one's."""


def large(shop: Shop, setting: Setting) -> Network:
    """Return the network of the first seed, trained with large batches."""
    recipe = list(setting.recipe)
    recipe[recipe.index("--lr") + 1] = LARGE_RATE
    wide = replace(setting, batch=LARGE[setting], epochs=LARGE_EPOCHS, recipe=recipe)
    return replace(wide.network(shop, 0), name="large")


def paths_between(shop: Shop, setting: Setting) -> dict[str, Path]:
    """Compute lines and curves from two small-batch networks to a large-batch one.

    The large-batch network has the first weights of one of them, and the other's are independent.
    """
    workshop, other = setting.workshop(shop), large(shop, setting)
    paths = {}
    for start, seed in STARTS.items():
        net, goal = setting.network(shop, seed), workshop.checkpoint(other)
        shape, bends = CURVES["Bézier"]
        epochs = ("--epochs", shop.length(setting.curve_epochs))
        options = (*setting.curve, "--curve", shape, "--bends", bends, *epochs)
        curve = connect(workshop, net, goal, f"batch_bezier{seed}", options)
        paths[f"straight, {start}"] = straight(workshop, net, goal, f"batch_straight{seed}")
        paths[f"Bézier, {start}"] = along(workshop, net, curve)
    return paths


def judge(found: Mapping[Setting, Mapping[str, Path]]) -> list[Claim]:
    """Compare what is said of small and large batches with what was seen."""
    heights = barriers(found)
    said = partial(say, heights)
    apart = [
        each["straight, other start"] > each["straight, same start"] for each in heights.values()
    ]
    joined = [
        each[f"Bézier, {start}"] <= SMALL * each["straight, other start"]
        for each in heights.values()
        for start in STARTS
    ]
    return [
        Claim(
            "Garipov et al. 2018, arXiv 1802.10026",
            "Minima are connected, also those of small and of large batches.",
            f"Barrier along the curve: {said('Bézier, same start')} from the same first weights, "
            f"{said('Bézier, other start')} from others.",
            most(joined),
        ),
        Claim(
            "Keskar et al. 2017, arXiv 1609.04836",
            "The straight line between minima of small and of large batches has a barrier.",
            f"{said('straight, same start')} from the same first weights, "
            f"{said('straight, other start')} from others: the start makes the barrier, not the "
            "batch.",
            "undecided" if all(apart) else "agrees",
        ),
    ]


def study(shop: Shop) -> Results | None:
    """Compare the lines and the curves from small-batch to large-batch networks."""
    for setting in LARGE:
        small = [setting.network(shop, seed) for seed in STARTS.values()]
        setting.workshop(shop).train([*small, large(shop, setting)])
    if shop.train_only:
        return None
    found = {setting: paths_between(shop, setting) for setting in LARGE}
    draw_paths(shop.folder / "batches.png", {each.label: paths for each, paths in found.items()})
    lines = [
        row
        for setting, paths in found.items()
        for row in rows(f"{setting.label}, {setting.batch} to {LARGE[setting]}", paths)
    ]
    settings = {"large_epochs": LARGE_EPOCHS}
    return Results(settings, {}, {"batches": Table(HEAD, lines)}, judge(found), ["batches"])

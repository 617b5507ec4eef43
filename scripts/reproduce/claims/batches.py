"""Are the minima of small and large batches connected? (Keskar et al. 2017; Garipov et al. 2018)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from results import Claim, Results, Table, verdict, worst
from steps import Network

from claims.figures import draw_paths
from claims.minima import SMALL
from claims.paths import HEAD, Paths, barriers, by_name, curved, excess, rows, say, straight
from claims.shop import DIGITS, FASHION, Setting, Shop

LARGE = {DIGITS: 1437, FASHION: 1000}
"""Samples in a large batch; of the digits, all."""

LARGE_EPOCHS, LARGE_RATE = 100, "0.1"
"""Training of large batches, whose few steps would otherwise not fit the data."""


SEEDS = (0, 1, 2)
"""Of the networks that are trained with large batches."""

STARTS = {"same start": 0, "other start": 1}
"""By how their first weights relate, the small-batch network's seed is this many further."""


def large(shop: Shop, setting: Setting, seed: int) -> Network:
    """Return the network of a seed, trained with large batches."""
    recipe = list(setting.recipe)
    recipe[recipe.index("--lr") + 1] = LARGE_RATE
    wide = replace(setting, batch=LARGE[setting], epochs=LARGE_EPOCHS, recipe=recipe)
    return replace(wide.network(shop, seed), name=f"large{seed or ''}")


def paths_between(shop: Shop, setting: Setting, seed: int) -> dict[str, Path]:
    """Compute lines and curves from two small-batch networks to a large-batch one.

    The large-batch network has the first weights of one of them, and the other's are independent.
    """
    workshop, other = setting.workshop(shop), large(shop, setting, seed)
    paths = {}
    for start, step in STARTS.items():
        near = (seed + step) % len(SEEDS)
        net, goal = setting.network(shop, near), workshop.checkpoint(other)
        name, curve = f"batch{seed or ''}", "Bézier"
        paths[f"straight, {start}"] = straight(workshop, net, goal, f"{name}_straight{near}")
        paths[f"{curve}, {start}"] = curved(shop, setting, net, goal, curve, f"{name}_bezier{near}")
    return paths


def judge(found: Mapping[Setting, Paths]) -> list[Claim]:
    """Compare what is said of small and large batches with what was seen."""
    heights = barriers(found)
    said = partial(say, heights)
    same, other = (f"straight, {start}" for start in STARTS)
    apart = [verdict(-excess(each[other], each[same], SMALL)) for each in heights.values()]
    joined = [
        verdict(excess(each[other], each[f"Bézier, {start}"], SMALL))
        for each in heights.values()
        for start in STARTS
    ]
    return [
        Claim(
            "Garipov et al. 2018, arXiv 1802.10026",
            "Minima are connected, also those of small and of large batches.",
            f"Barrier along the curve: {said('Bézier, same start')} from the same first weights, "
            f"{said('Bézier, other start')} from others.",
            worst(joined),
        ),
        Claim(
            "Keskar et al. 2017, arXiv 1609.04836",
            "The straight line between minima of small and of large batches has a barrier.",
            f"{said(same)} from the same first weights, {said(other)} from others; at most "
            f"{100 * SMALL:.0f} % of the latter counts as none.",
            worst(apart),
        ),
    ]


def study(shop: Shop) -> Results | None:
    """Compare the lines and the curves from small-batch to large-batch networks."""
    for setting in LARGE:
        small = [setting.network(shop, seed) for seed in SEEDS]
        setting.workshop(shop).train([*small, *(large(shop, setting, seed) for seed in SEEDS)])
    if shop.train_only:
        return None
    found = {
        setting: by_name(paths_between(shop, setting, seed) for seed in SEEDS) for setting in LARGE
    }
    draw_paths(shop.folder / "batches.png", {each.label: paths for each, paths in found.items()})
    lines = [
        row
        for setting, paths in found.items()
        for row in rows(f"{setting.label}, {setting.batch} to {LARGE[setting]}", paths)
    ]
    settings = {"large_epochs": LARGE_EPOCHS, "large_seeds": len(SEEDS)}
    return Results(settings, {}, {"batches": Table(HEAD, lines)}, judge(found), ["batches"])

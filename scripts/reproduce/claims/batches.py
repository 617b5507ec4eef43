"""Are the minima of small and large batches connected? (Keskar et al. 2017; Garipov et al. 2018)"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from steps import Network, Workshop, table

from claims.figures import draw_paths
from claims.minima import CURVES, HEAD, rows
from claims.paths import along, connect, straight
from claims.shop import DIGITS, FASHION, Setting, Shop

LARGE = {DIGITS: 1437, FASHION: 1000}
"""Samples in a large batch; of the digits, all."""

LARGE_EPOCHS, LARGE_RATE = 100, "0.1"
"""Training of large batches, whose few steps would otherwise not fit the data."""


def large(shop: Shop, setting: Setting) -> Network:
    """Return the network of the first seed, trained with large batches."""
    recipe = list(setting.recipe)
    recipe[recipe.index("--lr") + 1] = LARGE_RATE
    wide = replace(setting, batch=LARGE[setting], epochs=LARGE_EPOCHS, recipe=recipe)
    return replace(wide.network(shop, 0), name="large")


def paths_between(shop: Shop, setting: Setting) -> dict[str, Path]:
    """Compute the line and a curve from the small-batch network to the large-batch one."""
    workshop, net = setting.workshop(shop), setting.network(shop, 0)
    other = workshop.checkpoint(large(shop, setting))
    shape, bends = CURVES["Bézier"]
    options = ("--curve", shape, "--bends", bends, "--epochs", shop.length(setting.curve_epochs))
    curve = connect(workshop, net, other, "batch_bezier", (*setting.curve, *options))
    return {
        "straight": straight(workshop, net, other, "batch_straight"),
        "Bézier": along(workshop, net, curve),
    }


def study(shop: Shop) -> None:
    """Compare the line and the curve from a small-batch to a large-batch network."""
    for setting in LARGE:
        setting.workshop(shop).train([setting.network(shop, 0), large(shop, setting)])
    if shop.train_only:
        return
    found = {setting: paths_between(shop, setting) for setting in LARGE}
    titles = {
        setting: f"{setting.label}, batches of {setting.batch} (t = 0) and {size}"
        for setting, size in LARGE.items()
    }
    draw_paths(shop.folder / "batches.png", {titles[each]: paths for each, paths in found.items()})
    lines = [row for setting, paths in found.items() for row in rows(titles[setting], paths)]
    Workshop(shop.folder, {}).write("batches.md", table(HEAD, lines))

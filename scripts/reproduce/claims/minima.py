"""Are two minima connected? Straight, aligned and along curves, as in Garipov et al. 2018."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from results import Claim, Results, Table, verdict, worst
from steps import Network, Workshop, labelled

from claims.figures import draw_paths
from claims.paths import (
    CURVES,
    FRESH,
    HEAD,
    Paths,
    aligned,
    barriers,
    by_name,
    curved,
    excess,
    rows,
    say,
    straight,
)
from claims.shop import PAIRS, SETTINGS, Setting, Shop

PLANE_POINTS, PLANE_SAMPLES, PLANE_TOP = 21, 500, 5
"""Points along each axis of a curve's plane, samples at each, and the highest loss drawn."""


def paths_between(shop: Shop, setting: Setting, number: int) -> dict[str, Path]:
    """Compute the paths between the minima of a pair of seeds, by their names."""
    workshop, tag = setting.workshop(shop), str(number or "")
    first, second = (setting.network(shop, seed) for seed in PAIRS[number])
    other = workshop.checkpoint(second)
    paths = {"straight": straight(workshop, first, other, f"straight{tag}")}
    permuted = aligned(workshop, first, second)
    paths["aligned, straight"] = straight(workshop, first, permuted, f"aligned{tag}")
    for label, (shape, _) in CURVES.items():
        paths[label] = curved(shop, setting, first, other, label, f"{shape}{tag}")
    return paths


def plane(workshop: Workshop, net: Network, name: str) -> Path:
    """Compute the training loss in the plane of the Bézier curve, as in Garipov et al.'s fig. 1."""
    axis = f"auto:{PLANE_POINTS}"
    return workshop.compute(
        name,
        {
            **net.changes,
            **FRESH,
            "checkpoint": str(workshop.checkpoint(net)),
            "directions": None,
            "slice": {"kind": "curve-plane", "path": str(workshop.folder / "bezier.curve.h5")},
            "grid": {"x": axis, "y": axis},
            "splits": ["train"],
            "samples": PLANE_SAMPLES,
            "batch_norm_samples": PLANE_SAMPLES,
        },
    )


SMALL = 0.05
"""Fraction of the straight line's barrier up to which a curve's counts as none."""


HALF = 0.5
"""Fraction of the straight line's barrier that may be left where most of it counts as removed."""


def judge(found: Mapping[Setting, Paths]) -> list[Claim]:
    """Compare what is said of two minima with what was seen."""
    heights = barriers(found)
    said = partial(say, heights)
    curves = [
        verdict(excess(each["straight"], each[name], SMALL))
        for each in heights.values()
        for name in CURVES
    ]
    permuted = [
        verdict(excess(each["straight"], each["aligned, straight"], HALF))
        for each in heights.values()
    ]
    return [
        Claim(
            "Garipov et al. 2018, arXiv 1802.10026; Draxler et al. 2018",
            "Two minima are connected by a curve of nearly constant loss.",
            f"Barrier of the training loss along the Bézier curve: {said('Bézier')}; along a "
            f"chain: {said('chain')}; on the straight line: {said('straight')}. At most "
            f"{100 * SMALL:.0f} % of the line's counts as none.",
            worst(curves),
        ),
        Claim(
            "Ainsworth et al. 2023",
            "A permutation of channels removes most of the line's barrier, if networks are wide.",
            f"These are narrow. Aligned: {said('aligned, straight')}; before: {said('straight')}.",
            worst(permuted),
        ),
    ]


def study(shop: Shop) -> Results | None:
    """Compare the paths between two minima, on each data set, and draw the planes of curves."""
    for setting in SETTINGS:
        setting.workshop(shop).train(setting.network(shop, seed) for both in PAIRS for seed in both)
    if shop.train_only:
        return None
    found = {
        setting: by_name(paths_between(shop, setting, number) for number in range(len(PAIRS)))
        for setting in SETTINGS
    }
    draw_paths(shop.folder / "minima.png", {each.label: paths for each, paths in found.items()})
    planes = [
        plane(each.workshop(shop), each.network(shop, 0), f"{each.name}_plane") for each in SETTINGS
    ]
    whole = Workshop(shop.folder, {})
    look = ("--size", "8.4x3", *labelled(each.label for each in SETTINGS))
    whole.plot("plane", planes, "--log", "--vmax", str(PLANE_TOP), "--dpi", "120", *look)
    lines = [row for setting, paths in found.items() for row in rows(setting.label, paths)]
    settings = {
        "pairs": len(PAIRS),
        "plane_points": PLANE_POINTS,
        "plane_samples": PLANE_SAMPLES,
    }
    tables = {"minima": Table(HEAD, lines)}
    return Results(settings, {}, tables, judge(found), ["minima", "plane"])

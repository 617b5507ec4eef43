"""Are two minima connected? Straight, aligned and along curves, as in Garipov et al. 2018."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from results import Claim, Results, Table, most
from steps import Network, Workshop, labelled

from claims.figures import draw_paths
from claims.paths import (
    FRESH,
    aligned,
    along,
    barrier,
    barriers,
    connect,
    lengthening,
    profile,
    say,
    straight,
)
from claims.shop import SETTINGS, Setting, Shop

PLANE_POINTS, PLANE_SAMPLES, PLANE_TOP = 21, 500, 5
"""Points along each axis of a curve's plane, samples at each, and the highest loss drawn."""

CURVES = {"Bézier": ("bezier", "1"), "chain": ("chain", "1")}


def paths_between(shop: Shop, setting: Setting) -> dict[str, Path]:
    """Compute the paths between the minima of two seeds, by their names."""
    workshop = setting.workshop(shop)
    first, second = (setting.network(shop, seed) for seed in (0, 1))
    other = workshop.checkpoint(second)
    paths = {"straight": straight(workshop, first, other, "straight")}
    permuted = aligned(workshop, first, second)
    paths["aligned, straight"] = straight(workshop, first, permuted, "aligned")
    for label, (shape, bends) in CURVES.items():
        options = (*setting.curve, "--epochs", shop.length(setting.curve_epochs))
        shapes = ("--curve", shape, "--bends", bends)
        curve = connect(workshop, first, other, shape, (*options, *shapes))
        paths[label] = along(workshop, first, curve)
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


HEAD = ["data, network", "path", "barrier, training loss", "largest training loss"]
HEAD += ["barrier, test error (%)", "largest test error (%)", "test error at the ends (%)"]
HEAD += ["length / distance"]


def rows(label: str, paths: Mapping[str, Path]) -> list[list[str]]:
    """Make the table rows of the paths between two networks."""
    found = []
    for name, path in paths.items():
        losses, errors = profile(path, "train", "loss")[1], profile(path, "test", "error")[1]
        numbers = (barrier(path), losses.max(), barrier(path, "test", "error"), errors.max())
        ends = f"{errors[0]:.2f}, {errors[-1]:.2f}"
        cells = [f"{value:.3g}" for value in numbers]
        found.append([label, name, *cells, ends, f"{lengthening(path):.3f}"])
    return found


SMALL = 0.05
"""Fraction of the straight line's barrier up to which a curve's counts as none."""


def judge(found: Mapping[Setting, Mapping[str, Path]]) -> list[Claim]:
    """Compare what is said of two minima with what was seen."""
    heights = barriers(found)
    said = partial(say, heights)
    curves = [
        each[name] <= SMALL * each["straight"] for each in heights.values() for name in CURVES
    ]
    aligned_ones = [
        each["aligned, straight"] <= 0.5 * each["straight"] for each in heights.values()
    ]
    return [
        Claim(
            "Garipov et al. 2018, arXiv 1802.10026; Draxler et al. 2018",
            "Two minima are connected by a curve of nearly constant loss.",
            f"Barrier of the training loss along the Bézier curve: {said('Bézier')}; along a "
            f"chain: {said('chain')}; on the straight line: {said('straight')}. At most "
            f"{100 * SMALL:.0f} % of the line's counts as none.",
            most(curves),
        ),
        Claim(
            "Ainsworth et al. 2023",
            "A permutation of channels removes most of the line's barrier (if networks are wide).",
            f"Aligned: {said('aligned, straight')}.",
            most(aligned_ones),
        ),
    ]


def study(shop: Shop) -> Results | None:
    """Compare the paths between two minima, on each data set, and draw the planes of curves."""
    for setting in SETTINGS:
        setting.workshop(shop).train(setting.network(shop, seed) for seed in (0, 1))
    if shop.train_only:
        return None
    found = {setting: paths_between(shop, setting) for setting in SETTINGS}
    draw_paths(shop.folder / "minima.png", {each.label: paths for each, paths in found.items()})
    planes = [
        plane(each.workshop(shop), each.network(shop, 0), f"{each.name}_plane") for each in SETTINGS
    ]
    whole = Workshop(shop.folder, {})
    look = ("--size", "8.4x3.4", *labelled(each.label for each in SETTINGS))
    whole.plot("plane", planes, "--log", "--vmax", str(PLANE_TOP), "--dpi", "120", *look)
    lines = [row for setting, paths in found.items() for row in rows(setting.label, paths)]
    settings = {"plane_points": PLANE_POINTS, "plane_samples": PLANE_SAMPLES}
    tables = {"minima": Table(HEAD, lines)}
    return Results(settings, {}, tables, judge(found), ["minima", "plane"])

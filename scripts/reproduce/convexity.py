"""Is what we see convex? Hessian eigenvalues over a plane, as in section 6 of Li et al."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
import planes
from numpy.typing import NDArray
from results import Claim, Mean, Results, Table, verdict
from steps import Network, Workshop, labelled, load_base, options, recipe

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_surface

RECIPE = (
    "--lr 0.02 --batch-size 64 --weight-decay 5e-4 --every 30 --at-least accuracy=0.99 --restarts 2"
)
EPOCHS = 60
SEEDS = (0, 1, 2)
TINY = 0.01
"""Ratio below which Li et al. call negative curvature small."""

LOW = 1.0
"""Loss up to which a point counts as part of the basin."""

Numbers = NDArray[np.float64]


def network(shortcuts: bool, seed: int, epochs: int = EPOCHS) -> Network:
    return Network(
        name=f"{'shortcuts' if shortcuts else 'no_shortcuts'}_seed{seed}",
        label=f"ResNet-20, {'with' if shortcuts else 'without'} shortcuts",
        changes={"problem_args.model_args.shortcuts": shortcuts},
        training=(*RECIPE.split(), "--epochs", str(epochs), "--seed", str(seed)),
    )


def plane(workshop: Workshop, net: Network) -> Path:
    """Compute loss, extreme eigenvalues and gradient on a plane through a network."""
    changes = {**net.changes, "checkpoint": str(workshop.checkpoint(net))}
    return workshop.compute(f"{net.name}_plane", changes)


def ratio(surface: Surface) -> Numbers:
    """Return |smallest / largest eigenvalue| at each point, NaN where the largest is not > 0."""
    largest, smallest = (surface.values["train", f"hessian_{end}"] for end in ("max", "min"))
    with np.errstate(all="ignore"):
        return np.where(largest > 0, np.abs(smallest / largest), np.nan)


def summary(surface: Surface) -> dict[str, float]:
    """Return what the table says of a plane.

    ``negative`` is the fraction of points whose smallest eigenvalue is negative by more than its
    error; ``basin`` and ``outside`` are medians of the ratio below and above the loss ``LOW``.
    """
    loss, smallest = surface.values["train", "loss"], surface.values["train", "hessian_min"]
    error, ratios = surface.stderr["train", "hessian_min"], ratio(surface)
    place = surface.grid.nearest(surface.origin)
    return {
        "largest": float(surface.values["train", "hessian_max"].flat[place]),
        "smallest": float(smallest.flat[place]),
        "centre": float(ratios.flat[place]),
        "negative": float(np.mean(smallest < -error)),
        "basin": _median(ratios[loss <= LOW]),
        "outside": _median(ratios[loss > LOW]),
        "most": float(np.nanmax(ratios)),
        "area": float(np.mean(loss <= LOW)),
        "rank": rank_correlation(loss.ravel(), ratios.ravel()),
    }


def _median(values: Numbers) -> float:
    return float(np.nanmedian(values)) if len(values) else float("nan")


def rank_correlation(first: Numbers, second: Numbers) -> float:
    """Return Spearman's rank correlation over the points where both are finite."""
    finite = np.isfinite(first) & np.isfinite(second)
    ranks = [np.argsort(np.argsort(values[finite])) for values in (first, second)]
    return float(np.corrcoef(*ranks)[0, 1])


HEAD = ["network", "test error (%)", "largest eigenvalue", "smallest eigenvalue"]
HEAD += ["ratio at the centre", f"median ratio, loss <= {LOW:g}", f"median ratio, loss > {LOW:g}"]
HEAD += ["largest ratio", "points with a negative eigenvalue (%)", "convex on the plane (%)"]
HEAD += ["rank correlation with the loss"]

Found = Mapping[bool, Sequence[Mapping[str, float]]]
"""Summaries of all seeds with and without shortcuts."""


def row(label: str, found: Sequence[Mapping[str, float]]) -> list[str]:
    """Format means over seeds with standard errors."""

    def cell(name: str, factor: float = 1, digits: int = 2) -> str:
        return Mean.of(factor * each[name] for each in found).text(digits)

    return [
        label,
        cell("error", 100, 3),
        cell("largest", 1, 3),
        *map(cell, ("smallest", "centre", "basin", "outside", "most")),
        cell("negative", 100, 3),
        cell("convex", 100),
        cell("rank"),
    ]


def judge(found: Found) -> list[Claim]:
    """Compare what Li et al. say of their figure 7 with what was seen."""
    every = [each for values in found.values() for each in values]
    basin, outside = (Mean.of(each[name] for each in every) for name in ("basin", "outside"))
    shortcuts, plain = (Mean.of(each["basin"] for each in found[key]) for key in (True, False))
    negative = min(each["negative"] for each in every)
    some = f"At least {100 * negative:.0f} % of each plane's points"
    every_one = "All points of all planes" if negative == 1 else some
    convex = Mean.of(each["convex"] for each in every)
    source = "Li et al. 2018, *A note of caution: are we really seeing convexity?*"
    return [
        Claim(
            source,
            "Regions that look convex have little negative curvature, chaotic ones much.",
            f"Median of the ratio: {basin} where the loss is at most {LOW:g}, {outside} above.",
            verdict(outside - basin),
        ),
        Claim(
            source,
            f"Where surfaces look convex, ratios are below {TINY:g}.",
            f"Median of the ratio in the basin: {basin}.",
            verdict(Mean(TINY, 0) - basin),
        ),
        Claim(
            source,
            "What looks convex is not quite convex: negative eigenvalues remain.",
            f"{every_one} have one, while {convex.percent()} look convex.",
            "agrees" if negative > 0.5 else "undecided",
        ),
        Claim(
            source,
            "A network of this depth looks alike with and without shortcuts.",
            f"Median of the ratio in the basin: {shortcuts} with them, {plain} without.",
            "agrees" if verdict(plain - shortcuts) == "undecided" else "disagrees",
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("convexity")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Map |smallest / largest eigenvalue| of the Hessian over a plane, beside the loss.

    ResNets-20 with and without shortcuts, on digits that all fit; the loss and the ratio on a
    filter-normalized random plane, drawn side by side for the first seed, and a table.
    """
    base = load_base("digits_convexity.yaml")
    workshop = Workshop(folder, base, parse_changes(assignments), jobs)
    networks = {
        (shortcuts, seed): network(shortcuts, seed, epochs or EPOCHS)
        for shortcuts in (True, False)
        for seed in SEEDS
    }
    workshop.train(networks.values())
    if train_only:
        return
    surfaces = {key: plane(workshop, net) for key, net in networks.items()}
    first = [(shortcuts, SEEDS[0]) for shortcuts in (True, False)]
    what = ("--quantity", "loss", "--quantity", "hessian_ratio", "--dpi", "120")
    names = labelled(networks[key].label for key in first)
    workshop.plot("planes", [surfaces[key] for key in first], *what, *names)
    found = {
        shortcuts: [
            {
                **summary(read_surface(surfaces[shortcuts, seed])),
                "convex": planes.numbers(surfaces[shortcuts, seed])["convex"],
                "error": 1 - workshop.log(networks[shortcuts, seed])["test_accuracy"],
            }
            for seed in SEEDS
        ]
        for shortcuts in (True, False)
    }
    rows = [row(networks[key, SEEDS[0]].label, values) for key, values in found.items()]
    accuracies = [workshop.log(net)["train_accuracy"] for net in networks.values()]
    settings = {
        "recipe": recipe(RECIPE),
        "epochs": epochs or EPOCHS,
        "seeds": len(SEEDS),
        "samples": base["samples"],
        "steps": base["curvature"]["steps"],
        "points": base["grid"]["x"][2],
    }
    most = max(each["most"] for values in found.values() for each in values)
    numbers = {"accuracy": min(accuracies), "most": most}
    tables = {"planes": Table(HEAD, rows)}
    workshop.publish(Results(settings, numbers, tables, judge(found), ["planes"]))


if __name__ == "__main__":
    sys.exit(run_script(command, "convexity"))

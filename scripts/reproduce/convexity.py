"""Is what we see convex? Hessian eigenvalues over a plane, as in section 6 of Li et al."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from steps import Network, Workshop, load_base, options, table

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_surface

RECIPE = (
    "--lr 0.02 --batch-size 64 --weight-decay 5e-4 --every 30 --at-least accuracy=0.99 --restarts 2"
)
EPOCHS = 60
LOW = 1.0
"""Loss up to which a point counts as part of the basin."""

Numbers = NDArray[np.float64]


def network(shortcuts: bool, epochs: int = EPOCHS) -> Network:
    return Network(
        name="shortcuts" if shortcuts else "no_shortcuts",
        label=f"ResNet-20, {'with' if shortcuts else 'without'} shortcuts",
        changes={"problem_args.model_args.shortcuts": shortcuts},
        training=(*RECIPE.split(), "--epochs", str(epochs)),
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
HEAD += ["largest ratio", "points with a negative eigenvalue (%)", "rank correlation with the loss"]


def row(workshop: Workshop, net: Network, found: Mapping[str, float]) -> list[str]:
    return [
        net.label,
        f"{100 * (1 - workshop.log(net)['test_accuracy']):.2f}",
        f"{found['largest']:.3g}",
        f"{found['smallest']:.2g}",
        f"{found['centre']:.2g}",
        f"{found['basin']:.2g}",
        f"{found['outside']:.2g}",
        f"{found['most']:.2g}",
        f"{100 * found['negative']:.0f}",
        f"{found['rank']:+.2f}",
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("convexity")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Map |smallest / largest eigenvalue| of the Hessian over a plane, beside the loss.

    A ResNet-20 with and one without shortcuts, on digits that both fit; the loss and the ratio on a
    filter-normalized random plane, drawn side by side, and a table of numbers.
    """
    workshop = Workshop(
        folder, load_base("digits_convexity.yaml"), parse_changes(assignments), jobs
    )
    networks = [network(shortcuts, epochs or EPOCHS) for shortcuts in (True, False)]
    workshop.train(networks)
    if train_only:
        return
    surfaces = [plane(workshop, net) for net in networks]
    workshop.plot("convexity", surfaces, "--quantity", "loss", "--quantity", "hessian_ratio")
    rows = [
        row(workshop, net, summary(read_surface(path)))
        for net, path in zip(networks, surfaces, strict=True)
    ]
    workshop.write("table.md", table(HEAD, rows))


if __name__ == "__main__":
    sys.exit(run_script(command, "convexity"))

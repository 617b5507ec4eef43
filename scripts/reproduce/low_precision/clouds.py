"""The weights of long runs at two learning rates in their plane of principal components."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import planes
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from perceptrons import Perceptrons, state
from steps import Workshop, landscape

import landscape_cli
from landscape_cli.plotting.style import style
from landscape_cli.records.trajectory import OTHERS
from landscape_cli.store import read_surface
from landscape_cli.store.trajectory_file import read_trajectories
from low_precision.spread import without_drift
from low_precision.training import RATE, SERIES, Run, load

BITS = 3
SEED = 0
POINTS = 25
MARGIN = 1.15
"""Half the width of a panel, in units of its farthest iterate."""

COLORS = ("#d55e00", "#ffffff")
"""Of the dots at the first and at the last learning rate, on a plane."""

PLAIN_COLORS = ("#d55e00", "#56b4e9")


@dataclass(frozen=True)
class Cloud:
    """Iterates of a rule at the first and the last learning rate.

    Args:
        rule: a key of ``RULES``.
        bits: of a weight.
        real: whether to take BinaryConnect's real weights.
        label: the panel's title.
    """

    rule: str
    bits: int
    real: bool
    label: str

    @property
    def name(self) -> str:
        return f"cloud_{self.rule}{'_real' if self.real else ''}"


CLOUDS = [
    Cloud("sr", BITS, False, "stochastic rounding"),
    Cloud("bc", BITS, False, "BinaryConnect, rounded"),
    Cloud("bc", BITS, True, "BinaryConnect, real"),
    Cloud("float", 0, False, "no rounding"),
]


def rates() -> list[float]:
    return [RATE / SERIES[0], RATE / SERIES[-1]]


def iterates(folder: Path, cloud: Cloud, factor: int, networks: Perceptrons) -> torch.Tensor:
    """Return a network's parameters at equal times, shape (n, parameters)."""
    found = load(folder, Run(cloud.rule, cloud.bits, "long", factor))
    flat: torch.Tensor = found["iterates"][SEED].clone()
    if cloud.real:
        flat[:, is_weight(networks)] = found["real iterates"][SEED]
    return flat


def is_weight(networks: Perceptrons) -> torch.Tensor:
    """Return a mask of the entries of a row of ``Perceptrons.flat`` that rules round."""
    return torch.cat([torch.full((t[0].numel(),), t.dim() > 2) for t in networks.tensors])


def trace(workshop: Workshop, cloud: Cloud, networks: Perceptrons) -> Path:
    """Find the plane of the iterates' first two principal components, through their mean."""
    output = workshop.folder / f"{cloud.name}.trajectory.h5"
    if output.exists():
        click.echo(f"have {output}")
        return output
    shapes = networks.shapes()
    words, every = [], []
    for factor, rate in zip((SERIES[0], SERIES[-1]), rates(), strict=True):
        folder = workshop.folder / cloud.name / f"rate{factor}"
        folder.mkdir(parents=True, exist_ok=True)
        flat = iterates(workshop.folder, cloud, factor, networks)
        every.append(flat)
        for place, each in enumerate(flat):
            torch.save({"state_dict": state(each, shapes)}, folder / f"{place:03}.pt")
        words += ["--training", f"{rate:g}={folder}/*.pt"]
    centre = torch.cat(every).double().mean(0).float()
    checkpoint = workshop.folder / f"{cloud.name}_centre.pt"
    torch.save({"state_dict": state(centre, shapes)}, checkpoint)
    config = workshop.folder / f"{cloud.name}_trace.yaml"
    config.write_text(workshop.configuration({"checkpoint": str(checkpoint)}), encoding="utf-8")
    command = landscape("trajectory", str(config), *words, "-o", str(output), "--quiet")
    workshop.spend("surfaces", command)
    return output


def plane(workshop: Workshop, cloud: Cloud, path: Path, reach: float) -> Path:
    """Compute the training loss on that plane, up to a distance from the mean."""
    changes = {
        "checkpoint": str(workshop.folder / f"{cloud.name}_centre.pt"),
        "directions": {axis: {"kind": "file", "path": str(path)} for axis in "xy"},
        "grid": {axis: [-reach, reach, POINTS] for axis in "xy"},
    }
    return workshop.compute(cloud.name, changes)


def places(path: Path) -> list[NDArray[np.float64]]:
    """Return the iterates' coordinates at the first and at the last rate, shape (n, 2) each."""
    return [each.coordinates for each in read_trajectories(path)]


def explained(path: Path) -> float:
    """Return the fraction of the variance in the plane."""
    first = read_trajectories(path)[0].explained
    return float(sum(first)) if first else float("nan")


def draw(workshop: Workshop, networks: Perceptrons) -> dict[str, float]:
    """Draw the clouds over the loss, all on one scale, and what is left of them without a drift.

    Returns:
        The fraction of the variance that each plane shows, by the cloud's name.
    """
    paths = {cloud: trace(workshop, cloud, networks) for cloud in CLOUDS}
    farthest = max(float(np.abs(xy).max()) for path in paths.values() for xy in places(path))
    reach = float(f"{MARGIN * farthest:.2g}")
    surfaces = [plane(workshop, cloud, path, reach) for cloud, path in paths.items()]
    with style():
        figure = landscape_cli.plot(
            # Paths would be drawn as lines.
            [planes.without(read_surface(path), "trajectory", OTHERS) for path in surfaces],
            labels=[cloud.label for cloud in CLOUDS],
            split="train",
            quantity="loss",
            log=True,
            columns=len(CLOUDS),
            size=(9.6, 3.0),
        )
        planes.remove_texts(figure)
        for axes, path in zip(figure.axes, paths.values(), strict=False):
            for mark in list(axes.lines):
                mark.remove()
            axes.locator_params(axis="x", nbins=4)
            _dots(axes, places(path))
        _legend(figure.axes[0])
        figure.savefig(workshop.folder / "clouds.png", dpi=110, bbox_inches="tight")
    _draw_wandering(workshop, networks)
    return {cloud.name: explained(path) for cloud, path in paths.items()}


def _draw_wandering(workshop: Workshop, networks: Perceptrons) -> None:
    """Draw the clouds without their drift, in their first two principal components."""
    with style():
        figure = Figure(figsize=(9.6, 3.0), layout="constrained")
        for axes, cloud in zip(figure.subplots(1, len(CLOUDS)), CLOUDS, strict=True):
            clouds = wandering(workshop.folder, cloud, networks)
            _dots(axes, clouds, PLAIN_COLORS)
            reach = MARGIN * max(float(np.abs(xy).max()) for xy in clouds)
            axes.set(title=cloud.label, xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
            axes.set_xlabel("component 1")
            axes.locator_params(nbins=3)
        figure.axes[0].set_ylabel("component 2")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", title="learning rate", ncols=2)
        figure.savefig(workshop.folder / "wandering.png", dpi=110, metadata={"Software": None})


def wandering(folder: Path, cloud: Cloud, networks: Perceptrons) -> list[NDArray[np.float64]]:
    """Return both rates' weights without their drift in two common principal components."""
    mask = is_weight(networks)
    left = [
        without_drift(iterates(folder, cloud, factor, networks)[None, :, mask])[0]
        for factor in (SERIES[0], SERIES[-1])
    ]
    _, _, components = torch.linalg.svd(torch.cat(left), full_matrices=False)
    return [(each @ components[:2].T).numpy() for each in left]


def _dots(axes: Axes, clouds: list[NDArray[np.float64]], colors: tuple[str, str] = COLORS) -> None:
    for xy, color, rate in zip(clouds, colors, rates(), strict=True):
        axes.scatter(
            *xy.T, s=10, color=color, edgecolor="black", linewidth=0.4, label=f"{rate:g}", zorder=4
        )


def _legend(axes: Axes) -> None:
    legend = axes.legend(
        loc="lower center", title="learning rate", frameon=True, fontsize=7, title_fontsize=7
    )
    legend.get_frame().set(alpha=0.85, linewidth=0)

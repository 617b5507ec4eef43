"""Tables of what the networks learned, and of the numbers of their surfaces."""

from __future__ import annotations

import json
from collections.abc import Iterable

import h5py
import numpy as np
from numpy.typing import NDArray
from steps import Network, Workshop, landscape, output_of, table

from landscape_cli.problems.checkpoints import read_state_dict
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_curvature, read_surface

RADII = (0.25, 0.5, 1.0)

SPLITS = {"train": "training", "test": "held-out"}

LEARNED = ["network", "parameters"]
for _name in SPLITS.values():
    LEARNED += [f"{_name} loss", f"{_name} perplexity", f"{_name} accuracy (%)"]

SEEN = ["network", "training loss", *(f"rise at {radius:g}" for radius in RADII)]
SEEN += ["largest eigenvalue", "smallest eigenvalue", "trace"]

PLANES = ["network", "convex (% of points)", "roughness (% of range)", "path in its plane (%)"]


def report(workshop: Workshop, networks: Iterable[Network], drawn: Iterable[Network]) -> str:
    """Tables of losses, perplexities and accuracies, of lines and curvature, and of planes.

    Args:
        workshop: its folder has the files.
        networks: all networks.
        drawn: those whose planes and paths are there.
    """
    nets = list(networks)
    parts = [
        table(LEARNED, [learned_row(workshop, net) for net in nets]),
        table(SEEN, [seen_row(workshop, net) for net in nets]),
        table(PLANES, [plane_row(workshop, net) for net in drawn]),
    ]
    return "\n".join(parts)


def learned_row(workshop: Workshop, net: Network) -> list[str]:
    """Make the row of what a network learned, with standard errors over sequences."""
    surface = read_surface(workshop.surface(f"{net.name}_lines"))
    state = read_state_dict(str(workshop.checkpoint(net)))
    row = [net.label, str(sum(tensor.numel() for tensor in state.values()))]
    for split in SPLITS:
        loss, error = centre(surface, split, "loss")
        accuracy, deviation = centre(surface, split, "accuracy")
        row += [
            f"{loss:.3f} ± {error:.3f}",
            f"{np.exp(loss):.2f}",
            f"{100 * accuracy:.1f} ± {100 * deviation:.1f}",
        ]
    return row


def seen_row(workshop: Workshop, net: Network) -> list[str]:
    """Make the row of a network's lines and curvature."""
    surface = read_surface(workshop.surface(f"{net.name}_lines"))
    record = read_curvature(workshop.surface(f"{net.name}.curvature"))
    assert record.trace is not None
    return [
        net.label,
        f"{centre(surface, 'train', 'loss')[0]:.3f}",
        *(mean_and_error(rises(surface, radius)) for radius in RADII),
        f"{record.eigenvalues[0, 0]:.3g}",
        f"{record.eigenvalues[0, -1]:.2g}",
        f"{record.trace.mean[0]:.0f} ± {record.trace.stderr[0]:.0f}",
    ]


def plane_row(workshop: Workshop, net: Network) -> list[str]:
    """Make the row of a network's random plane and of its training path."""
    plane = workshop.surface(f"{net.name}_plane")
    numbers = json.loads(output_of(landscape("describe", str(plane), "--json")))["numbers"][0]
    with h5py.File(workshop.surface(f"{net.name}.trajectory")) as file:
        explained = float(np.sum(file["explained_variance_ratio_"][()]))
    return [
        net.label,
        f"{100 * numbers['convexity']['fraction']:.0f}",
        f"{100 * numbers['roughness']['relative']:.2g}",
        f"{100 * explained:.0f}",
    ]


def centre(surface: Surface, split: str, quantity: str) -> tuple[float, float]:
    """Return a value of the trained network and its standard error."""
    place = surface.grid.nearest(surface.origin)
    mean, error = surface.values[split, quantity], surface.stderr[split, quantity]
    return float(np.atleast_2d(mean)[0, place]), float(np.atleast_2d(error)[0, place])


def rises(surface: Surface, radius: float) -> NDArray[np.float64]:
    """Rise of the training loss at a distance on each line, the mean of its two sides."""
    x = surface.grid.axes["x"].coordinates
    values = np.atleast_2d(surface.values["train", "loss"])
    left, middle, right = (
        np.array([np.interp(place, x, line) for line in values]) for place in (-radius, 0, radius)
    )
    return (left + right) / 2 - middle


def mean_and_error(values: NDArray[np.float64]) -> str:
    """Format a mean over lines with its standard error."""
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return f"{values.mean():.3g} ± {error:.1g}"

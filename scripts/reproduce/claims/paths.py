"""Paths between two networks: the commands that make them, and what is read from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from results import Mean
from steps import Network, Workshop, landscape

import landscape_cli
from claims.shop import Setting, Shop

Numbers = NDArray[np.float64]

Paths = Mapping[str, Sequence[Path]]
"""By name, the paths between the networks of each pair."""

Heights = Mapping[Setting, Mapping[str, Sequence[float]]]
"""Barriers by setting and path, one for each pair."""

POINTS = 21
"""Points of a path, both ends among them."""

FRESH = {"batch_norm": "recalibrate"}
"""Between networks, the statistics of batch norm must be those of the network there."""


def straight(
    workshop: Workshop, net: Network, other: Path, name: str, changes: Mapping[str, Any] = FRESH
) -> Path:
    """Compute the line from a network, at 0, to another checkpoint, at 1."""
    return workshop.compute(
        name,
        {
            **net.changes,
            **changes,
            "checkpoint": str(workshop.checkpoint(net)),
            "directions": {"x": {"kind": "checkpoint", "path": str(other)}},
            "grid": {"x": [0, 1, POINTS]},
        },
    )


def connect(
    workshop: Workshop, net: Network, other: Path, name: str, options: Sequence[str]
) -> Path:
    """Train a curve from a network to another checkpoint."""
    output = workshop.folder / f"{name}.curve.h5"
    ends = ("--from", str(workshop.checkpoint(net)), "--to", str(other))
    config = str(workshop.folder / f"{net.name}.yaml")
    words = landscape("connect", config, *ends, *options, "--output", str(output))
    workshop.spend("curves", words, output)
    return output


def along(workshop: Workshop, net: Network, curve: Path) -> Path:
    """Compute the loss along a curve that begins at a network."""
    return workshop.compute(
        curve.name.removesuffix(".curve.h5"),
        {
            **net.changes,
            "checkpoint": str(workshop.checkpoint(net)),
            "directions": None,
            "slice": {"kind": "curve", "path": str(curve)},
            "grid": {"x": [0, 1, POINTS]},
        },
    )


CURVES = {"Bézier": ("bezier", "1"), "chain": ("chain", "1")}
"""Shape and number of bends of each curve by its label."""


def curved(shop: Shop, setting: Setting, net: Network, other: Path, label: str, name: str) -> Path:
    """Train a curve from a network to another checkpoint, and compute the loss along it."""
    workshop, (shape, bends) = setting.workshop(shop), CURVES[label]
    epochs = ("--epochs", shop.length(setting.curve_epochs))
    options = (*setting.curve, "--curve", shape, "--bends", bends, *epochs)
    return along(workshop, net, connect(workshop, net, other, name, options))


def aligned(workshop: Workshop, net: Network, other: Network) -> Path:
    """Permute the channels of a network so that they match those of the first one's."""
    folder = workshop.folder / f"like_{net.name}"
    output = folder / workshop.checkpoint(other).name
    if not output.exists():
        config = str(workshop.folder / f"{net.name}.yaml")
        files = ("--reference", str(workshop.checkpoint(net)), str(workshop.checkpoint(other)))
        words = landscape("align", config, *files, "--output", str(folder))
        workshop.spend("alignment", words)
    return output


def profile(path: Path, split: str, quantity: str) -> tuple[Numbers, Numbers]:
    """Read t and a quantity's values along a path; ``error`` is 1 - accuracy, in percent."""
    surface = landscape_cli.read_surface(path)
    t = np.asarray(surface.grid.axes["x"].coordinates, dtype=np.float64)
    if quantity == "error":
        return t, 100 * (1 - surface.values[split, "accuracy"])
    return t, surface.values[split, quantity]


def rise(t: Numbers, values: Numbers) -> float:
    """Return the barrier: the largest excess over the straight line between both ends' values."""
    return float((values - ((1 - t) * values[0] + t * values[-1])).max())


def by_name(pairs: Iterable[Mapping[str, Path]]) -> dict[str, list[Path]]:
    """Put the paths of all pairs together by their names."""
    together: dict[str, list[Path]] = {}
    for each in pairs:
        for name, path in each.items():
            together.setdefault(name, []).append(path)
    return together


def barriers(found: Mapping[Setting, Paths]) -> Heights:
    """Return the barriers of the training loss along all paths, by the networks' setting."""
    return {
        setting: {name: [barrier(path) for path in each] for name, each in paths.items()}
        for setting, paths in found.items()
    }


def excess(high: Sequence[float], low: Sequence[float], fraction: float) -> Mean:
    """Return by how much a fraction of one barrier is above another of the same pair."""
    return Mean.of(fraction * a - b for a, b in zip(high, low, strict=True))


def say(heights: Heights, name: str) -> str:
    """List the barriers along one path in all settings."""
    found = {setting.label: Mean.of(each[name]) for setting, each in heights.items()}
    return "; ".join(f"{mean} ({label})" for label, mean in found.items())


HEAD = ["data, network", "path", "barrier, training loss", "largest training loss"]
HEAD += ["barrier, test error (%)", "largest test error (%)", "test error at the ends (%)"]
HEAD += ["length / distance"]


def rows(label: str, paths: Paths) -> list[list[str]]:
    """Make the table rows of the paths between pairs of networks: means over pairs."""
    found = []
    for name, each in paths.items():
        losses = [profile(path, "train", "loss")[1].max() for path in each]
        errors = [profile(path, "test", "error")[1] for path in each]
        numbers = (
            [barrier(path) for path in each],
            losses,
            [barrier(path, "test", "error") for path in each],
            [one.max() for one in errors],
        )
        ends = ", ".join(Mean.of(one[place] for one in errors).text() for place in (0, -1))
        length = Mean.of(map(lengthening, each)).text(4)
        found.append([label, name, *(Mean.of(values).text() for values in numbers), ends, length])
    return found


def lengthening(path: Path) -> float:
    """Return a path's length divided by the distance between its ends."""
    numbers = landscape_cli.describe(landscape_cli.read_surface(path), ["train"])["numbers"][0]
    curve = numbers["curve"]
    return 1.0 if curve is None else float(curve["length"] / curve["straight"])


def barrier(path: Path, split: str = "train", quantity: str = "loss") -> float:
    """Return the height that `landscape describe` gives, or that of the error in points of %."""
    if quantity == "error":
        return rise(*profile(path, split, quantity))
    numbers = landscape_cli.describe(landscape_cli.read_surface(path), [split], [quantity])
    return float(numbers["numbers"][0]["barrier"]["x"]["height"])

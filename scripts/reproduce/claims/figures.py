"""Figures of the studies: paths side by side, and values against the width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from claims.paths import Paths, profile
from landscape_cli.plotting.style import SERIES, style

QUANTITIES = {("train", "loss"): "training loss", ("test", "error"): "test error (%)"}
DPI = 150


def draw_paths(output: Path, panels: Mapping[str, Paths]) -> None:
    """Draw the training loss and, below, the test error along the paths of all pairs.

    Args:
        output: the picture to write.
        panels: by the title of a column, the surfaces of each path by its label.
    """
    with style():
        figure = Figure(figsize=(3.5 * len(panels), 5), layout="constrained")
        grid = figure.subplots(2, len(panels), squeeze=False, sharex=True)
        for column, (title, paths) in enumerate(panels.items()):
            grid[0, column].set_title(title)
            grid[1, column].set_xlabel("t")
            for axes, (split, quantity) in zip(grid[:, column], QUANTITIES, strict=True):
                _draw_profiles(axes, paths, split, quantity)
        for row, label in enumerate(QUANTITIES.values()):
            grid[row, 0].set_ylabel(label)
        _legend(figure, grid[0, 0])
        _save(figure, output)


def _draw_profiles(axes: Axes, paths: Paths, split: str, quantity: str) -> None:
    """Draw a line through the medians of each path, and thin ones for its pairs."""
    for (label, each), (color, dash) in zip(paths.items(), SERIES, strict=False):
        profiles = [profile(path, split, quantity) for path in each]
        t, values = profiles[0][0], np.array([values for _, values in profiles])
        axes.plot(t, np.median(values, axis=0), color=color, linestyle=dash, label=label)
        axes.plot(t, values.T, color=color, linewidth=0.6, alpha=0.4)
    axes.set_yscale("log")
    if quantity == "error":
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(visible=True)


def _legend(figure: Figure, axes: Axes) -> None:
    """Name the lines of all axes above them."""
    lines, labels = axes.get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside upper center", ncols=len(labels))


Series = Mapping[str, Mapping[int, Sequence[float]]]
"""By label, several values at each width."""


def draw_against_width(output: Path, panels: Mapping[str, Series], label: str) -> None:
    """Draw each value as a dot, and a line through the medians, on logarithmic axes."""
    with style():
        figure = Figure(figsize=(3.5 * len(panels), 3), layout="constrained")
        grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
        for axes, (title, series) in zip(grid, panels.items(), strict=True):
            axes.set_title(title)
            axes.set_xlabel("width")
            for (name, values), (color, dash) in zip(series.items(), SERIES, strict=False):
                _draw_values(axes, values, name, color, dash)
        grid[0].set_ylabel(label)
        _legend(figure, grid[0])
        _save(figure, output)


def _draw_values(
    axes: Axes, values: Mapping[int, Sequence[float]], name: str, color: str, dash: str
) -> None:
    medians = [float(np.median(each)) for each in values.values()]
    axes.plot(list(values), medians, color=color, linestyle=dash, label=name)
    for width, each in values.items():
        axes.plot([width] * len(each), each, ".", color=color, markersize=4, alpha=0.5)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_yscale("log")
    axes.grid(visible=True)


def draw_methods(
    output: Path,
    panels: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]],
    quantities: Mapping[str, str],
) -> None:
    """Draw the value of each seed as a dot, and the means with standard errors, by method.

    Args:
        output: the picture to write.
        panels: by the title of a row and by method, the values of each quantity.
        quantities: the label of each column by its quantity.
    """
    with style():
        size = (3.7 * len(quantities), 2.4 * len(panels))
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(len(panels), len(quantities), squeeze=False, sharey=True)
        for row, (title, methods) in zip(grid, panels.items(), strict=True):
            row[0].set_title(title, loc="left")
            for axes, (quantity, label) in zip(row, quantities.items(), strict=True):
                _draw_dots(axes, {name: each[quantity] for name, each in methods.items()})
                axes.set_xlabel(label)
        _save(figure, output)


def _draw_dots(axes: Axes, methods: Mapping[str, Sequence[float]]) -> None:
    color = SERIES[0][0]
    for place, values in enumerate(methods.values()):
        axes.plot(values, [place] * len(values), ".", color=color, markersize=4, alpha=0.5)
        error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
        axes.errorbar(np.mean(values), place, xerr=error, fmt="|", color=color, capsize=3)
    axes.set_yticks(range(len(methods)), list(methods))
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.grid(visible=True, axis="x")


def draw_rays(output: Path, rays: Mapping[str, Path], scale: Sequence[float]) -> None:
    """Draw the training loss at s times the parameters against s."""
    with style():
        figure = Figure(figsize=(7, 3), layout="constrained")
        axes = figure.subplots()
        for (label, path), (color, dash) in zip(rays.items(), SERIES, strict=False):
            _, values = profile(path, "train", "loss")
            axes.plot(scale, values, color=color, linestyle=dash, label=label)
        axes.set(xlabel="s", ylabel="training loss at s times the parameters", yscale="log")
        axes.grid(visible=True)
        figure.legend(loc="outside right upper")
        _save(figure, output)


def _save(figure: Figure, output: Path) -> None:
    figure.savefig(output, dpi=DPI, metadata={"Software": None})
    print(f"wrote {output.resolve()}")

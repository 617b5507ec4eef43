"""Pictures of exact distributions, and of spreads and losses against the learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from landscape_cli.plotting.style import SERIES, style
from low_precision.chains import ENDS, Floats, objective

DPI = 120

ROW_COLORS = {"bc": "#009e73", "sr": "#d55e00"}


def draw_distributions(
    output: Path,
    points: Floats,
    found: Mapping[str, Mapping[float, Floats]],
    names: Mapping[str, str],
) -> None:
    """Draw the objective and the long-run distributions of the rules at each learning rate.

    Args:
        output: the picture to write.
        points: of the grid.
        found: by rule and by rate, the probability of each point.
        names: of the rules.
    """
    rates = list(next(iter(found.values())))
    with style():
        figure = Figure(figsize=(9.6, 3.8), layout="constrained")
        grid = figure.subplots(len(found), len(rates), sharex=True, sharey=True)
        dense = np.linspace(*ENDS, 400)
        for row, (rule, by_rate) in zip(grid, found.items(), strict=True):
            for axes, (rate, weights) in zip(row, by_rate.items(), strict=True):
                axes.bar(points, weights, 0.8 * (points[1] - points[0]), color=ROW_COLORS[rule])
                other = axes.twinx()
                other.plot(dense, objective(dense), color="0.5", linewidth=0.9)
                other.set(ylim=(0, 12), yticks=[])
                if rule == next(iter(found)):
                    axes.set_title(f"learning rate {rate:g}")
            row[0].set_ylabel(f"{names[rule]}\nprobability")
        for axes in grid[-1]:
            axes.set_xlabel("w")
        _save(figure, output)


Lines = Mapping[str, Sequence[Sequence[float]]]
"""By label, the values of all networks at each learning rate."""


def draw_against_rate(
    output: Path, rates: Sequence[float], rows: Mapping[str, Mapping[str, Lines]]
) -> None:
    """Draw means with standard errors against the learning rate, both logarithmic.

    Args:
        output: the picture to write.
        rates: the learning rates.
        rows: by label of the vertical axis and by title of the column.
    """
    with style():
        figure = Figure(figsize=(6.8, 2.5 * len(rows) + 0.3), layout="constrained")
        columns = list(next(iter(rows.values())))
        grid = figure.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey="row")
        for row, (label, panels) in zip(grid, rows.items(), strict=True):
            row[0].set_ylabel(label)
            for axes, lines in zip(row, panels.values(), strict=True):
                _draw_lines(axes, rates, lines)
        for column, title in enumerate(columns):
            grid[0, column].set_title(title)
            grid[-1, column].set_xlabel("learning rate")
        lines_of, names = grid[0, 0].get_legend_handles_labels()
        figure.legend(lines_of, names, loc="outside upper center", ncols=len(names))
        _save(figure, output)


def _draw_lines(axes: Axes, rates: Sequence[float], lines: Lines) -> None:
    for (name, values), (color, dash) in zip(lines.items(), SERIES, strict=False):
        means = [float(np.mean(each)) for each in values]
        errors = [float(np.std(each, ddof=1)) / len(each) ** 0.5 for each in values]
        axes.errorbar(rates, means, errors, color=color, linestyle=dash, marker=".", label=name)
    _logarithmic(axes, rates)


def _logarithmic(axes: Axes, rates: Sequence[float]) -> None:
    axes.set(xscale="log", yscale="log")
    axes.xaxis.set_major_locator(FixedLocator(list(rates)[::2]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, axis="y")


def _save(figure: Figure, output: Path) -> None:
    figure.savefig(output, dpi=DPI, metadata={"Software": None})
    click.echo(f"wrote {output.resolve()}")

"""Pictures of pruned and thin networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from landscape_cli.plotting.style import SERIES, style

Series = Mapping[str, Mapping[int, Sequence[float]]]
"""By label, a value for each seed at each number of parameters."""

SHIFT = 0.06
"""Distance, in powers of 2, between the dots of two series at the same number of parameters."""


def draw_against_size(
    output: Path, panels: Mapping[str, Series], reference: Mapping[str, float], of: str
) -> None:
    """Draw each seed as a dot, and means with standard errors, on logarithmic axes.

    Args:
        output: the picture to write.
        panels: by the label of a vertical axis.
        reference: by the same labels, a value to draw as a line across; 0 is left out.
        of: what the reference is called.
    """
    with style():
        figure = Figure(figsize=(3.7 * len(panels), 3.6), layout="constrained")
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (label, series) in zip(grid, panels.items(), strict=True):
            _draw_series(axes, series)
            if reference[label] > 0:
                axes.axhline(reference[label], color="0.4", linewidth=1, linestyle=":", label=of)
            axes.set(ylabel=label, xlabel="parameters that are not zero", yscale="log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.grid(visible=True, axis="y")
        lines = {
            label: line
            for axes in grid
            for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        names, handles = list(lines), list(lines.values())
        figure.legend(handles, names, loc="outside upper center", ncols=3)
        figure.savefig(output, dpi=130, metadata={"Software": None})
    click.echo(f"wrote {output.resolve()}")


def _draw_series(axes: Axes, series: Series) -> None:
    sizes: list[int] = []
    middle = (len(series) - 1) / 2
    for place, ((name, values), (color, dash)) in enumerate(
        zip(series.items(), SERIES, strict=False)
    ):
        sizes = list(values)
        shifted = [size * 2 ** ((place - middle) * SHIFT) for size in sizes]
        for where, each in zip(shifted, values.values(), strict=True):
            axes.plot([where] * len(each), each, ".", color=color, markersize=3, alpha=0.4)
        means = [float(np.mean(each)) for each in values.values()]
        errors = [float(np.std(each, ddof=1)) / len(each) ** 0.5 for each in values.values()]
        axes.errorbar(shifted, means, errors, color=color, linestyle=dash, capsize=2, label=name)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")

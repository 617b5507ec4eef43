"""Bars of the largest eigenvalue of each block of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from landscape_cli.plotting.spectra.painter import SpectrumPainter, last_done
from landscape_cli.plotting.style import ink, pt, series
from landscape_cli.plotting.text.labels import plain, shorten
from landscape_cli.records.curvature import Block, Curvature

MAX_NAME = 28
"""Maximum number of characters of a block's name."""


def paint(axes: Any, record: Curvature) -> None:
    """Draw the largest eigenvalue of each block at the last checkpoint, and ticks at the others."""
    place, count = last_done(record), len(record.blocks)
    at = np.arange(count)[::-1]
    first, second = (color for color, _ in series()[:2])
    look = {"height": 0.6, "color": first, "ecolor": ink(0.2), "capsize": pt(1.8)}
    values, errors = (
        [_first(getattr(block, name)[place]) for block in record.blocks]
        for name in ("eigenvalues", "residuals")
    )
    axes.barh(at, values, xerr=errors, label="_bars", **look)
    axes.plot([], [], color=first, linewidth=pt(5), label="largest eigenvalue")
    others = [block.eigenvalues[place][1:] for block in record.blocks]
    if any(len(each) for each in others):
        heights = np.repeat(at, [len(each) for each in others])
        mark = {"linestyle": "none", "marker": "|", "markersize": pt(12), "color": second}
        axes.plot(np.concatenate(others), heights, label="next largest", **mark)
    axes.axvline(0, color=ink(0.3), linewidth=pt(0.6))
    axes.set_yticks(at, [_name(block, place) for block in record.blocks])
    axes.set_ylim(-0.6, count - 0.4)
    axes.set_xlabel("eigenvalue")


def _first(row: Any) -> float:
    return float(row[0]) if len(row) else float("nan")


def _name(block: Block, place: int) -> str:
    name = f"{plain(shorten(block.name, MAX_NAME))}\n{block.parameters:,} parameters"
    if block.trace is None or not np.isfinite(block.trace.mean[place]):
        return name
    return f"{name}\ntrace {block.trace.mean[place]:.3g}"


def lacks(record: Curvature) -> str:
    """Say how to compute blocks."""
    return "" if record.blocks else "has no blocks; compute some with --blocks 'PATTERN,...'"


def describe(record: Curvature) -> str:
    """State the largest eigenvalue of each block, and its trace if there is one."""
    place, parts = last_done(record), []
    for block in record.blocks:
        text = f"{block.name} {_first(block.eigenvalues[place]):.4g}"
        if block.trace is not None:
            mean, error = block.trace.mean[place], block.trace.stderr[place]
            text += f", trace {mean:.4g} ± {error:.2g}"
        parts.append(text)
    where = f" at {record.labels[place]}" if len(record.labels) > 1 else ""
    return (
        f"The largest eigenvalue of each block, with all other parameters fixed{where}: "
        f"{'; '.join(parts)}."
    )


PAINTER = SpectrumPainter(paint, lacks, describe)

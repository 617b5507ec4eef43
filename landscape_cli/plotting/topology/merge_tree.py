"""Merge trees: a line for each minimum, from its value up to the saddle at which it ends.

There it joins the line of the minimum that lives on, which is to its left.
"""

from __future__ import annotations

from typing import Any

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import ink, pt, series
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.topology.criterion import MAX_NUMBERED, noun
from landscape_cli.plotting.topology.painter import MARKERS, TopologyPainter
from landscape_cli.topology.extrema import Extrema


def paint(axes: Any, panel: Panel, found: Extrema, scale: Scale) -> None:
    """Draw the lines of the extrema that count, numbered by persistence."""
    kept = found.order.tolist()
    place = {number: at for at, number in enumerate(_in_order(found, kept))}
    color = series()[0][0]
    for number in kept:
        x, value = place[number], float(found.values[number])
        end = scale.high if found.sign > 0 else scale.low
        if not found.tree.endless[number]:
            end = float(found.ends[number])
            parent = place[int(found.tree.parents[number])]
            axes.plot([parent, x], [end, end], color=color, linewidth=pt(1.1), zorder=2)
        axes.plot([x, x], [value, end], color=color, linewidth=pt(1.6), zorder=2, gid="branch")
    at = [place[number] for number in kept]
    look = {"marker": MARKERS[found.sign], "markersize": pt(6), "linestyle": "none"}
    look |= {"markerfacecolor": ink(1), "markeredgecolor": color, "markeredgewidth": pt(1)}
    axes.plot(at, found.values[kept], zorder=3, clip_on=False, gid="counted", **look)
    if len(kept) <= MAX_NUMBERED:
        _write_numbers(axes, found, kept, at)
    axes.set_xlim(-0.6, len(kept) - 0.4)
    axes.set_xticks([])
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    order = ", numbered by persistence" if 1 < len(kept) <= MAX_NUMBERED else ""
    text = f"{len(kept)} {noun(found, len(kept))}{order}"
    axes.set_xlabel(text, labelpad=pt(11))  # below the number of the lowest
    axes.set_ylabel(labels.plain(labels.quantity([panel])))
    axes.set_yscale("log" if scale.log else "linear")
    axes.set_ylim(scale.low, scale.high)


def describe(minima: bool) -> str:
    """Explain the lines."""
    one, saddle = ("minimum", "up to the saddle") if minima else ("maximum", "down to the saddle")
    return (
        f"Merge tree: a line from each {one} {saddle} at which it ends, where it joins that of the "
        f"{'lower' if minima else 'higher'} {one}; those that never end leave "
        "the picture."
    )


def _in_order(found: Extrema, kept: list[int]) -> list[int]:
    """Return the kept extrema so that no lines cross.

    Right of an extremum are those that join its line, the first to join next to it, each followed
    by those that join its own.
    """
    joining: dict[int, list[int]] = {number: [] for number in kept}
    roots: list[int] = []
    for number in kept:
        parent = int(found.tree.parents[number])
        (roots if found.tree.endless[number] else joining[parent]).append(number)
    ordered: list[int] = []
    waiting = roots[::-1]
    while waiting:
        number = waiting.pop()
        ordered.append(number)
        waiting += sorted(joining[number], key=lambda one: -found.tree.deaths[one])
    return ordered


def _write_numbers(axes: Any, found: Extrema, kept: list[int], at: list[int]) -> None:
    """Write the number of each extremum beyond its mark."""
    for number, (x, index) in enumerate(zip(at, kept, strict=True), start=1):
        axes.annotate(
            str(number),
            xy=(x, found.values[index]),
            xytext=(0, -found.sign * pt(6)),
            textcoords="offset points",
            ha="center",
            va="top" if found.sign > 0 else "bottom",
            fontsize=pt(7),
            gid="number",
        )


PAINTER = TopologyPainter(paint, describe, 0.68)

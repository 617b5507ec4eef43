"""Titles of panels, and labels of their x and y axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from textwrap import TextWrapper
from typing import Any

from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation

from landscape_cli.plotting.annotations.overlay import followed
from landscape_cli.plotting.layout.legend import LEGEND_DROP
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import ink, pt, text_scale, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.description import directions
from landscape_cli.records.presentation import fact

LABEL_LETTERS = 13.5
"""Letters of a label per inch at the base font size."""

SUBTITLE_LETTERS = 11
"""Letters of a subtitle per inch of a panel's width, including its tick labels."""

LABEL_HEIGHT = 11.5
"""Height of a line of an axis label in points."""

FEW_TICKS = 2.3
"""Width in inches, at the base font size, of a panel of a plane that has room for few ticks."""

LINE_HEIGHT = 11
"""Height of a line of small text in points."""

SMALL = 3.3
"""Panel width in inches at the base font size below which a 3-D box's ticks reach far below it."""

NARROW = 3.0
"""Panel width in inches at the base font size below which a 3-D box has few ticks.

Its z axis then has no labels, as the colour bar shows the heights."""

BOX_SHAPE, AROUND_BOX = 0.8, 1.2
"""Height over width of a 3-D box, and height of its titles and legend in inches."""

DROP_PER_DEGREE = 0.6
"""Points by which a 3-D box's ticks move down for each degree of elevation above the default."""

SUBTITLE, CAPTION = "subtitle", "caption"
"""The gids of the small texts above and below an axes."""


def add_labels(axes: Any, panel: Panel, with_split: bool, room: tuple[float, float]) -> None:
    """Write a panel's titles and the labels of its axes.

    Args:
        axes: the axes on which the panel is drawn.
        panel: the panel.
        with_split: whether the subtitle names the split.
        room: width and height in inches that labels can take.
    """
    letters = round(room[0] * SUBTITLE_LETTERS / text_scale())
    second = labels.plain(labels.subtitle(panel, with_split, letters))
    title = _wrapped(labels.plain(labels.title(panel)), room[0])
    axes.set_title(title, pad=6 + pt(LINE_HEIGHT) * len(second.splitlines()))
    annotate(axes, second, (0.5, 1), 5, SUBTITLE)
    meanings = {name: labels.plain(labels.axis(panel, name)) for name in panel.surface.grid.names}
    if axes.name == "3d" or not axes.axison:
        _label_box(axes, panel, [text for text in meanings.values() if len(text) > 1], room)
        return
    axes.set_xlabel(_wrapped(meanings["x"], room[0]))
    _lower_legend(axes, pt(LABEL_HEIGHT) * axes.get_xlabel().count("\n"))
    intervals = 6 if room[0] / text_scale() > FEW_TICKS or panel.dimension == 1 else 4
    axes.xaxis.set_major_locator(ticks(intervals))
    if panel.dimension == 2:
        axes.set_ylabel(_wrapped(meanings["y"], room[1]))
        axes.yaxis.set_major_locator(ticks(6))


def add_shared_labels(
    axes: Any, groups: Sequence[Sequence[Panel]], room: tuple[float, float]
) -> None:
    """Write the title, and label the x axis, of an axes that shows several surfaces.

    What differs between them is left out: the legend names them.

    Args:
        axes: the axes.
        groups: the panels of each surface.
        room: width and height in inches that labels can take.
    """
    panels = [replace(group[0], label=None) for group in groups]
    networks = {fact(panel.surface.provenance, "network", "name") for panel in panels}
    modes = {fact(panel.surface.provenance, "batch_norm") for panel in panels}
    title = str(networks.pop() or "") if len(networks) == 1 else ""
    second = labels.BATCH_NORM.get(str(modes.pop()), "") if len(modes) == 1 else ""
    title = _wrapped(labels.plain(labels.shorten(title)), room[0])
    axes.set_title(title, pad=6 + pt(LINE_HEIGHT) * bool(second))
    if second:
        annotate(axes, second, (0.5, 1), 5, SUBTITLE)
    words = {labels.axis(panel, "x") for panel in panels}
    along = all(followed(panel) is not None for panel in panels)
    what = "length" if panels[0].by_length else "t"
    text = words.pop() if len(words) == 1 else f"x: {what} along each curve" if along else "x"
    axes.set_xlabel(_wrapped(labels.plain(text), room[0]))
    axes.xaxis.set_major_locator(ticks(6))


def _lower_legend(axes: Any, points: float) -> None:
    """Move the legend below a label of several lines."""
    legend = axes.get_legend()
    if legend and points:
        drop = pt(LEGEND_DROP) + points
        below = ScaledTranslation(0, -drop / 72, axes.figure.dpi_scale_trans)
        legend.set_bbox_to_anchor((0.5, 0), axes.transAxes + below)


def _label_box(axes: Any, panel: Panel, meanings: list[str], room: tuple[float, float]) -> None:
    """Label a 3-D box's axes by letters, and write their meanings and the legend below it."""
    axes.set(xlabel="x", ylabel="y")
    width = min(room[0] / text_scale(), (room[1] / text_scale() - AROUND_BOX) / BOX_SHAPE)
    if width < NARROW:
        if axes.name == "3d":
            axes.xaxis.set_major_locator(ticks(2, "upper"))
            axes.yaxis.set_major_locator(ticks(2, "lower"))
            axes.zaxis.set_major_formatter(NullFormatter())
        joint = directions(panel)
        meanings = meanings if len(joint) == len(meanings) else [labels.plain(f"x, y: {joint[0]}")]
    text = "\n".join(_wrapped(meaning, 1.1 * room[0]) for meaning in meanings)
    drop = 10 if width > SMALL else 18 + 4 * (SMALL - width)
    if axes.name == "3d":  # from higher up, the front corner and its ticks are lower
        drop += DROP_PER_DEGREE * max(0.0, axes.elev - Camera().elevation)
    annotate(axes, text, (0.5, 0), -drop, CAPTION)
    if legend := axes.get_legend():
        more = 28 + LINE_HEIGHT * max(0, len(text.splitlines()) - 2)
        below = ScaledTranslation(0, -pt(drop + more) / 72, axes.figure.dpi_scale_trans)
        legend.set_bbox_to_anchor((0.5, 0), axes.transAxes + below)


def _wrapped(text: str, inches: float) -> str:
    """Wrap a text into as few lines as possible, of about equal length."""
    wrapper = TextWrapper(break_on_hyphens=False, break_long_words=False)
    wrapper.width = max(1, round(inches * LABEL_LETTERS / text_scale()))
    lines = wrapper.wrap(text)
    wrapper.width = max(1, len(text) // max(1, len(lines)))
    while len(balanced := wrapper.wrap(text)) > len(lines):
        wrapper.width += 1
    return "\n".join(balanced)


def annotate(axes: Any, text: str, place: tuple[float, float], points: float, gid: str) -> None:
    """Write small text at a distance in points above (below if negative) a place of an axes."""
    axes.annotate(
        text,
        xy=place,
        xycoords="axes fraction",
        xytext=(0, pt(points)),
        textcoords="offset points",
        ha="center",
        va="top" if points < 0 else "baseline",
        fontsize=pt(8),
        color=ink(0.3),
        gid=gid,
    )

"""Titles above an axes, and the labels of its x and y."""

from __future__ import annotations

from textwrap import TextWrapper
from typing import Any

from matplotlib.ticker import NullFormatter
from matplotlib.transforms import ScaledTranslation

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import enlarged, ink, pt, ticks
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.description import directions

LETTERS = 13.5
"""How many letters of a label fit in an inch."""

SMALL_LETTERS = 11
"""How many letters of a subtitle fit in an inch of a panel, the labels beside it included."""

LINE = 11
"""The height of a line of small text in points."""

SMALL = 3.3
"""In a panel narrower than this, in inches at usual text, a box's ticks reach far below it."""

NARROW = 3.0
"""In a panel narrower than this, in inches at usual text, there is no room for many ticks of a box;
its heights are those of the colour bar."""

BOX_SHAPE, AROUND_BOX = 0.8, 1.2
"""A box's height to its width, and the height of titles and legend, in inches at usual text."""

LOWERED = 0.6
"""How far the ticks of a 3-D box sink for each degree that it is seen from higher up, in points."""

SUBTITLE, CAPTION = "subtitle", "caption"
"""The names (gid) of the small texts above and below an axes."""


def caption(axes: Any, panel: Panel, with_split: bool, room: tuple[float, float]) -> None:
    """Write a panel's titles and the labels of its axes.

    Args:
        axes: where the panel is drawn.
        panel: the panel.
        with_split: whether the title must tell the split.
        room: the (width, height) in inches that labels can take.
    """
    second = labels.subtitle(panel, with_split, round(room[0] * SMALL_LETTERS / enlarged()))
    title = _wrapped(labels.title(panel), room[0])
    axes.set_title(title, pad=6 + pt(LINE) * len(second.splitlines()))
    _annotate(axes, second, (0.5, 1), 5, SUBTITLE)
    words = {name: labels.axis(panel, name) for name in panel.surface.grid.names}
    if axes.name == "3d" or not axes.axison:
        _caption_box(axes, panel, [word for word in words.values() if len(word) > 1], room)
        return
    axes.set_xlabel(_wrapped(words["x"], room[0]))
    axes.xaxis.set_major_locator(ticks(6))
    if panel.dimension == 2:
        axes.set_ylabel(_wrapped(words["y"], room[1]))
        axes.yaxis.set_major_locator(ticks(6))


def _caption_box(axes: Any, panel: Panel, words: list[str], room: tuple[float, float]) -> None:
    """Label a box: its axes by letters, with their meanings and the legend below."""
    axes.set(xlabel="x", ylabel="y")
    wide = min(room[0] / enlarged(), (room[1] / enlarged() - AROUND_BOX) / BOX_SHAPE)
    if wide < NARROW:
        if axes.name == "3d":
            axes.xaxis.set_major_locator(ticks(2, "upper"))
            axes.yaxis.set_major_locator(ticks(2, "lower"))
            axes.zaxis.set_major_formatter(NullFormatter())
        together = directions(panel)
        words = words if len(together) == len(words) else [f"x, y: {together[0]}"]
    text = "\n".join(_wrapped(word, 1.1 * room[0]) for word in words)
    drop = 10 if wide > SMALL else 18 + 4 * (SMALL - wide)
    if axes.name == "3d":  # seen from high above, its corner and the ticks there are lower
        drop += LOWERED * max(0.0, axes.elev - Camera().elevation)
    _annotate(axes, text, (0.5, 0), -drop, CAPTION)
    if legend := axes.get_legend():
        more = 28 + LINE * max(0, len(text.splitlines()) - 2)
        below = ScaledTranslation(0, -pt(drop + more) / 72, axes.figure.dpi_scale_trans)
        legend.set_bbox_to_anchor((0.5, 0), axes.transAxes + below)


def _wrapped(text: str, inches: float) -> str:
    """The text in as few lines as fit, of about the same length."""
    wrapper = TextWrapper(break_on_hyphens=False, break_long_words=False)
    wrapper.width = max(1, round(inches * LETTERS / enlarged()))
    lines = wrapper.wrap(text)
    wrapper.width = max(1, len(text) // max(1, len(lines)))
    while len(balanced := wrapper.wrap(text)) > len(lines):
        wrapper.width += 1
    return "\n".join(balanced)


def _annotate(axes: Any, text: str, place: tuple[float, float], points: float, gid: str) -> None:
    """Write small text some points above, or below if negative, a place of an axes."""
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

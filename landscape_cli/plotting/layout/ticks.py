"""The room that an axis takes beside flat axes, and ticks whose labels do not overlap.

Places of labels are computed from the sizes of their texts, as matplotlib computes them when it
draws; its own measurement would update every tick and label each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator
from matplotlib.transforms import Bbox

from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.style import pt

TICK_SPACE = 2.5
"""Least space between the labels of two ticks in points."""

MOST_TICKS = 6
"""Maximum number of intervals between the ticks of an axis."""

STRIDES = (1, 2, 3, 4, 6, 8)
"""Distances of given ticks that are kept, tried in this order."""

ROUNDING = 1e-9
"""Part of an axis by which a tick may be beyond its ends."""


def extent(axis: Any, ruler: Ruler) -> list[Bbox]:
    """Return the boxes of an axis's ticks and texts in inches from its axes' lower left corner."""
    if not axis.get_visible():
        return []
    sides = _labels(axis, ruler)
    marks = _marks(axis)
    boxes = [box for side in sides for box in side] + [marks]
    if axis.label.get_visible() and axis.label.get_text():
        upper = axis.label_position in ("top", "right")
        boxes.append(_name(axis, Bbox.union([*sides[upper], marks]), upper, ruler))
    if axis.offsetText.get_visible() and (text := axis.major.formatter.get_offset()):
        boxes.append(_factor(axis, text, sides[0], ruler))
    return boxes


def thin_ticks(axis: Any, ruler: Ruler) -> bool:
    """Take fewer intervals, or fewer of given ticks, until no labels overlap.

    Returns:
        Whether none overlaps.
    """
    locator = axis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        most = _kept(axis, "most", locator._nbins)  # type: ignore[attr-defined]
        for intervals in range(most if isinstance(most, int) else MOST_TICKS, 0, -1):
            locator.set_params(nbins=intervals)
            if not _overlap(axis, ruler):
                return True
        return False
    if isinstance(locator, FixedLocator):
        places, texts = _kept(axis, "given", _given(axis))
        for stride in STRIDES:
            axis.set_ticks(places[::stride], texts[::stride])
            if not _overlap(axis, ruler):
                return True
        return False
    axis.set_minor_formatter(_kept(axis, "minor", axis.get_minor_formatter()))
    if _overlap(axis, ruler):
        axis.set_minor_formatter(NullFormatter())
    return not _overlap(axis, ruler)


def _kept(axis: Any, name: str, value: Any) -> Any:
    """Return what an axis had when it was first asked for under a name, which is this value."""
    return axis.__dict__.setdefault(f"first_{name}", value)


def _given(axis: Any) -> tuple[list[float], list[str]]:
    """Return the places of ticks within the limits, and their labels."""
    places = np.asarray(axis.get_majorticklocs())
    inside = _inside(_parts(axis, places))
    texts = axis.major.formatter.format_ticks(places)
    return places[inside].tolist(), _selected(texts, inside)


def _overlap(axis: Any, ruler: Ruler) -> bool:
    along = _along(axis)
    boxes = [box for side in _labels(axis, ruler) for box in side]
    ends = sorted((box.intervaly if along else box.intervalx).tolist() for box in boxes)
    space = 0.0 if along else pt(TICK_SPACE) / 72
    return any(second[0] < first[1] + space for first, second in pairwise(ends))


def _labels(axis: Any, ruler: Ruler) -> tuple[list[Bbox], list[Bbox]]:
    """Return the boxes of the labels of ticks at the lower or left, and at the other side."""
    along, size = _along(axis), _size(axis)
    found: tuple[list[Bbox], list[Bbox]] = ([], [])
    for tick, places, texts in _groups(axis):
        room = (tick.get_pad() + tick.get_tick_padding()) / 72
        for side, label in enumerate((tick.label1, tick.label2)):
            if not label.get_visible():
                continue
            anchor = [0.0, 0.0]
            anchor[1 - along] = size[1 - along] + room if side else -room
            for place, text in zip(places, texts, strict=True):
                if text:
                    anchor[along] = place * size[along]
                    found[side].append(ruler.box(text, label).translated(*anchor))
    return found


def _groups(axis: Any) -> Iterator[tuple[Any, Any, list[str]]]:
    """Return a tick that stands for the others, places as parts of the axis, and texts.

    Major ticks are first.
    """
    for ticker, locate, ticks in (
        (axis.major, axis.get_majorticklocs, axis.get_major_ticks),
        (axis.minor, axis.get_minorticklocs, axis.get_minor_ticks),
    ):
        if isinstance(ticker.locator, NullLocator):
            continue
        places = locate()
        texts = ticker.formatter.format_ticks(places)
        if len(places):
            parts = _parts(axis, places)
            inside = _inside(parts)
            yield ticks(1)[0], parts[inside], _selected(texts, inside)


def _selected(texts: list[str], kept: Any) -> list[str]:
    return [text for text, own in zip(texts, kept, strict=True) if own]


def _parts(axis: Any, places: Any) -> Any:
    """Return places on an axis as parts of its length."""
    scaled = axis.get_transform()
    low, high = scaled.transform(np.asarray(axis.get_view_interval(), dtype=float))
    return (scaled.transform(np.asarray(places, dtype=float)) - low) / (high - low)


def _inside(parts: Any) -> Any:
    return (parts >= -ROUNDING) & (parts <= 1 + ROUNDING)


def _marks(axis: Any) -> Bbox:
    """Return the frame of the axes with the marks of ticks that are outside of it."""
    along, (width, height) = _along(axis), _size(axis)
    low = high = 0.0
    for tick, places, _ in _groups(axis):
        if len(places):
            low = max(low, tick.get_tick_padding() * tick.tick1line.get_visible() / 72)
            high = max(high, tick.get_tick_padding() * tick.tick2line.get_visible() / 72)
    if along:
        return Bbox([[-low, 0], [width + high, height]])
    return Bbox([[0, -low], [width, height + high]])


def _name(axis: Any, ticks: Bbox, upper: bool, ruler: Ruler) -> Bbox:
    """Return the box of the label of an axis."""
    along, (width, height) = _along(axis), _size(axis)
    box, pad = ruler.box(axis.label.get_text(), axis.label), axis.labelpad / 72
    if along:
        return box.translated(ticks.x1 + pad if upper else ticks.x0 - pad, height / 2)
    return box.translated(width / 2, ticks.y1 + pad if upper else ticks.y0 - pad)


def _factor(axis: Any, text: str, labels: list[Bbox], ruler: Ruler) -> Bbox:
    """Return the box of the factor or offset of the labels of ticks."""
    along, (width, height) = _along(axis), _size(axis)
    pad = axis.OFFSETTEXTPAD / 72
    up = height + pad if along else min([0.0, *(box.y0 for box in labels)]) - pad
    return ruler.box(text, axis.offsetText).translated(
        axis.offsetText.get_position()[0] * width, up
    )


def _along(axis: Any) -> int:
    """Return the number of the coordinate along an axis."""
    return "xy".index(axis.axis_name)


def _size(axis: Any) -> tuple[float, float]:
    """Return width and height of the axes in inches."""
    (left, bottom), (right, top) = axis.axes.get_position(original=True).get_points().tolist()
    across, up = axis.axes.figure.get_size_inches().tolist()
    return (right - left) * across, (top - bottom) * up

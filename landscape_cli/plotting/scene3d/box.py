"""Axes of a 3-D box whose tick labels and names do not overlap, from wherever it is seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.transforms import Bbox
from mpl_toolkits.mplot3d import Axes3D

from landscape_cli.plotting.style import pt

GAP, CORNER_GAP = 2.0, 8.0
"""Minimum distance in points between labels of one axis, and between those of different axes."""

NAME_PADS = (25, 29, 33, 37, 41, 46, 52)
"""Distances in points of a name from its axis, tried until it is clear of all tick labels."""

MATPLOTLIBS_PAD = 21
"""Distance in points that matplotlib adds to that of a name."""


class BoxAxes(Axes3D):  # type: ignore[misc]
    """Three-dimensional axes that hide the tick labels which would overlap others.

    An axis keeps every n-th of its labels, with the smallest n at which they are apart. Where two
    axes meet, labels of x take precedence over those of y, and these over those of z. There is no
    background, as it would cover labels of the axes beside.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.patch.set_visible(False)

    def draw(self, renderer: Any) -> None:
        """Draw the axes with labels apart."""
        self.separate_labels(renderer)
        super().draw(renderer)

    def get_tightbbox(self, renderer: Any = None, *args: Any, **options: Any) -> Any:
        """Return the box around everything that is drawn, with labels apart."""
        if renderer is None:
            renderer = self.get_figure(root=True)._get_renderer()
        self.separate_labels(renderer)
        return super().get_tightbbox(renderer, *args, **options)

    def separate_labels(self, renderer: Any) -> None:
        """Place labels and names, and hide the labels that would overlap others."""
        if not self.get_visible():
            return
        locator = self.get_axes_locator()
        self.apply_aspect(locator(self, renderer) if locator else None)
        self.M = self.get_proj()
        self.invM = np.linalg.inv(self.M)
        for axis in self._every_axis:
            for tick in axis.get_major_ticks():
                tick.label1.set_visible(True)
            axis.labelpad = pt(NAME_PADS[0]) - MATPLOTLIBS_PAD
            axis.get_tightbbox(renderer)  # places them
        gap, corner_gap = (renderer.points_to_pixels(pt(one)) for one in (GAP, CORNER_GAP))
        taken: list[tuple[Any, Bbox]] = []
        rows = [self._tick_labels(axis) for axis in self._every_axis]
        chosen = separate(rows, [], gap, (corner_gap - gap) / 2, renderer)
        for texts, kept in zip(rows, chosen, strict=True):
            for number, text in enumerate(texts):
                text.set_visible(number in kept)
            taken += [(texts[number], box) for number, box in kept.items()]
        for axis in self._every_axis:
            if axis.label.get_text():
                taken.append((axis.label, self._place_name(axis, taken, renderer)))

    @property
    def _every_axis(self) -> tuple[Any, Any, Any]:
        return self.xaxis, self.yaxis, self.zaxis

    @staticmethod
    def _tick_labels(axis: Any) -> list[Any]:
        """Return the labels of the ticks in view that have a text."""
        low, high = sorted(axis.get_view_interval())
        margin = 1e-9 * (high - low)
        return [
            tick.label1
            for tick in axis.get_major_ticks()
            if low - margin <= tick.get_loc() <= high + margin and tick.label1.get_text()
        ]

    @staticmethod
    def _place_name(axis: Any, taken: list[tuple[Any, Bbox]], renderer: Any) -> Bbox:
        """Move an axis's name away from the box until it is clear of other texts.

        If it never is, as on an axis seen end-on, the tick labels in its way are hidden.
        """
        others = [box for _, box in taken]
        for pad in NAME_PADS:
            axis.labelpad = pt(pad) - MATPLOTLIBS_PAD
            axis.get_tightbbox(renderer)
            box: Bbox = axis.label.get_window_extent(renderer)
            if not _overlaps(box, others):
                return box
        for text, other in taken:
            if box.overlaps(other) and other is not box:
                text.set_visible(False)
        return box


def separate(
    rows: Sequence[Sequence[Any]], others: Sequence[Bbox], gap: float, padding: float, renderer: Any
) -> list[dict[int, Bbox]]:
    """Choose the texts of several rows that are apart from each other; earlier rows come first.

    Args:
        rows: visible texts.
        others: boxes to keep clear.
        gap: pixels between texts of a row.
        padding: pixels added around chosen texts for those of later rows.
        renderer: measures the texts.

    Returns:
        For each row, the padded boxes of the chosen texts by their numbers.
    """
    taken, chosen = list(others), []
    for texts in rows:
        boxes = [text.get_window_extent(renderer).padded(gap / 2) for text in texts]
        kept = [number for number in _apart(boxes) if not _overlaps(boxes[number], taken)]
        chosen.append({number: boxes[number].padded(padding) for number in kept})
        taken += chosen[-1].values()
    return chosen


def _apart(boxes: list[Bbox]) -> list[int]:
    """Return the numbers of every n-th box, with the smallest n at which none overlap.

    Boxes of a single place, of an axis seen end-on, are all left out.
    """
    for step in range(1, len(boxes) + 1):
        choices = [range(start, len(boxes), step) for start in range(step)]
        chosen = max(choices, key=len)
        if not any(_overlaps(boxes[i], [boxes[j] for j in chosen if j > i]) for i in chosen):
            return list(chosen) if len(chosen) > 1 or len(boxes) == 1 else []
    return []


def _overlaps(box: Bbox, others: list[Bbox]) -> bool:
    return any(box.overlaps(other) for other in others)


class _Projection:
    """A projection that matplotlib accepts without a name."""

    def _as_mpl_axes(self) -> tuple[type[BoxAxes], dict[str, Any]]:
        return BoxAxes, {}


BOX = _Projection()
"""The projection of ``BoxAxes``, for matplotlib's ``add_subplot``."""

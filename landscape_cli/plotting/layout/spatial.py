"""The room that 3-D axes and their texts take."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.transforms import Bbox
from mpl_toolkits.mplot3d import proj3d

SUBTITLE = "subtitle"
"""The gid of the small text below a title."""


def extent(axes: Any, renderer: Any) -> list[Bbox]:
    """Return the boxes in pixels of the frame of 3-D axes and of their texts."""
    axes.apply_aspect()
    axes.M = axes.get_proj()
    axes.invM = np.linalg.inv(axes.M)
    every = axes.xaxis, axes.yaxis, axes.zaxis
    for axis in every:
        if not hasattr(axis, "_update_all_positions"):  # before matplotlib 3.11
            axis.draw(renderer)
    if hasattr(axes, "separate_labels"):
        axes.separate_labels(renderer)
    found = [axis.get_tightbbox(renderer) for axis in every]
    found += [_text_box(axes, text, renderer) for text in texts_of(axes)]
    return [
        box for box in [*found, cube(axes)] if box is not None and np.isfinite(box.bounds).all()
    ]


def texts_of(axes: Any) -> list[Any]:
    """Return the texts in 3-D axes, other than their heading."""
    shown = [text for text in axes.texts if text.get_visible() and text.get_text()]
    return [text for text in shown if text.get_gid() != SUBTITLE]


def _text_box(axes: Any, text: Any, renderer: Any) -> Bbox:
    """Return the extent of a text of 3-D axes, of which matplotlib disregards the projection."""
    box: Bbox = text.get_window_extent(renderer)
    if not hasattr(text, "get_position_3d"):
        return box
    place = proj3d.proj_transform(*text.get_position_3d(), axes.get_proj())[:2]
    shift = axes.transData.transform(place) - axes.transData.transform(text.get_position())
    return box.translated(*shift)


def cube(axes: Any) -> Bbox:
    """Return the extent of a 3-D box on the screen in pixels."""
    ends = np.array([axes.get_xlim3d(), axes.get_ylim3d(), axes.get_zlim3d()])
    corners = np.array(np.meshgrid(*ends)).reshape(3, -1)
    x, y, _ = proj3d.proj_transform(*corners, axes.get_proj())
    places = axes.transData.transform(np.column_stack([x, y]))
    return Bbox([places.min(axis=0), places.max(axis=0)])


def likeness(axes: Any) -> tuple[Any, ...] | None:
    """Return what the room of 3-D axes of equal sizes depends on; None if it has own texts."""
    if texts_of(axes):
        return None
    names = [axes.get_xlabel(), axes.get_ylabel(), axes.get_zlabel()]
    ticks: list[Any] = []
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        places = axis.get_majorticklocs()
        ticks += [*places, *axis.get_major_formatter().format_ticks(places)]
    return type(axes), axes.get_proj().tobytes(), *names, *ticks

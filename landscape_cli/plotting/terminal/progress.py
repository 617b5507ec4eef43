"""Progress of a surface in characters: a map of its points, and the rate of each rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.config.durations import format_duration
from landscape_cli.plotting.panel import aspect_of
from landscape_cli.plotting.terminal.colors import Cells, Depth, colored
from landscape_cli.plotting.terminal.frame import (
    BELOW,
    MARGIN,
    add_axes,
    fit_size,
    format_number,
    printable,
    truncate,
)
from landscape_cli.plotting.terminal.throughput import Rate
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

Floats = NDArray[np.float64]

LETTERS = ".:-=+*#"
"""Plain characters from nothing computed to everything."""

TODO, DONE = np.array([0.27, 0.27, 0.3]), np.array([0.0, 0.62, 0.45])
OTHERS = np.array([0.12, 0.12, 0.13])
"""Colours of points to do, of computed ones, and of points of other shards."""

SPECIAL = {
    Status.INTERPOLATED: ("~", np.array([0.34, 0.71, 0.91]), "interpolated"),
    Status.NOT_FINITE: ("x", np.array([0.90, 0.10, 0.29]), "not finite"),
    Status.FAILED: ("!", np.array([0.94, 0.89, 0.26]), "failed"),
}
"""Character, colour and name of points with a special status; in a pixel, the last one wins."""

BAR_COLUMNS = 20
"""Columns of the bar of the fastest rank."""

HEAD = 5
"""Lines around the map and the ranks."""

MIN_MAP_ROWS = 7
"""Minimum number of rows of the map."""


def watched(
    surface: Surface,
    name: str,
    rates: Sequence[Rate],
    state: str,
    size: tuple[int, int],
    depth: Depth,
) -> list[str]:
    """Draw the progress of a surface that is being computed.

    Args:
        surface: its current state.
        name: name of its file.
        rates: rates of its ranks.
        state: a line about the run that writes it.
        size: columns and rows of the terminal.
        depth: colour depth.

    Returns:
        The lines, none wider than the terminal.
    """
    width, height = size
    ranks = rank_lines(rates, surface.provenance, max(3, height // 3), width, depth)
    rows = max(MIN_MAP_ROWS, height - HEAD - len(ranks))
    drawn, legend = progress_map(surface, width, rows, depth)
    lines = [truncate(text, width) for text in (printable(name), headline(surface, rates))]
    lines += [*drawn, "   ".join(legend), *ranks]
    if level := _level(surface):
        lines.append(truncate(level, width))
    return [*lines, truncate(state, width)]


def headline(surface: Surface, rates: Sequence[Rate]) -> str:
    """Return the number of points done, the rate, and the remaining time."""
    own = _own(surface)
    total = int(own.sum())
    done = int(np.count_nonzero(surface.status[own] != Status.TODO))
    text = f"{done} of {total} points ({100 * done // total} %)"
    rate = sum(each.rate for each in rates)
    if done == total:
        return f"{text}, complete"
    if rate > 0:
        text += f", {rate:.3g} point/s, {format_duration((total - done) / rate)} left"
    return text


def progress_map(
    surface: Surface, width: int, height: int, depth: Depth
) -> tuple[list[str], list[str]]:
    """Draw a map of the computed points, averaged over repeats and along z.

    Args:
        surface: any surface.
        width: available columns, including labels.
        height: available rows, including the x axis.
        depth: colour depth.

    Returns:
        The lines, and the entries of the legend.
    """
    axes = surface.grid.axes
    is_plane = len(axes) > 1
    room = (max(1, height - BELOW), width - MARGIN - MARGIN // 2)
    rows, columns = fit_size(aspect_of(surface.grid) if is_plane else 1.0, room[1], room[0])
    if not is_plane:
        rows, columns = 1, room[1]
    columns = _per_point(columns, axes["x"].points)
    pixels = rows if depth is Depth.PLAIN else 2 * rows
    if is_plane:
        pixels = min(_per_point(pixels, axes["y"].points), pixels)
        pixels += pixels % 2 if depth is not Depth.PLAIN else 0
    fractions = _fractions(surface, (pixels, columns))
    picture = (_letters if depth is Depth.PLAIN else _blocks)(fractions)
    ticks = [(0, format_number(axes["x"].low)), (columns - 1, format_number(axes["x"].high))]
    row_labels = []
    if is_plane:
        low, high = format_number(axes["y"].low), format_number(axes["y"].high)
        row_labels = [(0, high), (len(picture.characters) - 1, low)]
    lines = add_axes(picture.lines(depth), columns, row_labels, ticks, depth)
    return lines, _legend(surface, depth)


def rank_lines(
    rates: Sequence[Rate], provenance: Any, most: int, width: int, depth: Depth
) -> list[str]:
    """Return a line for each rank, with its points, its rate, a bar, and its device.

    Args:
        rates: rates of all ranks.
        provenance: the surface's provenance, which records hosts and devices.
        most: maximum number of lines; only the slowest ranks are shown if there are more.
        width: available columns.
        depth: colour depth.
    """
    shown = list(rates)
    if omitted := max(0, len(rates) - most + 1) if len(rates) > most else 0:
        slowest = sorted(rates, key=lambda each: each.rate)[: most - 1]
        shown = sorted(slowest, key=lambda each: each.rank)
    fastest = max((each.rate for each in rates), default=0.0)
    locations = _locations(provenance)
    lines = []
    for each in shown:
        text = f"rank {each.rank:>4} {each.points:>9} points {each.rate:>9.3g} point/s "
        length = round(BAR_COLUMNS * each.rate / fastest) if fastest > 0 else 0
        bar = ("#" if depth is Depth.PLAIN else "▄") * length
        room = max(0, width - len(text))
        bar = (colored(bar[:room], DONE, depth) + " " * (BAR_COLUMNS - length)) if room else ""
        location = locations[each.rank] if each.rank < len(locations) else ""
        end = truncate(f" {location}", max(0, room - BAR_COLUMNS))
        lines.append(truncate(text, width) + bar + end)
    if omitted:
        lines.append(truncate(f"     ... and {omitted} faster ranks", width))
    return [line.rstrip() for line in lines]


def _per_point(pixels: int, points: int) -> int:
    """Round a number of pixels down to a multiple of the points, if there are enough pixels."""
    return max(1, pixels // points) * points if points <= pixels else max(1, pixels)


def _own(surface: Surface) -> NDArray[np.bool_]:
    """Return a mask of the points that belong to the surface's shard, or of all points."""
    shard = Shard.of_file(surface.provenance)
    if shard is None:
        return np.ones(surface.grid.shape, bool)
    return shard.points(surface.grid.shape, surface.grid.repeated)


def _fractions(surface: Surface, pixels: tuple[int, int]) -> dict[Status | None, Floats]:
    """Return the fraction of each pixel's points with each status, the top row first.

    The key None stands for points of other shards.
    """
    own = _own(surface)
    masks: dict[Status | None, NDArray[np.bool_]] = {
        status: own & (surface.status == status) for status in Status
    }
    masks[None] = ~own
    return {key: _pixel_means(mask, pixels)[::-1] for key, mask in masks.items()}


def _pixel_means(mask: NDArray[np.bool_], pixels: tuple[int, int]) -> Floats:
    """Return the means of a mask over the points of each pixel, and over its leading axes."""
    plane = mask.reshape(1, -1) if mask.ndim == 1 else mask.reshape(-1, *mask.shape[-2:]).mean(0)
    means = np.asarray(plane, dtype=np.float64)
    for dimension, count in enumerate(pixels):
        points = means.shape[dimension]
        starts = np.arange(count) * points // count
        if points >= count:
            sizes = np.diff([*starts, points])
            sums = np.add.reduceat(means, starts, axis=dimension)
            means = sums / (sizes[:, None] if dimension == 0 else sizes)
        else:
            means = means.take(starts, axis=dimension)
    return means


def _letters(fractions: dict[Status | None, Floats]) -> Cells:
    done = 1 - fractions[Status.TODO] / np.maximum(1 - fractions[None], 1e-12)
    picture = Cells.blank(*done.shape)
    steps = np.where(done >= 1, len(LETTERS) - 1, np.ceil(done * (len(LETTERS) - 2)).astype(int))
    picture.characters[:] = np.array(list(LETTERS))[steps]
    for status, (letter, _, _) in SPECIAL.items():
        picture.characters[fractions[status] > 0] = letter
    picture.characters[fractions[None] >= 1] = " "
    return picture


def _blocks(fractions: dict[Status | None, Floats]) -> Cells:
    own = np.maximum(1 - fractions[None], 1e-12)
    done, interpolated = fractions[Status.OK] / own, fractions[Status.INTERPOLATED] / own
    rest = np.clip(1 - done - interpolated, 0, 1)
    weights = (fraction[..., None] for fraction in (rest, done, interpolated))
    palette = (TODO, DONE, SPECIAL[Status.INTERPOLATED][1])
    colors = np.asarray(sum(weight * color for weight, color in zip(weights, palette, strict=True)))
    for status in (Status.NOT_FINITE, Status.FAILED):
        colors[fractions[status] > 0] = SPECIAL[status][1]
    colors[fractions[None] >= 1] = OTHERS
    picture = Cells.blank(len(colors) // 2, colors.shape[1])
    picture.characters[:] = "▀"
    picture.front[:], picture.back[:] = colors[::2], colors[1::2]
    return picture


def _legend(surface: Surface, depth: Depth) -> list[str]:
    legend = []
    entries: list[tuple[Status, str, Floats, str]] = [
        (Status.OK, LETTERS[-1], DONE, "computed"),
        (Status.TODO, LETTERS[0], TODO, "to do"),
        *((status, *look) for status, look in SPECIAL.items()),
    ]
    own = _own(surface)
    for status, letter, color, name in entries:
        if count := int(np.count_nonzero(surface.status[own] == status)):
            sample = letter if depth is Depth.PLAIN else "█"
            legend.append(f"{colored(sample, color, depth)} {name} ({count})")
    return legend


def _level(surface: Surface) -> str:
    level = surface.level
    if level is None or surface.complete:
        return ""
    return f"complete down to {' x '.join(str(len(indices)) for indices in level.values())} points"


def _locations(provenance: Any) -> list[str]:
    """Return the host and device of each rank of the last run."""
    runs = provenance.get("runs") or [{}]
    ranks = runs[-1].get("ranks") or []
    return [printable(f"{rank.get('host', '')} ({rank.get('device', '')})") for rank in ranks]

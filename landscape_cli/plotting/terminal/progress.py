"""How far a surface is computed, in characters: a map of its points, and what each rank does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.config.durations import format_duration
from landscape_cli.plotting.panel import aspect_of
from landscape_cli.plotting.terminal.colors import Cells, Depth, colored
from landscape_cli.plotting.terminal.frame import BELOW, MARGIN, cut, fitting, framed, number, plain
from landscape_cli.plotting.terminal.throughput import Rate
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

Floats = NDArray[np.float64]

LETTERS = ".:-=+*#"
"""From nothing done to everything, in plain characters."""

TODO, DONE = np.array([0.27, 0.27, 0.3]), np.array([0.0, 0.62, 0.45])
OTHERS = np.array([0.12, 0.12, 0.13])
"""The colours of points to do, of computed ones, and of those of other shards."""

SPECIAL = {
    Status.INTERPOLATED: ("~", np.array([0.34, 0.71, 0.91]), "interpolated"),
    Status.NOT_FINITE: ("x", np.array([0.90, 0.10, 0.29]), "not finite"),
    Status.FAILED: ("!", np.array([0.94, 0.89, 0.26]), "failed"),
}
"""Character, colour and name of points that are neither to do nor well; the last wins."""

BAR = 20
HEAD = 5
"""Lines around map and ranks."""

LEAST_MAP = 7


def watched(
    surface: Surface,
    name: str,
    rates: Sequence[Rate],
    state: str,
    size: tuple[int, int],
    depth: Depth,
) -> list[str]:
    """All that is shown of a surface that grows.

    Args:
        surface: as it is.
        name: its file's.
        rates: of its ranks.
        state: what is known of the run that writes it.
        size: the terminal's columns and rows.
        depth: how much colour there is.

    Returns:
        The lines, none wider than the terminal.
    """
    width, height = size
    ranks = rank_lines(rates, surface.provenance, max(3, height // 3), width, depth)
    shape, words = progress_map(surface, width, max(LEAST_MAP, height - HEAD - len(ranks)), depth)
    lines = [cut(text, width) for text in (plain(name), headline(surface, rates))]
    lines += [*shape, "   ".join(words), *ranks]
    return [*lines, *([cut(level, width)] if (level := _level(surface)) else []), cut(state, width)]


def headline(surface: Surface, rates: Sequence[Rate]) -> str:
    """How much is done, how fast, and how long the rest takes."""
    own = _own(surface)
    total = int(own.sum())
    done = int(np.count_nonzero(surface.status[own] != Status.TODO))
    text = f"{done} of {total} points ({100 * done // total} %)"
    rate = sum(one.rate for one in rates)
    if done == total:
        return f"{text}, complete"
    if rate > 0:
        text += f", {rate:.3g} point/s, {format_duration((total - done) / rate)} left"
    return text


def progress_map(
    surface: Surface, width: int, height: int, depth: Depth
) -> tuple[list[str], list[str]]:
    """A map of which points are computed; repeats and what lies along z are taken together.

    Args:
        surface: any surface.
        width: the columns there are, labels included.
        height: the rows there are, those of the x axis included.
        depth: how much colour there is.

    Returns:
        The lines, and what their characters and colours mean.
    """
    axes = surface.grid.axes
    plane = len(axes) > 1
    room = (max(1, height - BELOW), width - MARGIN - MARGIN // 2)
    rows, columns = fitting(aspect_of(surface.grid) if plane else 1.0, room[1], room[0])
    rows, columns = rows if plane else 1, _whole(columns if plane else room[1], axes["x"].points)
    pixels = rows if depth is Depth.PLAIN else 2 * rows
    if plane:
        pixels = min(_whole(pixels, axes["y"].points), pixels)
        pixels += pixels % 2 if depth is not Depth.PLAIN else 0
    parts = _parts(surface, (pixels, columns))
    picture = (_letters if depth is Depth.PLAIN else _blocks)(parts)
    ends = [(0, number(axes["x"].low)), (columns - 1, number(axes["x"].high))]
    sides = []
    if plane:
        sides = [(0, number(axes["y"].high)), (len(picture.characters) - 1, number(axes["y"].low))]
    return framed(picture.lines(depth), columns, sides, ends, depth), _legend(surface, depth)


def rank_lines(
    rates: Sequence[Rate], provenance: Any, most: int, width: int, depth: Depth
) -> list[str]:
    """A line for each rank: its points, its rate and a bar of that; the slowest if they are many.

    Args:
        rates: of all ranks.
        provenance: the surface's, which knows hosts and devices.
        most: the most lines.
        width: the columns there are.
        depth: how much colour there is.
    """
    shown = list(rates)
    if more := max(0, len(rates) - most + 1) if len(rates) > most else 0:
        slowest = sorted(rates, key=lambda one: one.rate)[: most - 1]
        shown = sorted(slowest, key=lambda one: one.rank)
    fastest = max((one.rate for one in rates), default=0.0)
    places = _places(provenance)
    lines = []
    for one in shown:
        text = f"rank {one.rank:>4} {one.points:>9} points {one.rate:>9.3g} point/s "
        long = round(BAR * one.rate / fastest) if fastest > 0 else 0
        bar = ("#" if depth is Depth.PLAIN else "▄") * long
        room = max(0, width - len(text))
        bar = (colored(bar[:room], DONE, depth) + " " * (BAR - long)) if room else ""
        place = places[one.rank] if one.rank < len(places) else ""
        lines.append(cut(text, width) + bar + cut(f" {place}", max(0, room - BAR)))
    if more:
        lines.append(cut(f"     ... and {more} ranks that are faster", width))
    return [line.rstrip() for line in lines]


def _whole(pixels: int, points: int) -> int:
    """About so many pixels, the same number for each point if there is one for each."""
    return max(1, pixels // points) * points if points <= pixels else max(1, pixels)


def _own(surface: Surface) -> NDArray[np.bool_]:
    part = Shard.of_file(surface.provenance)
    if part is None:
        return np.ones(surface.grid.shape, bool)
    return part.points(surface.grid.shape, surface.grid.repeated)


def _parts(surface: Surface, pixels: tuple[int, int]) -> dict[Status | None, Floats]:
    """The part of each pixel's points with each status, the top row first; None: others' points."""
    own = _own(surface)
    masks: dict[Status | None, NDArray[np.bool_]] = {
        status: own & (surface.status == status) for status in Status
    }
    masks[None] = ~own
    return {key: _shrunk(mask, pixels)[::-1] for key, mask in masks.items()}


def _shrunk(mask: NDArray[np.bool_], pixels: tuple[int, int]) -> Floats:
    """The means of a mask over the points of each pixel, whatever their other coordinates are."""
    whole = mask.reshape(1, -1) if mask.ndim == 1 else mask.reshape(-1, *mask.shape[-2:]).mean(0)
    found = np.asarray(whole, dtype=np.float64)
    for dimension, count in enumerate(pixels):
        points = found.shape[dimension]
        starts = np.arange(count) * points // count
        if points >= count:
            sizes = np.diff([*starts, points])
            sums = np.add.reduceat(found, starts, axis=dimension)
            found = sums / (sizes[:, None] if dimension == 0 else sizes)
        else:
            found = found.take(starts, axis=dimension)
    return found


def _letters(parts: dict[Status | None, Floats]) -> Cells:
    done = 1 - parts[Status.TODO] / np.maximum(1 - parts[None], 1e-12)
    picture = Cells.blank(*done.shape)
    steps = np.where(done >= 1, len(LETTERS) - 1, np.ceil(done * (len(LETTERS) - 2)).astype(int))
    picture.characters[:] = np.array(list(LETTERS))[steps]
    for status, (letter, _, _) in SPECIAL.items():
        picture.characters[parts[status] > 0] = letter
    picture.characters[parts[None] >= 1] = " "
    return picture


def _blocks(parts: dict[Status | None, Floats]) -> Cells:
    own = np.maximum(1 - parts[None], 1e-12)
    well, blue = parts[Status.OK] / own, parts[Status.INTERPOLATED] / own
    rest = np.clip(1 - well - blue, 0, 1)
    mixed = (one[..., None] for one in (rest, well, blue))
    colors = sum(
        part * color
        for part, color in zip(mixed, (TODO, DONE, SPECIAL[Status.INTERPOLATED][1]), strict=True)
    )
    colors = np.asarray(colors)
    for status in (Status.NOT_FINITE, Status.FAILED):
        colors[parts[status] > 0] = SPECIAL[status][1]
    colors[parts[None] >= 1] = OTHERS
    picture = Cells.blank(len(colors) // 2, colors.shape[1])
    picture.characters[:] = "▀"
    picture.front[:], picture.back[:] = colors[::2], colors[1::2]
    return picture


def _legend(surface: Surface, depth: Depth) -> list[str]:
    words = []
    entries: list[tuple[Status, str, Floats, str]] = [
        (Status.OK, LETTERS[-1], DONE, "computed"),
        (Status.TODO, LETTERS[0], TODO, "to do"),
        *((status, *look) for status, look in SPECIAL.items()),
    ]
    own = _own(surface)
    for status, letter, color, name in entries:
        if count := int(np.count_nonzero(surface.status[own] == status)):
            sample = letter if depth is Depth.PLAIN else "█"
            words.append(f"{colored(sample, color, depth)} {name} ({count})")
    return words


def _level(surface: Surface) -> str:
    level = surface.level
    if level is None or surface.complete:
        return ""
    return f"complete down to {' x '.join(str(len(one)) for one in level.values())} points"


def _places(provenance: Any) -> list[str]:
    """The host and device of each rank of the last run."""
    runs = provenance.get("runs") or [{}]
    found = runs[-1].get("ranks") or []
    return [plain(f"{one.get('host', '')} ({one.get('device', '')})") for one in found]

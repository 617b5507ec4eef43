"""Diffusion maps in characters: a coloured mark for each checkpoint."""

from __future__ import annotations

from pathlib import PurePath
from textwrap import wrap

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.plotting.diffusion.points import training_color
from landscape_cli.plotting.style import colormap
from landscape_cli.plotting.terminal.colors import Cells, Depth, colored
from landscape_cli.plotting.terminal.frame import (
    BELOW,
    MARGIN,
    add_axes,
    fit_height,
    fit_size,
    format_number,
    printable,
    truncate,
    wrap_legend,
)
from landscape_cli.plotting.terminal.plane import GREY, RAMP
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.dynamics.null_comparison import sentences
from landscape_cli.records.presentation import fact

Floats = NDArray[np.float64]

ASPECT = 0.7
"""Height of the picture over its width."""

LEAST_ROWS = 6
"""Minimum number of rows of the picture with its x axis."""

FIRST, LAST = {False: ("■", "★"), True: ("s", "L")}, {False: "●", True: "."}
"""Marks of the ends, and of a checkpoint whose value is unknown; by whether they are plain."""

BAR = 16
"""Columns of the colour bar."""


def map_lines(
    record: Diffusion, source: str, colors: Coloring, width: int, height: int, depth: Depth
) -> list[str]:
    """Draw the first two coordinates of the checkpoints.

    Args:
        record: the map.
        source: its file.
        colors: the checkpoints' colours; without colours, characters from low to high values.
        width: columns of the terminal.
        height: rows of the terminal; more are used if the picture would be too small.
        depth: colour depth.

    Returns:
        The lines, none wider than the terminal.

    Raises:
        UsageError: if no checkpoint has finite coordinates.
    """
    return fit_height(
        lambda rows: _lines(record, source, colors, (width, rows), depth), height, LEAST_ROWS
    )


def _lines(
    record: Diffusion, source: str, colors: Coloring, size: tuple[int, int], depth: Depth
) -> list[str]:
    assert record.coordinates is not None
    places, width = record.coordinates[:, :2], size[0]
    rows, columns = fit_size(ASPECT, width - MARGIN - MARGIN // 2, size[1] - BELOW)
    known = np.isfinite(places).all(axis=1)
    if not known.any():
        raise UsageError(
            f"{source}: no checkpoint has finite coordinates; there is nothing to show"
        )
    low, high = places[known].min(axis=0), places[known].max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    cells = np.minimum((places - low) / spread * [columns, rows], [columns - 1, rows - 1])
    picture = Cells.blank(rows, columns)
    plain = depth is Depth.PLAIN
    marks = _marks(record, colors, plain)
    for place in np.flatnonzero(known).tolist():
        column, row = cells[place].astype(int).tolist()
        picture.put(rows - 1 - row, column, *marks[place])
    for number in range(len(record.names)):
        own = np.flatnonzero((record.training == number) & known)
        for place, mark in zip(own[[0, -1]] if len(own) else (), FIRST[plain], strict=False):
            column, row = cells[place].astype(int).tolist()
            picture.put(rows - 1 - row, column, mark, np.full(3, np.nan))
    y_ticks = [(0, format_number(high[1])), (rows - 1, format_number(low[1]))]
    x_ticks = [(0, format_number(low[0])), (columns - 1, format_number(high[0]))]
    name = fact(record.provenance, "network", "name") or PurePath(source).name
    lines = [truncate(printable(f"{name}: diffusion map, ψ1 across, ψ2 up"), width)]
    lines += add_axes(picture.lines(depth), columns, y_ticks, x_ticks, depth)
    lines += _legend(record, colors, width, depth)
    return [*lines, *(line for text in sentences(record) for line in wrap(printable(text), width))]


def _marks(record: Diffusion, colors: Coloring, plain: bool) -> list[tuple[str, Floats]]:
    """Return a character and a colour for each checkpoint."""
    if colors.values is None:
        letters = [RAMP[-1 - number % len(RAMP)] if plain else "●" for number in record.training]
        shades = [np.array(to_rgb(training_color(int(number)))) for number in record.training]
        return list(zip(letters, shades, strict=True))
    known = np.isfinite(colors.values)
    at = np.ma.filled(colors.norm(np.where(known, colors.values, colors.low)), 0.0)
    at = np.clip(np.nan_to_num(at), 0, 1)
    shades = [
        np.array(colormap()(one)[:3]) if k else GREY for one, k in zip(at, known, strict=True)
    ]
    steps = np.minimum((at * len(RAMP)).astype(int), len(RAMP) - 1)
    letters = [
        RAMP[step] if plain and k else LAST[plain] for step, k in zip(steps, known, strict=True)
    ]
    return list(zip(letters, shades, strict=True))


def _legend(record: Diffusion, colors: Coloring, width: int, depth: Depth) -> list[str]:
    plain = depth is Depth.PLAIN
    first, last = FIRST[plain]
    ends = f"{first} first   {last} last"
    if colors.values is None:
        sample = [RAMP[-1 - k % len(RAMP)] if plain else "●" for k in range(len(record.names))]
        names = [
            colored(mark, np.array(to_rgb(training_color(k))), depth) + " " + printable(name)
            for k, (mark, name) in enumerate(zip(sample, record.names, strict=True))
        ]
        return ["   ".join([*names, ends])] if len(names) < 3 else [*names, ends]
    cells = Cells.blank(1, BAR if not plain else len(RAMP))
    count = cells.characters.shape[1]
    cells.characters[0] = list(RAMP) if plain else ["█"] * BAR
    cells.front[0] = colormap()(np.linspace(0, 1, count))[:, :3]
    low, high = format_number(colors.low), format_number(colors.high)
    bar = f"{low} {cells.lines(depth)[0]} {high}  {printable(colors.label)}"
    return [bar, *wrap_legend([ends], width)]

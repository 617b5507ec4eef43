"""NPZ: NumPy's archive of arrays, under their names in the surface file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.exports import Options, Source
from landscape_cli.exports.arrays import metadata, selected
from landscape_cli.exports.basins import basin_numbers


def write(sources: Sequence[Source], path: Path, options: Options) -> list[str]:
    """Write every array: ``axes/x``, ``values/train/loss``, ``stderr/train/loss``, ``status``, ...

    Arrays have the grid's shape, (ny, nx) for a plane, with a leading dimension for repeats. The
    configuration and the provenance are JSON in ``config`` and ``provenance``. The file can be read
    without pickle.
    """
    surface = selected(sources[0], options)
    arrays: dict[str, Any] = {
        f"axes/{name}": axis.coordinates for name, axis in surface.grid.axes.items()
    }
    for group, members in (("values", surface.values), ("stderr", surface.stderr)):
        arrays |= {f"{group}/{split}/{name}": array for (split, name), array in members.items()}
    arrays |= {f"samples/{split}": numbers for split, numbers in surface.samples.items()}
    if options.basins:
        for split, name in surface.values:
            arrays[f"basins/{split}/{name}"] = basin_numbers(surface, (split, name))
    arrays |= {"status": surface.status, "seconds": surface.seconds, "rank": surface.rank}
    arrays |= {name: np.array(text) for name, text in metadata(surface).items()}
    with open(path, "wb") as file:
        np.savez_compressed(file, **arrays)
    return []

"""Curve files: the points of a curve between two networks, and the state of its training.

/                      attributes format, format_version, complete, shape, points, done, config,
                       provenance
/ends                  a name for each end
/losses, /places       (steps,): mean loss of each step's batch, and t
/point0direction, ...  the points w_k in order, in the layout of a directions file; the first
                       and the last are the ends
/momentum1direction, ...   of each bend, until the training is complete
/best1direction, ...   the bends of the best epoch so far, likewise; the attribute best_loss says
                       how good
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.curves.trained import Curve
from landscape_cli.records.provenance import check_curve_provenance
from landscape_cli.store.atomic_write import Check, publish, unchecked
from landscape_cli.store.directions_file import ENDING, read_direction
from landscape_cli.store.hdf5.description import read_description
from landscape_cli.store.hdf5.reading import check_format, reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import Writer

FORMAT = "loss-landscape-curve"
FORMAT_VERSION = 1
KIND = "curve file"

POINT, MOMENTUM, BEST = "point", "momentum", "best"
"""Beginnings of the names of tensors; the number of the point follows, 0 for the first end."""

Tensors = Mapping[str, NDArray[Any]]
"""Entries by parameter name, in the model's order."""


@dataclass(frozen=True)
class CurvePoints:
    """The tensors of a curve.

    Args:
        points: the points, the ends first and last.
        momenta: the momentum of each bend; empty once the training is complete.
        best: the bends of the best epoch; empty once it is complete, and before the first one is.
    """

    points: Sequence[Tensors]
    momenta: Sequence[Tensors] = ()
    best: Sequence[Tensors] = ()


def write_curve(path: Path, curve: Curve, tensors: CurvePoints, check: Check = unchecked) -> None:
    """Write a curve file, and replace the file in one step.

    Args:
        path: the file.
        curve: what is known of the curve.
        tensors: its points, and momenta.
        check: called before the file is replaced; raises to prevent it.

    Raises:
        StoreError: if the file can't be written.
    """
    publish(path, lambda file: _fill(Writer(file), curve, tensors), check)


def read_curve(path: str | os.PathLike[str]) -> Curve:
    """Read a curve file, without its points.

    Raises:
        StoreError: if the file is missing, damaged or not a curve file, or its ``format_version``
            is newer than this program knows.
    """
    with reading(path, KIND) as file:
        check_format(file, path, FORMAT, FORMAT_VERSION, "one made by `landscape connect`")
        try:
            return _read(file)
        except StoreError as error:
            raise ValueError(str(error)) from None


def read_curve_points(path: str | os.PathLike[str], curve: Curve) -> CurvePoints:
    """Read the points of a curve file, and the momenta if it has some.

    Args:
        path: the file.
        curve: what ``read_curve`` has read from it.

    Raises:
        StoreError: if the file is damaged.
    """
    with reading(path, KIND) as file:
        names = set(file.names())

    def tensors(name: str) -> Tensors:
        return {key or "": array for key, array in read_direction(path, name)}

    def bends(kind: str) -> list[Tensors]:
        found = [f"{kind}{number}" for number in range(1, curve.points - 1)]
        return [tensors(name) for name in found if f"{name}{ENDING}" in names]

    points = [tensors(f"{POINT}{number}") for number in range(curve.points)]
    return CurvePoints(points, bends(MOMENTUM), bends(BEST))


def _fill(file: Writer, curve: Curve, tensors: CurvePoints) -> None:
    file.attributes(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            **{name: getattr(curve, name) for name in ("complete", "shape", "points", "done")},
            **({} if curve.best is None else {"best_loss": curve.best}),
            "config": yaml.safe_dump(dict(curve.config), sort_keys=False),
            "provenance": json.dumps(dict(curve.provenance), default=str),
        }
    )
    file.text("ends", curve.ends)
    file.array("losses", curve.losses)
    file.array("places", curve.places)
    named = {f"{POINT}{number}": one for number, one in enumerate(tensors.points)}
    for kind, bends in ((MOMENTUM, tensors.momenta), (BEST, tensors.best)):
        named |= {f"{kind}{number}": one for number, one in enumerate(bends, start=1)}
    for name, entries in named.items():
        group = f"{name}{ENDING}"
        file.group(group)
        file.attributes({"kind": "curve"}, group)
        for position, (key, array) in enumerate(entries.items()):
            file.array(f"{group}/{position}", array)
            file.attributes({"name": key}, f"{group}/{position}")
    file.seal()


def _read(file: StoredFile) -> Curve:
    config, provenance = read_description(file)
    check_curve_provenance(provenance)
    ends = file.lines("ends")
    if len(ends) != 2:
        raise ValueError(f"there are {len(ends)} names of ends")
    return Curve(
        shape=file.text("", "shape"),
        points=file.integer("", "points"),
        ends=(ends[0], ends[1]),
        losses=file.numbers("losses").astype(np.float64, copy=False),
        places=file.numbers("places").astype(np.float64, copy=False),
        done=file.integer("", "done"),
        complete=bool(np.asarray(file.attribute("", "complete"))),
        best=_best(file),
        config=config,
        provenance=provenance,
    )


def _best(file: StoredFile) -> float | None:
    if not file.has("", "best_loss"):
        return None
    return float(np.asarray(file.attribute("", "best_loss")))

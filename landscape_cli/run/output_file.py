"""Opening a run's file: begun anew, or taken up where it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from landscape_cli.geometry.blocks import Index
from landscape_cli.records.grid import Grid
from landscape_cli.run.resume import Start, refuse_other
from landscape_cli.run.setup.stages import Setup
from landscape_cli.store import (
    Lock,
    Recorder,
    directions_path,
    empty_surface,
    read_surface,
    write_directions,
)
from landscape_cli.util.logs import warn

CHOICES = ("calibration", "compilation", "probe")
"""Facts on how the first run of a file chose its settings and ranges, which later ones keep."""


def open_file(start: Start, setup: Setup, session: dict[str, Any], lock: Lock) -> Recorder:
    """Begin the file, or take up the one that is there; either way it is on disk after this."""
    output, provenance = lock.output, {"checkpoint": start.checkpoint, **setup.facts}
    config = start.config
    if config.part is not None:
        provenance["shard"] = config.part.as_dict()
    if start.fresh:
        config = config.model_copy(update={"splits": list(setup.evaluator.splits)})
        grid = Grid(config.grid, config.repeats)
        surface = empty_surface(grid, config.model_dump(mode="json"), provenance)
    else:
        surface = read_surface(output)
        refuse_other(output, _new_facts(surface.provenance, setup.facts, config.allow_random))
        kept = {key: surface.provenance[key] for key in CHOICES if key in surface.provenance}
        provenance = {**kept, **provenance}
    runs = [*surface.provenance.get("runs", []), session]
    surface = replace(surface, provenance={**provenance, "runs": runs})
    recorder = Recorder(output, surface, warn, lock.check, config.part)
    if start.fresh or not directions_path(output).exists():
        store_directions(setup, output, lock.check)
    recorder.publish()
    return recorder


def _new_facts(
    stored: Mapping[str, Any], facts: Mapping[str, Any], allow_random: bool
) -> list[str]:
    """What decides the values and is not as it was when the file was begun."""
    lines = []
    for key in ("network", "directions", "splits"):
        same = stored.get(key) == facts[key]
        if not same and not (key == "splits" and allow_random):
            lines.append(f"{key}: the problem gives others now than when the file was begun")
    return lines


def store_directions(setup: Setup, output: Path, check: Callable[[], None]) -> None:
    """Write the directions, in a type that HDF5 has."""
    slice_ = setup.evaluator.slice
    shapes = {name: tuple(view.shape) for name, view in slice_.centre.views.items()}

    def pieces(axis: str) -> Iterator[tuple[str, Index, NDArray[Any]]]:
        for name, index, entries in slice_.blocks(axis):
            known = entries.dtype in (torch.float16, torch.float32, torch.float64)
            yield name, index, (entries if known else entries.float()).cpu().numpy()

    axes = {axis: partial(pieces, axis) for axis in slice_.directions}
    write_directions(output, shapes, axes, setup.facts["directions"], check)

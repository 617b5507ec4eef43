"""The files that a report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from landscape_cli.records.presentation import PERCENT, fact
from landscape_cli.records.surface import Surface


@dataclass(frozen=True)
class Source:
    """A file that was read.

    Args:
        kind: a name in ``FILE_KINDS``.
        path: the file; for a surface in memory, a name.
        record: its content.
    """

    kind: str
    path: str
    record: Any

    @property
    def name(self) -> str:
        """The file's name."""
        return Path(self.path).name


@dataclass(frozen=True)
class Material:
    """The content of a report.

    Args:
        sources: the files, the most important one first.
        config: the configuration as it was named; None without one.
        stem: the output or first file without its extension; None for a surface in memory.
        notes: sentences about what is doubtful or left out.
    """

    sources: Sequence[Source]
    config: str | None = None
    stem: str | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    def of(self, kind: str) -> list[Source]:
        """Return the files of a kind."""
        return [source for source in self.sources if source.kind == kind]

    def surfaces(self, dimension: int | None = None) -> list[Source]:
        """Return the surfaces with a number of axes, or all of them."""
        return [
            source
            for source in self.of("surface")
            if dimension in (None, len(source.record.grid.axes))
        ]

    @property
    def network(self) -> str:
        """The network's name, or else that of the first file."""
        for source in self.sources:
            if name := fact(provenance_of(source), "network", "name"):
                return str(name)
        return Path(self.sources[0].name).stem

    def filled(self, command: str) -> str:
        """Return a command for this configuration."""
        return command.format(config=self.config or "CONFIG", stem=self.stem or "surface")


def provenance_of(source: Source) -> dict[str, Any]:
    """Return the provenance of a record; empty for those that have none."""
    return dict(getattr(source.record, "provenance", {}))


def main_quantity(surface: Surface) -> str | None:
    """Return the quantity that a report shows: the loss, or else the first mean that is no share.

    Returns:
        None if there is no such quantity.
    """
    names = list(dict.fromkeys(name for _, name in surface.values))
    if "loss" in names:
        return "loss"
    measured = fact(surface.config, "measures") or {}
    return next((name for name in names if name not in (*PERCENT, *measured)), None)


def splits_of(surface: Surface) -> list[str]:
    """Return the splits that have values, ``train`` first."""
    return sorted(surface.splits, key=lambda split: split != "train")


def at_centre(surface: Surface, split: str, quantity: str) -> tuple[float, float] | None:
    """Return the value at the trained network with its standard error.

    Returns:
        None if the grid has no computed point there.
    """
    place = surface.grid.nearest(surface.origin)
    (nearest,) = surface.grid.coordinates([place])
    if tuple(nearest) != tuple(surface.origin) or not surface.status.ravel()[place]:
        return None
    key = split, quantity
    return float(surface.values[key].ravel()[place]), float(surface.stderr[key].ravel()[place])

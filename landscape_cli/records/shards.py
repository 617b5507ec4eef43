"""Shards: the points of a grid, divided among independent runs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.records.levels import coarse_to_fine


@dataclass(frozen=True)
class Shard:
    """One of several runs that together compute a grid.

    Args:
        index: number of this shard, starting at 1.
        of: number of shards.

    Raises:
        UsageError: if there is no such shard.
    """

    index: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.of:
            raise _no_shard(str(self))

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse ``I/N``, the format of ``str``.

        Raises:
            UsageError: if the text is malformed, or I is not between 1 and N.
        """
        match = re.fullmatch(r"\s*([0-9]{1,9})/([0-9]{1,9})\s*", text)
        if match is None:
            raise _no_shard(text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of_file(cls, provenance: Mapping[str, Any]) -> Shard | None:
        """Return the shard named in a surface's provenance; None for a whole surface."""
        facts = provenance.get("shard")
        return None if facts is None else cls(int(facts["index"]), int(facts["of"]))

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    def as_dict(self) -> dict[str, int]:
        """Return the shard's entry in the provenance."""
        return {"index": self.index, "of": self.of}

    def file(self, output: Path) -> Path:
        """Return the shard's own file: ``<stem>.shard-I-of-N.h5`` beside the whole surface's."""
        return output.with_name(f"{output.stem}.shard-{self.index}-of-{self.of}.h5")

    def points(self, shape: tuple[int, ...], repeated: bool = False) -> NDArray[np.bool_]:
        """Return a mask of the points that this shard computes.

        Each shard takes every ``of``-th point from coarse to fine, so it covers the whole grid, and
        the shards' sizes differ by at most one point.

        Args:
            shape: the grid's shape.
            repeated: whether its first dimension counts repeats.
        """
        mask = np.zeros(shape, dtype=bool)
        order = coarse_to_fine(shape, np.arange(math.prod(shape)), repeated)
        mask.ravel()[order[self.index - 1 :: self.of]] = True
        return mask


def _no_shard(text: str) -> UsageError:
    return UsageError(f"got {text!r}, expected I/N with I from 1 to N, such as 1/4")

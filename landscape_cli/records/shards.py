"""Shards: a grid's points dealt out to runs that know nothing of each other."""

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
    """One of several runs that compute a grid together.

    Args:
        index: which one, from 1 on.
        of: how many there are.

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
        """Read ``I/N``, the form that ``str`` gives.

        Raises:
            UsageError: if the text has another form, or I is not between 1 and N.
        """
        match = re.fullmatch(r"\s*([0-9]{1,9})/([0-9]{1,9})\s*", text)
        if match is None:
            raise _no_shard(text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of_file(cls, provenance: Mapping[str, Any]) -> Shard | None:
        """The shard that a surface's provenance names; None for a whole surface."""
        facts = provenance.get("shard")
        return None if facts is None else cls(int(facts["index"]), int(facts["of"]))

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    def as_dict(self) -> dict[str, int]:
        """What a file says of it."""
        return {"index": self.index, "of": self.of}

    def file(self, output: Path) -> Path:
        """Where it is written: ``<stem>.shard-I-of-N.h5`` beside the whole surface's file."""
        return output.with_name(f"{output.stem}.shard-{self.index}-of-{self.of}.h5")

    def points(self, shape: tuple[int, ...], repeated: bool = False) -> NDArray[np.bool_]:
        """The points it computes, a mask over a grid of this shape.

        Every ``of``-th from coarse to fine: so each shard covers the whole plane, and none has
        more than one point more than another.

        Args:
            shape: the grid's.
            repeated: whether its first dimension counts repeats.
        """
        mask = np.zeros(shape, dtype=bool)
        order = coarse_to_fine(shape, np.arange(math.prod(shape)), repeated)
        mask.ravel()[order[self.index - 1 :: self.of]] = True
        return mask


def _no_shard(text: str) -> UsageError:
    return UsageError(f"got {text!r}, expected I/N with I from 1 to N, such as 1/4")

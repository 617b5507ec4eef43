"""The work of a rank: squared distances between the checkpoints of two blocks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.out_of_memory import out_of_memory
from landscape_cli.geometry.pca.block_distances import block_distances2, fill_row, row_dtype
from landscape_cli.problems.weights import Reader
from landscape_cli.records.tiles import Tile, TileResult
from landscape_cli.run.diffusion.blocks import Blocks, Resident

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PairResult(TileResult):
    """The squared distances of a pair of blocks.

    Args:
        distances2: of shape (b, c).
        stored: the entry ``epoch`` of the checkpoints, by number.
    """

    distances2: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    stored: Mapping[int, object] = field(default_factory=dict)


class PairWorker:
    """Computes pairs of blocks, and keeps as many blocks in memory as there is room for.

    Args:
        reader: reads checkpoints by number.
        blocks: the division of the checkpoints.
        room: number of blocks to keep in memory, at least 2.
        rank: this rank.
    """

    def __init__(self, reader: Reader, blocks: Blocks, room: int, rank: int = 0) -> None:
        self._reader, self._blocks, self._rank = reader, blocks, rank
        self._resident = Resident(room)
        self._held: dict[int, Tensor] = {}
        self._dtype = row_dtype(reader.tensors.values())
        self._width = sum(tensor.numel() for tensor in reader.tensors.values())
        self._notes: list[str] = []
        reader.say = self._notes.append

    def __call__(self, tile: Tile) -> PairResult:
        """Return the distances of a pair of blocks, or the message of what is wrong with one."""
        begin = time.monotonic()
        one, other = tile.indices
        try:
            first, second = self._get((one, other))
            distances2 = block_distances2(first, second)
            self._check(distances2, (one, other))
        except LandscapeError as error:
            return self._result(tile, begin, failures={one: str(error)})
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            return self._result(tile, begin, failures={one: self._too_large((one, other))})
        spans = (self._blocks.spans[number] for number in (one, other))
        stored = {number: self._reader.stored.get(number) for span in spans for number in span}
        return self._result(tile, begin, distances2=distances2, stored=stored)

    def _result(self, tile: Tile, begin: float, **more: object) -> PairResult:
        seconds = np.array([time.monotonic() - begin], np.float32)
        notes, self._notes[:] = tuple(self._notes), []
        return PairResult(tile.indices, {}, {}, seconds, self._rank, notes=notes, **more)  # type: ignore[arg-type]

    def _get(self, pair: tuple[int, int]) -> tuple[Tensor, Tensor]:
        for leaving in self._resident.use(pair):
            self._held.pop(leaving, None)
        for number in pair:
            if number not in self._held:
                self._held[number] = self._read(self._blocks.spans[number])
        return self._held[pair[0]], self._held[pair[1]]

    def _read(self, span: range) -> Tensor:
        rows = torch.empty(len(span), self._width, dtype=self._dtype)
        for row, number in zip(rows, span, strict=True):
            fill_row(row, self._reader(number))
        return rows

    def _too_large(self, pair: tuple[int, int]) -> str:
        """Say what does not fit into memory."""
        checkpoints = sum(len(self._blocks.spans[number]) for number in dict.fromkeys(pair))
        size = checkpoints * self._width * self._dtype.itemsize
        return (
            f"--checkpoints: rank {self._rank} ran out of memory with {checkpoints} checkpoints, "
            f"{size / 2**30:.3g} GiB; use fewer ranks on a host"
        )

    def _check(self, distances2: Floats, pair: tuple[int, int]) -> None:
        """Refuse weights so large that a squared distance is not finite."""
        if np.isfinite(distances2).all():
            return
        row, column = np.argwhere(~np.isfinite(distances2))[0].tolist()
        names = [
            str(self._reader.paths[self._blocks.spans[number][place]])
            for number, place in zip(pair, (row, column), strict=True)
        ]
        raise LandscapeError(
            f"checkpoints: the squared distance of {names[0]} and {names[1]} is beyond the range "
            "of float64; leave out the one whose training has diverged"
        )

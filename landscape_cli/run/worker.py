"""The work of a rank: evaluating tiles, even if points fail or memory runs out."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError, RankError, cause
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.out_of_memory import halve, out_of_memory
from landscape_cli.parallel.activity import Activity
from landscape_cli.parallel.group import LostGroupError
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.tiles import Tile, TileResult

Key = TypeVar("Key")

LONGEST_MESSAGE = 400
"""Largest number of characters stored of a failure's message."""


class Worker:
    """Evaluates tiles.

    If memory runs out, micro-batches are halved and the tile is retried. Values may then differ by
    rounding, so the result gets a note.

    Args:
        evaluator: evaluates tiles.
        place: the rank, host and device, for messages.
        keep_going: mark points that fail and go on, instead of failing.
        repeated: True if the last coordinate is the number of a repeat.
        activity: is told which point is computed.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        place: str,
        keep_going: bool = False,
        repeated: bool = False,
        activity: Activity | None = None,
    ) -> None:
        self._activity = activity or Activity()
        self._evaluator = evaluator
        self._repeated = repeated
        self._place = place
        self._keep_going = keep_going

    def __call__(self, tile: Tile) -> TileResult:
        """Return the values at a tile's points.

        Raises:
            LandscapeError: if the objective's result is invalid.
            RankError: with the point and the traceback of any other failure.
        """
        self._activity.begin(lambda: self._where(tile))
        try:
            return self._values(tile)
        finally:
            self._activity.rest()

    def _values(self, tile: Tile) -> TileResult:
        notes: list[str] = []
        while True:
            try:
                result = self._evaluator.evaluate(tile)
                return replace(result, notes=(*notes, *self._located(result.notes)))
            except Exception as error:
                if isinstance(error, LostGroupError):  # no rank of the group can go on
                    raise
                if not out_of_memory(error):
                    return self._failed(tile, error, notes)
                failure = error.with_traceback(None)
            # Outside the handler, where no traceback keeps the point's tensors alive.
            before = self._evaluator.settings.micro_batch
            if not halve(self._evaluator):
                return self._failed(tile, failure, notes)
            now = self._evaluator.settings.micro_batch
            notes.append(
                f"{self._place} ran out of memory at {self._point()} with micro-batches of "
                f"{before} samples, and continues with {now}"
            )

    def _located(self, notes: tuple[str, ...]) -> list[str]:
        return [f"{self._place}: {note}" for note in notes]

    def _failed(self, tile: Tile, error: Exception, notes: list[str]) -> TileResult:
        """Retry points individually, record the failing one, or abort."""
        if not self._keep_going:
            if isinstance(error, LandscapeError):
                raise error
            raise RankError(
                f"{self._place} failed at {self._point()}:\n"
                + "".join(traceback.format_exception(error))
            ) from None
        if len(tile.indices) > 1:
            pairs = zip(tile.indices, tile.coordinates, strict=True)
            tiles = [Tile((index,), (point,), tile.rule) for index, point in pairs]
            result = joined([self._values(one) for one in tiles])
            return replace(result, notes=(*notes, *result.notes))
        return TileResult(
            tile.indices,
            {},
            {},
            np.zeros(1, np.float32),
            self._evaluator.rank,
            {tile.indices[0]: cause(error)[:LONGEST_MESSAGE]},
            tuple(notes),
        )

    def _where(self, tile: Tile) -> str:
        """Say where this rank is: before the first point is written, only in which tile."""
        if self._evaluator.point in tile.coordinates:
            products = self._evaluator.measures.done
            return f"at {self._point()}" + (f", product {products + 1}" if products else "")
        return f"in the tile from {coordinates_text(tile.coordinates[0], self._repeated)}"

    def _point(self) -> str:
        return coordinates_text(self._evaluator.point, self._repeated)


def joined(results: list[TileResult]) -> TileResult:
    """Join results into one, with NaN for values that a result lacks."""
    lengths = [len(result.indices) for result in results]

    def columns(parts: list[Mapping[Key, NDArray[Any]]], missing: Any) -> dict[Key, NDArray[Any]]:
        return {
            key: np.concatenate(
                [
                    part.get(key, np.full(length, missing))
                    for part, length in zip(parts, lengths, strict=True)
                ]
            )
            for key in dict.fromkeys(key for part in parts for key in part)
        }

    return TileResult(
        tuple(index for result in results for index in result.indices),
        columns([result.values for result in results], np.nan),
        columns([result.stderr for result in results], np.nan),
        np.concatenate([result.seconds for result in results]),
        results[0].rank,
        {index: text for result in results for index, text in result.failures.items()},
        tuple(note for result in results for note in result.notes),
        columns([result.samples for result in results], np.int32(0)),
        columns([result.early for result in results], np.nan),
    )

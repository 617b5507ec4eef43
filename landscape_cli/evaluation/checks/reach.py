"""Points away from the centre where an objective does not fail, to try things at before a run."""

from __future__ import annotations

from collections.abc import Sequence

from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.out_of_memory import out_of_memory
from landscape_cli.records.grid import Grid

HALVINGS = 6
"""Times that the distance to the centre is halved before the centre itself is taken."""


def within_reach(evaluator: Evaluator, point: Sequence[float], axes: int) -> tuple[float, ...]:
    """Return a point, or one nearer to the centre if the objective fails there.

    It may well fail far out; which points of a grid it fails at, the run itself finds out and says.

    Args:
        evaluator: whose data is loaded.
        point: coordinates, of which a repeat's number may be the last.
        axes: the number of coordinates that may change.
    """
    origin = evaluator.slice.origin[:axes]
    rest = tuple(point[axes:])
    for halvings in range(HALVINGS + 1):
        steps = (o + (c - o) / 2**halvings for o, c in zip(origin, point, strict=False))
        nearer = (*steps, *rest)
        if _works(evaluator, nearer):
            return nearer
    return (*origin, *rest)


def trial_points(
    evaluator: Evaluator, grid: Grid, most: int | None = None
) -> list[tuple[float, ...]]:
    """Return the centre and a grid's corners, as far as they are within reach.

    Args:
        evaluator: whose data is loaded.
        grid: the grid.
        most: upper bound on the number of points.
    """
    points = [evaluator.slice.origin, *grid.corners()]
    return all_within_reach(evaluator, points[:most], len(grid.axes))


def all_within_reach(
    evaluator: Evaluator, points: Sequence[Sequence[float]], axes: int
) -> list[tuple[float, ...]]:
    """Return each of several points, or the nearer one in its place, without repetitions."""
    return list(dict.fromkeys(within_reach(evaluator, point, axes) for point in points))


def _works(evaluator: Evaluator, point: Sequence[float]) -> bool:
    """Tell whether a batch of each split has values; lack of memory is another matter."""
    try:
        for split in evaluator.splits.values():
            evaluator.values(point, [next(iter(split))])
    except Exception as error:
        return out_of_memory(error)
    return True

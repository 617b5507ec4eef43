"""The check of the data and the objective at the centre, before a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from landscape_cli.errors import LandscapeError, ProblemError, cause
from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.checks.batch_changes import refuse_changes
from landscape_cli.evaluation.checks.batch_dependence import find_dependence
from landscape_cli.evaluation.checks.determinism import refuse_other_order, refuse_random
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.gradient_mode import remedy_for
from landscape_cli.records.tiles import Tile


def check_centre(
    evaluator: Evaluator, origin: Tile, budget: int | Room, allow_random: bool
) -> dict[str, int]:
    """Load the data while evaluating the centre, and evaluate it again from the source.

    Each split then knows how its values depend on which samples share a batch.

    Args:
        evaluator: whose data is yet to be loaded.
        origin: a tile with the centre as its only point.
        budget: memory for the data of all splits, by place, or in bytes on the device.
        allow_random: accept that the two evaluations differ.

    Returns:
        The number of samples of each split.

    Raises:
        ProblemError: if the objective fails, does not return named values per sample, changes its
            batches, or is random: values or samples differ between the two evaluations.
    """
    samples, room = {}, Room.of(budget)
    if evaluator.recalibration is not None:
        evaluator.recalibration.load(room)
    for name, split in evaluator.splits.items():
        first = _evaluate(evaluator, split, split.load(room), origin)
        again = _evaluate(evaluator, split, split.load_again(), origin)
        if not allow_random:
            refuse_random(first, again)
            refuse_other_order(split)
        first.refuse_no_weight()
        split.dependence = find_dependence(evaluator, split)
        samples[name] = first.samples
    return samples


@torch.no_grad()
def _evaluate(
    evaluator: Evaluator, split: SplitData, batches: Iterable[Any], origin: Tile
) -> Accumulator:
    """Return the sums over a split's batches at the centre, naming a batch that fails."""
    evaluator.write(origin.coordinates[0])
    sums = Accumulator(split.name, 1)
    with evaluator.state.watching():
        for number, batch in enumerate(batches):
            try:
                with refuse_changes(split.name, batch):
                    values = evaluator.objective(evaluator.model, batch)
            except LandscapeError:
                raise
            except Exception as error:
                raise ProblemError(
                    f"objective: it failed on batch {number} of split {split.name!r}: "
                    f"{cause(error)}{remedy_for(error)}"
                ) from error
            sums.add(0, values, batch)
    return sums

"""The check that values do not depend on which points were evaluated before."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.checks.determinism import differences
from landscape_cli.evaluation.evaluator import Evaluator


def check_order(evaluator: Evaluator, other: Sequence[float], allow_random: bool) -> None:
    """Evaluate a batch of each split at the centre, elsewhere, and at the centre again.

    Every rank does so first of all, so that what a network computes in its first forward pass and
    keeps is the same on each.

    Args:
        evaluator: whose data is loaded.
        other: coordinates of another point.
        allow_random: accept that values differ.

    Raises:
        ProblemError: if the network carries something from point to point that is no buffer.
    """
    origin = evaluator.slice.origin
    for split in evaluator.splits.values():
        batches = [next(iter(split))]
        first = evaluator.observed(origin, batches)
        with contextlib.suppress(Exception):  # the run itself says where an objective fails
            evaluator.observed(other, batches)
        again = evaluator.observed(origin, batches)
        if allow_random:
            continue
        for name, before, after in differences(first, again):
            raise ProblemError(
                f"Problem.model: it carries something from one forward pass to the next: {name!r} "
                f"on split {split.name!r} was {before:.9g} at the centre, and {after:.9g} there "
                "after another point; make it a buffer, which is restored, or pass --allow-random"
            )

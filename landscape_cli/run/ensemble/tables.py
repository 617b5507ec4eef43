"""Tables of scores: rows of networks and averages, and paired differences between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from landscape_cli.evaluation.ensembles.scores import QUANTITIES, calibration_error
from landscape_cli.evaluation.ensembles.statistics import SplitScores, differences, mean_of
from landscape_cli.records.ensemble import (
    AVERAGE,
    ENSEMBLE,
    MEAN,
    MEMBER,
    START,
    THERE,
    TOGETHER,
    Difference,
    Scores,
    ScoreTable,
)

NAMES = {
    MEAN: "mean of the members",
    AVERAGE: "averaged weights",
    ENSEMBLE: "averaged predictions",
}
"""Names of rows that are no networks of their own."""

SIGNS = {"loss": 1.0, "accuracy": -1.0, "brier": 1.0}
"""The best member has the smallest value times this."""


@dataclass(frozen=True)
class Row:
    """Scores of samples by one network or average.

    Args:
        name: what the row is called.
        role: as of ``records.ensemble.Scores``.
        scores: of each sample.
    """

    name: str
    role: str
    scores: SplitScores

    def summary(self) -> Scores:
        """Return the means and their standard errors."""
        means, errors = self.scores.means()
        values = dict(zip(QUANTITIES, means.tolist(), strict=True))
        spread = {f"{q}_stderr": e for q, e in zip(QUANTITIES, errors.tolist(), strict=True)}
        return Scores(
            name=self.name,
            role=self.role,
            **values,
            **spread,
            calibration_error=calibration_error(self.scores.bins),
            not_finite=self.scores.not_finite,
            bins=tuple((float(a), float(b), float(c)) for a, b, c in self.scores.bins.T),
        )


def member_table(
    split: str,
    labels: Sequence[str],
    members: Sequence[SplitScores],
    ensemble: SplitScores,
    average: SplitScores | None,
) -> ScoreTable:
    """Return the table of an ensemble of checkpoints on a split.

    Args:
        split: the split.
        labels: of the members.
        members: their scores.
        ensemble: scores of the averaged predictions.
        average: scores of the averaged weights; None without them.
    """
    rows = [Row(label, MEMBER, one) for label, one in zip(labels, members, strict=True)]
    mean = Row(NAMES[MEAN], MEAN, mean_of(members))
    joint = Row(NAMES[ENSEMBLE], ENSEMBLE, ensemble)
    others = [] if average is None else [Row(NAMES[AVERAGE], AVERAGE, average)]
    summaries = [row.summary() for row in rows]
    error = float(np.mean([one.calibration_error for one in summaries]))
    shown = [
        *summaries,
        replace(mean.summary(), calibration_error=error, bins=()),
        *(row.summary() for row in others),
        joint.summary(),
    ]
    pairs = [(joint, mean), *((joint, other) for other in others), *((o, mean) for o in others)]
    found = [one for row, minus in pairs for one in _differences(row, minus)]
    found += _from_best(joint, rows)
    return _table(split, None, shown, found, ensemble)


def place_table(
    split: str, place: float, own: SplitScores, ensemble: SplitScores, first: SplitScores
) -> ScoreTable:
    """Return the table of a place on a curve on a split.

    Args:
        split: the split.
        place: t.
        own: scores of the network there.
        ensemble: scores of its predictions averaged with those of the network at t = 0.
        first: scores of the latter alone.
    """
    rows = Row(THERE, MEMBER, own), Row(TOGETHER, ENSEMBLE, ensemble)
    found = [
        one
        for minus in (rows[0], Row(START, MEMBER, first))
        for one in _differences(rows[1], minus)
    ]
    return _table(split, place, [row.summary() for row in rows], found, ensemble)


def _table(
    split: str,
    place: float | None,
    rows: Sequence[Scores],
    found: Sequence[Difference],
    scores: SplitScores,
) -> ScoreTable:
    predictions = int(scores.counts.sum())
    return ScoreTable(split, place, len(scores.counts), predictions, tuple(rows), tuple(found))


def _differences(row: Row, minus: Row) -> list[Difference]:
    values, errors = differences(row.scores, minus.scores)
    return [
        Difference(row.name, minus.name, quantity, float(value), float(error))
        for quantity, value, error in zip(QUANTITIES, values, errors, strict=True)
    ]


def _from_best(row: Row, members: Sequence[Row]) -> list[Difference]:
    """Return the differences from the best member by each quantity."""
    means = np.array([member.scores.means()[0] for member in members])
    found = []
    for column, quantity in enumerate(QUANTITIES):
        worse = SIGNS[quantity] * means[:, column]
        if np.isfinite(worse).any():
            best = members[int(np.nanargmin(worse))]
            found.append(_differences(row, best)[column])
    return found

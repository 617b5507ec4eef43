"""The record of an ensemble: scores of networks and of averages of them, with provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from landscape_cli.records.presentation import with_error

Key = tuple[str, float | None]
"""A split, and a place on a curve; None for an ensemble of checkpoints."""

MEMBER, MEAN, AVERAGE, ENSEMBLE = "member", "mean", "average", "ensemble"
"""Roles: a network; the mean scores of all networks; their averaged weights; their averaged
predictions."""


START, THERE, TOGETHER = "phi(0)", "phi(t)", "phi(0) and phi(t)"
"""Names of networks on a curve: at its beginning, at a place, and both as an ensemble."""


@dataclass(frozen=True)
class Scores:
    """Scores of a network or of an average, with standard errors over samples.

    Args:
        name: a member's label, or what the row is.
        role: ``member``, ``mean``, ``average`` or ``ensemble``.
        loss: mean of minus the log-probability of the true class, in nats.
        loss_stderr: its standard error; NaN for one sample.
        accuracy: share of predictions whose most probable class is the true one.
        accuracy_stderr: its standard error.
        brier: mean squared distance of the probabilities from the true class's indicator, 0 to 2.
        brier_stderr: its standard error.
        calibration_error: expected calibration error, 0 to 1.
        not_finite: number of predictions that are not numbers.
        bins: by bin of the confidence: number of predictions, summed confidence, number of right
            ones; empty for means.
    """

    name: str
    role: str
    loss: float
    loss_stderr: float
    accuracy: float
    accuracy_stderr: float
    brier: float
    brier_stderr: float
    calibration_error: float
    not_finite: int = 0
    bins: tuple[tuple[float, float, float], ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """The name and the scores with their errors as texts, for a row of a table."""
        return (
            self.name,
            with_error(self.loss, self.loss_stderr),
            f"{with_error(100 * self.accuracy, 100 * self.accuracy_stderr)} %",
            with_error(self.brier, self.brier_stderr),
            f"{self.calibration_error:.3g}",
        )


@dataclass(frozen=True)
class Difference:
    """A difference between the scores of two rows on the same samples.

    Args:
        row: name of a row.
        minus: name of the row that is subtracted.
        quantity: ``loss``, ``accuracy`` or ``brier``.
        value: the difference.
        stderr: its standard error, from the differences for each sample.
    """

    row: str
    minus: str
    quantity: str
    value: float
    stderr: float


@dataclass(frozen=True)
class ScoreTable:
    """Scores on one split.

    Args:
        split: the split.
        place: t on the curve; None without one.
        samples: number of samples.
        predictions: number of predictions that count, one or several for each sample.
        rows: scores.
        differences: paired differences between rows.
    """

    split: str
    place: float | None
    samples: int
    predictions: int
    rows: tuple[Scores, ...]
    differences: tuple[Difference, ...] = ()

    @property
    def key(self) -> Key:
        """Split and place, which set it apart from others."""
        return self.split, self.place

    def row(self, role: str) -> Scores:
        """Return the first row of a role."""
        return next(row for row in self.rows if row.role == role)


@dataclass(frozen=True)
class Ensemble:
    """Scores of an ensemble.

    Args:
        members: labels of the networks; of the ends of a curve.
        bins: number of bins of the calibration error.
        complete: all that was asked for last is there.
        tables: scores by split, and by place on a curve.
        curve: the curve file; None without one.
        config: the configuration.
        provenance: network, data, weights, request and sessions.
    """

    members: tuple[str, ...]
    bins: int
    complete: bool = False
    tables: tuple[ScoreTable, ...] = ()
    curve: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def table(self, key: Key) -> ScoreTable | None:
        """Return the scores on a split, at a place; None if they are not there."""
        return next((one for one in self.tables if one.key == key), None)

    def with_tables(self, tables: tuple[ScoreTable, ...]) -> Ensemble:
        """Return the record with more tables."""
        return replace(self, tables=(*self.tables, *tables))

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have scores, in order."""
        return tuple(dict.fromkeys(table.split for table in self.tables))

    def along(self, split: str) -> list[ScoreTable]:
        """Return the tables of a split in the order of their places."""
        found = [table for table in self.tables if table.split == split]
        return sorted(found, key=lambda table: table.place or 0.0)

"""Learning rates by epoch, from a training log."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.problems.recordings import recorded_rates
from landscape_cli.records.checkpoint_path import CheckpointPath

RATES = ("lr", "learning_rate")
"""Accepted names of the column, or key, with the learning rate; the epoch's name is ``epoch``."""


def read_rates(path: str) -> dict[int, float]:
    """Read the learning rate of each epoch.

    Args:
        path: a CSV file with columns ``epoch`` and ``lr`` or ``learning_rate``, among others, or
            JSON lines with these keys; lines without them are skipped.

    Raises:
        UsageError: if the file can't be read or has no learning rates.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"--log: can't read {path!r}: {reason}") from None
    rows = _json_lines(text, path) if text.lstrip().startswith("{") else _table(text, path)
    rates: dict[int, float] = {}
    for row in rows:
        key = next((name for name in RATES if name in row), None)
        if key is not None and "epoch" in row:
            rates[round(_number(row, "epoch", path))] = _number(row, key, path)
    if not rates:
        raise UsageError(f"--log {path}: no line has an epoch and {' or '.join(RATES)}")
    return rates


def rates_of(epochs: Sequence[int] | None, rates: Mapping[int, float]) -> tuple[float, ...]:
    """Look up the learning rate that led to each checkpoint, NaN where the log has none.

    Raises:
        UsageError: if the checkpoints' epochs are unknown, or the log has none of them.
    """
    if epochs is None:
        raise UsageError(
            "--log: the checkpoints' epochs are not known; store 'epoch' in them, or number the "
            "files, such as epoch_12.pt"
        )
    matching = tuple(rates.get(epoch, math.nan) for epoch in epochs)
    if all(math.isnan(rate) for rate in matching):
        raise UsageError(
            f"--log: has epochs {min(rates)} to {max(rates)}, the checkpoints {min(epochs)} to "
            f"{max(epochs)}; is it the log of another training run?"
        )
    return matching


def of_checkpoints(
    paths: Sequence[CheckpointPath],
    epochs: Sequence[int] | None,
    log: Mapping[int, float] | None,
) -> tuple[float, ...] | None:
    """Return the learning rate that led to each checkpoint, NaN where it is not known.

    Args:
        paths: the checkpoints.
        epochs: theirs, if they are known.
        log: the rates by epoch; None for what was recorded with the checkpoints.

    Returns:
        The rates; None without a log and without a recording that has some.

    Raises:
        UsageError: if the log has none of the epochs, or a recording is damaged.
    """
    return recorded_rates(paths) if log is None else rates_of(epochs, log)


def _table(text: str, path: str) -> Iterable[Mapping[str, Any]]:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = [column.strip() for column in reader.fieldnames or ()]
    if "epoch" not in columns or not set(RATES) & set(columns):
        raise UsageError(
            f"--log {path}: expected the columns epoch and {' or '.join(RATES)}, got "
            f"{', '.join(columns) or 'none'}"[:200]
        )
    reader.fieldnames = columns
    return reader


def _json_lines(text: str, path: str) -> Iterable[Mapping[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise UsageError(f"--log {path}: line {number} is not JSON") from None
        if isinstance(row, dict):
            yield row


def _number(row: Mapping[str, Any], key: str, path: str) -> float:
    try:
        value = float(row[key])
        if math.isfinite(value):
            return value
    except (TypeError, ValueError, OverflowError):
        pass
    raise UsageError(f"--log {path}: {key} is {row[key]!r} in a line, expected a number"[:200])

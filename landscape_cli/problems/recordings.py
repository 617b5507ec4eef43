"""Recordings as sequences of checkpoints: their steps, and what was recorded with these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.problems.checkpoints.formats.recording import RecordingFolder, step_of
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.store.recordings import Facts, Recording


def each_step(given: CheckpointPath, key: str) -> list[CheckpointPath]:
    """Return the steps of a recording that a path stands for; the path itself if it is another.

    Args:
        given: a path, with a step or ``START:STOP:STEP`` as its key, or without one for all.
        key: the key or option that it comes from, for messages.

    Raises:
        UsageError: if there are none.
    """
    if not RecordingFolder.recognizes(given.path):
        return [given]
    steps = list(_facts(given.path, key))
    chosen = _chosen(given, steps, key)
    if not chosen:
        raise UsageError(
            f"{key}: {str(given)!r} is none of the {len(steps):,} steps from {steps[0]} to "
            f"{steps[-1]}; name a step, or a range such as "
            f"{given.path}::{steps[0]}:{steps[-1] + 1}:{_stride(steps)}"
        )
    return [CheckpointPath(given.path, str(step), given.prefix) for step in chosen]


def recorded(paths: Sequence[CheckpointPath]) -> list[Facts | None]:
    """Return what was recorded with checkpoints, None for those that are no steps of a recording.

    Raises:
        UsageError: if a recording is damaged.
    """
    found: list[Facts | None] = []
    for folder, group in groupby(paths, key=lambda path: path.path):
        facts = _facts(folder, "checkpoints") if RecordingFolder.recognizes(folder) else {}
        for path in group:
            step = step_of(path.key)
            found.append(None if step is None else facts.get(step))
    return found


def recorded_rates(paths: Sequence[CheckpointPath]) -> tuple[float, ...] | None:
    """Return the learning rate that led to each checkpoint, NaN where it is not known.

    Returns:
        The rates; None if none is known.
    """
    rates = [None if facts is None else facts.lr for facts in recorded(paths)]
    if all(rate is None for rate in rates):
        return None
    return tuple(math.nan if rate is None else rate for rate in rates)


def _facts(folder: str, key: str) -> dict[int, Facts]:
    try:
        return Recording(folder).facts()
    except StoreError as error:
        raise UsageError(f"{key}: {error}") from None


def _chosen(given: CheckpointPath, steps: list[int], key: str) -> list[int]:
    if given.key is None:
        return steps
    if ":" not in given.key:
        step = step_of(given.key)
        return [one for one in steps if one == step]
    wanted = _range(given, steps[-1] + 1, key)
    return [step for step in steps if step in wanted]


def _range(given: CheckpointPath, end: int, key: str) -> range:
    """Parse a range of steps, which is half-open."""
    parts = (given.key or "").split(":")
    texts = dict(zip(("start", "stop", "step"), [*parts, "", ""], strict=False))
    numbers = {name: step_of(text) for name, text in texts.items() if text}
    if len(parts) > 3 or None in numbers.values() or numbers.get("step") == 0:
        raise UsageError(
            f"{key}: got {str(given)!r}, expected START:STOP:STEP behind the folder, each a number "
            "of training steps from 0 and STEP at least 1, such as 0:2000:10"
        )
    known = {"start": 0, "stop": end, "step": 1} | numbers
    return range(*(int(known[name] or 0) for name in ("start", "stop", "step")))


def _stride(steps: list[int]) -> int:
    return max(1, steps[1] - steps[0]) if len(steps) > 1 else 1

"""Trainings: their names and checkpoints, as given on the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from landscape_cli.errors import UsageError
from landscape_cli.problems.checkpoint_files import expand
from landscape_cli.records.checkpoint_path import CheckpointPath


@dataclass(frozen=True)
class Training:
    """One training.

    Args:
        name: what to call it; empty for the only one.
        paths: its checkpoints, in order.
        log: file with its learning rates by epoch; None without one.
    """

    name: str
    paths: tuple[CheckpointPath, ...]
    log: str | None = None


def trainings_from(
    patterns: Sequence[str], named: Sequence[str], logs: Sequence[str]
) -> list[Training]:
    """Read the options that name trainings.

    Args:
        patterns: of ``--checkpoints``, for one training without a name.
        named: of ``--training``, each NAME=PATTERN.
        logs: of ``--log``: one file for one training, or NAME=FILE for each.

    Raises:
        UsageError: if both kinds or none are given, a name is missing or used twice, a pattern
            matches no checkpoint, or a log belongs to no training.
    """
    if patterns and named:
        raise UsageError(
            "--training: --checkpoints are those of one training; name each of several by "
            "--training NAME=PATTERN instead"
        )
    if patterns:
        if len(logs) > 1:
            raise UsageError(f"--log: given {len(logs)} times for one training; give one")
        return [Training("", tuple(expand(patterns, "--checkpoints")), *logs)]
    if not named:
        raise UsageError("--checkpoints: none given; name a pattern such as 'runs/net_epochs/*.pt'")
    split: dict[str, str] = {}
    for text in named:
        name, pattern = _pair(text, "--training", "NAME=PATTERN")
        if name in split:
            raise UsageError(f"--training: two trainings are called {name!r}; rename one of them")
        split[name] = pattern
    by_name = _logs(logs, split)
    return [
        Training(name, tuple(expand([pattern], "--training")), by_name.get(name))
        for name, pattern in split.items()
    ]


def _logs(logs: Sequence[str], names: dict[str, str]) -> dict[str, str]:
    """Return the log of each training that has one."""
    if len(names) == 1 and len(logs) == 1 and ("=" not in logs[0] or os.path.exists(logs[0])):
        return {next(iter(names)): logs[0]}
    found: dict[str, str] = {}
    for text in logs:
        name, file = _pair(text, "--log", "NAME=FILE")
        if name not in names or name in found:
            why = "twice" if name in found else "not a training"
            raise UsageError(
                f"--log: {name!r} is {why}; the trainings are {', '.join(names)}, give one log each"
            )
        found[name] = file
    return found


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    name, equals, rest = text.partition("=")
    if not (equals and name.strip() and rest):
        raise UsageError(f"{option}: got {text!r}, expected {form}")
    return name.strip(), rest

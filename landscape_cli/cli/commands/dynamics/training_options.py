"""Options that name the checkpoints of trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from landscape_cli.cli.help_sections import Section

F = TypeVar("F", bound=Callable[..., Any])

TRAINING = Section("The trainings")


def training_options(command: F) -> F:
    """Add the options ``--checkpoints``, ``--training`` and ``--log``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    TRAINING.option(
        "--checkpoints",
        "patterns",
        metavar="PATTERN",
        multiple=True,
        help="Checkpoints of a training run: a recording, file or folder, or a quoted pattern, "
        "sorted naturally, epoch9 before epoch10; PATTERN::KEY takes this entry of each, or these "
        "steps of a recording, such as ::0:2000:10. Repeatable.",
    ),
    TRAINING.option(
        "--training",
        "named",
        metavar="NAME=PATTERN",
        multiple=True,
        help="In place of --checkpoints, one of several training runs together: its name, and its "
        "checkpoints. Repeatable.",
    ),
    TRAINING.option(
        "--log",
        "logs",
        metavar="[NAME=]FILE",
        multiple=True,
        help="Learning rates of a training run, in place of recorded ones: a CSV file "
        "with columns epoch and lr (or learning_rate), or JSON lines with these keys. Repeatable, "
        "NAME=FILE for each --training.",
    ),
)

"""Ranks of one job have the same software."""

from __future__ import annotations

import socket

from landscape_cli.errors import UsageError
from landscape_cli.execution.base import Executor
from landscape_cli.provenance import versions

SAME = ("landscape-cli", "python", "torch", "numpy")
"""What decides the numbers."""


def agree_on_versions(executor: Executor) -> None:
    """Refuse ranks with other versions than rank 0; called by every rank.

    Raises:
        UsageError: naming the first such rank, its host, and both versions.
    """
    everywhere = executor.gather((socket.gethostname(), versions()))

    def compare() -> None:
        if found := other_versions(everywhere):
            raise UsageError(found)

    executor.lead(compare)


def other_versions(everywhere: list[tuple[str, dict[str, str]]]) -> str | None:
    """What differs first, and the remedy, or None if all have the same.

    Args:
        everywhere: each rank's host and versions.
    """
    first, wanted = everywhere[0]
    for rank, (host, found) in enumerate(everywhere):
        for name in SAME:
            if found.get(name) != wanted.get(name):
                return (
                    f"rank {rank} on {host} has {name} {found.get(name)}, but rank 0 on {first} "
                    f"has {wanted.get(name)}; start every rank in the same environment"
                )
    return None

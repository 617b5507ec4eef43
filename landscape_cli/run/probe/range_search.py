"""Settling the ranges that a run is to find by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.probe.known_ranges import known_range
from landscape_cli.run.probe.probe import probe
from landscape_cli.run.resume import Start
from landscape_cli.util.logs import tell


def settle(start: Start, executor: Executor, quiet: bool = False) -> tuple[Start, dict[str, Any]]:
    """Find the ranges of a fresh run; called by every rank.

    Directions whose range is known are not evaluated.

    Args:
        start: what rank 0 found.
        executor: the ranks.
        quiet: do not say what was found.

    Returns:
        The start with every range in its configuration, and what a file should say of the probe.

    Raises:
        LandscapeError: for everything that a user can cause.
    """
    config = start.config
    if not config.auto:
        return start, {}
    facts: dict[str, Any] = executor.lead(lambda: _known(config))
    rest = [axis for axis in config.auto if axis not in facts]
    if rest:
        facts |= {found.axis: found.facts() for found in probe(config, executor, rest)}
    ranges = {axis: tuple(one["range"]) for axis, one in facts.items()}
    if executor.rank == 0 and not quiet:
        for axis, (low, high) in ranges.items():
            tell(f"range of {axis}: {low:g} to {high:g}, {facts[axis]['rule']}")
    return replace(start, config=config.with_ranges(ranges)), {"probe": facts}


def _known(config: RunConfig) -> dict[str, Any]:
    """What is found without evaluating anything, by axis."""
    found = {axis: known_range(config.directions[axis], axis) for axis in config.auto}
    return {
        axis: {"range": list(known[:2]), "rule": known[2]}
        for axis, known in found.items()
        if known is not None
    }

"""The search for the ranges that a configuration calls ``auto``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from landscape_cli.config.run_config import RunConfig
from landscape_cli.geometry.directions.base import Range
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.problem import Problem
from landscape_cli.run.probe.known_ranges import known_range
from landscape_cli.run.probe.probe import probe
from landscape_cli.run.resume import Start
from landscape_cli.run.setup.records import Json
from landscape_cli.util.logs import tell


def find_ranges(
    start: Start, executor: Executor, quiet: bool = False, problem: Problem | None = None
) -> tuple[Start, Json]:
    """Find the ``auto`` ranges of a fresh run; called by every rank.

    Axes with a known range are not probed.

    Args:
        start: the run's configuration and state.
        executor: the ranks.
        quiet: do not report the ranges.
        problem: the user's object, in place of the one that the configuration names.

    Returns:
        The start with all ranges in its configuration, and the entry ``probe`` of the file's
        provenance.

    Raises:
        LandscapeError: for any error that a user can cause.
    """
    config = start.config
    if not config.auto:
        return start, {}
    known: Mapping[str, Range] = executor.lead(lambda: _known(config))
    unknown = [axis for axis in config.auto if axis not in known]
    probes = probe(config, executor, unknown, problem) if unknown else []
    ranges = {**known, **{found.axis: (found.low, found.high, found.rule) for found in probes}}
    if executor.rank == 0 and not quiet:
        for axis, (low, high, rule) in ranges.items():
            tell(f"range of {axis}: {low:g} to {high:g}, {rule}")
    facts = {
        **{axis: {"range": [low, high], "rule": rule} for axis, (low, high, rule) in known.items()},
        **{found.axis: found.facts() for found in probes},
    }
    ends = {axis: (low, high) for axis, (low, high, _) in ranges.items()}
    return replace(start, config=config.with_ranges(ends)), {"probe": facts}


def _known(config: RunConfig) -> dict[str, Range]:
    """Return the ranges that are known without probing, by axis."""
    found = {axis: known_range(config, axis) for axis in config.auto}
    return {axis: known for axis, known in found.items() if known is not None}

"""First steps of the commands that evaluate points: ranks, logs and configuration."""

from __future__ import annotations

import faulthandler
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.guardian import guard
from landscape_cli.parallel.launcher import launched_rank
from landscape_cli.parallel.stop_signals import listen
from landscape_cli.util import logs

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.parallel.executor import Executor


def begin_ranks(verbose: bool) -> None:
    """Begin a command that ranks share: its guardian, its signals and its log.

    There is no guardian if another command has called this one.
    """
    faulthandler.enable(file=2)
    rank = launched_rank()
    if rank is not None and click.get_current_context().obj is None:
        guard(rank)
    listen()
    logs.begin(rank or 0, verbose)


def prepare_run(
    config: str,
    changes: Sequence[str],
    options: Mapping[str, Any],
    ranges: Mapping[str, str | None],
    seed: int | None,
    log_dir: str | None,
) -> tuple[Executor, RunConfig]:
    """Start the executor and the logs, and load the configuration; called by every rank.

    Args:
        config: path of the configuration.
        changes: ``KEY=VALUE`` settings, which override the file's.
        options: values by dotted key, which override both; None keeps the value.
        ranges: ``MIN:MAX:N`` by axis; None keeps the range.
        seed: seed of the first direction; None keeps it.
        log_dir: folder for a log of each rank; None for no logs.

    Returns:
        The executor of all ranks, and the configuration.

    Raises:
        LandscapeError: if the configuration can't be read or is invalid.
    """
    from landscape_cli.config.loading import load_config
    from landscape_cli.config.overrides import parse_changes
    from landscape_cli.parallel.executor_choice import choose_executor

    overrides = {key: value for key, value in options.items() if value is not None}
    values = parse_changes(changes) | overrides
    executor = choose_executor()
    if log_dir is not None:
        executor.together(lambda: logs.keep(log_dir, executor.rank))
    return executor, executor.lead(lambda: load_config(config, values, ranges, seed))

"""First steps of the commands that evaluate points: ranks, logs and configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from landscape_cli.util import logs

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.parallel.executor import Executor


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

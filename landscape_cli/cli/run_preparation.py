"""What commands that evaluate points begin with, on every rank."""

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
    """The ranks, each with its log, and what they are to do.

    Args:
        config: the configuration's file.
        changes: ``KEY=VALUE``, put over the file's.
        options: values by dotted key, put over these; None leaves a key as it is.
        ranges: ``MIN:MAX:N`` by axis.
        seed: of the first direction.
        log_dir: the folder for logs, or None for none.

    Raises:
        LandscapeError: if the configuration can't be read, or makes no sense.
    """
    from landscape_cli.config.loading import load_config
    from landscape_cli.config.overrides import parse_changes
    from landscape_cli.parallel.executor_choice import choose_executor

    given = {key: value for key, value in options.items() if value is not None}
    values = parse_changes(changes) | given
    executor = choose_executor()
    if log_dir is not None:
        executor.together(lambda: logs.keep(log_dir, executor.rank))
    return executor, executor.lead(lambda: load_config(config, values, ranges, seed))

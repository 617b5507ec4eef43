"""The time limit of the second of a command's two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig


def with_rest_of_time(config: RunConfig, seconds: float) -> RunConfig:
    """Subtract the seconds that a command has taken from the time limit of its second run."""
    from landscape_cli.config.durations import parse_duration

    if config.time_limit is None:
        return config
    left = max(1.0, parse_duration(config.time_limit) - seconds)
    return config.model_copy(update={"time_limit": f"{left:.3f}s"})

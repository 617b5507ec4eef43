"""Parameters that a run moves without effect: named, and refused if a direction has no others."""

from __future__ import annotations

import torch

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError, some
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.checks.effect import moved_along, without_effect
from landscape_cli.parallel.executor import Executor
from landscape_cli.run.setup.data_loading import corner_of


def find_idle(evaluator: Evaluator, config: RunConfig, executor: Executor) -> tuple[str, ...]:
    """Find the parameters that the slice moves without effect; called by every rank.

    Returns:
        Their names; none are looked for in a model that is divided among ranks.

    Raises:
        UsageError: if an axis moves no others, unless the configuration allows that.
    """
    if executor.group is not None:  # whose ranks hold no whole parameters that could be held
        return ()
    return tuple(executor.lead(lambda: _find(evaluator, config)))


@torch.no_grad()
def _find(evaluator: Evaluator, config: RunConfig) -> list[str]:
    corner = corner_of(evaluator, config)
    try:
        idle = without_effect(evaluator, corner)
    except Exception:  # the run itself says where an objective fails
        return []
    if not idle:
        return []
    origin = evaluator.slice.origin
    for number, axis in enumerate(config.grid):
        end = (*origin[:number], corner[number], *origin[number + 1 :])
        moved = moved_along(evaluator, end)
        if moved and moved <= set(idle) and not config.allow_flat:
            raise UsageError(
                f"directions.{axis}: none of the parameters that it moves has any effect on the "
                f"values ({some(sorted(moved))}): are they unused, or does the model keep in eval "
                "mode what it computed from them? Choose others with include, or pass --allow-flat"
            )
    return idle


def idle_lines(idle: tuple[str, ...]) -> list[str]:
    """Name the parameters without effect, if there are any."""
    if not idle:
        return []
    return [
        f"warning: {some(list(idle))} {'has' if len(idle) == 1 else 'have'} no effect on the "
        "values: unused, or kept in eval mode as something computed from it? exclude leaves it out"
    ]


def restored_lines(changed: tuple[str, ...]) -> list[str]:
    """Name the tensors that the forward pass changes, if there are any."""
    if not changed:
        return []
    return [
        f"the forward pass changes {some(list(changed))} in eval mode; each point starts from the "
        "same values"
    ]

"""How a run does its forward passes: chosen on rank 0, the same on every rank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.devices import default_micro_batch
from landscape_cli.evaluation.forward.calibration import calibrate_settings
from landscape_cli.evaluation.forward.compile_choice import (
    compile_model,
    repays_compilation,
    try_compilation,
)
from landscape_cli.evaluation.forward.defaults import choose_default_settings
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.grid import Grid
from landscape_cli.refinement import wholly_computed


def choose_forward(
    evaluator: Evaluator, config: RunConfig, executor: Executor, fresh: bool
) -> dict[str, Any]:
    """Give every rank's evaluator the run's settings; called by all of them.

    Args:
        evaluator: this rank's, with its data loaded and the settings to begin with.
        config: the run.
        executor: the ranks.
        fresh: whether to choose; a file that is continued has its settings, which the evaluator
            has already.

    Returns:
        What a file should say: ``calibration`` and ``compilation``, as far as there were any.
    """
    settings = evaluator.settings
    facts: dict[str, Any] = {}
    if fresh:
        settings, facts = executor.lead(lambda: _choose(evaluator, config, executor.size))
    evaluator.apply(replace(settings, compile=False))
    if settings.compile:
        found = executor.gather(executor.together(lambda: compile_model(evaluator, settings)))
        failures = [(rank, failure) for rank, failure in enumerate(found) if failure is not None]
        if failures:
            rank, failure = failures[0]
            evaluator.set_forward(replace(settings, compile=False))
            facts |= {"compilation": {"outcome": "failed", "error": f"rank {rank}: {failure}"}}
    return facts


def _choose(evaluator: Evaluator, config: RunConfig, ranks: int) -> tuple[Settings, dict[str, Any]]:
    """The settings by the model's shapes, or better ones, and what was done to find them."""
    corner = Grid(config.grid, config.repeats).corners()[-1]
    # Micro-batches that memory has made smaller are not made larger again.
    size = default_micro_batch(evaluator.device)
    resize = config.batch_size is None and evaluator.settings.micro_batch == size
    evaluator.apply(choose_default_settings(evaluator, corner, resize))
    facts: dict[str, Any] = {}
    seconds = 0.0
    if config.calibrate:
        found = calibrate_settings(evaluator, _fewest_points(config), ranks, corner, resize)
        evaluator.apply(found.settings)
        seconds = found.estimate_seconds(ranks)
        if found.tried:
            facts["calibration"] = {"seconds": round(found.seconds, 3), "tried": found.tried}
    if evaluator.recalibration is not None:
        return evaluator.settings, facts
    insist = config.compile == "on"
    if insist or (config.compile == "auto" and repays_compilation(evaluator, seconds)):
        kept, facts["compilation"] = try_compilation(evaluator, corner, insist)
        return replace(evaluator.settings, compile=kept), facts
    return evaluator.settings, facts


def _fewest_points(config: RunConfig) -> int:
    """How many points the run computes, at least if it is adaptive."""
    grid = Grid(config.grid, config.repeats)
    return grid.total if config.adaptive is None else int(wholly_computed(grid.shape).sum())


def describe_forward(evaluator: Evaluator, facts: Mapping[str, Any], fresh: bool) -> list[str]:
    """What is taken, and how that was found, in lines for the user.

    Args:
        evaluator: with its settings.
        facts: what ``choose_forward`` returned.
        fresh: as there.
    """
    divisible = any(split.divisible for split in evaluator.splits.values())
    if not fresh:
        how = "as in the file"
    elif "calibration" in facts:
        how = f"calibrated in {facts['calibration']['seconds']:.1f} s"
    else:
        how = "chosen by shapes"
    lines = [f"forward pass: {evaluator.settings.summary(divisible)}; {how}"]
    compilation = facts.get("compilation", {})
    if "error" in compilation:
        remark = "" if fresh else "; points computed now differ by rounding from those in the file"
        lines.append(
            f"torch.compile failed, so the model runs uncompiled{remark} ({compilation['error']})"
        )
    elif compilation and fresh:
        outcome, seconds = compilation["outcome"], compilation["seconds"]
        lines.append(f"torch.compile: {outcome} (tried in {seconds:.0f} s)")
    return lines

"""The choice of the forward pass, made on rank 0 for all ranks."""

from __future__ import annotations

from dataclasses import replace

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
from landscape_cli.evaluation.forward.equivalence import precision_errors
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.grid import Grid
from landscape_cli.refinement import wholly_computed
from landscape_cli.run.setup.records import ForwardFacts


def choose_forward(
    evaluator: Evaluator, config: RunConfig, executor: Executor, fresh: bool
) -> ForwardFacts:
    """Choose the settings of the forward pass, and apply them; called by every rank.

    Args:
        evaluator: evaluator of this rank, with loaded data and initial settings.
        config: the run.
        executor: the ranks.
        fresh: True to choose settings; False for a continued file, whose settings the evaluator
            already has.

    Returns:
        The settings, and how they were chosen.
    """
    facts = ForwardFacts(evaluator.settings)
    if fresh:
        facts = executor.lead(lambda: _choose(evaluator, config, executor.size))
    settings = facts.settings
    evaluator.apply(replace(settings, compile=False))
    if settings.compile:
        errors = executor.gather(executor.together(lambda: compile_model(evaluator, settings)))
        failures = [(rank, error) for rank, error in enumerate(errors) if error is not None]
        if failures:
            rank, failure = failures[0]
            evaluator.set_forward(replace(settings, compile=False))
            outcome = {"outcome": "failed", "error": f"rank {rank}: {failure}"}
            facts = replace(facts, compilation=outcome)
    dtypes = tuple(str(dtype).removeprefix("torch.") for dtype in evaluator.parameters.buffers)
    facts = replace(facts, settings=evaluator.settings, dtypes=dtypes)
    if evaluator.settings.precision != "fp32":
        points = [evaluator.slice.origin, *Grid(config.grid, config.repeats).corners()]
        deviations = executor.lead(lambda: precision_errors(evaluator, points))
        facts = replace(facts, precision_errors=tuple(deviations))
    return facts


def _choose(evaluator: Evaluator, config: RunConfig, ranks: int) -> ForwardFacts:
    """Choose settings by the model's shapes, or faster ones by timing."""
    corner = Grid(config.grid, config.repeats).corners()[-1]
    # Micro-batches that were halved for lack of memory are not enlarged again.
    size = default_micro_batch(evaluator.device)
    resize = config.batch_size is None and evaluator.settings.micro_batch == size
    evaluator.apply(choose_default_settings(evaluator, corner, resize))
    facts = ForwardFacts(evaluator.settings)
    seconds = 0.0
    if config.calibrate:
        calibrated = calibrate_settings(evaluator, _fewest_points(config), ranks, corner, resize)
        evaluator.apply(calibrated.settings)
        seconds = calibrated.estimate_seconds(ranks)
        facts = ForwardFacts(calibrated.settings)
        if calibrated.tried:
            calibration = {"seconds": round(calibrated.seconds, 3), "tried": calibrated.tried}
            facts = replace(facts, calibration=calibration)
    if evaluator.recalibration is not None:
        return facts
    insist = config.compile == "on"
    if insist or (config.compile == "auto" and repays_compilation(evaluator, seconds)):
        kept, compilation = try_compilation(evaluator, corner, insist)
        settings = replace(evaluator.settings, compile=kept)
        return replace(facts, settings=settings, compilation=compilation)
    return facts


def _fewest_points(config: RunConfig) -> int:
    """Count the points of the run, or the fewest that it computes if adaptive."""
    grid = Grid(config.grid, config.repeats)
    return grid.total if config.adaptive is None else int(wholly_computed(grid.shape).sum())


def forward_lines(evaluator: Evaluator, facts: ForwardFacts, fresh: bool) -> list[str]:
    """Describe the settings of the forward pass, and how they were chosen.

    Args:
        evaluator: evaluator with these settings.
        facts: facts of the choice.
        fresh: False if the settings come from a continued file.
    """
    divisible = any(split.divisible for split in evaluator.splits.values())
    if not fresh:
        how = "as in the file"
    elif facts.calibration is not None:
        how = f"calibrated in {facts.calibration['seconds']:.1f} s"
    else:
        how = "chosen by shapes"
    lines = [f"forward pass: {evaluator.settings.summary(divisible)}; {how}"]
    compilation = facts.compilation or {}
    if "error" in compilation:
        remark = "" if fresh else "; points computed now differ by rounding from those in the file"
        lines.append(
            f"torch.compile failed, so the model runs uncompiled{remark} ({compilation['error']})"
        )
    elif compilation and fresh:
        outcome, seconds = compilation["outcome"], compilation["seconds"]
        lines.append(f"torch.compile: {outcome} (tried in {seconds:.0f} s)")
    return lines

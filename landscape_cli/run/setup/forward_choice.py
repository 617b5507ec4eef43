"""The choice of the forward pass, made on rank 0 for all ranks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator, SplitData
from landscape_cli.evaluation.checks.reach import trial_points, within_reach
from landscape_cli.evaluation.forward.choice import Choice, Workload, choose_settings
from landscape_cli.evaluation.forward.compile_choice import compile_model
from landscape_cli.evaluation.forward.equivalence import compare_precisions
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.grid import Grid
from landscape_cli.refinement import wholly_computed
from landscape_cli.run.setup.records import FULL, ForwardFacts
from landscape_cli.util.logs import warn


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
    choice = Choice(evaluator.settings)
    if fresh and executor.group is None:
        choice = executor.lead(
            lambda: choose_settings(evaluator, _workload(evaluator, config, executor.models))
        )
    settings = choice.settings
    if evaluator.device.type == "cpu":  # also where an accelerator began the file
        settings = replace(settings, group=1)
    timing = choice.precision
    if executor.rank == 0 and timing and timing.slower and config.precision != "auto":
        warn(timing.warning())
    evaluator.apply(replace(settings, compile=False))
    if settings.compile:
        errors = executor.gather(executor.together(lambda: compile_model(evaluator, settings)))
        failures = [(rank, error) for rank, error in enumerate(errors) if error is not None]
        if failures:
            rank, failure = failures[0]
            evaluator.set_forward(replace(settings, compile=False))
            outcome = {"outcome": "failed", "error": f"rank {rank}: {failure}"}
            choice = replace(choice, compilation=outcome)
    dtypes = tuple(str(dtype).removeprefix("torch.") for dtype in evaluator.parameters.dtypes)
    times = None if timing is None else timing.as_mapping()
    facts = ForwardFacts(evaluator.settings, dtypes, choice.calibration, choice.compilation, times)
    if evaluator.settings.precision != "fp32":
        grid = Grid(config.grid, config.repeats)
        known = None if timing is None else timing.compared

        def compare() -> list[dict[str, Any]]:
            compared = known or compare_precisions(evaluator, trial_points(evaluator, grid))
            return compared.relative_errors()

        facts = replace(facts, precision_errors=tuple(executor.lead(compare)))
    return facts


def _workload(evaluator: Evaluator, config: RunConfig, ranks: int) -> Workload:
    """Return what the choice depends on.

    Shards know nothing of each other, so none of them may choose another precision.
    """
    grid = Grid(config.grid, config.repeats)
    fewest = grid.total if config.adaptive is None else int(wholly_computed(grid.shape).sum())
    return Workload(
        fewest,
        ranks,
        within_reach(evaluator, grid.corners()[-1], len(config.grid)),
        config.batch_size,
        config.calibrate,
        config.compile,
        even_if_slower=config.even_if_slower or config.part is not None,
        agreement=trial_points(evaluator, grid) if config.precision == "auto" else (),
        singly=config.sampling is not None,
    )


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
    lines += [_dependence_line(split) for split in evaluator.splits.values() if split.dependence]
    if any(dtype not in FULL for dtype in facts.dtypes):
        lines.append(f"precision: {facts.precision}; their sums are rounded once")
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


def _dependence_line(split: SplitData) -> str:
    """Say that values depend on which samples share a batch, and which do."""
    which = "batches have batch_size samples, in the data set's order"
    if not split.divisible:
        which = "batches are the loader's"
        if split.reordered:
            which = "its shuffling loader is read in order, unlike in training"
    return f"{split.name}: values depend on which samples share a batch; {which}"

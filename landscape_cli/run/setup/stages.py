"""The stages of a rank's set-up: problem, slice, data, forward pass."""

from __future__ import annotations

from dataclasses import dataclass

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.batch_norm import batch_norms
from landscape_cli.evaluation.checks.quantizable import rounding_facts
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.problem import Problem
from landscape_cli.run.groups.division import divide_batches, enlist
from landscape_cli.run.groups.refusals import refuse_settings
from landscape_cli.run.idle_parameters import find_idle
from landscape_cli.run.resume import Start
from landscape_cli.run.setup.data_loading import corner_of, load_data
from landscape_cli.run.setup.forward_choice import choose_forward
from landscape_cli.run.setup.measure_setup import prepare_measures
from landscape_cli.run.setup.problem_setup import prepare_problem
from landscape_cli.run.setup.rank_consistency import agree, agree_on_versions
from landscape_cli.run.setup.records import ForwardFacts, GroupFacts, Json, RankPlacement, RunFacts
from landscape_cli.run.setup.slice_setup import prepare_slice


@dataclass(frozen=True)
class Setup:
    """A rank that is ready to evaluate tiles.

    Args:
        evaluator: evaluates tiles.
        facts: facts of the run, equal on all ranks.
        placements: placement of each rank.
    """

    evaluator: Evaluator
    facts: RunFacts
    placements: tuple[RankPlacement, ...]

    def place(self, rank: int) -> str:
        """Return a rank's number, host and device, for messages."""
        placement = self.placements[rank]
        return f"rank {rank} on {placement.host} ({placement.device})"


def set_up(start: Start, executor: Executor, problem: Problem | None = None) -> Setup:
    """Prepare this rank; called by all of them.

    Args:
        start: the run's configuration and state.
        executor: the ranks.
        problem: the user's object, in place of the one that the configuration names.

    Raises:
        LandscapeError: if the problem, the checkpoint or the data are invalid on any rank, or
            differ between ranks.
    """
    config, begin = start.config, executor.activity.begin
    begin("starting")
    executor.lead(lambda: refuse_settings(config, executor.size))
    executor.divide(config.ranks_per_model)
    agree_on_versions(executor)
    begin("building the problem")
    prepared = prepare_problem(config, executor, problem)
    begin("preparing the slice")
    sliced = prepare_slice(start, prepared, executor)
    begin("loading the data and evaluating the centre")
    enlist(prepared.problem, prepared.parameters, sliced.slice_, executor, prepared.device)
    data = load_data(start, prepared, sliced, executor)
    evaluator = data.evaluator
    divided = divide_batches(evaluator, prepared.problem, config.keep_going)
    idle = find_idle(evaluator, config, executor)
    quantize = executor.lead(lambda: _quantize_facts(evaluator, config))
    measures = prepare_measures(evaluator, config, executor, start.measures)
    facts = RunFacts(
        network=prepared.network,
        slice_=sliced.facts,
        splits=data.splits,
        forward=ForwardFacts(evaluator.settings),
        batch_norm=config.batch_norm if batch_norms(prepared.problem.model) else None,
        quantize=quantize,
        sampling=data.sampling,
        marks=sliced.marks,
        changed=tuple(sorted(evaluator.state.changed)),
        idle=idle,
        measures=measures,
        groups=None if executor.group is None else GroupFacts(executor.group.size, divided),
    )
    agree(executor, facts.compared(config.allow_random))
    begin("trying ways of the forward pass")
    forward = choose_forward(evaluator, config, executor, start.settings is None)
    return Setup(evaluator, facts.with_forward(forward), data.placements)


def _quantize_facts(evaluator: Evaluator, config: RunConfig) -> Json | None:
    """Return what is rounded at each point, and how much of it a corner of the grid clips."""
    if config.quantize is None:
        return None
    section = config.quantize.model_dump()
    return {**section, **rounding_facts(evaluator, corner_of(evaluator, config))}

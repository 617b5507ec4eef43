"""A network at a checkpoint, with its data, ready for derivatives on every rank."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.batch_norm import batch_norms
from landscape_cli.evaluation.checks.differentiability import refuse_unreached, slope_warning
from landscape_cli.evaluation.derivatives.local_sums import LocalSums
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.derivatives.variables import Variables
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.problem import Problem
from landscape_cli.run.curvature.shared_sums import SharedSums
from landscape_cli.run.resume import Start
from landscape_cli.run.setup.data_loading import LoadedData, load_data
from landscape_cli.run.setup.problem_setup import PreparedProblem, prepare_problem
from landscape_cli.run.setup.rank_consistency import agree, agree_on_versions
from landscape_cli.run.setup.records import Json, NetworkFacts, RankPlacement, SplitFacts
from landscape_cli.run.setup.slice_setup import prepare_slice
from landscape_cli.util.logs import tell


@dataclass
class PreparedNetwork:
    """A network whose parameters can be moved, and the batches of one split.

    Args:
        evaluator: holds network and data; not folded, not compiled.
        split: the split.
        facts: identity of the network.
        data: identity of the split's data.
        placements: placement of each rank.
        executor: the ranks.
        quantity: the objective's value; the first one if None.
    """

    evaluator: Evaluator
    split: str
    facts: NetworkFacts
    data: SplitFacts
    placements: tuple[RankPlacement, ...]
    executor: Executor
    quantity: str | None = None

    def __post_init__(self) -> None:
        self._centre = self.evaluator.parameters.clone()
        self._offset: tuple[Variables, Tensor] | None = None

    def variables(self, names: Collection[str] | None = None) -> Variables:
        """Return the parameters to differentiate by; all if None."""
        return Variables(self.evaluator.model, self.evaluator.parameters, names)

    def sums(self, matrix: str = "hessian", names: Collection[str] | None = None) -> SharedSums:
        """Return the sums over all ranks' batches, for algorithms on rank 0.

        Args:
            matrix: a name in ``MATRICES``.
            names: of the parameters to differentiate by; all if None.

        Raises:
            ProblemError: if derivatives can't be taken.
        """
        local = self.executor.together(lambda: self._local(matrix, names))

        def move(offset: Tensor | None) -> None:
            self._offset = None if offset is None else (local.variables, offset)

        return SharedSums(self.executor, local, move)

    def try_product(self, matrix: str) -> None:
        """Multiply the matrix with a vector on the first batch, on this rank.

        Raises:
            ProblemError: if the objective does not allow it.
        """
        local = self._local(matrix, None)
        shape, place = (1, local.variables.size), local.variables.device
        vectors = torch.zeros(shape, dtype=torch.float64, device=place)
        local.nodes("products", vectors, range(1))

    def _local(self, matrix: str, names: Collection[str] | None) -> LocalSums:
        evaluator = self.evaluator
        loss = MeanLoss(evaluator.model, evaluator.objective, self.quantity, self.split)
        data = evaluator.splits[self.split]
        return LocalSums(loss, self.variables(names), data, matrix, self._write)

    def provenance(self) -> Json:
        """Return the facts that a file states, equal on all ranks."""
        settings = self.evaluator.settings
        norms = batch_norms(self.evaluator.model)
        return {
            "network": asdict(self.facts),
            "split": self.split,
            "splits": {self.split: self.data.as_mapping()},
            "settings": settings.as_dict(),
            **({"batch_norm": "frozen"} if norms else {}),
        }

    def _write(self) -> None:
        """Write the parameters, and restore what forward passes have changed."""
        with torch.no_grad():
            self.evaluator.state.at_point(self._write_parameters)

    def _write_parameters(self) -> None:
        parameters = self.evaluator.parameters
        for place, buffer in parameters.buffers.items():
            buffer.copy_(self._centre.buffers[place])
        if self._offset is None:
            return
        variables, offset = self._offset
        for name, part in variables.named(offset).items():
            view = parameters.views[name]
            view.copy_(view.to(part.device, part.dtype) + part)


def prepare_network(
    config: RunConfig,
    executor: Executor,
    quantity: str | None = None,
    problem: Problem | None = None,
) -> PreparedNetwork:
    """Build the problem, load weights and data, and check both; called by every rank.

    Args:
        config: from ``run_config``, with one split.
        executor: the ranks.
        quantity: the objective's value to differentiate; the first one if None.
        problem: the user's object, in place of the one that the configuration names.

    Raises:
        LandscapeError: if the problem, the checkpoint or the data are invalid on any rank, or
            differ between ranks.
    """
    prepared, data = prepare_evaluator(config, executor, problem)
    evaluator = data.evaluator
    if not config.allow_random:
        warning = executor.lead(lambda: _checked(evaluator))
        if warning and executor.rank == 0:
            tell(warning)
    executor.activity.rest()
    (split,) = data.splits
    return PreparedNetwork(
        evaluator,
        split,
        prepared.network,
        data.splits[split],
        data.placements,
        executor,
        quantity,
    )


def prepare_evaluator(
    config: RunConfig,
    executor: Executor,
    problem: Problem | None = None,
    check: Callable[[Problem], None] = lambda problem: None,
) -> tuple[PreparedProblem, LoadedData]:
    """Build the problem, load weights and data, and compare the ranks; called by every rank.

    Args:
        config: the run; nothing is folded or compiled.
        executor: the ranks.
        problem: the user's object, in place of the one that the configuration names.
        check: called with the problem by every rank before any data is loaded.

    Raises:
        LandscapeError: if the problem, the checkpoint or the data are invalid on any rank, or
            differ between ranks.
    """
    start, begin = Start(config), executor.activity.begin
    begin("building the problem")
    agree_on_versions(executor)
    prepared = prepare_problem(config, executor, problem)
    check(prepared.problem)
    sliced = prepare_slice(start, prepared, executor)
    begin("loading the data and evaluating the centre")
    data = load_data(start, prepared, sliced, executor)
    data.evaluator.set_forward(data.evaluator.settings.as_written())
    facts = {"network": asdict(prepared.network)}
    if not config.allow_random:
        facts["splits"] = {name: one.as_mapping() for name, one in data.splits.items()}
    agree(executor, facts)
    return prepared, data


def _checked(evaluator: Evaluator) -> str:
    """Refuse derivatives that are not those of the values, and return a warning if they may be."""
    refuse_unreached(evaluator)
    warning = slope_warning(evaluator)
    with torch.no_grad():
        evaluator.write(evaluator.slice.origin)  # the checks have moved the parameters
    return warning

"""A run of `landscape align`: checkpoint after checkpoint, each written when it is aligned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.alignment.align import TOLERANCE, Aligned, Aligner, relative_difference
from landscape_cli.alignment.tracing import Inputs, capture
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import (
    CheckpointError,
    LandscapeError,
    ProblemError,
    UsageError,
    cause,
    some,
)
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.model_preparation import prepare_model
from landscape_cli.evaluation.model_state import switches
from landscape_cli.evaluation.objective_values import checked_values
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.checkpoints.trial import load
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.util.accelerators import wide
from landscape_cli.util.logs import tell

SAMPLES = 32
"""Number of samples on which the network is traced, and its function checked."""

ROUNDINGS = 16
"""Rounding errors that values of reduced precision may differ by, where these exceed TOLERANCE."""

Source = CheckpointPath | Mapping[str, Tensor]
"""A checkpoint, or a state dict."""


@dataclass(frozen=True)
class AlignedCheckpoint:
    """A checkpoint whose network was aligned.

    Args:
        state: the state dict of the aligned network.
        epoch: the checkpoint's entry ``epoch``; None if there is none.
        aligned: what was done.
        deviation: largest difference of outputs and of the objective's values from those before,
            relative to the largest.
    """

    state: dict[str, Any]
    epoch: object
    aligned: Aligned
    deviation: float


class Alignment:
    """The network of a problem, with the weights of a reference.

    Args:
        config: names the problem.
        reference: the checkpoint, or state dict, whose order of channels others take.
        groups: the groups of channels from a user's file; found from the graph if None.
        problem: the user's object, in place of the one that the configuration names.
        say: tells the user one line.

    Raises:
        LandscapeError: if the problem or the checkpoint is invalid, or the network can't be traced.
    """

    def __init__(
        self,
        config: RunConfig,
        reference: Source,
        groups: Any = None,
        problem: Problem | None = None,
        say: Callable[[str], None] = tell,
    ) -> None:
        self._problem = problem or load_problem(config.problem, config.problem_args)
        self._say = say
        prepare_model(self._problem)
        model = self._problem.model.to("cpu")
        if switches(model):
            raise ProblemError(
                "Problem.model: its train() or eval() changes weights, so that channels can't be "
                "permuted; merge them before (an adapter into its network, for example)"
            )
        if config.threads:
            torch.set_num_threads(config.threads)
        self._batch = _first_batch(self._problem, config)
        self._put(reference)
        self._reference = _state(model)
        model.eval()
        self.aligner = Aligner(model, self._calls(groups is not None), groups)

    @property
    def network(self) -> str:
        """The network's name."""
        return self._problem.name or type(self._problem.model).__name__

    def align(self, source: Source, seed: int = 0) -> AlignedCheckpoint:
        """Align a checkpoint's network to the reference.

        Args:
            source: the checkpoint, or its state dict.
            seed: of the order in which groups are visited.

        Raises:
            CheckpointError: if it can't be read, or is another network's.
            ProblemError: if the objective's values, or the network's outputs, are others
                afterwards.
        """
        model = self._problem.model
        epoch = self._put(source)
        model.eval()
        own, before = _state(model), self._values()
        aligned = self.aligner.align(self._reference, own, seed)
        model.load_state_dict(aligned.tensors, strict=False)
        name = repr(str(source)) if isinstance(source, CheckpointPath) else "the network"
        deviation = self._check(name, before, self._values())
        state = {
            name: aligned.tensors.get(name, value) for name, value in model.state_dict().items()
        }
        return AlignedCheckpoint(state, epoch, aligned, max(deviation, aligned.deviation))

    def _calls(self, named: bool) -> list[Inputs]:
        """Return what the objective calls the model with; unknown if groups are named, perhaps."""
        try:
            return capture(self._problem.model, self._values)
        except ProblemError:
            if named:
                return []
            raise

    def _put(self, source: Source) -> object:
        """Load weights into the model, and return their epoch."""
        if isinstance(source, CheckpointPath):
            return load_weights(self._problem.model, source, self._say)
        _, unexpected, errors = load(self._problem.model, source)
        missing = [name for name in self._problem.model.state_dict() if name not in source]
        if missing or unexpected or errors:
            raise CheckpointError(
                f"align: the weights do not fit the model: {some([*errors, *missing, *unexpected])}"
            )
        own = dict(self._problem.model.named_parameters())
        infinite = [name for name, one in own.items() if not bool(one.isfinite().all())]
        if infinite:
            raise CheckpointError(f"align: {some(infinite)} hold numbers that are not finite")
        return None

    def _values(self) -> dict[str, Tensor]:
        """Evaluate the objective on the batch, and return its values by name."""
        split, batch = self._batch
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                values = self._problem.objective(self._problem.model, batch)
            except LandscapeError:
                raise
            except Exception as error:
                raise ProblemError(f"objective: it failed: {cause(error)}") from error
        found = checked_values(split, values, batch)
        plain = [name for name in found.names if name not in found.weighted]
        named = dict(zip(plain, map(wide, found.plain), strict=True))
        if found.pairs is not None:
            named |= dict(zip(found.weighted, found.pairs[0], strict=True))
        return named

    def _check(
        self, source: str, before: Mapping[str, Tensor], after: Mapping[str, Tensor]
    ) -> float:
        """Compare values before and after; counts such as accuracy only where nothing else is.

        Whether a sample is counted may depend on rounding.
        """
        counts = {name for name in before if _integral(before[name]) and _integral(after[name])}
        compared = set(before) - counts or set(before)
        deviation = max(relative_difference(before[name], after[name]) for name in compared)
        allowed = max(TOLERANCE, ROUNDINGS * _rounding(self._problem.model))
        if not deviation <= allowed:
            raise ProblemError(
                f"alignment: the objective's values of {source} differ by {deviation:.2g} of the "
                f"largest once its channels are permuted, more than {allowed:.2g}: the objective "
                "uses the network in a way that is not in its graph, or the groups are wrong; pass "
                "--groups with those that can be permuted"
            )
        return deviation


def _integral(values: Tensor) -> bool:
    return bool(torch.equal(values, values.round()))


def _rounding(model: nn.Module) -> float:
    """Return the largest rounding error of the parameters' dtypes, as a fraction of a number."""
    dtypes = {one.dtype for one in model.parameters() if one.is_floating_point()}
    return max((torch.finfo(dtype).eps for dtype in dtypes), default=0.0)


def _state(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the tensors of a model's state dict, on the host."""
    return {
        name: value.detach().cpu().clone()
        for name, value in model.state_dict().items()
        if isinstance(value, Tensor)
    }


def _first_batch(problem: Problem, config: RunConfig) -> tuple[str, Any]:
    """Return a split's name and its first batch."""
    splits = problem.splits
    name = next(iter(config.splits or splits))
    if name not in splits:
        raise UsageError(f"splits: the problem has no split {name!r}; it has {', '.join(splits)}")
    batches = SplitData(name, splits[name], SAMPLES, torch.device("cpu")).stream()
    batch = next(batches)
    batches.close()
    return name, batch


def patterns_of(names: Sequence[str], others: Sequence[str]) -> list[str]:
    """Return names with numbers replaced by ``*``, unless that would mean other names too.

    Args:
        names: the names.
        others: names that no pattern may match.

    Example:
        >>> patterns_of(["0.norm.weight", "1.norm.weight", "2.bias"], ["0.bias"])
        ['*.norm.weight', '2.bias']
    """
    taken = set(map(_pattern, others))
    patterns = {name: _pattern(name) for name in names}
    return list(dict.fromkeys(name if p in taken else p for name, p in patterns.items()))


def _pattern(name: str) -> str:
    return ".".join("*" if part.isdigit() else part for part in name.split("."))

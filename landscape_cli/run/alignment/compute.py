"""A run of `landscape align`: checkpoint after checkpoint, each written when it is aligned."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.alignment.align import TOLERANCE, Aligned, Aligner, relative_difference
from landscape_cli.alignment.tracing import capture
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import LandscapeError, ProblemError, UsageError, cause
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.model_preparation import prepare_model
from landscape_cli.evaluation.model_state import switches
from landscape_cli.evaluation.objective_values import checked_values
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.util.logs import tell

SAMPLES = 32
"""Number of samples on which the network is traced, and its function checked."""


@dataclass(frozen=True)
class AlignedCheckpoint:
    """A checkpoint whose network was aligned.

    Args:
        source: the checkpoint.
        epoch: its entry ``epoch``; None if there is none.
        aligned: the network.
    """

    source: CheckpointPath
    epoch: object
    aligned: Aligned


class Alignment:
    """The network of a problem, with the weights of a reference.

    Args:
        config: names the problem.
        reference: the checkpoint whose order of channels others take.
        groups: the groups of channels from a user's file; found from the graph if None.
        problem: the user's object, in place of the one that the configuration names.
        say: tells the user one line.

    Raises:
        LandscapeError: if the problem or the checkpoint is invalid, or the network can't be traced.
    """

    def __init__(
        self,
        config: RunConfig,
        reference: CheckpointPath,
        groups: Any = None,
        problem: Problem | None = None,
        say: Callable[[str], None] = tell,
    ) -> None:
        self._problem = problem or load_problem(config.problem, config.problem_args)
        self._say = say
        prepare_model(self._problem)
        model = self._problem.model
        if switches(model):
            raise ProblemError(
                "Problem.model: its train() or eval() changes weights, so that channels can't be "
                "permuted; merge them before (an adapter into its network, for example)"
            )
        if config.threads:
            torch.set_num_threads(config.threads)
        self._batch = _first_batch(self._problem, config)
        load_weights(model, reference, say)
        self._reference = _state(model)
        model.eval()
        calls = [] if groups is not None else capture(model, self._values)
        if groups is not None:
            with contextlib.suppress(ProblemError):
                calls = capture(model, self._values)
        self.aligner = Aligner(model, calls, groups)

    @property
    def network(self) -> str:
        """The network's name."""
        return self._problem.name or type(self._problem.model).__name__

    def align(self, path: CheckpointPath, seed: int = 0) -> AlignedCheckpoint:
        """Align a checkpoint's network to the reference.

        Args:
            path: the checkpoint.
            seed: of the order in which groups are visited.

        Raises:
            CheckpointError: if it can't be read, or is another network's.
            ProblemError: if the objective's values, or the network's outputs, are others
                afterwards.
        """
        model = self._problem.model
        epoch = load_weights(model, path, self._say)
        model.eval()
        own, before = _state(model), self._values()
        aligned = self.aligner.align(self._reference, own, seed)
        model.load_state_dict(aligned.tensors, strict=False)
        self._check(path, before, self._values())
        return AlignedCheckpoint(path, epoch, aligned)

    def _values(self) -> dict[str, Tensor]:
        """Evaluate the objective on the batch."""
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
        parts = {"plain": found.plain, "pairs": found.pairs}
        return {name: values for name, values in parts.items() if values is not None}

    def _check(
        self, path: CheckpointPath, before: Mapping[str, Tensor], after: Mapping[str, Tensor]
    ) -> None:
        for name, values in before.items():
            deviation = max(
                relative_difference(one, other)
                for one, other in zip(_rows(values), _rows(after[name]), strict=True)
            )
            if not deviation <= TOLERANCE:
                raise ProblemError(
                    f"alignment: the objective's values of {str(path)!r} differ by "
                    f"{deviation:.2g} of the largest once its channels are permuted, more than "
                    f"{TOLERANCE:g}: the objective uses the network in a way that is not in its "
                    "graph, or the groups are wrong; pass --groups with those that can be permuted"
                )


def _rows(values: Tensor) -> Iterator[Tensor]:
    """Yield the objective's values one by one."""
    yield from values.reshape(-1, values.shape[-1])


def _state(model: nn.Module) -> dict[str, Tensor]:
    """Return copies of the tensors of a model's state dict, on the host."""
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
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

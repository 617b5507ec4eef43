"""The average of several networks' weights, as a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import Tensor, nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.evaluation.batch_norm import (
    BATCH,
    Recalibration,
    batch_norms,
    training_samples,
)
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.devices import (
    choose_device,
    free_memory,
    placed_devices,
    refuse_float64,
)
from landscape_cli.evaluation.ensembles.mean_weights import MeanWeights
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.model_preparation import prepare_model
from landscape_cli.evaluation.model_state import ModelState, switches
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.run.ensemble.said_once import SaidOnce
from landscape_cli.run.output_check import is_marked, refuse_read
from landscape_cli.run.resume import CheckpointFacts
from landscape_cli.store import check_writable
from landscape_cli.store.atomic_write import publish_with
from landscape_cli.util.progress import Progress
from landscape_cli.util.sink import sink

MARK = "average_of"
"""Entry of a checkpoint that says whose average it is."""

KEY = "--batch-norm-samples"


@dataclass(frozen=True)
class Average:
    """An average of checkpoints.

    Args:
        network: the network's name.
        parameters: number of parameters, by real entries.
        spread: root mean square of the members' Euclidean distances from the average.
        norm: Euclidean norm of the average.
        batch_norms: number of batch norms whose statistics were re-estimated.
        samples: number of training samples that they were re-estimated on.
        kept: names of other buffers that differ between members, taken from the last one.
        content: what the file holds.
    """

    network: str
    parameters: int
    spread: float
    norm: float
    batch_norms: int
    samples: int
    kept: tuple[str, ...]
    content: dict[str, Any]


def check_output(path: Path, config: RunConfig, inputs: Sequence[str]) -> None:
    """Refuse an output that can't be written, or is there and no average.

    Args:
        path: the file to write.
        config: names files that are read.
        inputs: other files that are read.

    Raises:
        LandscapeError: naming the remedy.
    """
    if path.suffix not in (".pt", ".pth", ".ckpt"):
        raise UsageError(f"--output {path}: a checkpoint of PyTorch is written; name a .pt file")
    check_writable(path)
    refuse_read(path, config, "--output", inputs)
    if path.is_file() and path.stat().st_size and not is_marked(path, MARK):
        raise StoreError(
            f"--output: {str(path)!r} is there already, and no average that this command wrote; "
            "name another file, or remove it"
        )


def average_weights(
    config: RunConfig,
    paths: Sequence[CheckpointPath],
    samples: int | None,
    progress: Progress,
    problem: Problem | None = None,
) -> Average:
    """Average the parameters of checkpoints, and re-estimate batch norm's statistics.

    Args:
        config: names the problem and the device.
        paths: the checkpoints.
        samples: number of training samples for batch norm; all if None.
        progress: updated after each checkpoint, and after batch norm.
        problem: the user's object, in place of the one that the configuration names.

    Raises:
        LandscapeError: if a checkpoint can't be read, is another network's, or the objective fails.
    """
    if len(paths) < 2:
        got = f"only {paths[0]}" if paths else "none"
        raise UsageError(f"CHECKPOINT: got {got}, but an average needs at least two")
    problem, device = _prepared(config, problem)
    model = problem.model
    recalibration = _recalibration(problem, device, samples)
    target = None if placed_devices(model) else device
    parameters = FlatParameters.of_model(model, target)
    others = _Others(model, parameters, recalibration)
    mean, said = MeanWeights(), SaidOnce()
    for path in paths:
        load_weights(model, path, said.about(path))
        mean.add(parameters)
        others.compare()
        progress.update()
    count = _write_mean(model, parameters, mean, recalibration)
    progress.update()
    return Average(
        problem.name or type(model).__name__,
        parameters.count,
        mean.spread(),
        mean.norm(),
        0 if recalibration is None else len(batch_norms(model)),
        count,
        tuple(others.differing),
        _content(model, paths, count),
    )


def _prepared(config: RunConfig, problem: Problem | None) -> tuple[Problem, torch.device]:
    """Return the problem with a model that can be written to, and the device to use."""
    problem = problem or load_problem(config.problem, config.problem_args)
    prepare_model(problem)
    if config.threads:
        torch.set_num_threads(config.threads)
    placed = placed_devices(problem.model, config.device)
    device = placed[0] if placed else choose_device(config.device)
    if not placed:
        refuse_float64(problem.model, device)
    return problem, device


def _write_mean(
    model: nn.Module,
    parameters: FlatParameters,
    mean: MeanWeights,
    recalibration: Recalibration | None,
) -> int:
    """Write the mean into the model, and return the number of samples for batch norm."""
    mean.write(parameters)
    if recalibration is None:
        return 0
    count = _recalibrate(model, parameters, recalibration)
    if switches(model):  # eval mode has changed the weights
        model.train()
        parameters.attach(model)
        mean.write(parameters)
    return count


def _content(model: nn.Module, paths: Sequence[CheckpointPath], samples: int) -> dict[str, Any]:
    """Return what the file holds."""
    return {
        "state_dict": {name: _stored(value) for name, value in model.state_dict().items()},
        MARK: [CheckpointFacts.of(path).as_mapping() for path in paths],
        "batch_norm_samples": samples,
    }


def write_average(path: Path, average: Average) -> None:
    """Write the checkpoint, and replace an earlier one in one step.

    Raises:
        StoreError: if it can't be written.
    """

    def write(temporary: Path) -> None:
        # PyTorch's own files do not say why they could not be written.
        with sink(temporary) as file:
            torch.save(average.content, cast(IO[bytes], file))

    publish_with(path, write)


class _Others:
    """The tensors of a model's state dict that are not averaged; the last checkpoint's remain."""

    def __init__(
        self, model: nn.Module, parameters: FlatParameters, recalibration: Recalibration | None
    ) -> None:
        averaged = {*parameters.views, *(a for each in parameters.aliases.values() for a in each)}
        averaged.update([] if recalibration is None else recalibration.buffers())
        averaged.update(parameters.parts)
        self._model = model
        self._names = [
            name
            for name, value in model.state_dict().items()
            if isinstance(value, Tensor) and name not in averaged
        ]
        self._first: dict[str, Tensor] | None = None
        self.differing: list[str] = []

    def compare(self) -> None:
        """Compare with the first checkpoint what the model has now."""
        state = self._model.state_dict()
        if self._first is None:
            self._first = {name: state[name].detach().clone() for name in self._names}
        for name, first in self._first.items():
            if name not in self.differing and not torch.equal(first, state[name]):
                self.differing.append(name)


def _recalibration(
    problem: Problem, device: torch.device, samples: int | None
) -> Recalibration | None:
    if not batch_norms(problem.model):
        if samples is not None:
            raise UsageError(f"{KEY}: the model has no batch norm; leave it out")
        return None
    key = KEY if samples is not None else "batch norm of the average"
    data = training_samples(problem, device, samples, key)
    return Recalibration(problem.model, data, problem.objective)


@torch.no_grad()
def _recalibrate(model: nn.Module, parameters: FlatParameters, recalibration: Recalibration) -> int:
    """Re-estimate statistics at the model's parameters, and return the number of samples."""
    device = parameters.device
    ModelState(model, parameters, recalibration.buffers())
    recalibration.load(Room(free_memory(device) // 4))
    with Settings(BATCH).precision_on(*parameters.devices):
        recalibration.update(())
    return recalibration.data.samples


def _stored(value: Any) -> Any:
    """Return an entry of a state dict, tensors in memory of their own on the host."""
    if not isinstance(value, Tensor):
        return value
    return value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)

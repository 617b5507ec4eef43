"""The gradient of a split's mean loss at a checkpoint, before there is an evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.data.subsets import subset
from landscape_cli.evaluation.derivatives.gradient import mean_gradient
from landscape_cli.evaluation.devices import default_micro_batch
from landscape_cli.evaluation.model_state import switches
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath


def checkpoint_gradient(
    problem: Problem,
    parameters: FlatParameters,
    key: str,
    path: CheckpointPath | None = None,
    split: str | None = None,
    samples: int | None = None,
    quantity: str | None = None,
    batch_size: int | None = None,
) -> dict[str, Tensor]:
    """Differentiate the mean of an objective's value at a checkpoint.

    The model is in eval mode meanwhile, and has its own weights and buffers again afterwards.

    Args:
        problem: has the model, on the device to use.
        parameters: the model's own.
        key: the key of the configuration that asks for it, for messages.
        path: the checkpoint; the model as it is if None.
        split: the split; the problem's first one if None.
        samples: number of samples; all if None.
        quantity: the value; the first one if None.
        batch_size: samples at a time; chosen if None.

    Returns:
        float64 tensors on the CPU by parameter name.

    Raises:
        LandscapeError: if there is no such split, the checkpoint can't be read, or the objective
            can't be differentiated.
    """
    name = split or next(iter(problem.splits))
    if name not in problem.splits:
        raise UsageError(
            f"{key}.split: the problem has no split {name!r}; it has {', '.join(problem.splits)}"
        )
    if switches(problem.model):
        raise UsageError(
            f"{key}: kind gradient needs a network that keeps its weights in eval mode; take "
            "another kind of direction"
        )
    source = problem.splits[name]
    if samples is not None:
        source = subset(name, source, samples, f"{key}.samples")
    size = batch_size or default_micro_batch(parameters.device)
    data = SplitData(name, source, size, parameters.device)
    for _ in data.load(Room.of(0)):
        pass
    names = [one for one in parameters.views if one in parameters.trainable | parameters.frozen]
    with _at(problem.model, path):
        found = mean_gradient(
            problem.model, problem.objective, data, names, quantity, parameters.aliases
        )
    return {one: tensor.cpu() for one, tensor in found.entries.items()}


@contextmanager
def _at(model: nn.Module, path: CheckpointPath | None) -> Iterator[None]:
    """Let a model be in eval mode, with the weights of a checkpoint, within a block."""
    training = model.training
    before = {} if path is None else _tensors(model)
    kept = {name: tensor.clone() for name, tensor in before.items()}
    try:
        if path is not None:
            load_weights(model, path)
        model.eval()
        yield
    finally:
        model.train(training)
        with torch.no_grad():
            for name, tensor in kept.items():
                before[name].copy_(tensor)


def _tensors(model: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in model.state_dict().items() if isinstance(value, Tensor)}

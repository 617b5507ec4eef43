"""Batch norm's running statistics along a slice: frozen, perturbed, or re-estimated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader
from torch.utils.hooks import RemovableHandle

from landscape_cli.errors import ProblemError, UsageError, cause
from landscape_cli.evaluation.data.batches import batch_length
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.data.subsets import dataset_of, subset
from landscape_cli.evaluation.gradient_mode import keeping_gradient_mode, remedy_for
from landscape_cli.problems.problem import Objective, Problem

BATCH = 128
"""Samples in each batch whose statistics are averaged, unless there is a reason for another number;
this affects the values, not only speed."""


def batch_norms(model: nn.Module) -> dict[str, Any]:
    """Return the batch-norm modules of a model that keep running statistics, by name."""
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    }


def statistics_of(model: nn.Module, *kinds: str) -> list[str]:
    """List the names in the model of some buffers of its batch norms, such as "running_mean"."""
    return [f"{name}.{kind}".lstrip(".") for name in batch_norms(model) for kind in kinds]


def moved_buffers(model: nn.Module, perturb: str, batch_norm: str) -> list[str]:
    """List the floating-point buffers of the state dict that a slice perturbs.

    Args:
        model: the network.
        perturb: ``parameters``, or ``states`` to include buffers.
        batch_norm: ``perturb`` includes the running statistics of batch norm; other values
            exclude them.
    """
    statistics = statistics_of(model, "running_mean", "running_var")
    stored = model.state_dict()
    return [
        name
        for name, buffer in model.named_buffers()
        if buffer.is_floating_point()
        and name in stored
        and (batch_norm == "perturb" if name in statistics else perturb == "states")
    ]


class _WithoutSingles:
    """The batches of an iterable, except for those of one sample, which have no variance."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[Any]:
        return (batch for batch in self._batches if batch_length(batch) != 1)


def training_samples(
    problem: Problem, device: torch.device, samples: int | None, key: str, batch: int = BATCH
) -> SplitData:
    """Return the samples from which batch norm's statistics are re-estimated.

    Args:
        problem: the user's problem.
        device: the device that batches are moved to.
        samples: number of samples of the split ``train``; if None all, in batches of an iterable's
            own if it is one.
        key: the key or option that asks for it, for messages.
        batch: number of samples in each batch.

    Raises:
        UsageError: if there is nothing to re-estimate, or nothing to do it from.
    """
    if not batch_norms(problem.model):
        raise UsageError(f"{key}: the model has no batch norm with running statistics; drop it")
    if "train" not in problem.splits:
        raise UsageError(
            f"{key}: it needs the split 'train', but the problem has {', '.join(problem.splits)}"
        )
    source = problem.splits["train"]
    try:
        total = len(dataset_of("train", source, key))
    except UsageError:
        if samples is None:
            return SplitData("train", _WithoutSingles(source), batch, device)
        raise
    count = total if samples is None else min(samples, total)
    # A last batch with a single sample would have no variance.
    count -= count % batch == 1
    part = subset("train", dataset_of("train", source, key), count, key)
    if isinstance(source, DataLoader):
        part = DataLoader(part, batch, num_workers=source.num_workers, collate_fn=source.collate_fn)
    return SplitData("train", part, batch, device)


class Recalibration:
    """Re-estimates running statistics at each point, from the same batches of training data.

    Mean and variance are averaged over the batches, weighted by their samples, as in Garipov et
    al. 2018, *Loss Surfaces, Mode Connectivity, and Fast Ensembling of DNNs*, whose code updates
    them with momentum n_b / (n_1 + ... + n_b) at the b-th batch. Only batch norm is in training
    mode; dropout, for example, is not.

    Args:
        model: the network.
        data: the training samples, in batches.
        objective: runs the forward pass on each batch.
        biased: divide by the number n of values, as training does, and not by n - 1, as PyTorch
            does for evaluation. From all samples in one batch, evaluation then equals training;
            networks in which small differences grow from layer to layer need that.
    """

    def __init__(
        self, model: nn.Module, data: SplitData, objective: Objective, biased: bool = False
    ) -> None:
        self.data = data
        self._biased = biased
        self._model = model
        self._objective = keeping_gradient_mode(objective)
        self._norms = list(batch_norms(model).values())
        self._seen: dict[nn.Module, int] = {}
        self._kept: dict[tuple[float, ...], list[Tensor]] = {}

    def buffers(self) -> list[str]:
        """List the buffers of the model that are set at each point."""
        return statistics_of(self._model, "running_mean", "running_var", "num_batches_tracked")

    def load(self, room: Room) -> None:
        """Read the samples, and cache them where they fit."""
        for _ in self.data.load(room):
            pass

    def forget(self) -> None:
        """Drop the statistics of earlier points."""
        self._kept.clear()

    def update(self, point: tuple[float, ...]) -> None:
        """Set the statistics for the model's current parameters.

        Args:
            point: the coordinates of these parameters; the statistics of a point are reused until
                ``forget`` is called.
        """
        if point not in self._kept:
            self._measure()
            self._kept[point] = [statistic.clone() for statistic in self._statistics()]
        for statistic, kept in zip(self._statistics(), self._kept[point], strict=True):
            statistic.copy_(kept)

    def _statistics(self) -> Iterator[Tensor]:
        for norm in self._norms:
            yield from (norm.running_mean, norm.running_var)

    def _measure(self) -> None:
        with self._training():
            for number, batch in enumerate(self.data):
                try:
                    self._objective(self._model, batch)
                except Exception as error:
                    raise ProblemError(
                        f"objective: it failed on batch {number} of split {self.data.name!r}, on "
                        "which batch norm's statistics are re-estimated (batch_norm: recalibrate): "
                        f"{cause(error)}{remedy_for(error)}"
                    ) from error

    @contextlib.contextmanager
    def _training(self) -> Iterator[None]:
        """Reset batch norm's statistics and accumulate them in a block, weighted by samples."""
        self._seen.clear()
        momenta = [norm.momentum for norm in self._norms]
        hooks: list[RemovableHandle] = []
        for norm in self._norms:
            norm.reset_running_stats()
            norm.training = True
            hooks.append(norm.register_forward_pre_hook(self._weigh))
            if self._biased:
                hooks.append(norm.register_forward_hook(_scaled_back(norm.running_var)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            for norm, momentum in zip(self._norms, momenta, strict=True):
                norm.training, norm.momentum = False, momentum

    def _weigh(self, norm: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        samples = len(inputs[0])
        self._seen[norm] = self._seen.get(norm, 0) + samples
        norm.momentum = samples / self._seen[norm]


def _scaled_back(variance: Tensor) -> Callable[[Any, tuple[Tensor, ...], Tensor], None]:
    """Return a hook that takes the factor n / (n - 1) from what a batch adds to a variance."""
    before = torch.zeros_like(variance)

    def scale_back(norm: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        values = inputs[0].numel() / len(variance)
        kept = (1 - norm.momentum) * before
        variance.copy_(kept + (variance - kept) * (values - 1) / values)
        before.copy_(variance)

    return scale_back

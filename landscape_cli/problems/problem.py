"""The user's problem: a model, named data splits, and an objective."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.data import Dataset

from landscape_cli.errors import ProblemError

Values = Tensor | tuple[Tensor, Tensor]
"""Values of a batch's n samples, shape (n,), or a pair of these: sums and weights."""

Objective = Callable[[nn.Module, Any], Mapping[str, Values]]
"""``(model, batch) -> {name: Tensor[n]}``: named values for each of the batch's n samples.

A quantity is the mean of its values. For a weighted mean, the objective returns a pair
``(sums, weights)`` of tensors of shape (n,): the quantity is then sum(sums) / sum(weights) over all
samples, such as a loss for each token, with the summed loss and the number of tokens of each text.
"""

Split = Dataset[Any] | Iterable[Any]
"""A dataset of samples, or an iterable of batches that can be iterated over again."""


@dataclass(frozen=True)
class Problem:
    """A model, its data, and the objective evaluated on them.

    Args:
        model: any module; a slice perturbs its named parameters.
        splits: by name, a map-style ``Dataset`` of samples, a ``DataLoader``, or any iterable of
            batches that can be iterated over again. Batches may be tensors, tuples, lists,
            mappings or nestings of these, and objects with tensors as attributes.
        objective: a function ``(model, batch) -> {name: Tensor[n]}`` that returns named values
            for each sample from one forward pass; by convention, one of them is ``loss``. In place
            of a tensor, a pair (sums, weights) of tensors of shape (n,) makes a weighted mean.
        name: the network's name in titles; by default the name of its class.
        parallelize: divides the model among ranks, for ``ranks_per_model``: a function
            ``(model, mesh) -> model`` of a ``torch.distributed.device_mesh.DeviceMesh`` with one
            dimension, which leaves distributed tensors as parameters. By default FSDP does that.

    Raises:
        ProblemError: if the model, the splits or the objective have the wrong type.

    Example:
        >>> import torch
        >>> def squared_error(model, batch):
        ...     inputs, targets = batch
        ...     return {"loss": ((model(inputs) - targets) ** 2).mean(dim=1)}
        >>> batches = [(torch.ones(8, 3), torch.zeros(8, 1))]
        >>> problem = Problem(nn.Linear(3, 1), {"train": batches}, squared_error, name="linear")

        A loss weighted by class, as ``cross_entropy(weight=w, reduction="mean")`` over all samples:

        >>> w = torch.tensor([1.0, 5.0])
        >>> def weighted(model, batch):
        ...     inputs, labels = batch
        ...     losses = nn.functional.cross_entropy(model(inputs), labels, w, reduction="none")
        ...     return {"loss": (losses, w[labels])}
    """

    model: nn.Module
    splits: Mapping[str, Split]
    objective: Objective
    name: str = ""
    parallelize: Callable[[nn.Module, Any], nn.Module] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, nn.Module):
            raise ProblemError(f"Problem.model: expected a torch module, got {_kind(self.model)}")
        if not isinstance(self.splits, Mapping) or not self.splits:
            raise ProblemError(
                "Problem.splits: expected a non-empty mapping from split names to data, "
                f"got {_kind(self.splits)}"
            )
        for name, split in self.splits.items():
            if not isinstance(name, str) or not name or "/" in name or name in (".", ".."):
                raise ProblemError(
                    f"Problem.splits: {name!r} can't name a split; use a word without '/'"
                )
            _check_split(name, split)
        if not callable(self.objective):
            raise ProblemError(
                "Problem.objective: expected a function (model, batch) -> {name: Tensor[n]}, "
                f"got {_kind(self.objective)}"
            )
        if self.parallelize is not None and not callable(self.parallelize):
            raise ProblemError(
                "Problem.parallelize: expected a function (model, mesh) -> model, "
                f"got {_kind(self.parallelize)}"
            )


def _check_split(name: str, split: Any) -> None:
    if isinstance(split, Dataset):
        return
    if not isinstance(split, Iterable) and not hasattr(split, "__getitem__"):
        raise ProblemError(
            f"Problem.splits[{name!r}]: expected a Dataset, a DataLoader or an iterable of "
            f"batches, got {_kind(split)}"
        )
    if iter(split) is split:
        raise ProblemError(
            f"Problem.splits[{name!r}]: a {type(split).__name__} can be iterated over only once; "
            "give a list, or an object whose __iter__ starts again"
        )


def _kind(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:120]

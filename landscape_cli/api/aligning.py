"""Alignment of networks from a notebook or script."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from landscape_cli.config.loading import validate_config
from landscape_cli.records.checkpoint_path import CheckpointPath

if TYPE_CHECKING:
    from torch import Tensor

    from landscape_cli.problems.problem import Problem

    Weights = str | os.PathLike[str] | Mapping[str, Tensor]


def align(
    problem: Problem | str,
    reference: Weights,
    other: Weights,
    *,
    groups: Mapping[str, Sequence[Sequence[Any]]] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Permute the channels of a network to match another one's, as ``landscape align`` does.

    The function of the network stays the same, which is checked on the first samples of the
    problem's first split. The problem's model is not changed.

    Args:
        problem: a ``Problem``, or the import path ``module:callable`` of a function that returns
            one.
        reference: a checkpoint or state dict, whose order of channels the other takes.
        other: a checkpoint or state dict of the network to permute.
        groups: groups of channels, for networks that can't be traced: for each of them
            ``[name, axis]`` of the tensors that it runs along.
        seed: of the order in which groups are visited.

    Returns:
        The state dict of the other network, in the new order.

    Raises:
        LandscapeError: if weights do not fit the model, its operations can't be traced, or its
            function would not stay the same.

    Example:
        >>> import torch
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", model_args={"hidden": [16]}, samples={"train": 50})
        >>> first = problem.model.state_dict()
        >>> order = torch.randperm(16)
        >>> second = {name: first[name][order] for name in ("layers.1.weight", "layers.1.bias")}
        >>> second["layers.3.weight"] = first["layers.3.weight"][:, order]
        >>> second["layers.3.bias"] = first["layers.3.bias"]
        >>> aligned = landscape.align(problem, first, second)
        >>> all(torch.equal(aligned[name], first[name]) for name in first)
        True
    """
    from landscape_cli.problems.problem import Problem
    from landscape_cli.run.alignment.compute import Alignment

    own = problem if isinstance(problem, Problem) else None
    path = problem if isinstance(problem, str) else f"<{type(problem).__name__}>"
    config = validate_config({"problem": path, "grid": {"x": [-1, 1, 2]}}, "align")
    if own is not None:
        own = replace(own, model=copy.deepcopy(own.model))
    alignment = Alignment(config, _source(reference), groups, own)
    return alignment.align(_source(other), seed).state


def _source(weights: Weights) -> CheckpointPath | Mapping[str, Tensor]:
    return weights if isinstance(weights, Mapping) else CheckpointPath.parse(weights)

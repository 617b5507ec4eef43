"""Settings and networks that a group of ranks can't hold or evaluate together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import ProblemError, UsageError, some
from landscape_cli.evaluation.batch_norm import batch_norms
from landscape_cli.evaluation.model_state import switches
from landscape_cli.geometry.directions import directions_from
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.parameters import moved_tensors
from landscape_cli.geometry.slices import slice_from
from landscape_cli.parallel.group import refuse_size
from landscape_cli.util.tensors import movable


def refuse_settings(config: RunConfig, ranks: int) -> None:
    """Refuse settings for which whole tensors of the network would be needed on one rank.

    Args:
        config: the run.
        ranks: number of ranks of the run.

    Raises:
        UsageError: naming the setting, and the remedy.
    """
    refuse_size(config.ranks_per_model, ranks)
    if config.ranks_per_model == 1:
        return
    recipe = slice_from(config.slice)
    loading = [
        f"directions.{axis} of kind {one.kind}"
        for axis, one in directions_from(config.directions).items()
        if type(one).load is not Direction.load
    ]
    unsuited = {
        f"a slice of kind {recipe.kind}": not recipe.uses_directions,
        **dict.fromkeys(loading, True),
        "sampling": config.sampling is not None,
        "measures": bool(config.measures),
        "checkpoints": bool(config.checkpoints),
        "perturb: states": config.perturb == "states",
        "compile: on": config.compile == "on",
        "quantize": config.quantize is not None,
    }
    for what, there in unsuited.items():
        if there:
            raise UsageError(
                f"ranks_per_model: {config.ranks_per_model} excludes {what}, for which each rank "
                "needs the whole network; drop one of the two"
            )


def refuse_network(model: nn.Module, devices: Sequence[torch.device], config: RunConfig) -> None:
    """Refuse a network whose parameters can't be divided among ranks.

    Args:
        model: the network.
        devices: the devices on which it is.
        config: the run.

    Raises:
        ProblemError: naming what can't be divided.
        UsageError: if batch norm's statistics are to be moved or estimated, or the network is
            spread over several devices of this rank.
    """
    if len(devices) > 1:
        raise UsageError(
            f"ranks_per_model: {config.ranks_per_model} excludes a model that is spread over "
            f"several devices already ({', '.join(map(str, devices))}); drop one of the two"
        )
    if config.batch_norm != "frozen" and batch_norms(model):
        raise UsageError(
            f"ranks_per_model: {config.ranks_per_model} excludes batch_norm: {config.batch_norm}; "
            "drop one of the two"
        )
    why = ""
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        why = "is a TorchScript module, in whose forward pass no parameter can be gathered"
    elif switches(model) and _changes_weights(model):
        why = "changes weights in train() or eval()"
    elif complex_ones := [n for n, p in model.named_parameters() if p.is_complex()]:
        why = f"has complex parameters ({some(complex_ones)})"
    elif tied := _tied_by_memory(model):
        why = f"ties {some(tied)} by memory, not as one Parameter"
    if why:
        raise ProblemError(
            f"Problem.model: it {why}, so it can't be divided among ranks; leave ranks_per_model "
            "out"
        )


def _changes_weights(model: nn.Module) -> bool:
    """Tell whether ``train()`` or ``eval()`` writes to a parameter, or replaces one."""

    def seen() -> dict[str, tuple[int, int]]:
        return {name: (id(one), one._version) for name, one in model.named_parameters()}

    model.train()
    before = seen()
    model.eval()
    return seen() != before


def _tied_by_memory(model: nn.Module) -> list[str]:
    """Return names of parameters that share memory with another one without being the same."""
    if any(parameter.is_meta for parameter in model.parameters()):
        return []
    followers = moved_tensors(model).followers
    return [one.name for one in followers if movable(one.tensor)]

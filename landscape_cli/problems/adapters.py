"""LoRA adapters: what they add to the weights of a network, read without peft."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, UsageError, some
from landscape_cli.problems.checkpoints import read_state_dict
from landscape_cli.problems.checkpoints.folder import ADAPTERS
from landscape_cli.problems.checkpoints.names import addable, removable
from landscape_cli.problems.checkpoints.settings import ADAPTER
from landscape_cli.util.tensors import is_transposed

FACTOR = re.compile(
    r"^(?P<module>.+)\.(?P<kind>lora_|lora_embedding_)(?P<side>[AB])(?:\.(?!weight$)[^.]+)?(?:\.weight)?$"
)
"""Name of a factor: ``q_proj.lora_A.weight``, ``q_proj.lora_A.default.weight`` inside a model, or
``wte.lora_embedding_A``."""

PREFIX = "base_model.model."
"""Place of the network in a model of peft."""

PLAIN_STARTS = (True, False, "gaussian", "eva", "orthogonal", None)
"""Ways to begin an adapter that leave the network's own weights as they are."""

REMEDY = "merge it into the weights, and use {kind: checkpoint}"


@dataclass
class _Factors:
    """The factors of one module."""

    sides: dict[str, Tensor] = field(default_factory=dict)
    embedding: bool = False


def read_adapter(
    path: str, model: nn.Module, key: str, alpha: float | None = None
) -> dict[str, Tensor]:
    """Compute scale B A for each weight that an adapter adapts.

    Args:
        path: a folder of peft, or a ``.safetensors`` file.
        model: the network without adapters.
        key: the setting that names the path, for messages.
        alpha: the adapter's alpha, if no configuration says it.

    Returns:
        float64 tensors on the CPU, by parameter.

    Raises:
        LandscapeError: if the adapter can't be read, is no plain LoRA, or does not fit the network.
    """
    file = _weights_of(path)
    settings = _settings(file, key)
    _refuse(settings, path, key)
    if (alpha is None) == ("lora_alpha" not in settings):
        there = "alpha: it has none" if alpha is None else f"alpha: got {alpha:g}, but it has one"
        remedy = "set alpha to that of its training" if alpha is None else "leave alpha out"
        raise UsageError(f"{key}.{there}: {ADAPTER} beside {file!r}; {remedy}")
    try:
        tensors = read_state_dict(file)
    except CheckpointError as error:
        raise CheckpointError(f"{key}: {str(error).removeprefix('checkpoint: ')}") from None
    factors = _paired(tensors, path, key)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    rename = _mapping(factors, parameters, path, key)
    updates: dict[str, Tensor] = {}
    for module, found in factors.items():
        name = rename(module)
        update = _update(found, model.get_submodule(name), settings, f"{key}: {path!r}: {module}")
        rank = len(found.sides["A"])
        divisor = math.sqrt(rank) if settings.get("use_rslora") else rank
        numerator = _alpha(settings, module) if alpha is None else alpha
        updates[f"{name}.weight"] = update * (numerator / divisor)
    return updates


def _weights_of(path: str) -> str:
    """Return the file of an adapter's weights."""
    names = [os.path.join(path, name) for name in ADAPTERS]
    return next((name for name in names if os.path.exists(name)), path)


def _settings(file: str, key: str) -> Mapping[str, Any]:
    """Return the configuration beside an adapter's weights; empty if there is none."""
    place = os.path.join(os.path.dirname(file), ADAPTER)
    try:
        with open(place, encoding="utf-8") as stream:
            settings = json.load(stream)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{key}: can't read {place!r}: {error}") from None
    if not isinstance(settings, dict):
        raise UsageError(f"{key}: {place!r} is not the configuration of an adapter")
    return settings


def _refuse(settings: Mapping[str, Any], path: str, key: str) -> None:
    """Refuse adapters that are more than a product of two factors added to weights."""
    kind = str(settings.get("peft_type", "LORA")).rpartition(".")[2].upper()
    start = settings.get("init_lora_weights", True)
    reasons = {
        f"it is an adapter of kind {kind}, not LoRA": kind != "LORA",
        "it uses DoRA": settings.get("use_dora"),
        "it adapts biases": settings.get("bias", "none") != "none" or settings.get("lora_bias"),
        f"it replaces whole modules ({settings.get('modules_to_save')})": settings.get(
            "modules_to_save"
        ),
        f"it adapts parameters ({settings.get('target_parameters')})": settings.get(
            "target_parameters"
        ),
        "it repeats layers": settings.get("layer_replication"),
        "it changes single tokens": settings.get("trainable_token_indices"),
        f"it began as {start!r}, which also changes the network's weights": start
        not in PLAIN_STARTS,
    }
    for reason, holds in reasons.items():
        if holds:
            raise UsageError(f"{key}: {path!r}: {reason}; {REMEDY}")


def _paired(tensors: Mapping[str, Any], path: str, key: str) -> dict[str, _Factors]:
    """Return the factors by module.

    Raises:
        UsageError: for other tensors, and factors without the other one.
    """
    found: dict[str, _Factors] = {}
    other = []
    for name, tensor in tensors.items():
        match = FACTOR.match(name)
        if match is None or not isinstance(tensor, Tensor):
            other.append(name)
            continue
        factors = found.setdefault(match["module"], _Factors())
        factors.embedding = match["kind"] == "lora_embedding_"
        if match["side"] in factors.sides:
            raise UsageError(
                f"{key}: {path!r} has several adapters of {match['module']}; name a file of one"
            )
        factors.sides[match["side"]] = tensor
    if other:
        raise UsageError(
            f"{key}: {path!r} has tensors other than lora_A and lora_B: {some(other)}; {REMEDY}"
        )
    single = [module for module, factors in found.items() if len(factors.sides) < 2]
    if single or not found:
        what = f"only one factor of {some(single)}" if single else "no lora_A and lora_B"
        raise UsageError(f"{key}: {path!r} has {what}; give the whole adapter")
    return found


def _mapping(
    modules: Iterable[str], parameters: Mapping[str, nn.Parameter], path: str, key: str
) -> Callable[[str], str]:
    """Return the function from an adapter's names of modules to the model's.

    Raises:
        UsageError: if the model lacks one.
    """
    names = [module.removeprefix(PREFIX) for module in modules]
    weights = {name.removesuffix(".weight") for name in parameters if name.endswith(".weight")}
    prefixes = [("", ""), *((one, "") for one in removable(names))]
    prefixes += [("", one) for one in addable(names, sorted(weights))]
    for drop, add in prefixes:
        if all(add + name.removeprefix(drop) in weights for name in names):
            return lambda module: add + module.removeprefix(PREFIX).removeprefix(drop)
    missing = [name for name in names if name not in weights]
    raise UsageError(
        f"{key}: {path!r} adapts {some(missing)}, which the model does not have; its weights are "
        f"{some(sorted(weights))}"
    )


def _alpha(settings: Mapping[str, Any], module: str) -> float:
    """Return a module's alpha, which a pattern may set apart from the others'."""
    name = module.removeprefix(PREFIX)
    for pattern, value in (settings.get("alpha_pattern") or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return float(value)
    return float(settings["lora_alpha"])


def _update(
    factors: _Factors, module: nn.Module, settings: Mapping[str, Any], where: str
) -> Tensor:
    """Return B A in the shape of a module's weight, float64.

    Raises:
        UsageError: if the factors do not fit it.
    """
    a, b = (factors.sides[side].double() for side in ("A", "B"))
    weight = module.weight
    assert isinstance(weight, Tensor)
    shape = tuple(weight.shape)
    if a.dim() == b.dim() >= 2 and a.shape[0] == b.shape[1] and b[0, 0].numel() == 1:
        product = b.flatten(1) @ a.flatten(1)
        declared = settings.get("fan_in_fan_out") and not isinstance(module, nn.Linear)
        transposed = factors.embedding or is_transposed(module) or (declared and a.dim() == 2)
        product = product.T if transposed else product
        expected = (b.shape[0], *a.shape[1:])
        expected = expected[::-1] if transposed else expected
        if expected == shape:
            return product.reshape(shape).contiguous()
    got = " and ".join(f"lora_{side} {tuple(factors.sides[side].shape)}" for side in ("A", "B"))
    raise UsageError(f"{where}: {got} do not fit a weight {shape}; was it made for this network?")

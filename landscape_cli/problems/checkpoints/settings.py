"""Settings that trainers store beside weights, which decide what these do, but not their names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from landscape_cli.errors import CheckpointError, some

ADAPTER = "adapter_config.json"

ADAPTER_SETTINGS = (
    *("peft_type", "r", "lora_alpha", "use_rslora", "use_dora", "fan_in_fan_out"),
    *("rank_pattern", "alpha_pattern", "alpha"),
)
"""Settings of peft that change what an adapter's weights do."""

NETWORK = "config.json"

IRRELEVANT = (
    *("_", "transformers_version", "torch_dtype", "dtype", "architectures", "use_cache", "output_"),
    *("return_dict", "initializer", "problem_type", "bos_", "eos_", "pad_", "gradient_checkpoint"),
    *("tie_word_embeddings", "name_or_path", "finetuning_task", "torchscript"),
)
"""Beginnings of settings of transformers that do not change a forward pass in eval mode."""


def adapters_of(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the adapters that peft has built into a model."""
    configs = next(_peft_configs(model), {})
    return tuple(configs) or ("default",)


def check_adapter(path: str, model: nn.Module) -> None:
    """Refuse an adapter that was trained with other settings than the model was built with.

    Raises:
        CheckpointError: naming the setting and both values.
    """
    stored = _stored(path, ADAPTER)
    built = list(next(_peft_configs(model), {}).values())
    if len(built) != 1:
        return
    for key in ADAPTER_SETTINGS:
        if key in stored and hasattr(built[0], key):
            before, now = stored[key], _plain(getattr(built[0], key))
            if before != now and (before or now):
                raise CheckpointError(
                    f"checkpoint: {path!r} was trained with {key}: {before!r}, the model is built "
                    f"with {now!r}; build it from the adapter's own configuration"
                )


def network_note(path: str, model: nn.Module) -> str:
    """Return how a model of transformers differs from the configuration beside a file.

    Settings such as the number of heads change the network, but no name or shape.

    Args:
        path: the file.
        model: the network, or one that holds it.

    Returns:
        A sentence; empty if nothing is known to differ.
    """
    stored = _stored(path, NETWORK)
    own = next(_transformers_configs(model), {}) if stored else {}
    different = [
        f"{key}: {stored[key]!r} there, {own[key]!r} here"
        for key in stored
        if key in own and not key.startswith(IRRELEVANT) and "drop" not in key
        if _scalar(stored[key]) and _scalar(own[key]) and stored[key] != own[key]
    ]
    return f"the model is not built as its {NETWORK} says: {some(different)}" if different else ""


def _peft_configs(model: nn.Module) -> Iterator[Mapping[str, Any]]:
    for module in model.modules():
        if isinstance(config := getattr(module, "peft_config", None), Mapping):
            yield config


def _transformers_configs(model: nn.Module) -> Iterator[Mapping[str, Any]]:
    for module in model.modules():
        as_dict = getattr(getattr(module, "config", None), "to_dict", None)
        if callable(as_dict) and isinstance(config := as_dict(), Mapping):
            yield config


def _stored(path: str, name: str) -> Mapping[str, Any]:
    try:
        with open(os.path.join(os.path.dirname(path), name), encoding="utf-8") as file:
            stored = json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _scalar(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)

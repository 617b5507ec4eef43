"""Adapters of peft: their names in a model, and the settings that decide what their weights do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from torch import nn

from landscape_cli.errors import CheckpointError

CONFIG = "adapter_config.json"

SETTINGS = (
    *("peft_type", "r", "lora_alpha", "use_rslora", "use_dora", "fan_in_fan_out"),
    *("rank_pattern", "alpha_pattern", "alpha"),
)
"""Settings that change what an adapter's weights do, without changing their names."""


def adapters_of(model: nn.Module) -> tuple[str, ...]:
    """Return the names of the adapters that peft has built into a model."""
    return tuple(dict.fromkeys(name for config in _configs(model) for name in config)) or (
        "default",
    )


def check_settings(path: str, model: nn.Module) -> None:
    """Refuse an adapter that was trained with other settings than the model was built with.

    Raises:
        CheckpointError: naming the setting and both values.
    """
    stored = _stored(os.path.join(os.path.dirname(path), CONFIG))
    built = [config for configs in _configs(model) for config in configs.values()]
    if len(built) != 1:
        return
    for key in SETTINGS:
        if key in stored and hasattr(built[0], key):
            before, now = stored[key], _plain(getattr(built[0], key))
            if before != now and (before or now):
                raise CheckpointError(
                    f"checkpoint: {path!r} was trained with {key}: {before!r}, the model is built "
                    f"with {now!r}; build it from the adapter's own configuration"
                )


def _configs(model: nn.Module) -> list[Mapping[str, Any]]:
    found = (getattr(module, "peft_config", None) for module in model.modules())
    return [config for config in found if isinstance(config, Mapping)][:1]


def _stored(path: str) -> Mapping[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            stored = json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)

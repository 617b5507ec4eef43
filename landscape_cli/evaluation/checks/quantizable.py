"""The weights of a network that can be rounded, and refusals of those that can't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from landscape_cli.errors import UsageError, some
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.quantization import QuantizedWeights, Quantizer
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.geometry.slices.directional import DirectionalSlice

SOURCES = ("_orig", "_g", "_v")
"""Ends of the names of parameters from which pruning and the older weight and spectral norms
compute a weight before each forward pass."""


def quantizer_for(
    model: nn.Module, parameters: FlatParameters, slice_: Slice, section: Mapping[str, Any]
) -> Quantizer:
    """Return the rounding of a network's weights, with the scales of the slice's centre.

    Args:
        model: the network.
        parameters: its own parameters.
        slice_: the slice.
        section: ``quantize`` of the configuration.

    Raises:
        UsageError: if the slice has no centre, or the network's weights can't be rounded.
    """
    if not isinstance(slice_, DirectionalSlice):
        raise UsageError(
            "quantize: a slice of this kind has no centre that could fix the scales of all its "
            "networks; use directions, such as kind checkpoint"
        )
    tensors = {
        name: view
        for name, view in parameters.views.items()
        if name in parameters.trainable or name in parameters.frozen
    }
    chosen = QuantizedWeights(include=section.get("include"), exclude=section.get("exclude"))
    names = chosen.names(parameters, tensors)
    _refuse_network(model)
    _refuse_tensors(model, parameters, names)
    return Quantizer(slice_.centre, names, section["bits"], section["per"])


def rounding_facts(evaluator: Evaluator, corner: Sequence[float]) -> dict[str, Any]:
    """Count the weights that are rounded, and those that are clipped far from the centre.

    Args:
        evaluator: of this rank.
        corner: coordinates of the point at which clipped weights are counted.

    Returns:
        ``tensors`` and ``weights``, numbers of what is rounded; ``clipped``, a fraction of the
        weights; and the ``corner``.
    """
    quantizer, parameters = evaluator.quantizer, evaluator.parameters
    assert quantizer is not None
    with torch.no_grad():
        evaluator.slice.write(corner, parameters)
        clipped = quantizer.clipped(parameters)
    return {
        "tensors": len(quantizer.scales),
        "weights": quantizer.weights(parameters),
        "clipped": clipped,
        "corner": list(corner),
    }


def _refuse_network(model: nn.Module) -> None:
    """Refuse a network whose weights are not all parameters.

    Raises:
        UsageError: if some of its modules are quantized.
    """
    if any(".quantized" in type(module).__module__ for module in model.modules()):
        raise UsageError(
            "quantize: the model has modules that are quantized already, whose weights are no "
            "parameters; leave quantize out, or give the network before it was quantized"
        )


def _refuse_tensors(model: nn.Module, parameters: FlatParameters, names: Sequence[str]) -> None:
    """Refuse weights whose rounded values are not those that the network computes with.

    Raises:
        UsageError: naming the first ones.
    """
    narrow = {str(parameters.views[n].dtype).removeprefix("torch.") for n in names} - {
        "float32",
        "float64",
    }
    unsuited = {
        "is complex, and has no sign": [name for name in names if name in parameters.complex],
        f"is in {', '.join(sorted(narrow))}, which can't hold a grid's values; use float32": [
            name for name in names if parameters.views[name].dtype.itemsize < 4
        ],
        "is part of a low-rank update, whose product would not be rounded; merge it": [
            name for name in names if "lora_" in name.lower()
        ],
        "is not a weight itself, but one is computed from it before each pass; remove the "
        "parametrization": [name for name in names if _is_source(model, name)],
    }
    for why, found in unsuited.items():
        if found:
            raise UsageError(f"quantize: {some(found)} {why}, or name it in quantize.exclude")


def _is_source(model: nn.Module, name: str) -> bool:
    """Tell whether a module computes its weight from this parameter."""
    if ".parametrizations." in f".{name}":
        return True
    place, _, last = name.rpartition(".")
    module = model.get_submodule(place)
    return any(last.endswith(end) and hasattr(module, last[: -len(end)]) for end in SOURCES)

"""Registry of example models and datasets.

To add one, write a module and add a line to ``MODELS`` or ``DATASETS``.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.errors import UsageError
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.problem import Problem
from landscape_cli.problems.zoo.dataset import DataSet

MODELS = {
    "resnet": "landscape_cli.problems.zoo.resnet:ResNet",
    "mlp": "landscape_cli.problems.zoo.mlp:MLP",
    "vgg": "landscape_cli.problems.zoo.vgg:VGG",
    "densenet": "landscape_cli.problems.zoo.densenet:DenseNet",
}
"""Import paths of model classes; arguments named in ``_from_data`` are set from the data."""

DATASETS = {
    "digits": "landscape_cli.problems.zoo.digits:load",
    "fashion_mnist": "landscape_cli.problems.zoo.fashion_mnist:load",
    "cifar10": "landscape_cli.problems.zoo.cifar10:load",
}
"""Import paths of functions that load a ``DataSet``."""


def build(
    model: str = "resnet",
    data: str = "digits",
    model_args: Mapping[str, Any] | None = None,
    data_args: Mapping[str, Any] | None = None,
    samples: Mapping[str, int] | None = None,
) -> Problem:
    """Build a classification problem from a model and a dataset of this package.

    Args:
        model: a name in ``MODELS``.
        data: a name in ``DATASETS``.
        model_args: arguments of the model, such as depth and width.
        data_args: arguments of the dataset, such as the folder of its files.
        samples: by split, the number of samples to keep, counted from the first.

    Returns:
        The problem, with cross entropy and accuracy as its objective.

    Raises:
        UsageError: if a name, an argument or a number of samples is invalid.
        ProblemError: if the data can't be loaded.
    """
    loaded: DataSet = _call("data", data, DATASETS, data_args, {})
    network: nn.Module = _call("model", model, MODELS, model_args, _from_data(loaded))
    title = getattr(network, "title", type(network).__name__)
    return Problem(network, _first(loaded.splits, samples), cross_entropy, name=title)


def _from_data(data: DataSet) -> dict[str, int]:
    """Arguments of a model that follow from its data."""
    return {
        "channels": data.channels,
        "classes": data.classes,
        "inputs": data.channels * data.size**2,
        "outputs": data.classes,
    }


def _call(
    key: str,
    name: str,
    registry: Mapping[str, str],
    args: Mapping[str, Any] | None,
    derived: Mapping[str, Any],
) -> Any:
    """Import and call a registered class or function.

    Args:
        key: the key that names it, for messages.
        name: its name in the registry.
        registry: import paths by name.
        args: the user's arguments.
        derived: arguments that follow from the data, which the user may not set; those that it
            accepts are passed on.
    """
    if name not in registry:
        raise UsageError(f"{key}: got {name!r}, expected one of {', '.join(registry)}")
    module, _, attribute = registry[name].partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    accepted = inspect.signature(function).parameters
    args = _mapping(f"{key}_args", args)
    _check_names(f"{key}_args", args, [a for a in accepted if a not in derived], f"{key} {name}")
    try:
        return function(**args, **{a: derived[a] for a in accepted if a in derived})
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise UsageError(f"{key}_args: {name} does not work with {args}: {error}") from error


def _first(
    splits: Mapping[str, TensorDataset], samples: Mapping[str, int] | None
) -> dict[str, TensorDataset]:
    """Shorten the splits for which a number of samples is given."""
    numbers = _mapping("samples", samples)
    _check_names("samples", numbers, list(splits), "the dataset")
    return {
        name: split if numbers.get(name) is None else _shortened(name, split, numbers[name])
        for name, split in splits.items()
    }


def _shortened(name: str, split: TensorDataset, number: int) -> TensorDataset:
    if type(number) is not int or not 1 <= number <= len(split):
        raise UsageError(f"samples.{name}: got {number!r}, expected 1 to {len(split)}")
    return type(split)(*(tensor[:number].clone() for tensor in split.tensors))


def _mapping(key: str, value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise UsageError(f"{key}: got {value!r}, expected a mapping from names to values")
    return value or {}


def _check_names(key: str, given: Mapping[str, Any], known: list[str], owner: str) -> None:
    for name in given:
        if name not in known:
            raise UsageError(f"{key}: {owner} has no {name!r}; it has {', '.join(known) or 'none'}")

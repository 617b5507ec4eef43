"""The roles of a model's parameters, as the modules that own them tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import nn

from landscape_cli.util.tensors import is_transposed

WORDS = {
    "trainable": "parameters that require gradients",
    "frozen": "parameters that require no gradients",
    "embeddings": "tables of nn.Embedding and nn.EmbeddingBag, and heads tied to them",
    "norms": "scales and shifts of norm layers",
}
"""Words that stand for parameters in ``include`` and ``exclude``, and their meaning."""

EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


def roles_of(model: nn.Module, owners: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Find the parameters that each of ``WORDS`` stands for.

    Norm layers are recognized by their class's name, as those of transformers share no base class.

    Args:
        model: the network.
        owners: the name under which each parameter is moved, by all of its names.
    """
    found: dict[str, set[str]] = {word: set() for word in WORDS}
    for name, module, parameter in _parameters(model):
        if (owner := owners.get(name)) is None:
            continue
        found["trainable" if parameter.requires_grad else "frozen"].add(owner)
        if isinstance(module, EMBEDDINGS):
            found["embeddings"].add(owner)
        if "norm" in type(module).__name__.lower() and parameter.dim() <= 1:
            found["norms"].add(owner)
    found["frozen"] -= found["trainable"]
    return {word: frozenset(names) for word, names in found.items()}


def column_weights(model: nn.Module) -> frozenset[str]:
    """Return the names of weights (in, out), each column of which belongs to one output."""
    return frozenset(
        name for name, module, _ in _parameters(model) if is_transposed(module) and _is_weight(name)
    )


def _is_weight(name: str) -> bool:
    return name.rpartition(".")[2] == "weight"


def _parameters(model: nn.Module) -> Iterator[tuple[str, nn.Module, nn.Parameter]]:
    """Yield the name, the module and the parameter, under each name that it has."""
    for prefix, module in model.named_modules(remove_duplicate=False):
        for name, parameter in module.named_parameters(prefix, recurse=False):
            yield name, module, parameter

"""Directions out of files: read on rank 0, and the same on every rank.

A kind of direction whose entries are given is one loader here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.devices import room_for_checkpoints
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.directions.checkpoint import CheckpointDirection
from landscape_cli.geometry.directions.file import FileDirection
from landscape_cli.geometry.directions.loaded import GivenDirection
from landscape_cli.geometry.directions.normalized import NormalizedDirection
from landscape_cli.geometry.directions.pca import PcaDirection
from landscape_cli.geometry.matching import match
from landscape_cli.geometry.normalization import register
from landscape_cli.geometry.parameters import FlatParameters, wide_dtype
from landscape_cli.geometry.pca.components import principal_directions
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.slices.affine import cosine
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.import_path import load_callable
from landscape_cli.problems.weights import read_weights
from landscape_cli.run.setup.rank_consistency import share_tensors
from landscape_cli.store import read_direction

PARALLEL = 1e-10
"""How far from 1 the cosine of two directions is at least that span a plane."""

Entries = dict[str, Tensor]


@dataclass
class Context:
    """What loaders know of a run.

    Args:
        config: the run.
        model: the network, with the weights at the centre.
        centre: the tensors that the slice moves, on the CPU.
    """

    config: RunConfig
    model: nn.Module
    centre: Mapping[str, Tensor]
    _components: list[Entries] = field(default_factory=list)

    def components(self) -> list[Entries]:
        """The principal components of the configuration's checkpoints, around the centre."""
        if not self._components:
            paths = self.config.checkpoints or []
            if len(paths) < 2:
                raise UsageError(
                    f"checkpoints: {len(paths)} of them besides the centre; kind pca takes at "
                    "least 2, as paths or patterns"
                )

            def read(number: int) -> Mapping[str, Tensor]:
                # The centre belongs to the plane, and changes nothing in sums of squares about it.
                if number == len(paths):
                    return self.centre
                return read_weights(paths[number], self.model, self.centre)[0]

            room = room_for_checkpoints(self.centre)
            differences = Differences(read, len(paths) + 1, self.centre, room)
            directions, _ = principal_directions(differences, list(self.centre))
            self._components = [dict(direction) for direction in directions]
        return self._components


def _to_checkpoint(axis: str, recipe: GivenDirection, context: Context) -> Entries:
    path = cast(CheckpointDirection, recipe).path
    weights, _ = read_weights(path, context.model, context.centre)
    return {
        name: (weights[name].double() - like.double()).to(wide_dtype(like))
        for name, like in context.centre.items()
    }


def _from_file(axis: str, recipe: GivenDirection, context: Context) -> Entries:
    wished = cast(FileDirection, recipe)
    which = cast(Literal["x", "y", "z"], wished.axis or axis)
    stored = read_direction(wished.path, which)
    entries = [(name, torch.from_numpy(array)) for name, array in stored]
    parameters = {name: tensor.detach() for name, tensor in context.model.named_parameters()}
    try:
        found = match(entries, parameters, context.model.state_dict())
    except UsageError as error:
        raise UsageError(f"directions.{axis}: {wished.path!r}: {error}") from None
    for name, tensor in found.items():
        if name not in context.centre and bool(tensor.any()):
            raise UsageError(
                f"directions.{axis}: {wished.path!r} moves buffers such as {name}; add perturb: "
                "states (and batch_norm: perturb for running statistics)"
            )
    return {name: found.get(name, torch.zeros_like(like)) for name, like in context.centre.items()}


def _component(axis: str, recipe: GivenDirection, context: Context) -> Entries:
    components = context.components()
    number = cast(PcaDirection, recipe).component or "xyz".index(axis) + 1
    if number > len(components):
        raise UsageError(
            f"directions.{axis}: kind pca has {len(components)} components; name one of them"
        )
    return components[number - 1]


LOADERS: dict[str, Callable[[str, GivenDirection, Context], Entries]] = {
    "checkpoint": _to_checkpoint,
    "file": _from_file,
    "pca": _component,
}
"""By kind, what reads a direction's raw entries, by parameter and on the CPU: on rank 0."""


def supply(
    recipes: Mapping[str, Direction],
    config: RunConfig,
    model: nn.Module,
    parameters: FlatParameters,
    executor: Executor,
) -> dict[str, Direction]:
    """The recipes with their entries, and rules of the user's; called by every rank.

    Args:
        recipes: by axis.
        config: the run.
        model: the network, with the weights at the centre.
        parameters: the tensors that the slice moves.
        executor: the ranks.

    Raises:
        LandscapeError: if a file can't be read or is of another network, or the directions that
            files give are zero or parallel.
    """
    executor.together(lambda: _register_rules(recipes))
    given = {axis: one for axis, one in recipes.items() if isinstance(one, GivenDirection)}
    if not given:
        return dict(recipes)
    loaded: dict[str, Entries] = {}
    executor.lead(lambda: loaded.update(_load(given, config, model, parameters)))
    supplied = dict(recipes)
    for axis, recipe in given.items():
        entries = loaded.pop(axis, None) or {
            name: torch.zeros(view.shape, dtype=wide_dtype(view))
            for name, view in parameters.views.items()
        }
        share_tensors(entries.values(), executor)
        supplied[axis] = recipe.holding(entries)
    return supplied


def _register_rules(recipes: Mapping[str, Direction]) -> None:
    for axis, recipe in recipes.items():
        if isinstance(recipe, NormalizedDirection) and ":" in recipe.normalize:
            key = f"directions.{axis}.normalize"
            function = load_callable(recipe.normalize, key, "my_module:my_rule")
            register(recipe.normalize, function)


def _load(
    given: Mapping[str, GivenDirection],
    config: RunConfig,
    model: nn.Module,
    parameters: FlatParameters,
) -> dict[str, Entries]:
    context = Context(config, model, {n: view.cpu() for n, view in parameters.views.items()})
    loaded = {}
    for axis, recipe in given.items():
        recipe.prepare(f"directions.{axis}", parameters.views)
        entries = LOADERS[recipe.kind](axis, recipe, context)
        loaded[axis] = {
            name: tensor.to(wide_dtype(tensor)).contiguous()
            if recipe.selects(name)
            else torch.zeros(tensor.shape, dtype=wide_dtype(tensor))
            for name, tensor in entries.items()
        }
    _check(loaded, given)
    return loaded


def _check(loaded: Mapping[str, Entries], given: Mapping[str, GivenDirection]) -> None:
    """Refuse directions that are zero, or parallel to one another."""
    for axis, entries in loaded.items():
        if not any(bool(tensor.any()) for tensor in entries.values()):
            raise UsageError(
                f"directions.{axis}: {given[axis].label()} is zero: it holds the same weights as "
                "the centre; choose another one"
            )
    for (first, one), (second, other) in combinations(loaded.items(), 2):
        if 1 - abs(cosine(one, other)) < PARALLEL:
            raise UsageError(
                f"directions.{second}: parallel to directions.{first}, so that they span no plane; "
                "checkpoints that lie on one line make a line: leave one of the two out"
            )


def refuse_zero(norms: Mapping[str, float]) -> None:
    """Refuse a direction that moves nothing.

    Raises:
        UsageError: naming it.
    """
    for axis, norm in norms.items():
        if not np.isfinite(norm) or norm == 0:
            what = "zero in every parameter" if norm == 0 else "not finite"
            raise UsageError(
                f"directions.{axis}: it is {what}; see include, exclude, ignore and normalize"
            )

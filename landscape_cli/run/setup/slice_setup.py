"""Laying the slice of a run around the trained weights, the same on every rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from landscape_cli.geometry.directions import direction_from
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import Slice
from landscape_cli.geometry.slices.repeated import recipes_of
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.repeats import key_of
from landscape_cli.run.resume import Start
from landscape_cli.run.setup.direction_entries import refuse_zero, supply
from landscape_cli.run.setup.direction_storage import keep_directions, make_slice
from landscape_cli.run.setup.markers import marked, path_through


@dataclass(frozen=True)
class Laid:
    """A slice, and what a file should say about it.

    Args:
        slice_: around the weights that the model has.
        directions: each direction's settings, label and SHA-256, by its name.
        facts: cosines and norms of the directions, and checkpoints and a path if there are some.
        places: host, device and threads of each rank, and whether it keeps the directions.
    """

    slice_: Slice
    directions: dict[str, Any]
    facts: dict[str, Any]
    places: list[dict[str, Any]]


def lay_slice(
    start: Start,
    model: nn.Module,
    parameters: FlatParameters,
    places: list[dict[str, Any]],
    executor: Executor,
) -> Laid:
    """Lay the slice; called by every rank.

    Args:
        start: what rank 0 found.
        model: the network, with the weights at the centre.
        parameters: its tensors that the slice moves.
        places: host, device and threads of each rank.
        executor: the ranks.

    Raises:
        LandscapeError: if a direction can't be made for this network, or is zero.
    """
    config = start.config
    recipes = {
        axis: direction_from(section, f"directions.{axis}")
        for axis, section in config.directions.items()
    }
    recipes = supply(recipes, config, model, parameters, executor)
    repeats = recipes_of(recipes, config.repeats)
    axes = len(repeats) * len(recipes)
    places = keep_directions(config.keep_directions, parameters, axes, places, executor)
    kept = places[executor.rank]["directions"]
    slice_ = executor.together(
        lambda: make_slice(kept, parameters.clone(), repeats, config.orthogonal)
    )
    norms = slice_.norms()
    executor.together(lambda: refuse_zero(norms))
    marks = executor.lead(lambda: _marks(start, recipes, slice_, model))
    facts = {"cosines": slice_.cosines(), "norms": norms, **marks}
    return Laid(slice_, _describe(slice_, repeats), facts, places)


def _describe(slice_: Slice, repeats: Sequence[Mapping[str, Direction]]) -> dict[str, Any]:
    hashes = slice_.hashes()
    named = {
        key_of(number, axis): recipe
        for number, recipes in enumerate(repeats)
        for axis, recipe in recipes.items()
    }
    return {
        name: {
            **recipe.model_dump(mode="json", exclude_none=True),
            "label": recipe.label(),
            "sha256": hashes[name],
        }
        for name, recipe in named.items()
    }


def _marks(
    start: Start, recipes: Mapping[str, Direction], slice_: Slice, model: nn.Module
) -> dict[str, Any]:
    """Checkpoints and a path on the slice, where there are some."""
    found = {
        "checkpoints": marked(start.config, recipes, slice_, model),
        "trajectory": path_through(start.config, recipes, (start.checkpoint or {}).get("sha256")),
    }
    return {key: value for key, value in found.items() if value}

"""The map of a record whose distances are known, and the state of its null walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.diffusion_map import diffusion_map
from landscape_cli.diffusion.study import (
    KINDS,
    WalkMap,
    draws_for,
    joined,
    null_of,
    shortened,
    study,
)
from landscape_cli.problems.recordings import recorded
from landscape_cli.records.dynamics.diffusion import Diffusion, Null, Onto
from landscape_cli.run.diffusion.opening import labels_of, names_of, numbers_of
from landscape_cli.run.diffusion.request import Request, TrainingPath

Floats = NDArray[np.float64]

MAP_KEYS = ("alpha", "epsilon", "components", "time", "trainings", "seed")
"""Keys of a request that decide the map or its walks."""

Draw = tuple[str, int]
"""The kind and number of a null walk."""


def is_mapped(record: Diffusion, request: Request) -> bool:
    """Tell whether a record has this very map, whatever its null walks."""
    before, now = record.provenance.get("request") or {}, request.as_mapping()
    return record.complete and all(before.get(key) == now[key] for key in MAP_KEYS)


def is_complete(record: Diffusion, request: Request) -> bool:
    """Tell whether a record has everything that is asked for, and nothing else."""
    before = record.provenance.get("request") or {}
    drawn = {null.kind: len(null.epsilons) for null in record.nulls}
    onto = before.get("onto") == request.as_mapping()["onto"]
    return is_mapped(record, request) and onto and drawn == wanted_draws(request)


def wanted_draws(request: Request) -> dict[str, int]:
    """Return the number of null walks of each kind."""
    draws = request.choices.draws or draws_for(len(request.checkpoints))
    return {kind: draws for kind in KINDS if kind in request.choices.nulls}


def mapped(record: Diffusion, request: Request) -> Diffusion:
    """Return a record with its map, unless it has it, and without walks that are not asked for.

    Args:
        record: all of its distances are known.
        request: the settings.
    """
    onto = record.onto
    training = numbers_of(request.paths, 0)
    if is_mapped(record, request):
        wanted = wanted_draws(request)
        kept = (shortened(one, wanted[one.kind]) for one in record.nulls if one.kind in wanted)
        record = replace(record, nulls=tuple(kept))
    else:
        values = study(record.distances2, training, request.choices)
        record = replace(record, **values, nulls=(), onto=None)
    known = _dates(request.paths, record.epochs)
    if "losses" in record.provenance:  # computed, not what the training saw
        known["losses"] = record.losses
    return replace(
        record,
        training=training,
        labels=labels_of(request.paths),
        names=names_of(request.paths, 0),
        onto=None if onto is None else _placed(record, onto, request),
        provenance={**record.provenance, "request": request.as_mapping()},
        **known,
    )


def missing_draws(record: Diffusion, request: Request) -> list[Draw]:
    """Return the walks that a record lacks, in order."""
    drawn = {null.kind: len(null.epsilons) for null in record.nulls}
    return [
        (kind, number)
        for kind, draws in wanted_draws(request).items()
        for number in range(drawn.get(kind, 0), draws)
    ]


def with_draws(
    record: Diffusion, seed: int, draws: Sequence[Draw], walks: Sequence[WalkMap]
) -> Diffusion:
    """Return a record with further walks, which follow those that it has."""
    nulls: dict[str, Null] = {null.kind: null for null in record.nulls}
    for kind in dict.fromkeys(kind for kind, _ in draws):
        own = [walk for (of, _), walk in zip(draws, walks, strict=True) if of == kind]
        nulls[kind] = joined(nulls.get(kind), null_of(kind, seed, own))
    return replace(record, nulls=tuple(nulls[kind] for kind in sorted(nulls)))


def _placed(record: Diffusion, onto: Onto, request: Request) -> Onto:
    """Place further checkpoints in a map."""
    assert onto.distances2 is not None
    found = diffusion_map(
        record.distances2, record.epsilon, record.alpha, max(2, record.components)
    )
    coordinates, reach = found.extended(onto.distances2, record.time)
    first = len(request.paths)
    return replace(
        onto,
        coordinates=coordinates[:, : record.components],
        reach=reach,
        nearest=onto.distances2.argmin(axis=1),
        labels=labels_of(request.onto),
        training=numbers_of(request.onto, first),
        names=names_of(request.onto, first),
        **_dates(request.onto, onto.epochs),
    )


def _dates(paths: Sequence[TrainingPath], epochs: Floats | None) -> dict[str, Any]:
    """Return what is known of each checkpoint of several trainings, by attribute of a record.

    Args:
        paths: the trainings.
        epochs: those that the checkpoints store; NaN where they do not.
    """
    found: dict[str, list[Floats]] = {}
    done = 0
    for path in paths:
        count = len(path.checkpoints)
        known = np.full(count, np.nan) if epochs is None else epochs[done : done + count]
        done += count
        for name, values in _known(path, known).items():
            found.setdefault(name, []).append(values)
    joint = {name: np.concatenate(parts) for name, parts in found.items()}
    return {name: None if np.isnan(one).all() else one for name, one in joint.items()}


def _known(path: TrainingPath, stored: Floats) -> dict[str, Floats]:
    """Return what is known of a training's checkpoints, NaN where nothing is.

    Args:
        path: the training.
        stored: epochs that the checkpoints store; NaN where they do not.
    """
    whole = [None if np.isnan(one) or one % 1 else int(one) for one in stored.tolist()]
    epochs, rates = path.dating(path.checkpoints, whole)
    facts = recorded(path.checkpoints)

    def recorded_as(name: str) -> Floats:
        values = [getattr(one, name, None) for one in facts]
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def first(*choices: Sequence[float] | Floats | None) -> Floats:
        """Take each value from the first choice that has it."""
        values = np.full(len(facts), np.nan)
        for choice in choices:
            if choice is not None:
                values = np.where(np.isnan(values), np.asarray(choice, np.float64), values)
        return values

    return {
        "epochs": first(recorded_as("epoch"), epochs, stored),
        "steps": recorded_as("step"),
        "learning_rates": first(rates, recorded_as("lr")),
        "losses": recorded_as("loss"),
    }

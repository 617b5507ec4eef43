"""Directions from files: read on rank 0 and shared with all ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, UsageError
from landscape_cli.evaluation.devices import room_for_checkpoints
from landscape_cli.geometry.directions.base import Direction, Entries
from landscape_cli.geometry.inner_products import cosine
from landscape_cli.geometry.normalization import register
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.pca.components import principal_directions
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.adapters import read_adapter
from landscape_cli.problems.checkpoints import read_weights
from landscape_cli.problems.import_path import load_callable
from landscape_cli.problems.optimizer_state import read_momentum
from landscape_cli.problems.weights import Hashes
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.records.curves.trained import Curve
from landscape_cli.run.setup.rank_consistency import share_tensors
from landscape_cli.store import read_direction
from landscape_cli.store.curve_file import read_curve
from landscape_cli.store.diffusion_file import read_diffusion
from landscape_cli.store.directions_file import read_range
from landscape_cli.util.logs import warn
from landscape_cli.util.tensors import wide_dtype

PARALLEL = 1e-10
"""Difference of a cosine from 1 below which two directions count as parallel."""


Differentiate = Callable[
    [str, "CheckpointPath | None", "str | None", "int | None", "str | None"], Entries
]
"""``(key, checkpoint, split, samples, quantity) -> gradient``, see ``checkpoint_gradient``."""


class StoredDirections:
    """Access to directions files for ``Direction.range``."""

    def recommended_range(self, path: str, axis: str) -> tuple[float, float] | None:
        """Return the range that a directions file recommends for one of its directions, if any."""
        return read_range(path, axis)


@dataclass
class RunSource:
    """Access to the run's network and files for ``Direction.load``.

    Args:
        model: the network, with the weights at the centre.
        centre: the tensors that the slice moves, on the CPU.
        checkpoints: paths of checkpoints for principal components.
        differentiate: returns the gradient of a mean loss; None where there are no directions.
    """

    model: nn.Module
    centre: Mapping[str, Tensor]
    checkpoints: tuple[CheckpointPath, ...] = ()
    differentiate: Differentiate | None = None
    _components: list[Entries] = field(default_factory=list)
    _hashes: Hashes = field(default_factory=Hashes)

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The model's parameters that the slice moves, under the names of ``centre``."""
        own = dict(self.model.named_parameters(remove_duplicate=False))
        return {name: own[name].detach() for name in self.centre if name in own}

    @property
    def state(self) -> dict[str, Tensor]:
        """The model's state dict."""
        return self.model.state_dict()

    def weights(self, path: CheckpointPath) -> Entries:
        """Return a checkpoint's tensors under the names of ``centre``."""
        return read_weights(path, self.model, self.centre)[0]

    def adapter(self, key: str, path: str, alpha: float | None) -> Entries:
        """Return what a LoRA adapter adds to weights, by parameter."""
        return read_adapter(path, self.model, key, alpha)

    def sha256(self, path: CheckpointPath) -> str:
        """Return the SHA-256 of a checkpoint's file, with key and prefix, as one text."""
        return self._hashes(path)

    def stored(self, path: str, axis: str) -> list[tuple[str | None, Tensor]]:
        """Return a direction of a directions file."""
        entries = read_direction(path, cast(Literal["x", "y", "z"], axis))
        return [(name, torch.from_numpy(array)) for name, array in entries]

    def curve(self, path: str) -> Curve:
        """Return what a curve file says of its curve; warn if its training is not complete."""
        curve = read_curve(path)
        if not curve.complete:
            warn(
                f"the training of {path} is not complete ({curve.done} of {len(curve.losses)} "
                "steps); finish it with the same landscape connect command, or compute on the "
                "curve as it is"
            )
        return curve

    def gradient(
        self,
        key: str,
        path: CheckpointPath | None,
        split: str | None,
        samples: int | None,
        quantity: str | None,
    ) -> Entries:
        """Return the gradient of a mean loss at a checkpoint, or at the centre."""
        assert self.differentiate is not None
        return self.differentiate(key, path, split, samples, quantity)

    def momentum(self, key: str, path: CheckpointPath) -> Entries:
        """Return the optimizer's momentum in a training checkpoint."""
        return read_momentum(path, self.model)

    def diffusion(
        self, key: str, path: str, component: int
    ) -> tuple[NDArray[np.float64], Sequence[CheckpointPath]]:
        """Return a coordinate of a diffusion file, and its checkpoints, which must be the same."""
        record = read_diffusion(path)
        found = record.coordinates
        columns = 0 if found is None else found.shape[1]
        if found is None or component > columns:
            known = f"{columns} coordinates" if columns else "no coordinates yet"
            raise UsageError(f"{key}: {path!r} has {known}, so there is no coordinate {component}")
        weights = record.provenance.get("weights") or []
        paths = [_path_of(one) for one in weights]
        for one, place in zip(weights, paths, strict=True):
            if self._hashes(place) != identity(one):
                raise CheckpointError(
                    f"{key}: checkpoint {place} has changed since {path} was computed; run "
                    "landscape diffusion again"
                )
        return found[:, component - 1], paths

    def components(self) -> list[Entries]:
        """Return the principal components of the checkpoints and the centre."""
        if not self._components:
            paths = self.checkpoints
            if len(paths) < 2:
                raise UsageError(
                    f"checkpoints: got {len(paths)} besides the centre; kind pca needs at least "
                    "2, as paths or patterns"
                )

            def read(number: int) -> Mapping[str, Tensor]:
                # The centre is in the plane, and adds nothing to sums of squares about itself.
                return self.centre if number == len(paths) else self.weights(paths[number])

            room = room_for_checkpoints(self.centre)
            differences = Differences(read, len(paths) + 1, self.centre, room)
            directions, _ = principal_directions(differences, list(self.centre))
            self._components = [dict(direction) for direction in directions]
        return self._components


def _path_of(facts: Mapping[str, str]) -> CheckpointPath:
    """Return the path of a checkpoint from its facts in a file."""
    return CheckpointPath(facts["path"], facts.get("key"), facts.get("prefix"))


def load_directions(
    recipes: Mapping[str, Direction],
    checkpoints: tuple[CheckpointPath, ...],
    model: nn.Module,
    parameters: FlatParameters,
    executor: Executor,
    differentiate: Differentiate | None = None,
) -> dict[str, Direction]:
    """Load the entries of directions from files, and register the user's rules.

    Called by every rank.

    Args:
        recipes: the directions' recipes by axis.
        checkpoints: paths of checkpoints for principal components.
        model: the network, with the weights at the centre.
        parameters: the tensors that the slice moves.
        executor: the ranks.
        differentiate: returns the gradient of a mean loss.

    Raises:
        LandscapeError: if a file can't be read or was made for another network, or loaded
            directions are zero or parallel.
    """
    executor.together(lambda: _register_rules(recipes))
    recipes = {axis: recipe.among(parameters) for axis, recipe in recipes.items()}
    loaded: dict[str, dict[str, Tensor]] = {}
    executor.lead(
        lambda: loaded.update(_load(recipes, checkpoints, model, parameters, differentiate))
    )
    complete = dict(recipes)
    for axis in executor.lead(lambda: list(loaded)):
        entries = loaded.pop(axis, None) or {
            name: torch.zeros(view.shape, dtype=wide_dtype(view))
            for name, view in parameters.views.items()
        }
        share_tensors(entries.values(), executor)
        complete[axis] = recipes[axis].holding(entries)
    return complete


def _register_rules(recipes: Mapping[str, Direction]) -> None:
    for axis, recipe in recipes.items():
        if (rule := recipe.custom_rule) is not None:
            register(rule, load_callable(rule, f"directions.{axis}.normalize", "my_module:my_rule"))


def _load(
    recipes: Mapping[str, Direction],
    checkpoints: tuple[CheckpointPath, ...],
    model: nn.Module,
    parameters: FlatParameters,
    differentiate: Differentiate | None,
) -> dict[str, dict[str, Tensor]]:
    centre = {name: view.cpu() for name, view in parameters.views.items()}
    source = RunSource(model, centre, checkpoints, differentiate)
    loaded = {}
    for axis, recipe in recipes.items():
        recipe.prepare(f"directions.{axis}", parameters.views)
        if (entries := recipe.load(axis, source)) is None:
            continue
        loaded[axis] = {
            name: tensor.to(wide_dtype(tensor)).contiguous()
            if recipe.selects(name)
            else torch.zeros(tensor.shape, dtype=wide_dtype(tensor))
            for name, tensor in entries.items()
        }
    _check(loaded, recipes)
    return loaded


def _check(loaded: Mapping[str, Entries], recipes: Mapping[str, Direction]) -> None:
    """Refuse loaded directions that are zero or parallel."""
    for axis, entries in loaded.items():
        if not any(bool(tensor.any()) for tensor in entries.values()):
            raise UsageError(
                f"directions.{axis}: {recipes[axis].label()} is zero: it has the same weights as "
                "the centre; choose another one"
            )
    for (axis, entries), (other_axis, other) in combinations(loaded.items(), 2):
        if 1 - abs(cosine(entries, other)) < PARALLEL:
            raise UsageError(
                f"directions.{other_axis}: parallel to directions.{axis}, so they span no plane; "
                "leave out one of the two to plot a line"
            )

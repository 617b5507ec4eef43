"""The usual way to compute a loss surface, as in Li et al.'s tool, with which ours is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from landscape_cli.config.run_config import RunConfig
from landscape_cli.geometry.directions.random import RandomDirection
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.import_path import load_problem

BATCH = 128


class UsualWay:
    """A network, its splits and a plane, evaluated point by point without any of our means.

    At each point, weights are set tensor by tensor, a new DataLoader goes through each split, and
    each batch is waited for.

    Args:
        model: the trained network.
        splits: its data.
        seeds: of the random directions, the same ones as in our runs.
    """

    def __init__(
        self, model: nn.Module, splits: Mapping[str, Dataset[object]], seeds: Sequence[int] = (1, 2)
    ) -> None:
        self.model, self.splits = model.eval(), splits
        parameters = FlatParameters.of_model(model, torch.device("cpu"))
        recipes = {axis: RandomDirection(seed=seed) for axis, seed in zip("xy", seeds, strict=True)}
        plane = build_slice(parameters.clone(), recipes)
        self.centre = plane.centre.views
        self.directions = [direction.views for direction in plane.directions.values()]

    @classmethod
    def of(cls, config: RunConfig) -> UsualWay:
        """Take the network, the data and the plane of a configuration."""
        problem = load_problem(config.problem, config.problem_args)
        assert config.checkpoint is not None
        load_weights(problem.model, config.checkpoint)
        splits = {name: problem.splits[name] for name in config.splits or problem.splits}
        return cls(problem.model, splits, [config.directions[axis]["seed"] for axis in "xy"])

    @torch.no_grad()
    def losses(self, coordinates: Sequence[float]) -> dict[str, float]:
        """Compute the mean loss of each split at a point, and the accuracy, which is dropped."""
        for name, parameter in self.model.named_parameters():
            steps = zip(coordinates, self.directions, strict=True)
            parameter.copy_(self.centre[name] + sum(a * direction[name] for a, direction in steps))
        return {name: self._loss(split) for name, split in self.splits.items()}

    def _loss(self, split: Dataset[object]) -> float:
        loss, correct, count = 0.0, 0, 0
        for images, labels in DataLoader(split, batch_size=BATCH, num_workers=0):
            scores = self.model(images)
            loss += functional.cross_entropy(scores, labels).item() * len(labels)
            correct += (scores.argmax(1) == labels).sum().item()
            count += len(labels)
        return loss / count

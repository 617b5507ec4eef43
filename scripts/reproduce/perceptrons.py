"""Perceptrons of one shape that are trained side by side, one for each seed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, relu

from landscape_cli.config.loading import load_config
from landscape_cli.evaluation.derivatives import backward
from landscape_cli.problems import Problem
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.zoo import build


class Scores(NamedTuple):
    """Mean loss and accuracy of each network on a split, shape (networks,)."""

    loss: Tensor
    accuracy: Tensor


class Perceptrons:
    """Networks with the layers of the zoo's MLP with ReLUs, as batched matrices.

    Args:
        models: the networks, all of one shape, whose parameters are copied.
    """

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.names = [name for name, _ in models[0].named_parameters()]
        columns = zip(*(model.parameters() for model in models), strict=True)
        self.tensors = [
            torch.stack([p.detach() for p in each]).requires_grad_() for each in columns
        ]

    @property
    def weights(self) -> list[Tensor]:
        """Matrices of shape (networks, outputs, inputs), from the first layer on."""
        return self.tensors[0::2]

    @property
    def biases(self) -> list[Tensor]:
        """Vectors of shape (networks, outputs)."""
        return self.tensors[1::2]

    def logits(self, inputs: Tensor) -> Tensor:
        """Map samples (networks, n, inputs) to logits (networks, n, classes)."""
        values = inputs
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = relu(values) if layer else values
            values = torch.baddbmm(bias.unsqueeze(1), values, weight.transpose(1, 2))
        return values

    def step_gradients(self, inputs: Tensor, labels: Tensor) -> None:
        """Set the gradients of each network's mean loss on its own batch.

        Args:
            inputs: (networks, n, inputs).
            labels: (networks, n).
        """
        for tensor in self.tensors:
            tensor.grad = None
        losses = cross_entropy(self.logits(inputs).flatten(0, 1), labels.flatten(), reduction="sum")
        backward(losses / labels.shape[1], self.tensors)

    @torch.no_grad()
    def scores(self, inputs: Tensor, labels: Tensor) -> Scores:
        """Evaluate all networks on the same samples: (n, inputs) and (n,)."""
        count = len(self.tensors[0])
        logits = self.logits(inputs.expand(count, *inputs.shape))
        losses = torch.stack([cross_entropy(each, labels) for each in logits])
        return Scores(losses, (logits.argmax(2) == labels).double().mean(1))

    def scores_by_split(self, problem: Problem) -> dict[str, Tensor]:
        """Return loss and accuracy of each network as "train loss", "train accuracy", ..."""
        found = {}
        for split in problem.splits:
            loss, accuracy = self.scores(*samples(problem, split))
            found[f"{split} loss"], found[f"{split} accuracy"] = loss, accuracy
        return found

    def flat(self) -> Tensor:
        """Copy the parameters into one row for each network, in the order of the MLP's."""
        return torch.cat([tensor.detach().flatten(1) for tensor in self.tensors], 1)

    def shapes(self) -> dict[str, torch.Size]:
        """Return the shape of each of a network's parameters by name."""
        return {name: t.shape[1:] for name, t in zip(self.names, self.tensors, strict=True)}

    def copy(self) -> Perceptrons:
        """Return networks with the same values, without gradients."""
        twin = object.__new__(Perceptrons)
        twin.names = self.names
        twin.tensors = [tensor.detach().clone().requires_grad_() for tensor in self.tensors]
        return twin


def state(flat: Tensor, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    """Return a network's state dict from a row of ``Perceptrons.flat``."""
    parts = flat.split([shape.numel() for shape in shapes.values()])
    return {
        name: part.reshape(shape).clone()
        for part, (name, shape) in zip(parts, shapes.items(), strict=True)
    }


def initial(hidden: Sequence[int], seeds: Sequence[int]) -> Perceptrons:
    """Return the zoo's MLPs for digits with PyTorch's initialization from these seeds."""
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(build("mlp", model_args={"hidden": list(hidden)}).model)
    return Perceptrons(models)


def samples(problem: Problem, split: str) -> tuple[Tensor, Tensor]:
    """Return a split's inputs, flattened to (n, inputs), and its labels."""
    inputs, labels = problem.splits[split].tensors  # type: ignore[attr-defined]
    return inputs.flatten(1), labels


def problem_of(config: Path) -> Problem:
    """Return the problem of a configuration."""
    settings = load_config(str(config))
    return load_problem(settings.problem, settings.problem_args)


def save(state: dict[str, Any], path: Path) -> None:
    """Write a file that is complete or absent."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def batches(
    inputs: Tensor, labels: Tensor, networks: int, size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of endless epochs; each network has its own order of the samples."""
    while True:
        orders = torch.stack(
            [torch.randperm(len(inputs), generator=generator) for _ in range(networks)]
        )
        for chosen in orders.split(size, 1):
            yield inputs[chosen], labels[chosen]

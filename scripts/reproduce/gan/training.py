"""Training of many pairs of players at once: alternating steps, and prediction steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from landscape_cli.evaluation.derivatives import backward

from .networks import Game

BETAS, EPSILON = (0.5, 0.999), 1e-8
"""Adam's decay rates, as Radford et al. 2016 use them for GANs, and its epsilon."""

Weights = dict[str, Tensor]


class Player:
    """The parameters of one player of k games, and their optimizer.

    Args:
        players: the k modules.
        optimizer: "adam" or "sgd".
        rates: their learning rates, (k,).
    """

    def __init__(self, players: Sequence[nn.Module], optimizer: str, rates: Tensor) -> None:
        self.module, self.optimizer, self.rates = players[0], optimizer, rates
        stacked, _ = stack_module_state(list(players))
        self.weights: Weights = {
            name: tensor.detach().requires_grad_() for name, tensor in stacked.items()
        }
        self.moments = {name: torch.zeros(2, *one.shape) for name, one in self.weights.items()}
        self.steps = 0

    def outputs(self, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Return the outputs of all k modules for their own inputs, (k, n, ...)."""
        found: Tensor = vmap(lambda own, rows: functional_call(self.module, own, (rows,)))(
            weights, x
        )
        return found

    def fixed(self) -> Weights:
        """Return the parameters as constants."""
        return {name: tensor.detach() for name, tensor in self.weights.items()}

    def descend(self, losses: Tensor) -> None:
        """Make a step down the losses of the k games, (k,)."""
        backward(losses.sum(), self.weights.values())
        self.steps += 1
        with torch.no_grad():
            for name, weight in self.weights.items():
                if weight.grad is None:
                    raise RuntimeError(f"{name} has no gradient")
                rates = self.rates.view(-1, *[1] * (weight.dim() - 1))
                weight.sub_(rates * self._direction(name, weight.grad))
                weight.grad = None

    def _direction(self, name: str, gradient: Tensor) -> Tensor:
        if self.optimizer == "sgd":
            return gradient
        (first, second), (fast, slow) = self.moments[name], BETAS
        first.lerp_(gradient, 1 - fast)
        second.lerp_(gradient.square(), 1 - slow)
        mean, square = first / (1 - fast**self.steps), second / (1 - slow**self.steps)
        return mean / (square.sqrt() + EPSILON)


class Training:
    """Steps of the two players of k games with opposite aims: the generator first.

    With prediction steps (Yadav et al. 2018, equation 5), the discriminator answers to the
    generator ``2 u+ - u``, as if that went on by another step like the one from u to u+.

    Args:
        games: the k games, which are not changed.
        predicts: which of them make prediction steps, (k,) of bool.
        optimizer: "adam" or "sgd".
        rates: the learning rates of both players of each game, (k,).
    """

    def __init__(
        self, games: Sequence[Game], predicts: Tensor, optimizer: str, rates: Tensor
    ) -> None:
        self.predicts = predicts.float()
        self.generator = Player([game.generator for game in games], optimizer, rates)
        self.discriminator = Player([game.discriminator for game in games], optimizer, rates)

    def step(self, real: Tensor, noise: Tensor) -> None:
        """Train all players on batches of n samples, (k, n, size), and of noise, (k, n, inputs)."""
        before = {name: weight.clone() for name, weight in self.generator.fixed().items()}
        self._generator(noise)
        self._discriminator(real, noise, self.answered(before))

    def answered(self, before: Mapping[str, Tensor]) -> Weights:
        """Return the generators that the discriminators answer to, given those before the step."""
        found = {}
        for name, weight in self.generator.fixed().items():
            ahead = self.predicts.view(-1, *[1] * (weight.dim() - 1))
            found[name] = weight + ahead * (weight - before[name])
        return found

    def state(self, place: int) -> Weights:
        """Return the parameters of one game, under the names that ``Game`` gives them."""
        return {
            f"{player}.{name}": tensor[place].clone()
            for player in ("generator", "discriminator")
            for name, tensor in getattr(self, player).fixed().items()
        }

    def _generator(self, noise: Tensor) -> None:
        samples = self.generator.outputs(self.generator.weights, noise)
        logits = self.discriminator.outputs(self.discriminator.fixed(), samples)
        self.generator.descend(functional.logsigmoid(-logits).mean(dim=(1, 2)))

    def _discriminator(self, real: Tensor, noise: Tensor, answered: Weights) -> None:
        with torch.no_grad():
            generated = self.generator.outputs(answered, noise)
        samples = torch.cat([real, generated], dim=1)
        logits = self.discriminator.outputs(self.discriminator.weights, samples)
        first, second = logits.chunk(2, dim=1)
        value = functional.logsigmoid(first) + functional.logsigmoid(-second)
        self.discriminator.descend(-value.mean(dim=(1, 2)))

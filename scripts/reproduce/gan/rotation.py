"""Rotation of a game's field: the antisymmetric share of its Jacobian."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from landscape_cli.evaluation.derivatives import differentiate


def rotating_share(value: Tensor, first: nn.Module, second: nn.Module, draws: int = 20) -> float:
    """Return the antisymmetric share of the Jacobian of the field of a game.

    The first player goes down the value V(u, v), the second up. The Jacobian of the field is

        [[-Vuu, -Vuv],
         [ Vvu,  Vvv]],

    whose diagonal blocks are symmetric, as in any descent, and whose other two are antisymmetric:
    these let the players turn around each other. The share is that of squared Frobenius norms,
    estimated by Hessian-vector products with random signs: 0 for a sum of two players' own
    functions, 1 for the bilinear game.

    Args:
        value: V, a scalar that depends on the parameters of both.
        first: the player who minimizes it.
        second: the player who maximizes it.
        draws: number of random vectors.
    """
    players = [list(first.parameters()), list(second.parameters())]
    generator = torch.Generator().manual_seed(0)
    own, other = 0.0, 0.0
    slopes = [differentiate(value, player) for player in players]
    for _ in range(draws):
        for place, player in enumerate(players):
            signs = [_signs(weight, generator) for weight in player]
            product = sum(
                ((a * b).sum() for a, b in zip(slopes[place], signs, strict=True)),
                torch.zeros(()),
            )
            norms = [_square(differentiate(product, each)) for each in players]
            own += norms[place]
            other += norms[1 - place]
    return other / (own + other)


def _signs(like: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.randint(2, like.shape, generator=generator)
    return (2 * drawn - 1).to(like.dtype)


def _square(parts: Sequence[Tensor]) -> float:
    return float(sum(part.detach().double().square().sum() for part in parts))

"""The game of a generator and a discriminator, as a problem for `landscape compute`."""

from __future__ import annotations

from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem

from .networks import values
from .setting import SETTINGS, fixed

SEED = 12345
"""Seed of the samples and the noise of every surface."""

LABELS = {"ring": "GAN, ring of Gaussians", "digits": "GAN, digits"}


def build(data: str, samples: int = 2000, player: str | None = None) -> Problem:
    """Build the problem; ``problem_args`` in a configuration are this function's arguments.

    Args:
        data: a name in ``SETTINGS``.
        samples: number of pairs of a real sample and noise, the same ones each time.
        player: the only one who plays, ``generator`` or ``discriminator``: the other one's
            parameters are buffers, which curvature does not see; None for both.
    """
    setting = SETTINGS[data]
    game = setting.game()
    for name, other in game.named_children():
        if player not in (None, name):
            hold(other)
    batch = TensorDataset(*fixed(setting, game.noise, samples, SEED))
    return Problem(game, {"train": batch}, values, name=LABELS[data])


def hold(module: nn.Module) -> None:
    """Turn a module's parameters into buffers of the same names."""
    for part in module.modules():
        for name, weight in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, weight.detach())

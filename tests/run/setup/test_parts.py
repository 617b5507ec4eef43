"""Directions that move different parts of a network: the saddle of a two-player game."""

import numpy as np

from landscape_cli.store import read_surface

GAME = """
import torch
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem


class Game(nn.Module):
    def __init__(self):
        super().__init__()
        self.generator = nn.Linear(1, 1, dtype=torch.float64)
        self.discriminator = nn.Linear(1, 1, dtype=torch.float64)
        for player, weight in ((self.generator, 2.0), (self.discriminator, 3.0)):
            nn.init.constant_(player.weight, weight)
            nn.init.zeros_(player.bias)


def objective(model, batch):
    (samples,) = batch
    value = model.discriminator(model.generator(samples))[:, 0]
    return {"generator_loss": value, "discriminator_loss": -value}


def build():
    data = TensorDataset(torch.tensor([[1.0], [3.0]], dtype=torch.float64))
    return Problem(Game(), {"train": data}, objective)
"""


def test_two_players_on_two_axes(workplace, landscape):
    workplace.write("game.py", GAME)
    part = {"kind": "random", "normalize": "weight"}
    directions = {
        "x": {**part, "include": "generator.*"},
        "y": {**part, "include": "discriminator.*", "seed": 1},
    }
    config = workplace.config("game:build", directions=directions)
    assert landscape("compute", config)[0] == 0
    surface = read_surface("surface.h5")
    x, y = (surface.grid.axes[axis].coordinates for axis in "xy")
    # d = z w with a standard normal z for each: the value is 2 (1 + x z) * 3 (1 + y z') * 2.
    from landscape_cli.store import read_direction

    along = {axis: dict(read_direction("surface.directions.h5", axis)) for axis in "xy"}
    assert not along["x"]["discriminator.weight"].any()
    assert not along["y"]["generator.weight"].any()
    first = 2 + x * along["x"]["generator.weight"].item()
    second = 3 + y * along["y"]["discriminator.weight"].item()
    expected = 2 * np.outer(second, first)
    np.testing.assert_allclose(surface.values["train", "generator_loss"], expected, rtol=1e-12)
    np.testing.assert_allclose(surface.values["train", "discriminator_loss"], -expected, rtol=1e-12)

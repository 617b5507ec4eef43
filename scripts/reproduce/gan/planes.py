"""Planes around trained players, and the curvature and rotation of their game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from steps import Workshop, landscape

from landscape_cli.store import read_curvature, read_surface

from .networks import values
from .problem import SEED
from .rotation import rotating_share
from .runs import Run
from .setting import SETTINGS, fixed

VALUE = ("train", "value")
RADIUS = 0.25
"""Distance from the trained players at which the value is compared with theirs."""

TOP, BOTTOM = 1, 3
"""Number of eigenvalues at the ends of the spectrum of the generator's Hessian."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lines:
    """The value along both axes of a plane, less that at its centre.

    Args:
        places: coordinates along either axis, (n,).
        along_x: changes as the generator moves, (n,).
        along_y: changes as the discriminator moves, (n,).
        centre: the value at the centre.
    """

    places: Floats
    along_x: Floats
    along_y: Floats
    centre: float

    def change(self, along: Floats, distance: float = RADIUS) -> float:
        """Return the mean change at a distance on both sides."""
        return float(np.mean([np.interp(sign * distance, self.places, along) for sign in (-1, 1)]))

    @property
    def generator(self) -> float:
        """The mean change of the value at ``RADIUS`` as the generator moves."""
        return self.change(self.along_x)

    @property
    def discriminator(self) -> float:
        """The mean change of the value at ``RADIUS`` as the discriminator moves."""
        return self.change(self.along_y)

    @property
    def is_saddle(self) -> bool:
        """Tell that no point of the plane's axes is better for the player who moves there."""
        return bool(self.along_x.min() >= 0 and self.along_y.max() <= 0)

    @property
    def gains(self) -> tuple[float, float]:
        """Possible gains of both players on their axes, the generator's first."""
        return -float(self.along_x.min()), float(self.along_y.max())


def plane(workshop: Workshop, one: Run) -> Path:
    """Compute the value around trained players, on a random plane of both."""
    changes = {"problem_args.data": one.data, "checkpoint": str(one.checkpoint(workshop))}
    return workshop.compute(f"{one.name}_plane", changes)


def lines(path: Path) -> Lines:
    """Read the lines through the centre of a plane along both axes."""
    surface = read_surface(path)
    value = np.asarray(surface.values[VALUE], dtype=np.float64)
    row, column = (size // 2 for size in value.shape)
    centre = float(value[row, column])
    places = surface.grid.axes["x"].coordinates
    return Lines(places, value[row] - centre, value[:, column] - centre, centre)


@dataclass(frozen=True)
class Curvature:
    """The Hessian of the value by the generator's parameters alone.

    Args:
        largest: its largest eigenvalue.
        smallest: its smallest eigenvalue.
        residual: of the smallest eigenvalue.
        seen: the second difference of the value along the smallest eigenvalue's eigenvector.
        gradient: the norm of the gradient.
    """

    largest: float
    smallest: float
    residual: float
    seen: float
    gradient: float


def curvature(workshop: Workshop, one: Run) -> Curvature:
    """Compute the ends of the spectrum of the generator's Hessian, with a fixed discriminator."""
    output = workshop.folder / f"{one.name}.curvature.h5"
    config = workshop.folder / f"{one.name}_generator.yaml"
    changes = {
        "problem_args.data": one.data,
        "problem_args.player": "generator",
        "checkpoint": str(one.checkpoint(workshop)),
    }
    config.write_text(workshop.configuration(changes), encoding="utf-8")
    words = ["--top", str(TOP), "--bottom", str(BOTTOM), "--output", str(output), "--quiet"]
    workshop.spend("curvature", landscape("curvature", str(config), *words), output)
    record = read_curvature(output)
    eigenvalues = record.eigenvalues[0]
    lowest = int(eigenvalues.argmin())
    return Curvature(
        float(eigenvalues.max()),
        float(eigenvalues[lowest]),
        float(record.residuals[0][lowest]),
        float(record.second_differences[0][-1]),  # of the outermost ones
        float(record.gradient_norm[0]),
    )


def rotation(workshop: Workshop, one: Run, samples: int = 500) -> float:
    """Return the share of the game's Jacobian that is antisymmetric; see ``rotating_share``."""
    setting = SETTINGS[one.data]
    game = setting.game()
    game.load_state_dict(torch.load(one.checkpoint(workshop), weights_only=True))
    batch = fixed(setting, game.noise, samples, SEED)
    value = values(game, batch)["value"].mean()
    return rotating_share(value, game.generator, game.discriminator)


def collapsed(one: Run, looks: Sequence[dict[str, float]]) -> bool:
    """Tell that a generator has lost modes of the ring, or at least one of ten digits, at the end.

    Digits count by exp of the entropy of the classes that a classifier sees, which is 9 if one is
    missing and the others are equally frequent.
    """
    last = looks[-1]
    return last["modes"] < MODES if one.data == "ring" else last["classes"] < CLASSES


MODES, CLASSES = 8, 9.0

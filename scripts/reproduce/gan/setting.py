"""Settings: the game of a data set, its networks, and the scores of its samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor

from . import scores
from .data import images, ring
from .networks import Game

DRAWN = 2000
"""Number of samples that a generator is judged by."""


@dataclass(frozen=True)
class Setting:
    """A game, its data and its scores.

    Args:
        game: builds the players with new weights.
        draw: draws real samples, (count, size).
        score: judges generated samples, (n, size).
        steps: number of training steps.
        batch: number of samples, and of draws of noise, in a step.
    """

    game: Callable[[], Game]
    draw: Callable[[int, torch.Generator], Tensor]
    score: Callable[[Tensor], Mapping[str, float]]
    steps: int
    batch: int


def fixed(setting: Setting, noise: int, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw a batch of real samples, (count, size), and of noise, (count, noise), from a seed."""
    generator = torch.Generator().manual_seed(seed)
    real = setting.draw(count, generator)
    return real, torch.randn(count, noise, generator=generator)


def _digits(count: int, generator: torch.Generator) -> Tensor:
    x = _images()
    return x[torch.randint(len(x), (count,), generator=generator)]


@cache
def _images() -> Tensor:
    return images("train")[0]


@cache
def classifier() -> scores.Classifier:
    """Return the classifier by which digits are judged, trained on the first use."""
    with torch.random.fork_rng():
        return scores.train_classifier()


def _ring_scores(samples: Tensor) -> dict[str, float]:
    covered, near = scores.modes(samples)
    return {"modes": covered, "quality": near}


def _digit_scores(samples: Tensor) -> dict[str, float]:
    return scores.seen(classifier(), samples)


SETTINGS = {
    "ring": Setting(partial(Game, 8, 2, 64), ring, _ring_scores, 5000, 128),
    "digits": Setting(partial(Game, 16, 64, 128, bounded=True), _digits, _digit_scores, 5000, 64),
}

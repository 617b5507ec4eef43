"""Pictures of generated samples, and of the planes around trained players."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from planes import without
from steps import Workshop

import landscape_cli

from . import METHODS
from .data import centres
from .pictures import shrink
from .runs import Run, of
from .setting import SETTINGS, fixed

SHOWN = {"ring": 1000, "digits": 36}
"""Number of samples in a panel."""

SEED = 2026
"""Seed of the noise of the samples that are drawn."""

LIMIT = 1.5
"""Half of the side of a panel of the ring."""


@torch.no_grad()
def draw_samples(workshop: Workshop, data: str, rates: Sequence[float], seed: int) -> str:
    """Draw samples of the generators of a seed, one row for each method, one column for each rate.

    Returns:
        The stem of the picture.
    """
    setting, count = SETTINGS[data], SHOWN[data]
    size = (1.75 * len(rates), 3.75)
    figure, every = plt.subplots(len(METHODS), len(rates), figsize=size, squeeze=False)
    for column, lr in enumerate(rates):
        for one in of(data, lr):
            if one.seed != seed:
                continue
            axes = every[METHODS.index(one.method), column]
            game = setting.game()
            game.load_state_dict(torch.load(one.checkpoint(workshop), weights_only=True))
            samples = game.generator(fixed(setting, game.noise, count, SEED)[1]).numpy()
            (_scatter if data == "ring" else _mosaic)(axes, samples)
            axes.set(xticks=[], yticks=[])
            if one.method == METHODS[0]:
                axes.set_title(f"learning rate {lr:g}", fontsize=9)
            if column == 0:
                axes.set_ylabel(one.method, fontsize=9)
    figure.tight_layout(pad=0.6)
    return _save(figure, workshop.folder / f"{data}_samples.png", 130)


def _scatter(axes: Any, samples: Any) -> None:
    middle = centres().numpy()
    axes.plot(*middle.T, "o", color="none", markeredgecolor="0.6", markersize=9)
    axes.plot(*samples.T, ".", color="#0072b2", markersize=1.5, alpha=0.6)
    axes.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal")


def _mosaic(axes: Any, samples: Any) -> None:
    side = round(len(samples) ** 0.5)
    tiles = np.pad(samples.reshape(side, side, 8, 8), ((0, 0), (0, 0), (0, 1), (0, 1)))
    axes.imshow(tiles.swapaxes(1, 2).reshape(9 * side, 9 * side), cmap="gray_r", vmin=-1, vmax=1)


def draw_saddles(workshop: Workshop, planes: Sequence[tuple[Run, Path]], lowest: float) -> str:
    """Draw planes around trained players with the field of their game, each around its centre.

    Args:
        workshop: the study's.
        planes: the players and their planes, two in a row.
        lowest: the lowest value shown.

    Returns:
        The stem of the picture.
    """
    pictures = []
    for one, path in planes:
        surface = without(landscape_cli.read_surface(path), "directions")
        figure = landscape_cli.plot(
            surface,
            "field",
            ascend="y",
            around="centre",
            vmin=lowest,
            labels=[f"{LABELS[one.data]}, {one.method}"],
            size=(4.4, 4.0),
        )
        figure.axes[0].set(xlabel="x: generator", ylabel="y: discriminator")
        pictures.append(workshop.folder / f"{one.name}_saddle.png")
        figure.savefig(pictures[-1], dpi=105)
    rows = [_beside(pictures[place : place + 2], 1) for place in range(0, len(pictures), 2)]
    target = workshop.folder / "saddles.png"
    _stack(rows, 0).save(target)
    shrink(target)
    return target.stem


LABELS = {"ring": "ring of Gaussians", "digits": "digits"}


def _beside(paths: Sequence[Path], axis: int) -> Image.Image:
    return _stack([Image.open(path).convert("RGB") for path in paths], axis)


def _stack(images: Sequence[Image.Image], axis: int) -> Image.Image:
    return Image.fromarray(np.concatenate([np.asarray(image) for image in images], axis=axis))


def _save(figure: Any, path: Path, dpi: int) -> str:
    figure.savefig(path, dpi=dpi)
    plt.close(figure)
    shrink(path)
    return path.stem

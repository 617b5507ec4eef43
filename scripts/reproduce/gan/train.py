"""Train the players of several games side by side, and score the samples along the way."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor

from landscape_cli.cli.error_report import run_script
from landscape_cli.util.progress import Progress

from . import METHODS, name_of
from .networks import Game, values
from .setting import DRAWN, SETTINGS, Setting, fixed
from .training import Training

LOOKS = 10
"""Number of times that samples are scored during training, the last one at its end."""

SEED = 54321
"""Seed of the samples and the noise by which all generators are scored."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("data", type=click.Choice(list(SETTINGS)))
@click.option("--optimizer", type=click.Choice(["adam", "sgd"]), default="adam", show_default=True)
@click.option("--lr", "rates", type=float, multiple=True, required=True, help="Of both players.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True)
@click.option("--steps", type=click.IntRange(1), help="Number of steps; by default the data's.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="For all files.")
def command(
    data: str,
    optimizer: str,
    rates: tuple[float, ...],
    seeds: int,
    steps: int | None,
    folder: Path,
) -> None:
    """Train generators and discriminators on DATA, with each method, learning rate and seed.

    For each, FOLDER gets a file of parameters, and one with scores at ten times during the
    training. What is there is not trained again. A seed has the same first weights, samples and
    noise for every method and learning rate.
    """
    torch.set_num_threads(1)
    setting = SETTINGS[data]
    steps = steps or setting.steps
    every = [(m, lr, seed) for lr in rates for seed in range(seeds) for m in METHODS]
    names = {one: name_of(data, optimizer, *one) for one in every}
    todo = [one for one in every if not (folder / f"{names[one]}.json").exists()]
    if not todo:
        return
    games = [_new_game(setting, seed) for _, _, seed in todo]
    training = Training(
        games,
        torch.tensor([method == "prediction" for method, _, _ in todo]),
        optimizer,
        torch.tensor([lr for _, lr, _ in todo]),
    )
    batches = _batches(setting, [seed for _, _, seed in todo])
    looks = {max(1, round(steps * look / LOOKS)) for look in range(1, LOOKS + 1)}
    scores: list[list[dict[str, float]]] = [[] for _ in todo]
    with Progress(steps, f"{data}, {optimizer}, {len(todo)} games", "step") as progress:
        for step in range(1, steps + 1):
            training.step(*next(batches))
            if step in looks:
                for place, found in enumerate(scores):
                    games[place].load_state_dict(training.state(place))
                    found.append({"step": step, **_look(setting, games[place])})
            progress.update()
    for place, (one, found) in enumerate(zip(todo, scores, strict=True)):
        method, lr, seed = one
        facts: dict[str, Any] = {"data": data, "optimizer": optimizer, "method": method, "lr": lr}
        text = json.dumps({**facts, "seed": seed, "steps": steps, "looks": found}, indent=1)
        torch.save(training.state(place), folder / f"{names[one]}.pt")
        (folder / f"{names[one]}.json").write_text(text + "\n", encoding="utf-8")


def _new_game(setting: Setting, seed: int) -> Game:
    torch.manual_seed(seed)
    return setting.game()


def _batches(setting: Setting, seeds: list[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of samples, (k, n, size), and of noise, (k, n, inputs), for k games."""
    generators = {seed: torch.Generator().manual_seed(seed) for seed in seeds}
    count, inputs = setting.batch, setting.game().noise
    while True:
        found = {
            seed: (setting.draw(count, own), torch.randn(count, inputs, generator=own))
            for seed, own in generators.items()
        }
        real, noise = zip(*(found[seed] for seed in seeds), strict=True)
        yield torch.stack(real), torch.stack(noise)


@torch.no_grad()
def _look(setting: Setting, game: Game) -> dict[str, float]:
    """Return the game's value and the scores of its samples."""
    batch = fixed(setting, game.noise, DRAWN, SEED)
    value = float(values(game, batch)["value"].mean())
    return {"value": value, **setting.score(game.generator(batch[1]))}


if __name__ == "__main__":
    sys.exit(run_script(command, "train"))

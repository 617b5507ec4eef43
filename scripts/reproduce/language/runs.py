"""The networks of the study, and what is computed of each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import planes
from steps import Network, Workshop, landscape, launcher

RECIPE = "--optimizer adamw --lr 0.002 --weight-decay 0.01 --batch-size 32 --clip 1"
SCHEDULE = "--schedule cosine --warmup 0.05 --every 100 --keep-every 40steps"
EPOCHS = 8

FIRST, PAIR_SEEDS = 0, (0, 1)
"""The seed of every network, and those of the pair that is compared."""

POINTS, LINE_POINTS, REPEATS, LINE_SAMPLES = 17, 9, 5, 256

SPECTRUM = "--top 3 --bottom 1 --steps 40 --trace 20 --samples 64 --split train"


@dataclass(frozen=True)
class Kind:
    """A network and how long it is trained.

    Args:
        name: the stem of its files.
        label: its name in tables and figures.
        model: of the problem.
        depth: number of blocks or layers.
        shortcuts: whether blocks have residual connections; None for an LSTM, which has no blocks.
        epochs: number of epochs.
        seeds: the seeds that are trained.
    """

    name: str
    label: str
    model: str
    depth: int
    shortcuts: bool | None = None
    epochs: int = EPOCHS
    seeds: tuple[int, ...] = (FIRST,)

    def network(self, seed: int, epochs: int | None = None) -> Network:
        """Return the network of a seed."""
        arguments = {"depth": self.depth}
        if self.shortcuts is not None:
            arguments["shortcuts"] = self.shortcuts
        length = ("--epochs", str(epochs or self.epochs), "--seed", str(seed))
        return Network(
            name=f"{self.name}_{seed}",
            label=f"{self.label}, seed {seed}",
            changes={"problem_args.model": self.model, "problem_args.model_args": arguments},
            training=(*RECIPE.split(), *SCHEDULE.split(), *length),
        )


_KINDS = (
    Kind("gpt2", "2 blocks, shortcuts", "gpt", 2, True),
    Kind("gpt2_noshort", "2 blocks, no shortcuts", "gpt", 2, False),
    Kind("gpt4", "4 blocks, shortcuts", "gpt", 4, True, seeds=PAIR_SEEDS),
    Kind("gpt4_noshort", "4 blocks, no shortcuts", "gpt", 4, False, seeds=PAIR_SEEDS),
    Kind("gpt4_brief", "4 blocks, shortcuts, 6 epochs", "gpt", 4, True, 6),
    Kind("lstm", "LSTM", "lstm", 1),
)
KINDS = {kind.name: kind for kind in _KINDS}


def plane(workshop: Workshop, net: Network) -> Path:
    """Compute the loss on the base configuration's filter-normalized random plane."""
    return workshop.compute(f"{net.name}_plane", _centre(workshop, net))


def lines(workshop: Workshop, net: Network) -> Path:
    """Compute the training and held-out loss on independent filter-normalized random lines."""
    changes = {
        **_centre(workshop, net),
        "directions.y": None,
        "grid": {"x": [-1, 1, LINE_POINTS]},
        "repeats": REPEATS,
        "samples": LINE_SAMPLES,
        "splits": ["train", "test"],
    }
    return workshop.compute(f"{net.name}_lines", changes)


def path(workshop: Workshop, net: Network) -> Path:
    """Compute the training path in the plane of its principal components."""
    output = workshop.folder / f"{net.name}.trajectory.h5"
    if output.exists():
        click.echo(f"have {output}")
        return output
    config, steps = (str(workshop.folder / f"{net.name}{end}") for end in (".yaml", "_steps"))
    words = ("--checkpoints", steps, "-o", str(output), "--quiet")
    workshop.spend("surfaces", landscape("trajectory", config, *words))
    return output


def path_plane(workshop: Workshop, net: Network) -> Path:
    """Compute the loss on the plane of the training path."""
    found = path(workshop, net)
    changes = {**_centre(workshop, net), **planes.of_path(found, POINTS)}
    return workshop.compute(f"{net.name}_path", changes)


def spectrum(workshop: Workshop, net: Network) -> Path:
    """Compute the ends of the Hessian's spectrum, and its trace."""
    output = workshop.folder / f"{net.name}.curvature.h5"
    config = str(workshop.folder / f"{net.name}.yaml")
    words = [*SPECTRUM.split(), "--output", str(output)]
    command = [*launcher(workshop.jobs), *landscape("curvature", config, *words)]
    workshop.spend("curvature", command, output)
    return output


def _centre(workshop: Workshop, net: Network) -> dict[str, object]:
    return {**net.changes, "checkpoint": str(workshop.checkpoint(net))}

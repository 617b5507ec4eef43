"""Depth, width and shortcuts: the contours of ResNets, as in sections 5 and 6 of Li et al."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from steps import Network, Workshop, load_base, main, options

from landscape_cli.changes import parse_changes

DEPTHS = ((8, 0.25), (20, 0.25), (56, 0.25))
WIDTHS = ((56, 0.125), (56, 0.25), (56, 0.5))
RECIPE = "--optimizer sgd --lr 0.1 --nesterov --batch-size 64 --weight-decay 5e-4 --every 100"
EPOCHS = 10


def network(depth: int, width: float, shortcuts: bool, epochs: int) -> Network:
    model = {"depth": depth, "width": width, "shortcuts": shortcuts}
    return Network(
        name=f"resnet{depth}_width{width:g}{'' if shortcuts else '_noshort'}",
        label=f"{depth}, {width:g}, {'yes' if shortcuts else 'no'}",
        changes={f"problem_args.model_args.{key}": value for key, value in model.items()},
        training=(*RECIPE.split(), "--epochs", str(epochs)),
    )


@click.command()
@options("architectures")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    workshop = Workshop(folder, load_base("fashion_resnet.yaml"), parse_changes(assignments), jobs)
    networks = [
        network(depth, width, shortcuts, epochs or EPOCHS)
        for depth, width in dict.fromkeys(DEPTHS + WIDTHS)
        for shortcuts in (True, False)
    ]
    workshop.train(networks)


if __name__ == "__main__":
    sys.exit(main(command, "architectures"))

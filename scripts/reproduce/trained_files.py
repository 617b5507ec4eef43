"""Networks trained side by side by a script of their own, whose files are in a study's folder."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from steps import Workshop

from landscape_cli.errors import UsageError

CONFIG = "networks.yaml"


def train_side_by_side(
    workshop: Workshop, script: str, given: Mapping[str, int], paths: Iterable[Path]
) -> None:
    """Run a script that trains the networks that are not there yet, on one core.

    Args:
        workshop: the study's.
        script: its path from this folder; it takes a configuration, beside which it writes.
        given: its options, which networks that are there must have been trained with.
        paths: the files that it writes.

    Raises:
        UsageError: if the networks in the folder were trained with different settings.
    """
    workshop.folder.mkdir(parents=True, exist_ok=True)
    words = [f"--{name}={value}" for name, value in given.items()]
    config = workshop.folder / CONFIG
    weights = {"checkpoint": str(workshop.folder / "centre.pt")}
    text = f"# Train: {' '.join([script, *words])}\n{workshop.configuration(weights)}"
    if config.exists() and config.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"{config}: networks were trained with different settings; remove {workshop.folder}, "
            "or choose another --folder"
        )
    config.write_text(text, encoding="utf-8")
    if all(path.exists() for path in paths):
        click.echo(f"have all networks in {workshop.folder}")
        return
    path = Path(__file__).parent / script
    workshop.spend("training", [sys.executable, str(path), str(config), *words])

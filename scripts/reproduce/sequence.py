"""Loss surfaces of language models: GPTs with and without shortcuts, and an LSTM."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from language import figures, runs, tables
from steps import Workshop, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--text",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    help="Text file to learn; by default the documentation of Python's language.",
)
@options("sequence")
def command(
    text: str | None,
    folder: Path,
    jobs: int,
    epochs: int | None,
    assignments: tuple[str, ...],
    train_only: bool,
) -> None:
    """Train small language models, and compare their loss surfaces.

    GPTs of two depths with and without shortcuts, and an LSTM, predict the bytes of an English
    text. For each network: the loss on filter-normalized random lines, the ends of the Hessian's
    spectrum and its trace; for one seed of each also the loss on a random plane, and the training
    path in its principal plane; pictures, and tables.
    """
    changes = parse_changes(assignments)
    if text is not None:
        changes = {"problem_args.text": text, **changes}
    workshop = Workshop(folder, load_base("pydoc_gpt.yaml"), changes, jobs)
    networks = {
        (name, seed): kind.network(seed, epochs)
        for name, kind in runs.KINDS.items()
        for seed in kind.seeds
    }
    workshop.train(networks.values())
    if train_only:
        return
    for net in networks.values():
        runs.lines(workshop, net)
        runs.spectrum(workshop, net)
    drawn = {name: networks[name, runs.FIRST] for name in runs.KINDS}
    for net in drawn.values():
        runs.plane(workshop, net)
        runs.path_plane(workshop, net)
    figures.draw(workshop, drawn)
    workshop.publish(tables.report(workshop, networks, ["planes", "paths"]))


if __name__ == "__main__":
    sys.exit(run_script(command, "sequence"))

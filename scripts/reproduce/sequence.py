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
    text, two seeds of each. For each network: the loss on a filter-normalized random plane and on
    random lines, the training path in its principal plane, the ends of the Hessian's spectrum and
    its trace; pictures, and a table of losses, perplexities and accuracies.
    """
    changes = parse_changes(assignments)
    if text is not None:
        changes = {"problem_args.text": text, **changes}
    workshop = Workshop(folder, load_base("pydoc_gpt.yaml"), changes, jobs)
    networks = {
        (name, seed): kind.network(seed, epochs)
        for seed in runs.SEEDS
        for name, kind in runs.KINDS.items()
    }
    workshop.train(networks.values())
    if train_only:
        return
    for net in networks.values():
        runs.lines(workshop, net)
        runs.spectrum(workshop, net)
        runs.path_plane(workshop, net)
        runs.plane(workshop, net)
    figures.draw(workshop, networks)
    workshop.write("table.md", tables.report(workshop, networks.values()))


if __name__ == "__main__":
    sys.exit(run_script(command, "sequence"))

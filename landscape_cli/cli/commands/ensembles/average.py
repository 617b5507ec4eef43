"""``landscape average``: the average of several networks' weights, as a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from landscape_cli.cli.help_sections import SectionCommand
from landscape_cli.cli.options import DEVICE_HELP, NUMBERS, OUTPUT, SPEED, debug_option, set_option
from landscape_cli.cli.output import say

if TYPE_CHECKING:
    from pathlib import Path

    from landscape_cli.run.ensemble.average import Average

EXAMPLES = """\b
Examples:
  landscape average run.yaml a.pt b.pt c.pt -o mean.pt
  landscape average run.yaml 'runs/net_epochs/epoch_*.pt' -o runs/swa.pt
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@OUTPUT.option("--output", "-o", metavar="FILE.pt", required=True, help="The checkpoint to write.")
@OUTPUT.option("--quiet", "-q", is_flag=True, help="Show no progress.")
@NUMBERS.option(
    "--batch-norm-samples",
    type=click.IntRange(min=2),
    metavar="N",
    help="Re-estimate batch norm's statistics on N samples of the split train; by default on all.",
)
@set_option
@SPEED.option("--device", metavar="DEVICE", help=DEVICE_HELP)
@debug_option
def command(
    config: str,
    checkpoints: tuple[str, ...],
    output: str,
    quiet: bool,
    batch_norm_samples: int | None,
    changes: tuple[str, ...],
    device: str | None,
) -> None:
    """Average the weights of several checkpoints, as SWA does.

    CHECKPOINT is a recording, file or folder, or a quoted pattern; PATH::KEY takes this entry.
    Parameters are averaged in float64, and batch norm's statistics re-estimated on the training
    data, since the average of statistics is not the average's (Izmailov et al. 2018). What else the
    network holds is taken from the last checkpoint.
    """
    from pathlib import Path

    from landscape_cli.config.loading import load_config
    from landscape_cli.config.overrides import parse_changes
    from landscape_cli.problems.checkpoint_files import expand
    from landscape_cli.run.ensemble.average import average_weights, check_output, write_average
    from landscape_cli.util.progress import Progress

    given = {} if device is None else {"device": device}
    run = load_config(config, parse_changes(changes) | given)
    paths = expand(checkpoints, "CHECKPOINT")
    path = Path(output).absolute()
    check_output(path, run, [config, *(one.path for one in paths)])
    with Progress(len(paths) + 1, path.name, unit="checkpoint", quiet=quiet) as progress:
        found = average_weights(run, paths, batch_norm_samples, progress)
    write_average(path, found)
    say(*_lines(found, len(paths), path))


def _lines(found: Average, count: int, path: Path) -> list[str]:
    """Describe an average."""
    from landscape_cli.errors import some

    lines = [
        f"{found.network}: {count} checkpoints of {found.parameters:,} parameters",
        f"distance:   {found.spread:.4g} from the average (root mean square), whose norm is "
        f"{found.norm:.4g}",
    ]
    if found.batch_norms:
        lines.append(
            f"batch norm: statistics of {found.batch_norms} "
            f"layer{'s' * (found.batch_norms > 1)} re-estimated on "
            f"{found.samples:,} samples of train"
        )
    if found.kept:
        lines.append(f"kept:       {some(list(found.kept))} of the last checkpoint, not averaged")
    return [*lines, f"wrote {path}"]

"""``landscape trajectory``: project the path of a training run onto a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.options import OUTPUT, debug_option
from landscape_cli.cli.output import say

if TYPE_CHECKING:
    from pathlib import Path

    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.records.checkpoint_path import CheckpointPath
    from landscape_cli.store.trajectory_file import Plane
    from landscape_cli.tracing import Trace
    from landscape_cli.util.progress import Progress

POINTS = 51
"""Number of points proposed for an axis that the configuration has no range for."""

TRAINING = Section("The training run")
PLANE = Section("The plane")

EXAMPLES = """\b
Examples:
  landscape trajectory run.yaml --checkpoints 'runs/net_epochs/*.pt'
  landscape trajectory run.yaml --checkpoints 'runs/*/epoch*.pt' --log runs/net_epochs/log.csv
  landscape trajectory run.yaml --checkpoints 'runs/*.pt' --onto runs/surface.directions.h5
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@TRAINING.option(
    "--checkpoints",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    required=True,
    help="Checkpoints of the training run: a file or folder, or a quoted pattern, sorted "
    "naturally, epoch9 before epoch10; PATTERN::KEY takes this entry of each. Repeatable.",
)
@TRAINING.option(
    "--log",
    metavar="FILE",
    help="Learning rates of the training run: a CSV file with columns epoch and lr (or "
    "learning_rate), or JSON lines with these keys.",
)
@PLANE.option(
    "--center",
    type=click.Choice(["final", "mean"]),
    default="final",
    show_default=True,
    help="Centre of the principal components: the final checkpoint, or the mean of all, as in "
    "scikit-learn's PCA. The origin of the plane is the final checkpoint in both cases.",
)
@PLANE.option(
    "--ignore",
    type=click.Choice(["none", "biasbn"]),
    default="none",
    show_default=True,
    help="biasbn: leave tensors of one dimension (biases, norm layers) out of the directions.",
)
@PLANE.option(
    "--onto",
    metavar="DIRECTIONS.h5",
    help="Project onto the directions in this file instead of principal components.",
)
@PLANE.option(
    "--margin",
    type=click.FloatRange(0, 100),
    default=0.2,
    show_default=True,
    metavar="FRACTION",
    help="Margin on each side of the path in the proposed range, as a fraction of its width.",
)
@OUTPUT.option(
    "--output",
    "-o",
    metavar="FILE.h5",
    help="The file to write; by default CONFIG's output with the extension .trajectory.h5.",
)
@debug_option
def command(
    config: str,
    patterns: tuple[str, ...],
    output: str | None,
    center: str,
    ignore: str,
    onto: str | None,
    log: str | None,
    margin: float,
) -> None:
    """Find the plane that shows most of a training run's path.

    It goes through CONFIG's checkpoint, or the last of --checkpoints if CONFIG names none, along
    the first two principal components of the checkpoints (Li et al. 2018, section 7). The file
    holds both directions, for use with `kind: file` in a configuration, and the coordinates of
    each checkpoint, which `landscape plot` draws.
    """
    import os

    from landscape_cli.config.loading import load_config
    from landscape_cli.problems.checkpoint_files import expand
    from landscape_cli.run.output_check import files_named
    from landscape_cli.store import check_writable
    from landscape_cli.store.file_kind import TRAJECTORY, check_replaceable
    from landscape_cli.store.trajectory_file import write_trajectory
    from landscape_cli.tracing import Options, trace
    from landscape_cli.tracing.checkpoint_names import output_path

    run = load_config(config)
    paths = expand(patterns, "--checkpoints")
    others = [*filter(None, (onto, log)), *files_named(run)]
    inputs = [*map(os.fspath, paths), config, *others]
    path = output_path(run.output, output, inputs)
    check_writable(path)
    check_replaceable(path, TRAJECTORY, "--output")
    options = Options(center == "mean", ignore == "biasbn", onto, log, margin)
    result = trace(run, paths, options, lambda reads: _progress(reads, path))
    write_trajectory(path, result.plane, result.trajectory)
    say(*_lines(result, run, paths[-1], path))


def _progress(reads: int, path: Path) -> Progress:
    from landscape_cli.util.progress import Progress

    return Progress(reads, path.name, unit="checkpoint")


def _lines(result: Trace, run: RunConfig, last: CheckpointPath, path: Path) -> list[str]:
    """Describe the plane, and what to put into the configuration."""
    trajectory, plane = result.trajectory, result.plane
    farthest = int(trajectory.residuals.argmax())
    residual, distance = trajectory.residuals[farthest], result.distances[farthest]
    fraction = (
        f", {residual / distance:.1%} of its distance from the centre" if distance > 0 else ""
    )
    lines = [
        f"{result.network}: {len(trajectory.labels)} checkpoints of "
        f"{result.parameters:,} parameters",
        f"centre:    {plane.checkpoint}",
    ]
    if trajectory.explained is not None:
        x, y = trajectory.explained
        about = "centre" if plane.settings["center"] == "final" else "mean"
        lines.append(
            f"explained: {x + y:.1%} of the variance about the {about}; x {x:.1%}, y {y:.1%}"
        )
    return [
        *lines,
        f"residual:  at most {residual:.4g} ({trajectory.labels[farthest]}){fraction}",
        *_config_lines(run, plane, last, path),
        f"wrote {path}",
    ]


def _config_lines(run: RunConfig, plane: Plane, last: CheckpointPath, path: Path) -> list[str]:
    """Return the lines of a configuration that computes the plane."""
    import json
    import os

    lines = ["to compute the plane, put into the configuration:"]
    if run.checkpoint is None:
        lines.append(f"  checkpoint: {json.dumps(last.at(os.path.abspath(last)).as_plain())}")
    file = plane.settings["onto"] or str(path)
    lines.append("  directions:")
    lines += [f"    {axis}: {{kind: file, path: {json.dumps(file)}}}" for axis in plane.ranges]
    lines.append("  grid:")
    for axis, (low, high) in plane.ranges.items():
        points = run.grid[axis].points if axis in run.grid else POINTS
        lines.append(f"    {axis}: [{low:g}, {high:g}, {points}]")
    return lines

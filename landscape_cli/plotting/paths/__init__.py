"""Pictures of trajectory files: a new kind is a ``PathPainter`` and a line here."""

from __future__ import annotations

from landscape_cli.plotting import Kind

PATH_KINDS = {
    "lengths": Kind(
        "landscape_cli.plotting.paths.lengths:PAINTER",
        1,
        "distances from first and last checkpoint, steps, turning angles",
    ),
    "losses": Kind("landscape_cli.plotting.paths.losses:PAINTER", 1, "the checkpoints' own values"),
    "descent": Kind(
        "landscape_cli.plotting.paths.descent:PAINTER", 1, "cosines of steps and -gradient"
    ),
}
"""Kinds of plot of a trajectory file; lengths by default."""

"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from landscape_cli.cli.help_sections import Section

if TYPE_CHECKING:
    from landscape_cli.plotting.scene3d.camera import Camera

Function = TypeVar("Function", bound=Callable[..., Any])

POINTS = Section("What to compute")
NUMBERS = Section("Samples and numbers")
SPEED = Section("Speed and memory")
RUNNING = Section("Running and resuming")
LOGS = Section("Output and logs")

CONTENT = Section("What to draw")
SCALE = Section("Scale and limits")
CAMERA = Section("Camera in three dimensions")
STYLE = Section("Layout and style")
OUTPUT = Section("Output")


def weights_options(function: Function) -> Function:
    """Add ``--checkpoint`` and ``--seed``."""
    checkpoint = POINTS.option("--checkpoint", metavar="FILE", help="The trained weights.")
    seed = POINTS.option(
        "--seed",
        type=int,
        metavar="N",
        help="Seed of the x direction; y takes N + 1, z N + 2.",
    )
    return checkpoint(seed(function))


def device_options(function: Function) -> Function:
    """Add ``--device`` and ``--threads``."""
    device = SPEED.option(
        "--device",
        metavar="DEVICE",
        help="auto, cpu, cuda (a GPU for each rank) or cuda:N.",
    )
    threads = SPEED.option(
        "--threads",
        type=click.IntRange(min=1),
        help="CPU threads of each rank.",
    )
    return device(threads(function))


def set_option(function: Function) -> Function:
    """Add ``--set``, whose values are ``changes``."""
    return POINTS.option(
        "--set",
        "changes",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change any key of the configuration, such as directions.x.seed=3. Repeatable.",
    )(function)


def log_options(function: Function) -> Function:
    """Add ``--verbose`` and ``--log-dir``."""
    verbose = LOGS.option(
        "--verbose",
        "-v",
        is_flag=True,
        help="Say more: tiles, settings tried, files written.",
    )
    folder = LOGS.option(
        "--log-dir",
        metavar="DIR",
        help="Write a log for each rank there, such as rank-0003.log.",
    )
    return verbose(folder(function))


def camera_options(function: Function) -> Function:
    """Add ``--azimuth``, ``--elevation`` and ``--zoom``, of surfaces in three dimensions."""
    azimuth = CAMERA.option(
        "--azimuth",
        type=click.FloatRange(-360, 360),
        help="Where a surface, relief or render is seen from: degrees from x towards y, -58 if "
        "left out.",
    )
    elevation = CAMERA.option(
        "--elevation",
        type=click.FloatRange(0, 90),
        help="Degrees above the plane from which it is seen. 32 if left out.",
    )
    zoom = CAMERA.option(
        "--zoom",
        type=click.FloatRange(0.2, 20),
        help="How many times larger than in full view.",
    )
    return azimuth(elevation(zoom(function)))


def pop_camera(choices: dict[str, Any]) -> Camera | None:
    """Take the options of ``camera_options`` out of the choices; None if none was given."""
    from landscape_cli.plotting.scene3d.camera import Camera

    chosen = {name: choices.pop(name) for name in ("azimuth", "elevation", "zoom")}
    given = {name: value for name, value in chosen.items() if value is not None}
    return Camera(**given) if given else None


def debug_option(function: Function) -> Function:
    """Add ``--debug``, which shows the traceback of an error."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        help="Show the traceback of an error.",
    )(function)

"""Options that several commands share, and the sections of help they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from landscape_cli.cli.help_sections import Section
from landscape_cli.plotting import STYLES

if TYPE_CHECKING:
    from landscape_cli.plotting.scene3d.camera import Camera

Function = TypeVar("Function", bound=Callable[..., Any])

DEVICE_HELP = "auto, cpu, cuda (one GPU per rank), xpu, mps, or one by its number, such as cuda:1."

POINTS = Section("What to compute")
NUMBERS = Section("Samples and numbers")
SPEED = Section("Speed and memory")
RUNNING = Section("Running and resuming")
LOGS = Section("Output and logs")

CONTENT = Section("What to draw")
SCALE = Section("Scale and limits")
CAMERA = Section("3-D view")
STYLE = Section("Layout and style")
OUTPUT = Section("Output")


class RegistryChoice(click.Choice):  # type: ignore[type-arg]
    """A choice among the kinds that a registry has when the option is used, not when it is defined.

    Args:
        registry: a mapping with the kinds as keys; a program may add to it.
    """

    def __init__(self, registry: Mapping[str, object]) -> None:
        self._registry = registry
        super().__init__(())

    @property
    def choices(self) -> tuple[str, ...]:
        """The kinds."""
        return tuple(self._registry)

    @choices.setter
    def choices(self, kinds: Sequence[str]) -> None:
        """Ignore the kinds of the constructor, since the registry has them."""


def weights_options(function: Function) -> Function:
    """Add ``--checkpoint`` and ``--seed``."""
    checkpoint = POINTS.option(
        "--checkpoint",
        metavar="PATH[::KEY]",
        help="The trained weights: a file or folder, and the key of the entry if it has several.",
    )
    seed = POINTS.option(
        "--seed",
        type=int,
        metavar="N",
        help="Seed of the x direction; y uses N + 1, z uses N + 2.",
    )
    return checkpoint(seed(function))


def device_options(function: Function) -> Function:
    """Add ``--device`` and ``--threads``."""
    device = SPEED.option("--device", metavar="DEVICE", help=DEVICE_HELP)
    threads = SPEED.option(
        "--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads per rank."
    )
    return device(threads(function))


def set_option(function: Function) -> Function:
    """Add ``--set``, whose values are ``changes``."""
    return POINTS.option(
        "--set",
        "changes",
        multiple=True,
        metavar="KEY=VALUE",
        help="Set any key of the configuration, such as directions.x.seed=3. Repeatable.",
    )(function)


def mean_options(function: Function) -> Function:
    """Add ``--samples``, ``--split`` and ``--quantity``, of the mean that is differentiated."""
    samples = NUMBERS.option(
        "--samples",
        type=click.IntRange(min=1),
        metavar="N",
        help="Use N samples of the split, stratified by class; by default as CONFIG says, or all.",
    )
    split = NUMBERS.option(
        "--split", metavar="NAME", help="The split; by default CONFIG's first, or train."
    )
    quantity = NUMBERS.option(
        "--quantity", metavar="NAME", help="The objective's value; by default its first one."
    )
    return samples(split(quantity(function)))


def time_limit_option(function: Function) -> Function:
    """Add ``--time-limit``, of commands that the same command continues."""
    return RUNNING.option(
        "--time-limit",
        metavar="TIME",
        help="Stop within this time, such as 55m or 1:30:00, with exit code 75; the same command "
        "continues. The end of a Slurm job is respected without it.",
    )(function)


def log_options(function: Function) -> Function:
    """Add ``--verbose`` and ``--log-dir``."""
    verbose = LOGS.option(
        "--verbose", "-v", is_flag=True, help="Also report tiles, settings tried, files written."
    )
    folder = LOGS.option(
        "--log-dir", metavar="DIR", help="Write a log for each rank to DIR, such as rank-0003.log."
    )
    return verbose(folder(function))


def split_option(function: Function) -> Function:
    """Add ``--split``, of a picture."""
    split = CONTENT.option(
        "--split",
        metavar="NAME",
        help="The split to draw; by default train, or every split of a line.",
    )
    return split(function)


def scale_options(function: Function) -> Function:
    """Add ``--log/--linear``, ``--vmin`` and ``--vmax``, of a picture."""
    log = SCALE.option(
        "--log/--linear",
        default=None,
        help="Scale of the values. By default, planes have a logarithmic scale if the values are "
        "positive and span more than three decades.",
    )
    low = SCALE.option(
        "--vmin", type=float, metavar="V", help="Lowest value shown; percent for accuracy."
    )
    high = SCALE.option(
        "--vmax", type=float, metavar="V", help="Highest value shown; percent for accuracy."
    )
    return log(low(high(function)))


def camera_options(function: Function) -> Function:
    """Add ``--azimuth``, ``--elevation`` and ``--zoom``, of surfaces in three dimensions."""
    azimuth = CAMERA.option(
        "--azimuth",
        type=click.FloatRange(-360, 360),
        metavar="DEGREES",
        help="Viewing direction in the plane, from x towards y; by default -58.",
    )
    elevation = CAMERA.option(
        "--elevation",
        type=click.FloatRange(0, 90),
        metavar="DEGREES",
        help="Viewing angle above the plane; by default 32.",
    )
    zoom = CAMERA.option(
        "--zoom",
        type=click.FloatRange(0.2, 20),
        metavar="FACTOR",
        help="Magnification; 1 shows the whole surface.",
    )
    return azimuth(elevation(zoom(function)))


def style_option(function: Function) -> Function:
    """Add ``--style``, of a picture."""
    return STYLE.option(
        "--style",
        type=click.Choice(list(STYLES)),
        default="paper",
        show_default=True,
        help="; ".join(f"{name}: {text}" for name, text in STYLES.items()) + ".",
    )(function)


def pop_camera(choices: dict[str, Any]) -> Camera | None:
    """Remove the values of ``camera_options`` from a command's options.

    Returns:
        The camera that they describe; None if no option was used.
    """
    from landscape_cli.plotting.scene3d.camera import Camera

    values = {name: choices.pop(name) for name in ("azimuth", "elevation", "zoom")}
    chosen = {name: value for name, value in values.items() if value is not None}
    return Camera(**chosen) if chosen else None


def debug_option(function: Function) -> Function:
    """Add ``--debug``, which ``error_report.run`` looks for itself."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        help="Show the traceback of an error.",
    )(function)

"""See the loss landscape of a trained neural network, on a laptop or on a thousand GPUs.

The names below are the public API; they are imported when they are first used, so that this import
needs neither torch nor matplotlib nor MPI.

Example:
    >>> import landscape_cli as landscape
    >>> from landscape_cli.problems.zoo import build
    >>> problem = build("mlp", samples={"train": 100, "test": 50})
    >>> surface = landscape.compute(problem, {"x": (-1, 1, 5), "y": (-1, 1, 5)}, progress=False)
    >>> figure = landscape.plot(surface, kind="contourf", vmax=10)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from landscape_cli.version import __version__

if TYPE_CHECKING:
    from landscape_cli.api.aligning import align
    from landscape_cli.api.computing import compute, load_config
    from landscape_cli.api.diffusion import read_diffusion
    from landscape_cli.api.exporting import export
    from landscape_cli.api.figures import plot
    from landscape_cli.api.numbers import describe
    from landscape_cli.api.recording import record
    from landscape_cli.api.reporting import report
    from landscape_cli.api.surface import Surface, read_surface
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.errors import LandscapeError
    from landscape_cli.problems.problem import Problem

_MODULES = {
    "LandscapeError": "landscape_cli.errors",
    "Problem": "landscape_cli.problems.problem",
    "RunConfig": "landscape_cli.config.run_config",
    "Surface": "landscape_cli.api.surface",
    "align": "landscape_cli.api.aligning",
    "compute": "landscape_cli.api.computing",
    "describe": "landscape_cli.api.numbers",
    "export": "landscape_cli.api.exporting",
    "load_config": "landscape_cli.api.computing",
    "plot": "landscape_cli.api.figures",
    "read_diffusion": "landscape_cli.api.diffusion",
    "read_surface": "landscape_cli.api.surface",
    "record": "landscape_cli.api.recording",
    "report": "landscape_cli.api.reporting",
}
"""The module of each public name."""

__all__ = [
    "LandscapeError",
    "Problem",
    "RunConfig",
    "Surface",
    "__version__",
    "align",
    "compute",
    "describe",
    "export",
    "load_config",
    "plot",
    "read_diffusion",
    "read_surface",
    "record",
    "report",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})

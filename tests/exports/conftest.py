from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from builders import grid, surface
from landscape_cli.exports import FORMATS, Options, Source
from landscape_cli.exports.export_files import export
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

SQUARE = ("0:1:2", "0:1:2")
QUANTITIES = [("test", "accuracy"), ("train", "accuracy"), ("train", "loss")]


def _surface(values, *axes, repeats=1, **more):
    """Make a surface whose standard errors, seconds and ranks differ from its values."""
    over = grid(*axes, repeats=repeats)
    return surface(
        values,
        *axes,
        repeats=repeats,
        stderr=lambda array: np.abs(array) / 8,
        seconds=0.5,
        rank=np.arange(over.total).reshape(over.shape) % 3,
        **more,
    )


@pytest.fixture
def make_surface() -> Callable[..., Surface]:
    return _surface


@pytest.fixture
def sampled() -> Surface:
    """A surface whose points took different numbers of samples, one of them interpolated."""
    numbers = np.array([[64, 128], [0, 512]], np.int32)
    whole = _surface({("a", "samples"): np.ones((2, 2)), ("b", "loss"): np.ones((2, 2))}, *SQUARE)
    status = np.where(numbers, Status.OK, Status.INTERPOLATED).astype(np.uint8)
    return replace(whole, status=status, samples={"a": numbers, "b": 2 * numbers})


@pytest.fixture
def write(tmp_path) -> Callable[..., tuple[Path, list[str]]]:
    """Write a surface in a format; returns the file and the notes for the user."""

    def write(surface, name, **options):
        path = tmp_path / f"out{FORMATS[name].ending}"
        notes = export(name, [Source(surface, "run.h5", "run")], path, Options(**options))
        assert path.exists()
        assert not list(tmp_path.glob(".*"))
        return path, list(notes)

    return write


@pytest.fixture(params=["line", "plane", "volume", "repeats", "unfinished"])
def any_surface(request) -> Surface:
    """Surfaces of every shape, with values that are not finite, not computed or not positive."""
    ranges = {"line": 1, "volume": 3}.get(request.param, 2) * ["-1:1:4", "0:3:3", "5:6:2"]
    ranges = ranges[: {"line": 1, "volume": 3}.get(request.param, 2)]
    repeats = 2 if request.param == "repeats" else 1
    shape = grid(*ranges, repeats=repeats).shape
    random = np.random.default_rng(0)
    arrays = {key: random.normal(size=shape) for key in QUANTITIES}
    whole = _surface(arrays, *ranges, repeats=repeats, config={"a": [1]}, provenance={"b": "ä"})
    if request.param != "unfinished":
        return whole
    loss, status = arrays["train", "loss"], whole.status.copy()
    loss.flat[:5] = np.inf, np.nan, -np.inf, np.nan, np.nan
    status.flat[:6] = [*[Status.NOT_FINITE] * 3, Status.TODO, Status.FAILED, Status.INTERPOLATED]
    return replace(whole, status=status, values={**arrays, ("train", "loss"): loss})

"""Surfaces as a notebook or script sees them."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from numpy import float64
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError, visible
from landscape_cli.records.surface import Surface as Record
from landscape_cli.store import read_surface as read_record

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, repr=False, eq=False)
class Surface(Record):
    """The values of every quantity over a grid, complete or not, and their provenance.

    ``values[split, quantity]`` is the mean over a split's samples, or a measure of the point, and
    ``stderr[split, quantity]`` its standard error, or the measure's numerical error: float64 of
    shape (nx,) for a line and (ny, nx) for a plane, row = y, column = x, NaN where nothing was
    computed. Repeats add a leading dimension. ``status`` has a ``Status`` for each point.

    Example:
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", samples={"train": 100, "test": 50})
        >>> grid = {"x": (-1, 1, 5), "y": (-1, 1, 3)}
        >>> surface = landscape.compute(problem, grid, splits=["train"], progress=False)
        >>> surface
        <Surface of 5 x 3 points (x, y), complete: train accuracy, loss>
        >>> surface.values["train", "loss"].shape
        (3, 5)
        >>> surface.axes["x"]
        array([-1. , -0.5,  0. ,  0.5,  1. ])
    """

    @property
    def axes(self) -> dict[str, NDArray[float64]]:
        """The coordinates along each axis, float64 of shape (n,), by the axis's name."""
        return {name: axis.coordinates for name, axis in self.grid.axes.items()}

    def to_xarray(self) -> xarray.Dataset:
        """Convert to an ``xarray.Dataset``, as ``export`` writes it to NetCDF.

        Returns:
            Variables such as ``train_loss`` and ``train_loss_stderr`` over the dimensions y, x, and
            attributes with the configuration and provenance as JSON.

        Raises:
            LandscapeError: if xarray is not installed.
        """
        from landscape_cli.exports.export_files import check_extra
        from landscape_cli.exports.formats.netcdf import as_dataset

        check_extra("xarray", "xarray", "xarray")
        dataset: xarray.Dataset = as_dataset(self)
        return dataset

    def __repr__(self) -> str:
        shape = " x ".join(str(axis.points) for axis in self.grid.axes.values())
        repeats = f", {self.grid.repeats} repeats" if self.grid.repeated else ""
        left = "complete" if self.complete else f"{self.done} of {self.total} points done"
        names = "; ".join(f"{one} {', '.join(self.quantities(one))}" for one in self.splits)
        text = f"<Surface of {shape} points ({', '.join(self.grid.names)}){repeats}, {left}"
        return visible(f"{text}: {names}>" if names else f"{text}>")

    def _repr_png_(self) -> bytes | None:
        """Draw the picture that Jupyter shows; None for a surface that can't be drawn."""
        from landscape_cli.api.figures import plot

        try:
            figure: Any = plot(self)
            picture: bytes = figure._repr_png_()
        except LandscapeError:
            return None
        return picture


def read_surface(path: str | os.PathLike[str]) -> Surface:
    """Read a surface file, complete or not, while a run writes it or after.

    Args:
        path: an HDF5 file of ``landscape compute``, ``merge`` or ``import``.

    Raises:
        LandscapeError: if the file is missing, damaged, or not a surface.

    Example:
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", samples={"train": 100, "test": 50})
        >>> grid = {"x": (-1, 1, 5), "y": (-1, 1, 3)}
        >>> _ = landscape.compute(problem, grid, output="mlp.h5", progress=False)
        >>> landscape.read_surface("mlp.h5").complete
        True
    """
    return as_surface(read_record(path))


def as_surface(record: Record) -> Surface:
    """Give a record the methods of the public class."""
    return Surface(**{one.name: getattr(record, one.name) for one in fields(Record)})

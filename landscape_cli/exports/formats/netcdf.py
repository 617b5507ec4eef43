"""NetCDF 4, written by xarray, with attributes that follow the CF conventions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.exports import Options, Source
from landscape_cli.exports.arrays import STDERR, array_names, metadata, sample_names, selected
from landscape_cli.exports.export_files import check_extra
from landscape_cli.records.presentation import axis_name
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.util.sink import sink
from landscape_cli.version import __version__

LIBVER = ("v108", "v110")
"""HDF5 format versions, lower and upper bound; 1.8 allows attributes of more than 64 KiB."""


def write(sources: Sequence[Source], path: Path, options: Options) -> list[str]:
    """Write every array over those of the dimensions repeat, z, y, x that the grid has.

    Raises:
        UsageError: without xarray or h5netcdf.
    """
    for module in ("xarray", "h5netcdf"):
        check_extra(module, "xarray", "xarray")
    import h5netcdf
    from xarray.backends import H5NetCDFStore

    dataset = as_dataset(selected(sources[0], options))
    dataset.attrs["title"] = sources[0].name
    with sink(path) as output, h5netcdf.File(output, "w", libver=LIBVER) as file:
        dataset.dump_to_store(H5NetCDFStore(file))
    return []


def as_dataset(surface: Surface) -> Any:
    """Convert a surface to an ``xarray.Dataset``; NaN and infinities are results and are kept.

    The variables are ``train_loss``, ``train_loss_stderr``, ..., ``status``, ``seconds`` and
    ``rank``, and ``train_samples`` where points took as many samples as they need. The attributes
    ``config`` and ``provenance`` hold JSON.
    """
    import xarray

    names = [*(["repeat"] if surface.grid.repeated else []), *surface.grid.names[::-1]]
    variables = {
        name: (names, array, attributes) for name, (array, attributes) in _variables(surface)
    }
    coordinates: dict[str, Any] = {
        name: (name, axis.coordinates, {"long_name": axis_name(surface, name)})
        for name, axis in surface.grid.axes.items()
    }
    if surface.grid.repeated:
        numbers = np.arange(surface.grid.repeats)
        coordinates["repeat"] = ("repeat", numbers, {"long_name": "number of the repeat"})
    general = {"Conventions": "CF-1.11", "source": f"landscape-cli {__version__}"}
    dataset = xarray.Dataset(variables, coordinates, general | metadata(surface))
    for variable in dataset.variables.values():
        variable.encoding["_FillValue"] = None
    return dataset


def _variables(surface: Surface) -> list[tuple[str, tuple[Any, dict[str, Any]]]]:
    """Return every variable's name, array and attributes."""
    variables: list[tuple[str, tuple[Any, dict[str, Any]]]] = []
    for (split, quantity), name in array_names(surface).items():
        attributes = {"long_name": f"{split} {quantity}", "split": split, "quantity": quantity}
        error = surface.stderr.get((split, quantity))
        companions = "status" if error is None else f"{name}{STDERR} status"
        values = surface.values[split, quantity]
        variables.append((name, (values, attributes | {"ancillary_variables": companions})))
        if error is not None:
            long_name = f"standard error of the mean {split} {quantity} over samples"
            variables.append((name + STDERR, (error, attributes | {"long_name": long_name})))
    for split, name in sample_names(surface).items():
        attributes = {"long_name": f"number of {split} samples evaluated", "split": split}
        variables.append((name, (surface.samples[split], attributes)))
    flags = {
        "long_name": "state of the point",
        "flag_values": np.array(list(Status), np.uint8),
        "flag_meanings": " ".join(state.name.lower() for state in Status),
    }
    seconds = {"long_name": "time spent on the point", "units": "s"}
    rank = {"long_name": "MPI rank that computed the point, -1 for none"}
    return [
        *variables,
        ("status", (surface.status, flags)),
        ("seconds", (surface.seconds, seconds)),
        ("rank", (surface.rank, rank)),
    ]

"""Diffusion files: a diffusion map of checkpoints, complete or with distances still to compute.

    /                    attributes format, format_version, complete, parameters, alpha, epsilon,
                         chosen, time, dimension, config, provenance
    /labels, /training   of the n checkpoints; training counts /names from 0
    /epochs, /steps, /losses, /learning_rates     (n,), where known
    /distances2          float64 (n, n); NaN where still to compute
    /squares             (n,), squared distances from checkpoint n // 2; NaN until all are known
    /eigenvalues         (k + 1,), the trivial 1 first
    /coordinates         (n, k), without the constant one
    /spectra/factors, /spectra/eigenvalues        (s,) and (s, k + 1), at other bandwidths
    /kernel/epsilons, /kernel/sums                (e,)
    /statistics/NAME     (1,), to compare with the nulls'
    /nulls/KIND          attribute seed; epsilons (draws,), eigenvalues (draws, k + 1), coordinates
                         (n, k) of the first walk, statistics/NAME (draws,)
    /pca/coordinates, /pca/explained              (n, 2) and (2,)
    /onto                names, labels, training, coordinates (m, k), reach, nearest, epochs,
                         steps, losses, learning_rates, distances2 (m, n)

Arrays of what is not known are missing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.dynamics.diffusion import Diffusion, KernelSums, Null, Onto, Spectrum
from landscape_cli.records.provenance import check_diffusion_provenance
from landscape_cli.store.atomic_write import Check, publish, unchecked
from landscape_cli.store.hdf5.description import read_description
from landscape_cli.store.hdf5.reading import check_format, reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import Writer

FORMAT = "loss-landscape-diffusion"
FORMAT_VERSION = 1
KIND = "diffusion file"

NUMBERS = ("alpha", "epsilon", "time", "dimension")
"""Attributes that are numbers, under the record's names."""

PER_CHECKPOINT = ("epochs", "steps", "losses", "learning_rates")
ONTO = (*PER_CHECKPOINT, "distances2")
"""Arrays that may be missing, under the records' names."""


def write_diffusion(path: Path, record: Diffusion, check: Check = unchecked) -> None:
    """Write a diffusion file, complete or not, and replace the file in one step.

    Args:
        path: the file.
        record: its content.
        check: called before the file is replaced; raises to prevent it.

    Raises:
        StoreError: if the file can't be written.
    """
    publish(path, lambda file: _fill(Writer(file), record), check)


def read_diffusion(path: str | os.PathLike[str]) -> Diffusion:
    """Read a diffusion file.

    Raises:
        StoreError: if the file is missing, damaged or not a diffusion file, or its
            ``format_version`` is newer than this program knows.
    """
    with reading(path, KIND) as file:
        check_format(file, path, FORMAT, FORMAT_VERSION, "one made by `landscape diffusion`")
        try:
            return _read(file)
        except StoreError as error:
            raise ValueError(str(error)) from None


def _fill(file: Writer, record: Diffusion) -> None:
    file.attributes(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "complete": record.complete,
            "parameters": record.parameters,
            "chosen": record.chosen,
            **{name: getattr(record, name) for name in NUMBERS},
            "config": yaml.safe_dump(dict(record.config), sort_keys=False),
            "provenance": json.dumps(dict(record.provenance), default=str),
        }
    )
    file.text("labels", record.labels)
    file.text("names", record.names)
    for name in (
        "training",
        "distances2",
        "squares",
        "eigenvalues",
        "coordinates",
        *PER_CHECKPOINT,
    ):
        if (array := getattr(record, name)) is not None:
            file.array(name, array)
    if record.spectra:
        file.array("spectra/factors", np.array([one.factor for one in record.spectra]))
        file.array("spectra/eigenvalues", np.array([one.eigenvalues for one in record.spectra]))
    if record.kernel is not None:
        file.array("kernel/epsilons", record.kernel.epsilons)
        file.array("kernel/sums", record.kernel.sums)
    for name, value in record.statistics.items():
        file.array(f"statistics/{name}", np.array([value]))
    for null in record.nulls:
        _fill_null(file, null)
    if record.pca is not None and record.explained is not None:
        file.array("pca/coordinates", record.pca)
        file.array("pca/explained", record.explained)
    if record.onto is not None:
        _fill_onto(file, record.onto)
    file.seal()


def _fill_null(file: Writer, null: Null) -> None:
    group = f"nulls/{null.kind}"
    file.group(group)
    file.attributes({"seed": null.seed}, group)
    for name in ("epsilons", "eigenvalues", "coordinates"):
        file.array(f"{group}/{name}", getattr(null, name))
    for name, values in null.statistics.items():
        file.array(f"{group}/statistics/{name}", values)


def _fill_onto(file: Writer, onto: Onto) -> None:
    file.text("onto/labels", onto.labels)
    file.text("onto/names", onto.names)
    for name in ("coordinates", "reach", "nearest", "training", *ONTO):
        if (array := getattr(onto, name)) is not None:
            file.array(f"onto/{name}", array)


def _read(file: StoredFile) -> Diffusion:
    config, provenance = read_description(file)
    check_diffusion_provenance(provenance)
    statistics = {
        name: float(_floats(file, f"statistics/{name}", 1)[0]) for name in file.names("statistics")
    }
    known = {name: _floats(file, name) for name in PER_CHECKPOINT if name in file}
    computed = "coordinates" in file
    return Diffusion(
        labels=tuple(file.lines("labels")),
        training=_whole(file, "training"),
        names=tuple(file.lines("names")),
        parameters=file.integer("", "parameters"),
        distances2=_floats(file, "distances2", 2),
        squares=_floats(file, "squares"),
        alpha=_number(file, "alpha"),
        epsilon=_number(file, "epsilon"),
        chosen=file.text("", "chosen"),
        time=_number(file, "time"),
        dimension=_number(file, "dimension"),
        eigenvalues=_floats(file, "eigenvalues", 1) if computed else None,
        coordinates=_floats(file, "coordinates", 2) if computed else None,
        spectra=_spectra(file),
        kernel=KernelSums(_floats(file, "kernel/epsilons"), _floats(file, "kernel/sums"))
        if "kernel" in file
        else None,
        statistics=statistics,
        nulls=tuple(_null(file, kind) for kind in file.names("nulls")),
        pca=_floats(file, "pca/coordinates") if "pca" in file else None,
        explained=_floats(file, "pca/explained") if "pca" in file else None,
        onto=_onto(file) if "onto" in file else None,
        config=config,
        provenance=provenance,
        **known,
    )


def _spectra(file: StoredFile) -> tuple[Spectrum, ...]:
    if "spectra" not in file:
        return ()
    factors = _floats(file, "spectra/factors", 1)
    eigenvalues = _floats(file, "spectra/eigenvalues", 2)
    if len(factors) != len(eigenvalues):
        raise ValueError(f"spectra: {len(factors)} factors of {len(eigenvalues)} spectra")
    return tuple(map(Spectrum, factors.tolist(), eigenvalues))


def _null(file: StoredFile, kind: str) -> Null:
    group = f"nulls/{kind}"
    return Null(
        kind=kind,
        seed=file.integer(group, "seed"),
        epsilons=_floats(file, f"{group}/epsilons", 1),
        eigenvalues=_floats(file, f"{group}/eigenvalues", 2),
        coordinates=_floats(file, f"{group}/coordinates", 2),
        statistics={
            name: _floats(file, f"{group}/statistics/{name}", 1)
            for name in file.names(f"{group}/statistics")
        },
    )


def _onto(file: StoredFile) -> Onto:
    return Onto(
        labels=tuple(file.lines("onto/labels")),
        names=tuple(file.lines("onto/names")),
        coordinates=_floats(file, "onto/coordinates", 2),
        reach=_floats(file, "onto/reach"),
        nearest=_whole(file, "onto/nearest"),
        training=_whole(file, "onto/training"),
        **{name: _floats(file, f"onto/{name}") for name in ONTO if f"onto/{name}" in file},
    )


def _floats(file: StoredFile, path: str, dimensions: int | None = None) -> NDArray[np.float64]:
    numbers = file.numbers(path, "fiu").astype(np.float64, copy=False)
    if dimensions not in (None, numbers.ndim):
        raise ValueError(f"{path} has shape {numbers.shape}, expected {dimensions} dimensions")
    return numbers


def _whole(file: StoredFile, path: str) -> NDArray[np.int64]:
    return file.numbers(path, "iu").astype(np.int64)


def _number(file: StoredFile, name: str) -> float:
    value = np.asarray(file.attribute("", name))
    if value.shape or value.dtype.kind not in "fiu":
        raise ValueError(f"attribute {name} is not a number")
    return float(value)

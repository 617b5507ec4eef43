"""Curvature files: spectra of a matrix of second derivatives at one or more checkpoints.

    /                      attributes format, format_version, complete, matrix, parameters, top,
                           difference_step, config, provenance, and range_NAME of each direction
    /labels, /status       of the n checkpoints; status as in surface files
    /epochs, /learning_rates
    /eigenvalues           float64 (n, k): the top ones, then the smallest; NaN where not computed
    /residuals             (n, k)
    /loss, /gradient_norm, /gradient_share, /rounding, /critical_sharpness      (n,)
    /second_differences    (n, 2), along the first and the last eigenvector
    /trace/mean, /trace/stderr   (n,); /trace/probes (n, probes), the estimates one by one
    /density/nodes, /density/weights    (n, draws, steps)
    /blocks/0, 1, ...      attributes name, parameters; eigenvalues and residuals (n, k), and trace
                           as above
    /progress/STAGE        (n,): how many parts of a stage are done
    /eigenvector1direction, ..., /eigenvector-1direction   of one checkpoint, in the layout of a
                           directions file; xdirection and ydirection are the first two

Arrays of what was not asked for are missing. A file of one checkpoint has no dimension n, except in
labels, status, epochs, learning_rates and progress.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.curvature import Block, Curvature, Density, Trace
from landscape_cli.records.provenance import check_curvature_provenance
from landscape_cli.records.tiles import Status
from landscape_cli.store.atomic_write import Check, publish, unchecked
from landscape_cli.store.directions_file import ENDING, VECTOR, read_direction
from landscape_cli.store.hdf5.description import read_description
from landscape_cli.store.hdf5.reading import check_format, reading
from landscape_cli.store.hdf5.stored_file import StoredFile
from landscape_cli.store.hdf5.writing import Writer

FORMAT = "loss-landscape-curvature"
FORMAT_VERSION = 1
KIND = "curvature file"

LEAST_RISE = 0.1
"""Least rise of the loss, to second order, towards the ends of a proposed range; else its value."""

PER_CHECKPOINT = (
    *("loss", "gradient_norm", "gradient_share", "rounding"),
    *("critical_sharpness", "second_differences"),
)
"""Arrays of the record under their own names."""


@dataclass(frozen=True)
class Eigenvectors:
    """The eigenvectors of one checkpoint.

    Args:
        checkpoint: its place among the checkpoints.
        tensors: entries by parameter name in the model's order, by the number of the eigenvalue: 1
            for the largest, -1 for the smallest.
    """

    checkpoint: int
    tensors: Mapping[int, Mapping[str, NDArray[Any]]]


def write_curvature(
    path: Path, record: Curvature, vectors: Eigenvectors | None = None, check: Check = unchecked
) -> None:
    """Write a curvature file, complete or not, and replace the file in one step.

    Args:
        path: the file.
        record: its content.
        vectors: eigenvectors of one of the checkpoints.
        check: called before the file is replaced; raises to prevent it.

    Raises:
        StoreError: if the file can't be written.
    """
    publish(path, lambda file: _fill(Writer(file), record, vectors), check)


def read_curvature(path: str | os.PathLike[str]) -> Curvature:
    """Read a curvature file.

    Raises:
        StoreError: if the file is missing, damaged or not a curvature file, or its
            ``format_version`` is newer than this program knows.
    """
    with reading(path, KIND) as file:
        check_format(file, path, FORMAT, FORMAT_VERSION, "one made by `landscape curvature`")
        try:
            return _read(file)
        except StoreError as error:
            raise ValueError(str(error)) from None


def read_eigenvectors(path: str | os.PathLike[str], record: Curvature) -> Eigenvectors | None:
    """Read the eigenvectors in a curvature file; None if it has none.

    Raises:
        StoreError: if the file is damaged.
    """
    with reading(path, KIND) as file:
        names = [name for name in file.names() if name.startswith(VECTOR)]
        checkpoint = file.integer("", "vectors_of") if names else 0
    if not names:
        return None
    tensors = {}
    for name in names:
        axis = name.removesuffix(ENDING)
        entries = read_direction(path, axis)
        tensors[int(axis.removeprefix(VECTOR))] = {key or "": array for key, array in entries}
    order = sorted(tensors, key=lambda number: (number < 0, number))
    return Eigenvectors(checkpoint, {number: tensors[number] for number in order})


def numbers_of(record: Curvature) -> list[int]:
    """Return the number of each column's eigenvalue: 1 for the largest, -1 for the smallest."""
    bottom = record.eigenvalues.shape[1] - record.top
    return [*range(1, record.top + 1), *range(-bottom, 0)]


def proposed_end(eigenvalue: float, loss: float, rounding: float = 0.0) -> float | None:
    """Return the distance at which the loss, to second order, has changed by its own value.

    Args:
        eigenvalue: the curvature along the direction.
        loss: at the centre.
        rounding: how far rounding may have moved the eigenvalue.

    Returns:
        The distance in Euclidean length; None if the eigenvalue may be 0, or no number.
    """
    rise = max(abs(loss), LEAST_RISE)
    if not math.isfinite(rise) or not abs(eigenvalue) > rounding:
        return None
    end = float(f"{math.sqrt(2 * rise / abs(eigenvalue)):.2g}")
    return end if 0 < end < math.inf else None


def _fill(file: Writer, record: Curvature, vectors: Eigenvectors | None) -> None:
    file.attributes(
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "complete": bool((record.status != Status.TODO).all()),
            **{name: getattr(record, name) for name in ("matrix", "parameters", "top")},
            "difference_step": record.difference_step,
            "config": yaml.safe_dump(dict(record.config), sort_keys=False),
            "provenance": json.dumps(dict(record.provenance), default=str),
        }
    )
    file.text("labels", record.labels)
    for name in ("status", "epochs", "learning_rates"):
        if (array := getattr(record, name)) is not None:
            file.array(name, np.asarray(array))

    def put(path: str, numbers: NDArray[np.float64]) -> None:
        file.array(path, numbers[0] if len(record.labels) == 1 else numbers)

    for name in ("eigenvalues", "residuals", *PER_CHECKPOINT):
        if (array := getattr(record, name)) is not None:
            put(name, array)

    def put_trace(path: str, trace: Trace | None) -> None:
        if trace is not None:
            put(f"{path}/mean", trace.mean)
            put(f"{path}/stderr", trace.stderr)
            unknown = np.full((len(record.labels), trace.probes), np.nan)
            put(f"{path}/probes", unknown if trace.values is None else trace.values)

    put_trace("trace", record.trace)
    if record.density is not None:
        put("density/nodes", record.density.nodes)
        put("density/weights", record.density.weights)
    for number, block in enumerate(record.blocks):
        file.group(f"blocks/{number}")
        file.attributes({"name": block.name, "parameters": block.parameters}, f"blocks/{number}")
        put(f"blocks/{number}/eigenvalues", block.eigenvalues)
        put(f"blocks/{number}/residuals", block.residuals)
        put_trace(f"blocks/{number}/trace", block.trace)
    for stage, done in record.progress.items():
        file.array(f"progress/{stage}", done)
    if vectors is not None:
        _fill_vectors(file, record, vectors)
    file.seal()


def _fill_vectors(file: Writer, record: Curvature, vectors: Eigenvectors) -> None:
    place = vectors.checkpoint
    loss = math.nan if record.loss is None else float(record.loss[place])
    rounding = 0.0 if record.rounding is None else float(record.rounding[place])
    columns = dict(zip(numbers_of(record), record.eigenvalues[place].tolist(), strict=True))
    file.attributes({"vectors_of": place})
    for number, tensors in vectors.tensors.items():
        group = f"{VECTOR}{number}{ENDING}"
        file.group(group)
        file.attributes({"kind": VECTOR, "index": number, "eigenvalue": columns[number]}, group)
        for position, (name, entries) in enumerate(tensors.items()):
            file.array(f"{group}/{position}", entries)
            file.attributes({"name": name}, f"{group}/{position}")
        names = [f"{VECTOR}{number}", *(["x", "y"][number - 1 : number] if number > 0 else [])]
        if (end := proposed_end(columns[number], loss, rounding)) is not None:
            file.attributes({f"range_{name}": (-end, end) for name in names})
        for axis in names[1:]:
            for position in range(len(tensors)):
                file.link(f"{axis}{ENDING}/{position}", f"{group}/{position}")


def _read(file: StoredFile) -> Curvature:
    config, provenance = read_description(file)
    check_curvature_provenance(provenance)
    known = {name: _floats(file, name) for name in PER_CHECKPOINT if name in file}
    return Curvature(
        matrix=file.text("", "matrix"),
        parameters=file.integer("", "parameters"),
        labels=tuple(file.lines("labels")),
        status=_status(file.numbers("status", "iu")),
        eigenvalues=_floats(file, "eigenvalues"),
        residuals=_floats(file, "residuals"),
        top=file.integer("", "top"),
        epochs=tuple(file.numbers("epochs").tolist()) if "epochs" in file else None,
        learning_rates=tuple(file.numbers("learning_rates").astype(np.float64).tolist())
        if "learning_rates" in file
        else None,
        density=Density(_floats(file, "density/nodes"), _floats(file, "density/weights"))
        if "density" in file
        else None,
        trace=_trace(file, "trace"),
        blocks=tuple(_block(file, f"blocks/{n}") for n in range(len(file.names("blocks")))),
        difference_step=float(np.asarray(file.attribute("", "difference_step"))),
        progress={
            stage: file.numbers(f"progress/{stage}", "iu").astype(np.int64)
            for stage in file.names("progress")
        },
        config=config,
        provenance=provenance,
        **known,
    )


def _trace(file: StoredFile, group: str) -> Trace | None:
    if group not in file:
        return None
    values = _floats(file, f"{group}/probes")
    if values.ndim != 2:
        raise ValueError(f"{group}/probes has shape {values.shape}")
    mean, stderr = (_floats(file, f"{group}/{name}") for name in ("mean", "stderr"))
    return Trace(mean, stderr, values.shape[1], values)


def _block(file: StoredFile, group: str) -> Block:
    values, residuals = (_floats(file, f"{group}/{n}") for n in ("eigenvalues", "residuals"))
    trace = _trace(file, f"{group}/trace")
    name, size = file.text(group, "name"), file.integer(group, "parameters")
    return Block(name, size, values, residuals, trace)


def _floats(file: StoredFile, path: str) -> NDArray[np.float64]:
    """Read numbers of every checkpoint, of shape (n, ...)."""
    numbers = file.numbers(path, "fiu").astype(np.float64, copy=False)
    return numbers[None] if len(file.lines("labels")) == 1 else numbers


def _status(array: NDArray[Any]) -> NDArray[np.uint8]:
    if (unknown := array[(array < 0) | (array > max(Status))]).size:
        raise ValueError(f"there is no status {unknown.flat[0]}")
    return array.astype(np.uint8)

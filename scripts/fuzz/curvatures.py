"""Curvature files, with eigenvectors and with everything else that one may have."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from damage import Inputs, Reader
from flips import prepared

from landscape_cli.cli.curvature_summary import curvature_facts, curvature_lines
from landscape_cli.records.curvature import Block, Curvature, Density, Trace
from landscape_cli.store import read_curvature, read_direction
from landscape_cli.store.curvature_file import Eigenvectors, read_eigenvectors, write_curvature
from landscape_cli.store.directions_file import read_range


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a file of two checkpoints, one of them to do."""
    path = _written(folder)

    def read(path: Path, content: bytes) -> None:
        record = read_curvature(path)
        curvature_facts(record)
        curvature_lines(record)
        read_eigenvectors(path, record)

    return [path.read_bytes()], read


def prepare_flips(folder: Path) -> tuple[Inputs, Reader]:
    """Write the same file, of which no flip may change anything silently."""
    return prepared(_written(folder), _everything)


def _written(folder: Path) -> Path:
    path = folder / "valid.h5"
    tensors = {"weight": np.arange(6.0).reshape(2, 3), "bias": np.ones(2)}
    write_curvature(path, _record(), Eigenvectors(0, {1: tensors, 2: tensors, -1: tensors}))
    return path


def _record() -> Curvature:
    def each(*values: float) -> Any:
        done = np.array(values)
        return np.stack([done, np.full_like(done, np.nan)])

    return Curvature(
        matrix="hessian",
        parameters=8,
        labels=("a", "ü"),
        status=np.array([1, 0], np.uint8),
        eigenvalues=each(3.0, 2.0, -1.0),
        residuals=each(0.1, 0.2, 0.3),
        top=2,
        epochs=(0, 10),
        learning_rates=(0.1, np.nan),
        gradient_norm=each(1.0)[:, 0],
        density=Density(np.zeros((2, 2, 3)), np.ones((2, 2, 3))),
        trace=Trace(each(5.0)[:, 0], each(0.5)[:, 0], 3, each(4.0, 5.0, 6.0)),
        blocks=(Block("fc.*", 2, each(1.0), each(0.0)),),
        loss=each(0.25)[:, 0],
        rounding=each(1e-6)[:, 0],
        second_differences=each(3.1, -0.9),
        difference_step=0.01,
        progress={"trace": np.array([3, 0])},
        config={"problem": "a:b"},
        provenance={"network": {"name": "net"}, "split": "train"},
    )


def _everything(path: Path) -> Any:
    record = read_curvature(path)
    vectors = read_eigenvectors(path, record)
    directions = [read_direction(path, axis) for axis in ("x", "y", "eigenvector-1")]
    return [_plain(record), vectors and [vectors.checkpoint, vectors.tensors], directions,
            read_range(path, "x"), read_range(path, "eigenvector-1")]  # fmt: skip


def _plain(value: Any) -> Any:
    """Return a record as mappings and arrays."""
    if isinstance(value, Curvature | Density | Trace | Block):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value

"""Curve files in the midst of their training, which have everything that one may have."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from damage import Inputs, Reader
from flips import prepared

from landscape_cli.cli.curve_summary import curve_facts, curve_lines
from landscape_cli.records.curves import curve_of
from landscape_cli.records.curves.facts import CurveFacts
from landscape_cli.records.curves.trained import Curve
from landscape_cli.store.curve_file import (
    CurvePoints,
    read_curve,
    read_curve_points,
    write_curve,
)


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a curve of which two of three steps are done."""
    path = _written(folder)

    def read(path: Path, content: bytes) -> None:
        record = read_curve(path)
        curve_facts(record)
        curve_lines(record)
        read_curve_points(path, record)

    return [path.read_bytes()], read


def prepare_flips(folder: Path) -> tuple[Inputs, Reader]:
    """Write the same file, of which no flip may change anything silently."""
    return prepared(_written(folder), _everything)


def _written(folder: Path) -> Path:
    path = folder / "valid.h5"
    tensors = {"weight": np.arange(6.0).reshape(2, 3), "bias": np.ones(2)}
    gram = np.diag([0.0, 1.0, 4.0])
    curve = Curve(
        "bezier",
        points=3,
        ends=("a.pt", "ü.pt"),
        losses=np.array([1.0, 0.5, np.nan]),
        places=np.array([0.1, 0.9, np.nan]),
        done=2,
        best=0.75,
        config={"problem": "a:b"},
        provenance={
            "network": {"name": "net"},
            "per_epoch": 2,
            "curve": CurveFacts(curve_of("bezier", 3), gram).as_mapping(),
        },
    )
    write_curve(path, curve, CurvePoints([tensors] * 3, [tensors], [tensors]))
    return path


def _everything(path: Path) -> Any:
    record = read_curve(path)
    points = read_curve_points(path, record)
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return [values, curve_facts(record), points.points, points.momenta, points.best]

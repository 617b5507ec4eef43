"""Diffusion files: complete ones with everything that they may have, and an interrupted one."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from damage import Inputs, Reader
from flips import prepared

from landscape_cli.cli.commands.dynamics.diffusion_lines import diffusion_lines
from landscape_cli.diffusion.study import Choices, NullWalks, null_of, study
from landscape_cli.exports.diffusion.html import page_map
from landscape_cli.plotting.diffusion.colors import coloring
from landscape_cli.plotting.diffusion.figure import describe_diffusion
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.scatter import map_lines
from landscape_cli.records.dynamics.diffusion import Diffusion, Onto
from landscape_cli.records.dynamics.diffusion_summary import (
    numbers_facts,
    numbers_lines,
    progress_facts,
    progress_lines,
)
from landscape_cli.store.diffusion_file import read_diffusion, write_diffusion

COUNT = 6


def prepare(folder: Path) -> tuple[Inputs, Reader]:
    """Write a complete file, and one of which half of the distances are to do."""
    complete = _written(folder, _record())
    unknown = np.full((COUNT, COUNT), np.nan)
    blank = replace(
        _record(), distances2=unknown, eigenvalues=None, coordinates=None, onto=None, nulls=()
    )
    contents = [complete.read_bytes(), _written(folder, blank).read_bytes()]

    def read(path: Path, content: bytes) -> None:
        record = read_diffusion(path)
        progress_lines(record)
        progress_facts(record)
        if record.complete:
            _show(record)

    return contents, read


def _show(record: Diffusion) -> None:
    """Turn a map into everything that people see of it but a figure, which takes long."""
    diffusion_lines(record)
    numbers_lines(record)
    numbers_facts(record)
    if record.components > 1:
        colors = coloring(record, "valid.h5")
        describe_diffusion(record, "valid.h5", "overview", colors)
        map_lines(record, "valid.h5", colors, 60, 20, Depth.FULL)
        json.dumps(page_map(record, "valid.h5"), allow_nan=False)


def prepare_flips(folder: Path) -> tuple[Inputs, Reader]:
    """Write the complete file, of which no flip may change anything silently."""
    return prepared(_written(folder, _record()), _everything)


def _written(folder: Path, record: Diffusion) -> Path:
    path = folder / "valid.h5"
    write_diffusion(path, record)
    return path


def _record() -> Diffusion:
    points = np.cumsum(np.random.default_rng(0).normal(size=(COUNT, 3)), axis=0)
    distances2 = ((points[:, None] - points) ** 2).sum(axis=2)
    training, choices = np.arange(COUNT) // 3, Choices(components=2, draws=2)
    nulls = tuple(
        null_of(
            kind, 0, [NullWalks(kind, distances2, training, 3, choices).draw(n) for n in (0, 1)]
        )
        for kind in ("permuted", "walk")
    )
    further = np.array([[0.5, -0.5]])
    return Diffusion(
        labels=tuple(f"é{number}" for number in range(COUNT)),
        training=training,
        names=("a", "b"),
        parameters=3,
        distances2=distances2,
        squares=distances2[0],
        epochs=np.arange(COUNT) / 2,
        steps=np.arange(COUNT) * 10.0,
        losses=np.full(COUNT, np.inf),
        learning_rates=np.full(COUNT, np.nan),
        nulls=nulls,
        onto=Onto(
            labels=("x",),
            coordinates=further,
            reach=np.array([0.5]),
            nearest=np.array([2]),
            training=np.array([2]),
            names=("c",),
            distances2=distances2[:1],
        ),
        config={"problem": "a:b"},
        provenance={
            "network": {"name": "net", "parameters": 3},
            "weights": [{"path": "a.pt", "sha256": "ab"}],
            "request": {"components": 2, "trainings": [{"name": "a", "checkpoints": 3}]},
        },
        **study(distances2, training, choices),
    )


def _everything(path: Path) -> Any:
    record = read_diffusion(path)
    return [asdict(record), diffusion_lines(record)]

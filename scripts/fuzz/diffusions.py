"""Diffusion files: complete ones with everything that they may have, and an interrupted one."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from damage import Inputs, Reader
from flips import prepared

from landscape_cli.cli.commands.dynamics.diffusion_lines import diffusion_lines
from landscape_cli.diffusion.study import Choices, NullWalks, null_of, study
from landscape_cli.records.dynamics.diffusion import Diffusion, Onto
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
        if record.complete:
            diffusion_lines(record)

    return contents, read


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

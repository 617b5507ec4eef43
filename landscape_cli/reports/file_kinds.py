"""The kinds of file that a report shows: how each is found, read and matched with a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_cli.records.checkpoint_path import identity
from landscape_cli.records.presentation import fact
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store import file_kind as kinds
from landscape_cli.store import read_curvature, read_surface
from landscape_cli.store.diffusion_file import read_diffusion
from landscape_cli.store.reports.ensemble_file import REPORT as ENSEMBLE
from landscape_cli.store.reports.ensemble_file import read_ensemble
from landscape_cli.store.reports.sharpness_file import REPORT as SHARPNESS
from landscape_cli.store.reports.sharpness_file import read_sharpness
from landscape_cli.store.trajectory_file import read_centre, read_plane_facts, read_trajectories


@dataclass(frozen=True)
class FileKind:
    """A kind of file.

    Args:
        name: what messages call it, such as "curvature file".
        ending: of the file that a command writes beside the output, such as ".curvature.h5".
        recognizes: tells whether a file is one.
        read: reads one.
        weights: returns the identities of the checkpoints that a record is about; none if it does
            not say.
        trainings: whether it is about trainings, rather than about single networks.
    """

    name: str
    ending: str
    recognizes: Callable[[Path], bool]
    read: Callable[[str], Any]
    weights: Callable[[Any], frozenset[str]]
    trainings: bool = False


@dataclass(frozen=True)
class Paths:
    """The content of a trajectory file.

    Args:
        paths: the trainings.
        plane: what the file says of its plane.
        centre: the identity of the checkpoint at its origin.
    """

    paths: tuple[Trajectory, ...]
    plane: Mapping[str, Any]
    centre: str | None


def _read_paths(file: str) -> Paths:
    return Paths(tuple(read_trajectories(file)), read_plane_facts(file), read_centre(file))


def _is(kind: str) -> Callable[[Path], bool]:
    return lambda path: kinds.file_kind(path) == kind


def _of_checkpoint(record: Any) -> frozenset[str]:
    """Return the checkpoint at a surface's centre, and the network's tensors."""
    return _known(identity(record.provenance.get("checkpoint")), _tensors(record))


def _of_weights(record: Any) -> frozenset[str]:
    """Return the checkpoints that a record lists, and the network's tensors."""
    weights = record.provenance.get("weights")
    entries = weights if isinstance(weights, list) else [weights]
    listed = [identity(one) for one in entries if isinstance(one, Mapping)]
    return _known(*listed, _tensors(record))


def _tensors(record: Any) -> str | None:
    sha256 = fact(record.provenance, "network", "sha256")
    return None if sha256 is None else f"tensors {sha256}"


def _known(*identities: str | None) -> frozenset[str]:
    return frozenset(one for one in identities if one is not None)


FILE_KINDS = {
    "surface": FileKind("surface", ".h5", _is(kinds.SURFACE), read_surface, _of_checkpoint),
    "curvature": FileKind(
        "curvature file", ".curvature.h5", _is(kinds.CURVATURE), read_curvature, _of_weights
    ),
    "trajectory": FileKind(
        "trajectory file",
        ".trajectory.h5",
        _is(kinds.TRAJECTORY),
        _read_paths,
        lambda record: _known(record.centre),
    ),
    "diffusion": FileKind(
        "diffusion file",
        ".diffusion.h5",
        _is(kinds.DIFFUSION),
        read_diffusion,
        _of_weights,
        trainings=True,
    ),
    "sharpness": FileKind(
        "sharpness file", ".sharpness.json", SHARPNESS.recognizes, read_sharpness, _of_weights
    ),
    "ensemble": FileKind(
        "ensemble file", ".ensemble.json", ENSEMBLE.recognizes, read_ensemble, _of_weights
    ),
}
"""Every kind of file that a report shows."""


def kind_of(path: Path) -> str | None:
    """Return the kind of a file, None for a file of another kind or none at all."""
    return next((name for name, kind in FILE_KINDS.items() if kind.recognizes(path)), None)

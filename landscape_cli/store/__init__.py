"""HDF5 files of surfaces, directions, trajectories and curvature, always complete on disk."""

from landscape_cli.store.atomic_write import check_writable
from landscape_cli.store.curvature_file import read_curvature
from landscape_cli.store.directions_file import (
    copy_directions,
    directions_path,
    read_direction,
    write_directions,
)
from landscape_cli.store.legacy.surface import read_older_surface
from landscape_cli.store.locks.lock import Lock
from landscape_cli.store.locks.lock_file import describe_writer
from landscape_cli.store.recorder import Recorder, empty_surface, own_points
from landscape_cli.store.surface_file import read_surface, surface_bytes, write_surface
from landscape_cli.store.trajectory_file import read_centre, read_trajectories, read_trajectory
from landscape_cli.store.verification import check_copied_directions, check_directions, verify
from landscape_cli.store.write_trial import Trial, try_folder

__all__ = [
    "Lock",
    "Recorder",
    "Trial",
    "check_copied_directions",
    "check_directions",
    "check_writable",
    "copy_directions",
    "describe_writer",
    "directions_path",
    "empty_surface",
    "own_points",
    "read_centre",
    "read_curvature",
    "read_direction",
    "read_older_surface",
    "read_surface",
    "read_trajectories",
    "read_trajectory",
    "surface_bytes",
    "try_folder",
    "verify",
    "write_directions",
    "write_surface",
]

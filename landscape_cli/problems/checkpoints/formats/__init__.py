"""Formats of checkpoints: one file per format, and one line here."""

from __future__ import annotations

from landscape_cli.problems.checkpoints.formats.base import Format
from landscape_cli.problems.checkpoints.formats.curve import CurveFile
from landscape_cli.problems.checkpoints.formats.distributed import DistributedFolder
from landscape_cli.problems.checkpoints.formats.index import ShardIndex
from landscape_cli.problems.checkpoints.formats.recording import RecordingFolder
from landscape_cli.problems.checkpoints.formats.safetensors_ import SafetensorsFile
from landscape_cli.problems.checkpoints.formats.torch_ import TorchFile

FORMATS: dict[str, type[Format]] = {
    "distributed": DistributedFolder,
    "recording": RecordingFolder,
    "index": ShardIndex,
    "safetensors": SafetensorsFile,
    "curve": CurveFile,
    "torch": TorchFile,
}
"""Every format; a path is read in the first one that recognizes it. The last takes any file."""


def format_of(path: str) -> Format:
    """Return the format of a file, or of a folder that is a checkpoint as a whole."""
    return next(kind() for kind in FORMATS.values() if kind.recognizes(path))

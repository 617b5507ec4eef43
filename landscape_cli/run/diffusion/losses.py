"""The losses of a map's checkpoints, from a surface that all ranks compute to the map's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.surface import Surface
from landscape_cli.store import Lock
from landscape_cli.store.diffusion_file import read_diffusion, write_diffusion
from landscape_cli.util.logs import warn


def losses_path(output: Path) -> Path:
    """Return the surface file of a map's losses, ``<stem>.losses.h5`` beside it."""
    return output.with_name(f"{output.stem}.losses.h5")


def store_losses(output: Path, surface: Surface) -> Diffusion:
    """Store the losses of a map's checkpoints in its file.

    Args:
        output: the diffusion file.
        surface: it has a value for each checkpoint of the map. Of several quantities, ``loss`` is
            taken.

    Returns:
        The file's content.

    Raises:
        StoreError: if the file can't be read or written.
    """
    split, quantity = min(surface.values, key=lambda key: key[1] != "loss")
    with Lock(output, warn) as lock:
        lock.take()
        record = read_diffusion(output)
        values = np.asarray(surface.values[split, quantity], np.float64).reshape(-1)
        facts = {"split": split, "quantity": quantity}
        provenance = {**record.provenance, "losses": facts}
        record = replace(record, losses=values, provenance=provenance)
        write_diffusion(output, record, lock.check)
    return record

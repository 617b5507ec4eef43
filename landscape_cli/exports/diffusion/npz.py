"""NPZ: NumPy's archive of a diffusion map's arrays, under their names in the diffusion file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.exports import Options
from landscape_cli.exports.diffusion.files import check_complete
from landscape_cli.records.dynamics.diffusion import Diffusion

ARRAYS = (
    *("training", "distances2", "eigenvalues", "coordinates", "pca", "explained"),
    *("epochs", "steps", "losses", "learning_rates"),
)
"""Arrays of the record that are written as they are, where known."""

ONTO = (
    *("coordinates", "reach", "nearest", "training", "distances2"),
    *("epochs", "steps", "losses", "learning_rates"),
)
"""Arrays of further checkpoints."""


def write(record: Diffusion, file: str, path: Path, options: Options) -> None:
    """Write every array; ``distances`` are the roots of ``distances2``, 0 on the diagonal.

    The file can be read without pickle. The configuration and the provenance are JSON in ``config``
    and ``provenance``.

    Raises:
        UsageError: if the map is not computed yet.
    """
    check_complete(record, file)
    arrays: dict[str, Any] = {"distances": distances(record)}
    arrays |= {name: getattr(record, name) for name in ARRAYS}
    arrays |= {"labels": np.array(record.labels), "names": np.array(record.names)}
    arrays |= {name: np.array(getattr(record, name)) for name in ("alpha", "epsilon", "time")}
    for null in record.nulls:
        arrays |= {
            f"nulls/{null.kind}/{name}": getattr(null, name)
            for name in ("eigenvalues", "coordinates")
        }
    if (onto := record.onto) is not None:
        arrays |= {"onto/labels": np.array(onto.labels), "onto/names": np.array(onto.names)}
        arrays |= {f"onto/{name}": getattr(onto, name) for name in ONTO}
    for name in ("config", "provenance"):
        arrays[name] = np.array(json.dumps(dict(getattr(record, name)), default=str))
    known = {name: array for name, array in arrays.items() if array is not None}
    with open(path, "wb") as output:
        np.savez_compressed(output, **known)


def distances(record: Diffusion) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the distances between checkpoints, of shape (n, n)."""
    found = np.sqrt(np.maximum(record.distances2, 0.0))
    np.fill_diagonal(found, 0.0)
    return found

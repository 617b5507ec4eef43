"""HTML: a self-contained interactive page of a diffusion map, drawn by plotly.js."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError, visible
from landscape_cli.exports import Options
from landscape_cli.exports.diffusion.files import check_complete
from landscape_cli.exports.export_files import check_extra
from landscape_cli.exports.formats.html import page
from landscape_cli.exports.page_data import pack, short
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.dynamics.null_comparison import ordered_nulls, sentences, walk_words
from landscape_cli.records.presentation import fact, share

SCRIPTS = ("eigenvalues.js", "diffusion.js")
"""The page's own scripts, in the order in which they run."""

QUANTITIES = {
    "epoch": "epochs",
    "step": "steps",
    "loss": "losses",
    "learning rate": "learning_rates",
}
"""The record's array of each quantity."""

WALKS = {"walk": "random walk's map", "permuted": "map of permuted steps"}
"""Views of the nulls."""

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def write(record: Diffusion, file: str, path: Path, options: Options) -> None:
    """Write a page that shows a diffusion map, and those of random walks beside it.

    Raises:
        UsageError: if plotly is missing, or the map has fewer than two coordinates.
    """
    check_complete(record, file)
    if record.components < 2:
        raise UsageError(
            f"--to html: {file} has {record.components} coordinate; compute more with --components"
        )
    check_extra("plotly.offline", "html", "html")
    data = page_map(record, file)
    path.write_text(page(data, data["title"], "diffusion.html", SCRIPTS), encoding="utf-8")


def page_map(record: Diffusion, file: str) -> dict[str, Any]:
    """Convert a map to the form that the page's scripts read."""
    name = PurePath(file).name
    network = fact(record.provenance, "network", "name")
    counts = f"{len(record.labels):,} checkpoints, {record.parameters:,} parameters"
    return {
        "title": visible(str(network or name)),
        "subtitle": visible(f"{name}, {counts}" if network else counts),
        "names": [visible(one) for one in record.names],
        "training": record.training.tolist(),
        "labels": [visible(one) for one in record.labels],
        "quantities": {key: pack(array) for key, array in _quantities(record)},
        "views": list(_views(record)),
        "onto": _onto(record),
        "eigenvalues": _eigenvalues(record),
        "sentences": [visible(text) for text in sentences(record)],
    }


def _quantities(record: Any) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the known quantities of checkpoints."""
    for key, attribute in QUANTITIES.items():
        array = getattr(record, attribute, None)
        if array is not None and np.isfinite(array).any():
            yield key, np.asarray(array, dtype=np.float64)


def _views(record: Diffusion) -> Iterator[dict[str, Any]]:
    """Yield the map, those of the nulls and the principal components."""
    assert record.coordinates is not None
    axes = [_psi(record, number) for number in range(1, record.components + 1)]
    yield {"name": "diffusion map", "axes": axes, "places": _packed(record.coordinates)}
    for null in ordered_nulls(record):
        if null.coordinates.shape[1] >= 2:
            name = WALKS.get(null.kind, f"map of a {null.kind}")
            places = _packed(null.coordinates)
            yield {"name": visible(name), "axes": axes, "places": places, "walk": True}
    if record.pca is not None and record.explained is not None:
        parts = [float(part) for part in record.explained]
        labels = [
            f"PCA {number}: {share(part)} of variance" if part > 0 else f"PCA {number}"
            for number, part in enumerate(parts, start=1)
        ]
        yield {"name": "principal components", "axes": labels, "places": _packed(record.pca)}


def _onto(record: Diffusion) -> dict[str, Any] | None:
    onto = record.onto
    if onto is None:
        return None
    return {
        "labels": [visible(one) for one in onto.labels],
        "names": [visible(one) for one in onto.names],
        "training": (onto.training - len(record.names)).tolist(),
        "places": _packed(onto.coordinates),
        "quantities": {key: pack(array) for key, array in _quantities(onto)},
    }


def _eigenvalues(record: Diffusion) -> dict[str, Any]:
    assert record.eigenvalues is not None
    return {
        "own": _listed(record.eigenvalues),
        "spectra": [
            {"name": f"{one.factor:g}ε", "values": _listed(one.eigenvalues)}
            for one in record.spectra
        ],
        "nulls": [
            {
                "name": visible(f"{len(null.epsilons)} {walk_words(null.kind)}"),
                "low": _listed(null.eigenvalues.min(axis=0)),
                "high": _listed(null.eigenvalues.max(axis=0)),
            }
            for null in ordered_nulls(record)
        ],
    }


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    """Return numbers for JSON, None for those that are not finite."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _packed(places: NDArray[np.float64]) -> list[dict[str, str]]:
    """Pack each coordinate of points (n, d)."""
    return [pack(short(column)) for column in places.T]


def _psi(record: Diffusion, number: int) -> str:
    """Return a coordinate's name, such as λ₁ψ₁."""
    low = str(number).translate(SUBSCRIPTS)
    if record.time == 0:
        return f"ψ{low}"
    return f"λ{low}ψ{low}" if record.time == 1 else f"λ{low}^{record.time:g} ψ{low}"

"""The origin of a plane's values for an interactive page, as a table of words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from landscape_cli.errors import visible
from landscape_cli.exports import Source
from landscape_cli.records.presentation import (
    PERCENT,
    axis_facts,
    axis_name,
    fact,
    naming,
    quantized_words,
)
from landscape_cli.records.surface import Surface
from landscape_cli.refinement.summary import describe

BATCH_NORM = {
    "frozen": "frozen: the checkpoint's running statistics everywhere",
    "perturb": "perturbed: running statistics move along the directions",
    "recalibrate": "recalibrated: statistics measured anew at each point",
}
"""Treatment of the running statistics, in words."""

SHOWN_RUNS = 5
"""Maximum number of runs that are listed, the last ones."""


def page_facts(source: Source) -> list[tuple[str, str]]:
    """Return names and texts of what a surface file says of its values."""
    surface, provenance = source.surface, source.surface.provenance
    rows = [
        ("file", source.file),
        *_network(provenance),
        ("batch norm", BATCH_NORM.get(str(provenance.get("batch_norm")), "")),
        ("quantized", quantized_words(provenance.get("quantize"))),
        ("samples", _samples(provenance)),
        *_axes(surface),
        *_quantities(surface),
        ("adaptive", _adaptive(surface)),
        ("precision", str(provenance.get("precision") or "")),
        *_runs(provenance),
    ]
    return [(name, _shown(text)) for name, text in rows if text]


def _shown(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def _network(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    network = provenance.get("network")
    if isinstance(network, Mapping):
        count = network.get("parameters")
        size = f"{count:,} parameters" if isinstance(count, int) else ""
        yield "network", ", ".join(filter(None, [str(network.get("name") or ""), size]))
    for word in ("checkpoint", "imported"):
        if isinstance(facts := provenance.get(word), Mapping):
            yield word, _file(facts)


def _file(facts: Mapping[str, Any]) -> str:
    chosen = [f"{part} {facts[part]}" for part in ("key", "prefix") if part in facts]
    hashed = f"\nSHA-256 {facts['sha256']}" if "sha256" in facts else ""
    return ", ".join([str(facts.get("path") or ""), *chosen]) + hashed


def _samples(provenance: Mapping[str, Any]) -> str:
    splits = provenance.get("splits")
    if not isinstance(splits, Mapping):
        return ""
    lines = []
    for split, facts in splits.items():
        count, fingerprint = fact(facts, "samples"), fact(facts, "fingerprint")
        number = f"{count:,}" if isinstance(count, int) else "an unknown number of"
        lines.append(f"{number} {split}" + (f", fingerprint {fingerprint}" if fingerprint else ""))
    return "\n".join(lines)


def _axes(surface: Surface) -> Iterator[tuple[str, str]]:
    for name, axis in surface.grid.axes.items():
        label, hashed = axis_name(surface, name), fact(axis_facts(surface, name), "sha256")
        words = label.partition(": ")[2]
        lines = [words, f"{axis.low:g} to {axis.high:g}, {axis.points} points"]
        norm = fact(surface.provenance, "norms", name)
        if isinstance(norm, int | float):
            lines.append(f"norm {norm:.6g}")
        yield f"axis {name}", "\n".join(filter(None, [*lines, f"SHA-256 {hashed}" * bool(hashed)]))
    cosine = fact(surface.provenance, "cosines", "x,y")
    if isinstance(cosine, int | float):
        yield "cosine of x and y", f"{cosine:.4g}"


def _quantities(surface: Surface) -> Iterator[tuple[str, str]]:
    """Say the range, the value at the centre and the errors of each quantity."""
    centre = surface.grid.nearest(surface.origin)
    for (split, quantity), values in surface.values.items():
        finite = values[np.isfinite(values)]
        if not len(finite):
            continue
        percent = quantity in PERCENT
        unit, factor = (" %", 100.0) if percent else ("", 1.0)
        error = surface.stderr.get((split, quantity))
        lines = [f"{factor * finite.min():.6g}{unit} to {factor * finite.max():.6g}{unit}"]
        here = f"{factor * values.flat[centre]:.6g}{unit}"
        what = "numerical error" if naming(quantity).measured else "standard error"
        known = error is not None and np.isfinite(error).any()
        if known and error is not None:
            here += f" ± {factor * error.flat[centre]:.2g}{unit}"
            lines.append(f"{what} at most {factor * np.nanmax(error):.2g}{unit}")
        lines.insert(1, f"{here} at the centre")
        yield f"{split} {naming(quantity).label}", "\n".join(lines)


def _adaptive(surface: Surface) -> str:
    facts = surface.provenance.get("adaptive")
    return "\n".join(describe(facts, surface.total)) if facts else ""


def _runs(provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    runs = provenance.get("runs")
    listed = [run for run in runs if isinstance(run, Mapping)] if isinstance(runs, list) else []
    for run in listed[-SHOWN_RUNS:]:
        command = run.get("command")
        words = shlex.join(map(str, command)) if isinstance(command, list) else ""
        seconds = run.get("seconds")
        took = f", {seconds:g} s" if isinstance(seconds, int | float) else ""
        ranks, devices = fact(run, "mpi", "size"), run.get("ranks")
        kinds = {str(fact(one, "device")) for one in devices} if isinstance(devices, list) else ()
        where = f", {ranks} ranks" if ranks else ""
        where += f" on {', '.join(sorted(kinds))}" if kinds else ""
        yield "run", "\n".join(filter(None, [words, f"{run.get('started', '')}{took}{where}"]))
    if listed and isinstance(versions := listed[-1].get("versions"), Mapping):
        yield "versions", ", ".join(f"{name} {version}" for name, version in versions.items())

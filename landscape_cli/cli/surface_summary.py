"""Summary of a surface file as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from landscape_cli.errors import StoreError
from landscape_cli.records.curves.words import curve_words
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.presentation import axis_facts, fact, quantized_words
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.refinement.sampling import SAMPLED
from landscape_cli.refinement.sampling_summary import describe_samples
from landscape_cli.refinement.summary import describe
from landscape_cli.store import own_points

MAX_FAILURES = 5
"""Maximum number of different failures that are listed."""

UNKNOWN = "unknown"
"""Stands for facts that a file lacks."""


def summary_lines(facts: Mapping[str, Any], surface: Surface) -> list[str]:
    """Format a summary as lines of text.

    Args:
        facts: ``surface.summary()``, with the path under ``file``, and, for a surface with repeats,
            ``spread`` under each quantity.
        surface: the surface.
    """
    return [
        *_progress_lines(facts, surface),
        *_failure_lines(surface),
        *_adaptive_lines(surface),
        *_sampled_lines(surface),
        *_axis_lines(surface),
        *_curve_lines(surface),
        *_quantity_lines(facts, surface.grid.repeated),
        *_origin_lines(surface.provenance),
    ]


def _progress_lines(facts: Mapping[str, Any], surface: Surface) -> list[str]:
    """Format the path, the shape and the progress."""
    axes = " x ".join(str(axis.points) for axis in surface.grid.axes.values())
    lines = [
        facts["file"],
        f"shape:      {axes} points ({', '.join(surface.grid.names)})"
        + (f", {surface.grid.repeats} repeats" if surface.grid.repeated else ""),
        f"progress:   {facts['done']} of {facts['total']} points"
        + (", complete" if facts["complete"] else ", incomplete"),
    ]
    if shard := Shard.of_file(surface.provenance):
        status = surface.status[own_points(surface.grid, shard)]
        done = int((status != Status.TODO).sum())
        lines.append(f"shard:      {shard.index} of {shard.of}, {done} of {status.size} points")
    if facts["level"] and not facts["complete"]:
        level = " x ".join(str(points) for points in facts["level"].values())
        lines.append(f"            complete down to {level} points")
    if facts["not_finite"] or facts["failed"]:
        lines.append(f"            {facts['not_finite']} not finite, {facts['failed']} failed")
    return lines


def _failure_lines(surface: Surface) -> Iterator[str]:
    for failure in surface.provenance.get("failures", [])[:MAX_FAILURES]:
        count = len(failure["points"])
        (point,) = surface.grid.coordinates(failure["points"][:1])
        place = coordinates_text(point, surface.grid.repeated)
        yield f"failed:     {count} points, first at {place}: {failure['message']}"


def _adaptive_lines(surface: Surface) -> Iterator[str]:
    if adaptive := surface.provenance.get("adaptive"):
        first, *more = describe(adaptive, surface.total)
        yield f"adaptive:   {first}"
        yield from (f"          {line}" for line in more)


def _sampled_lines(surface: Surface) -> Iterator[str]:
    if sampled := surface.provenance.get(SAMPLED):
        first, *more = describe_samples(sampled, surface.samples) or ["no samples yet"]
        yield f"samples:    {first}"
        yield from (f"            {line}" for line in more)


def _axis_lines(surface: Surface) -> Iterator[str]:
    for name, axis in surface.grid.axes.items():
        facts = axis_facts(surface, name)
        label = fact(facts, "label") or ""
        yield f"axis {name}:     {axis.low:g} to {axis.high:g}, {label}"
        moved = fact(surface.provenance, "moved", name)
        if moved and (fact(facts, "include") or fact(facts, "exclude")):
            parameters, tensors = moved["parameters"], moved["tensors"]
            yield f"            moves {parameters} parameters in {tensors} tensors"


def _curve_lines(surface: Surface) -> Iterator[str]:
    try:
        words = curve_words(surface.provenance, surface.grid.names)
    except (StoreError, ValueError):
        words = UNKNOWN
    if words:
        yield f"curve:      {words}"


def _quantity_lines(facts: Mapping[str, Any], repeated: bool) -> Iterator[str]:
    for split, quantities in facts["quantities"].items():
        for quantity, numbers in quantities.items():
            yield f"{split} {quantity}: {_range(numbers, repeated)}"
            if repeated:
                yield f"            {_spread(numbers['spread'])}"


def _origin_lines(provenance: Mapping[str, Any]) -> Iterator[str]:
    """Format where the values come from: network, data, checkpoint and runs."""
    if origin := provenance.get("imported"):
        yield f"imported:   {_file(origin)}"
    if network := provenance.get("network"):
        parameters = f"{network.get('parameters', 0):,} parameters"
        yield f"network:    {network.get('name', UNKNOWN)}, {parameters}"
    if (precision := provenance.get("precision")) not in (None, "fp32"):
        yield f"precision:  {precision}"
    if rounded := quantized_words(provenance.get("quantize")):
        yield f"quantized:  {rounded}"
    if mode := provenance.get("batch_norm"):
        yield f"batch norm: {mode}"
    if checkpoint := provenance.get("checkpoint"):
        yield f"checkpoint: {_file(checkpoint)}"
    for split, data in provenance.get("splits", {}).items():
        yield f"data:       {split}, {data.get('samples', UNKNOWN)} samples"
    for run in provenance.get("runs", []):
        took = f", took {run['seconds']:g} s" if "seconds" in run else ""
        ranks = fact(run, "mpi", "size") or UNKNOWN
        yield f"run:        {run.get('started', UNKNOWN)}, ranks: {ranks}{took}"


def _file(facts: Mapping[str, Any]) -> str:
    chosen = [f"{part} {facts[part]}" for part in ("key", "prefix") if part in facts]
    words = ", ".join([*chosen, f"sha256 {facts.get('sha256', UNKNOWN)[:12]}"])
    return f"{facts['path']} ({words})"


def _range(numbers: Mapping[str, Any], repeated: bool) -> str:
    if numbers["minimum"] is None:
        return "no finite value"
    place = coordinates_text(numbers["minimum_at"], repeated)
    centre = "not computed" if numbers["centre"] is None else f"{numbers['centre']:.6g}"
    minimum, maximum = numbers["minimum"], numbers["maximum"]
    return f"minimum {minimum:.6g} at {place}, maximum {maximum:.6g}, centre {centre}"


def _spread(spread: Mapping[str, Any]) -> str:
    """Format the standard deviation over repeats."""
    if spread["mean"] is None:
        return "spread over repeats: no point is finite in all of them"
    place = coordinates_text(spread["largest_at"])
    return (
        f"spread over repeats (standard deviation): {spread['mean']:.3g} in the mean over "
        f"{spread['points']} points, at most {spread['largest']:.3g} at {place}"
    )

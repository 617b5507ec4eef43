"""The introduction of a run: what will be computed, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from landscape_cli.errors import some
from landscape_cli.evaluation.points.sampled import first_samples
from landscape_cli.records.curves.plane import curve_over
from landscape_cli.records.presentation import quantized_words
from landscape_cli.run.idle_parameters import idle_lines, restored_lines
from landscape_cli.run.rank_speed import log_choices
from landscape_cli.run.setup.data_loading import data_lines
from landscape_cli.run.setup.direction_storage import streaming_lines
from landscape_cli.run.setup.forward_choice import forward_lines
from landscape_cli.run.setup.markers import marking_lines
from landscape_cli.run.setup.measure_setup import measure_lines
from landscape_cli.run.setup.records import GroupFacts, RankPlacement
from landscape_cli.run.setup.sample_choice import sampling_lines
from landscape_cli.run.setup.stages import Setup
from landscape_cli.store import Recorder
from landscape_cli.util.logs import tell

PRECISION_TOLERANCE = 0.02
"""Relative difference from fp32 above which a reduced precision causes a warning."""


def introduce(setup: Setup, recorder: Recorder) -> None:
    """Say in a few lines what will be computed, and where."""
    facts, placements = setup.facts, setup.placements
    samples = ", ".join(f"{one.samples} {split}" for split, one in facts.splits.items())
    fresh = len(recorder.surface.provenance["runs"]) == 1
    lines = [
        f"{facts.network.name}: {facts.network.parameters:,} parameters; samples: {samples}",
        *_rank_lines(placements),
        *_group_lines(facts.groups, len(placements)),
        *streaming_lines(placements),
        *marking_lines(facts.marks),
        *_role_lines(facts.slice_.details),
        *_curve_lines(facts.slice_.details),
        *sampling_lines(facts.sampling),
        *_stop_lines(recorder.surface.config.get("sampling"), first_samples(setup.evaluator)),
        *data_lines(placements),
        *_batch_norm_lines(facts.batch_norm),
        *_quantize_lines(facts.quantize),
        *restored_lines(facts.changed),
        *idle_lines(facts.idle),
        *measure_lines(facts.measures),
        *forward_lines(setup.evaluator, facts.forward, fresh),
    ]
    if errors := facts.forward.precision_errors:
        lines.append(_precision_line(facts.forward.settings.precision, errors))
    if recorder.done:
        done = f"{recorder.done} of {recorder.total}"
        lines.append(f"continuing {recorder.path}: {done} points are done")
    for line in lines:
        tell(line)
    log_choices(facts.forward)


def _curve_lines(details: Mapping[str, Any]) -> list[str]:
    """Say how far off its plane a curve with several bends is."""
    curve = curve_over(details)
    if curve is None or len(curve.points) == 3:
        return []
    return [f"the curve is up to {curve.residual:.3g} off its plane through bend {curve.bend}"]


def _stop_lines(tolerance: float | None, first: int) -> list[str]:
    """Say when a point has taken enough samples."""
    if tolerance is None:
        return []
    return [
        f"samples of a point: {first}, {2 * first}, {4 * first}, ... until the standard error is "
        f"below {100 * tolerance:g} % of the range"
    ]


def _role_lines(details: Mapping[str, Any]) -> list[str]:
    """Name the parameters that words such as embeddings stand for, with those tied to them."""
    return [
        f"{word}: {some([' = '.join(names) for names in parameters])}"
        for word, parameters in details.get("roles", {}).items()
    ]


def _batch_norm_lines(mode: str | None) -> list[str]:
    """Say that batch norm's statistics are estimated anew, which is the default along a curve."""
    if mode != "recalibrate":
        return []
    return ["batch norm is recalibrated on training data at each point"]


def _quantize_lines(facts: Mapping[str, Any] | None) -> list[str]:
    """Say what is rounded, and how much of it the grid clips far from the centre."""
    if facts is None:
        return []
    count = f"{facts['weights']:,} in {facts['tensors']} tensor{'s' * (facts['tensors'] > 1)}"
    clipped = ""
    if facts["clipped"]:
        corner = ", ".join(f"{place:g}" for place in facts["corner"])
        clipped = f"; at ({corner}) {100 * facts['clipped']:.2g} % of them are clipped"
    return [f"quantized: {quantized_words(facts)} ({count}){clipped}"]


def _rank_lines(placements: Sequence[RankPlacement]) -> list[str]:
    """Count ranks with equal host, device and threads, and warn of shared accelerators."""
    counts = Counter((one.host, one.device_name, one.threads) for one in placements)
    return [
        *(
            f"{count} rank{'s' * (count > 1)} on {host}: {device}, {threads} "
            f"thread{'s' * (threads > 1)} each"
            for (host, device, threads), count in counts.items()
        ),
        *_sharing_lines(placements),
    ]


def _group_lines(groups: GroupFacts | None, ranks: int) -> list[str]:
    """Say which ranks hold a model together, and which batches they evaluate."""
    if groups is None:
        return []
    models, size = ranks // groups.ranks, groups.ranks
    named = [f"{first}-{first + size - 1}" for first in range(0, ranks, size)]
    shown = [*named[:2], *(["..."] if len(named) > 3 else []), *named[2:][-1:]]
    what = "its own batches" if groups.divided else "the same batches"
    return [
        f"{models} model{'s' * (models > 1)}, each divided among {size} ranks "
        f"({', '.join(shown)}), each of which evaluates {what}"
    ]


def _sharing_lines(placements: Sequence[RankPlacement]) -> list[str]:
    """Warn of ranks on the same accelerator, by whatever number each of them knows it."""
    sharing: dict[tuple[str, str], list[int]] = {}
    for rank, placement in enumerate(placements):
        if not placement.on_cpu:
            sharing.setdefault(placement.physical_device, []).append(rank)
    return [
        f"warning: {len(ranks)} ranks share {placements[ranks[0]].device} on "
        f"{placements[ranks[0]].host} (ranks {', '.join(map(str, ranks))})"
        for ranks in sharing.values()
        if len(ranks) > 1
    ]


def _precision_line(precision: str, errors: Sequence[Any]) -> str:
    """Say how much a reduced precision changes the values, as a warning if by too much."""
    relative = [value for point in errors for value in point["relative"].values()]
    largest = max((value for value in relative if value is not None), default=0.0)
    line = (
        f"{precision}: relative difference from fp32 at most {largest:.2g}, at centre and corners"
    )
    return f"warning: {line}" if largest > PRECISION_TOLERANCE or None in relative else line

"""What a user is told before a run begins."""

from __future__ import annotations

from collections import Counter
from typing import Any

from landscape_cli.run.rank_speed import details
from landscape_cli.run.setup.data_loading import data_lines
from landscape_cli.run.setup.direction_storage import streamed_line
from landscape_cli.run.setup.forward_choice import describe_forward
from landscape_cli.run.setup.markers import marking_lines
from landscape_cli.run.setup.placement import device_name
from landscape_cli.run.setup.sample_choice import sampling_lines
from landscape_cli.run.setup.stages import Setup
from landscape_cli.store import Recorder
from landscape_cli.util.logs import tell

PRECISION_TOLERANCE = 0.02
"""Beyond this relative difference from fp32 a reduced precision is warned of."""


def introduce(setup: Setup, recorder: Recorder) -> None:
    """Say in a few lines what is going to be computed, and where."""
    facts, done = setup.facts, recorder.done
    samples = ", ".join(f"{n['samples']} {split}" for split, n in facts["splits"].items())
    places = Counter((p["host"], device_name(p), p["threads"]) for p in setup.places)
    lines = [
        f"{facts['network']['name']}: {facts['network']['parameters']:,} parameters; "
        f"samples: {samples}",
        *(
            f"{count} rank{'s' * (count > 1)} on {host}: {device}, {threads} "
            f"thread{'s' * (threads > 1)} each"
            for (host, device, threads), count in places.items()
        ),
        *(
            f"warning: {count} ranks share {device} on {host}"
            for (host, device, _), count in places.items()
            if count > 1 and not device.startswith("cpu")
        ),
    ]
    if streamed := sum(place["directions"] == "streamed" for place in setup.places):
        lines.append(streamed_line(streamed, len(setup.places)))
    lines += marking_lines(facts)
    lines += [*sampling_lines(facts.get("sampling")), *data_lines(setup.places)]
    fresh = len(recorder.surface.provenance["runs"]) == 1
    lines += describe_forward(setup.evaluator, facts, fresh)
    if errors := facts.get("precision_errors"):
        lines.append(_precision_line(facts["precision"], errors))
    if done:
        lines.append(f"continuing {recorder.path}: {done} of {recorder.total} points are done")
    for line in lines:
        tell(line)
    details(facts)


def _precision_line(precision: str, errors: list[dict[str, Any]]) -> str:
    """How much a reduced precision changes the values, and a warning if that is much."""
    found = [value for point in errors for value in point["relative"].values()]
    largest = max((value for value in found if value is not None), default=0.0)
    line = (
        f"{precision} differs from fp32 by at most {largest:.2g} of a value, at centre and corners"
    )
    return f"warning: {line}" if largest > PRECISION_TOLERANCE or None in found else line

"""The run itself: tiles out, results in, the file published now and then."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from landscape_cli.config import RunConfig
from landscape_cli.errors import PublishError
from landscape_cli.execution.base import Executor
from landscape_cli.execution.launch import on_terminal
from landscape_cli.execution.stopping import Stop
from landscape_cli.geometry.blocks import Index
from landscape_cli.logs import tell
from landscape_cli.progress import Progress
from landscape_cli.provenance import now, versions
from landscape_cli.records import Grid, TileResult
from landscape_cli.refinement.summary import describe
from landscape_cli.runner.forward import describe_forward
from landscape_cli.runner.keeping import streamed_line
from landscape_cli.runner.limits import time_left
from landscape_cli.runner.loading import data_lines
from landscape_cli.runner.pace import Pace, details, logged
from landscape_cli.runner.rounds import all_results
from landscape_cli.runner.sampling import sampling_lines
from landscape_cli.runner.setup import Setup, set_up
from landscape_cli.runner.start import Start, decide, refuse_other
from landscape_cli.runner.working import Worker
from landscape_cli.store import (
    Lock,
    Recorder,
    directions_path,
    empty_surface,
    read_surface,
    write_directions,
)

PRECISION_TOLERANCE = 0.02
"""Beyond this relative difference from fp32 a reduced precision is warned of."""

CHOICES = ("calibration", "compilation")
"""Facts on how the first run of a file chose its settings, which later ones keep."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Args:
        surface: the surface's file.
        directions: the file of its directions.
        computed: how many points this run computed; 0 if the file was complete before.
        stopped: why the run stopped before the file was complete, None if it did not.
        left: how many points are left then; known on rank 0.
        failed: how many points failed, with ``keep_going``.
        failure: what went wrong at the first of them; known on rank 0.
    """

    surface: Path
    directions: Path
    computed: int
    stopped: str | None = None
    left: int = 0
    failed: int = 0
    failure: str = ""


def compute(
    config: RunConfig,
    executor: Executor,
    overwrite: bool = False,
    resume: bool = False,
    command: Sequence[str] = (),
    quiet: bool = False,
) -> Outcome:
    """Compute a surface and write its file; called by every rank.

    A complete file of the same configuration is left alone, an incomplete one is continued, any
    other is refused.

    Args:
        config: what to compute.
        executor: the ranks.
        overwrite: compute everything anew, whatever the file holds.
        resume: insist that there is a file to continue.
        command: the command line, for the file's provenance.
        quiet: show no progress.

    Raises:
        LandscapeError: for everything that a user can cause.
    """
    executor.stop = Stop(executor.lead(lambda: time_left(config)))
    lock = Lock(config.file, warn)
    with executor.stop.on_signals(), lock:
        return _compute(config, executor, lock, overwrite, resume, command, quiet)


def _compute(
    config: RunConfig,
    executor: Executor,
    lock: Lock,
    overwrite: bool,
    resume: bool,
    command: Sequence[str],
    quiet: bool,
) -> Outcome:
    start = executor.lead(lambda: decide(config, overwrite, resume, lock.take))
    output = start.config.file
    if start.complete:
        return Outcome(output, directions_path(output), 0)
    setup = set_up(start, executor)
    session = {
        "command": list(command),
        "started": now(),
        "versions": versions(),
        "mpi": executor.describe(),
        "ranks": setup.places,
    }
    opened: list[Recorder] = []
    executor.lead(lambda: opened.append(_open(start, setup, session, lock)))
    recorder = opened[0] if opened else None
    here = setup.places[executor.rank]
    place = f"rank {executor.rank} on {here['host']} ({here['device']})"
    worker = Worker(setup.evaluator, place, config.keep_going)
    work = worker if executor.rank == 0 else logged(worker)
    results = all_results(start.config, executor, recorder, work)
    failed, failure = 0, ""
    if recorder is None:
        computed, left = sum(1 for _ in results), 0
    else:
        if not quiet:
            _introduce(setup, recorder)
        computed = _record(recorder, results, session, quiet, Pace(executor.size))
        if not quiet and (adaptive := recorder.surface.provenance.get("adaptive")):
            lines = describe(adaptive, recorder.surface.total)
            tell("\n".join(lines))
        left, failed = len(recorder.todo), recorder.surface.failed
        if failed:
            failure = recorder.surface.provenance["failures"][0]["message"]
    stopped = executor.lead(lambda: executor.stop.reason if left else None)
    return Outcome(
        output,
        directions_path(output),
        computed,
        stopped,
        left,
        executor.lead(lambda: failed),
        failure,
    )


def _open(start: Start, setup: Setup, session: dict[str, Any], lock: Lock) -> Recorder:
    """Begin the file, or take up the one that is there; either way it is on disk after this."""
    output, provenance = lock.output, {"checkpoint": start.checkpoint, **setup.facts}
    config = start.config
    if config.part is not None:
        provenance["shard"] = config.part.as_dict()
    if start.fresh:
        config = config.model_copy(update={"splits": list(setup.evaluator.splits)})
        surface = empty_surface(Grid(config.grid), config.model_dump(mode="json"), provenance)
    else:
        surface = read_surface(output)
        refuse_other(output, _new_facts(surface.provenance, setup.facts, config.allow_random))
        kept = {key: surface.provenance[key] for key in CHOICES if key in surface.provenance}
        provenance = {**kept, **provenance}
    runs = [*surface.provenance.get("runs", []), session]
    surface = replace(surface, provenance={**provenance, "runs": runs})
    recorder = Recorder(output, surface, warn, lock.check, config.part)
    if start.fresh or not directions_path(output).exists():
        _write_directions(setup, output, lock.check)
    recorder.publish()
    return recorder


def _new_facts(
    stored: Mapping[str, Any], facts: Mapping[str, Any], allow_random: bool
) -> list[str]:
    """What decides the values and is not as it was when the file was begun."""
    lines = []
    for key in ("network", "directions", "splits"):
        same = stored.get(key) == facts[key]
        if not same and not (key == "splits" and allow_random):
            lines.append(f"{key}: the problem gives others now than when the file was begun")
    return lines


def _write_directions(setup: Setup, output: Path, check: Callable[[], None] = lambda: None) -> None:
    """Write the directions, in a type that HDF5 has."""
    slice_ = setup.evaluator.slice
    shapes = {name: tuple(view.shape) for name, view in slice_.centre.views.items()}

    def pieces(axis: str) -> Iterator[tuple[str, Index, NDArray[Any]]]:
        for name, index, entries in slice_.blocks(axis):
            known = entries.dtype in (torch.float16, torch.float32, torch.float64)
            yield name, index, (entries if known else entries.float()).cpu().numpy()

    axes = {axis: partial(pieces, axis) for axis in slice_.directions}
    write_directions(output, shapes, axes, setup.facts["directions"], check)


def _introduce(setup: Setup, recorder: Recorder) -> None:
    """Say in a few lines what is going to be computed, and where."""
    facts, done = setup.facts, recorder.done
    samples = ", ".join(f"{n['samples']} {split}" for split, n in facts["splits"].items())
    places = Counter((p["host"], p["device"], p["threads"]) for p in setup.places)
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
            if count > 1 and device != "cpu"
        ),
    ]
    if streamed := sum(place["directions"] == "streamed" for place in setup.places):
        lines.append(streamed_line(streamed, len(setup.places)))
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


def _record(
    recorder: Recorder,
    results: Iterator[TileResult],
    session: dict[str, Any],
    quiet: bool,
    pace: Pace,
) -> int:
    """Take in the results as they come, and count the points in them.

    What was done is on disk however this ends.
    """
    start = time.monotonic()
    computed = 0
    try:
        with Progress(
            recorder.total,
            recorder.path.name,
            done=recorder.done,
            quiet=quiet,
            terminal=on_terminal(),
            remark=pace.remark,
        ) as bar:
            for result in results:
                recorder.add(result)
                pace.add(result)
                computed += len(result.indices)
                for note in result.notes:
                    session.setdefault("notes", []).append(note)
                    warn(note)
                bar.update(recorder.done - bar.done)
                recorder.publish_if_due()
            bar.update(recorder.done - bar.done)
    except BaseException:
        _close(session, start)
        try:
            recorder.finish()
        except PublishError as error:
            warn(str(error))
        raise
    _close(session, start)
    recorder.finish()
    return computed


def _close(session: dict[str, Any], start: float) -> None:
    session["finished"] = now()
    session["seconds"] = round(time.monotonic() - start, 3)


def warn(text: str) -> None:
    """Say on standard error what a user should know but nothing stops for."""
    tell(f"warning: {text}")

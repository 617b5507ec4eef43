"""The run itself: tiles out, results in, the file published now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import PublishError
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.tiles import TileResult
from landscape_cli.refinement.summary import describe
from landscape_cli.run.output_file import open_file
from landscape_cli.run.probe.range_search import settle
from landscape_cli.run.rank_speed import Pace, logged
from landscape_cli.run.report import introduce
from landscape_cli.run.resume import decide
from landscape_cli.run.rounds import all_results
from landscape_cli.run.setup.stages import set_up
from landscape_cli.run.time_limit import time_left
from landscape_cli.run.worker import Worker
from landscape_cli.store import Lock, Recorder, directions_path
from landscape_cli.util.logs import tell, warn
from landscape_cli.util.progress import Progress
from landscape_cli.util.versions import now, versions


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
    start, found = settle(start, executor, quiet)
    setup = set_up(start, executor)
    setup.facts.update(found)
    session: dict[str, Any] = {
        "command": list(command),
        "started": now(),
        "versions": versions(),
        "mpi": executor.describe(),
        "ranks": setup.places,
    }
    if config.part is not None:
        session["shard"] = config.part.as_dict()
    opened: list[Recorder] = []
    executor.lead(lambda: opened.append(open_file(start, setup, session, lock)))
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
            introduce(setup, recorder)
        computed = _record(recorder, results, session, quiet, Pace(executor.size))
        if not quiet and (adaptive := recorder.surface.provenance.get("adaptive")):
            lines = describe(adaptive, recorder.surface.total)
            tell("\n".join(lines))
        left, failed = len(recorder.todo), recorder.surface.failed
        if failed:
            failure = recorder.surface.provenance["failures"][0]["message"]
    reason = executor.stop.reason if left else None
    stopped, failed = executor.lead(lambda: (reason, failed))
    return Outcome(output, directions_path(output), computed, stopped, left, failed, failure)


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

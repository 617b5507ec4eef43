"""A run: tiles go out, results come in, and the file is published regularly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from landscape_cli.config.run_config import RunConfig
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.points.sampled import first_samples
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Problem
from landscape_cli.records.surface import Surface
from landscape_cli.refinement.sampling import SAMPLED
from landscape_cli.refinement.sampling_summary import describe_samples
from landscape_cli.refinement.summary import describe
from landscape_cli.run.output_file import open_file
from landscape_cli.run.probe.range_search import find_ranges
from landscape_cli.run.rank_speed import Pace, logged
from landscape_cli.run.recording import Recording
from landscape_cli.run.report import introduce
from landscape_cli.run.resume import Start, decide
from landscape_cli.run.rounds import compute_rounds
from landscape_cli.run.session import Session
from landscape_cli.run.setup.stages import set_up
from landscape_cli.run.time_limit import time_left
from landscape_cli.run.watch import Ending, Watch
from landscape_cli.run.worker import Worker
from landscape_cli.store import Lock, Recorder, directions_path
from landscape_cli.util.logs import tell, warn
from landscape_cli.util.progress import Progress
from landscape_cli.util.versions import versions


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Args:
        surface: the surface's file.
        directions: the directions file; None if the slice has no directions.
        computed: number of points that this run computed; 0 if the file was already complete.
        stopped: reason why the run stopped before the file was complete, or None.
        left: number of points left then; known on rank 0.
        failed: number of points that failed, with ``keep_going``.
        failure: message of the first failure; known on rank 0.
    """

    surface: Path
    directions: Path | None
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
    problem: Problem | None = None,
    end: Callable[[Ending], None] | None = None,
) -> Outcome:
    """Compute a surface and write its file; called by every rank.

    A complete file of the same configuration is left alone, an incomplete one is continued, and any
    other file is refused.

    Args:
        config: the run.
        executor: the ranks.
        overwrite: compute everything, regardless of an existing file.
        resume: require a file to continue.
        command: the command line, for the file's provenance.
        quiet: show no progress.
        problem: the user's object, in place of the one that the configuration names.
        end: if given, a run that is to stop but whose objective hangs ends this process, after this
            function was called on rank 0.

    Raises:
        LandscapeError: for any error that a user can cause.
    """
    executor.stop = Stop(executor.lead(lambda: time_left(config)))
    lock = Lock(config.file, warn)
    executor.activity.begin("reading the files of the run")
    with executor.stop.on_signals(), lock, Watch(executor, lock, end) as watch:
        start = executor.lead(lambda: decide(config, overwrite, resume, lock.take))
        if start.complete:
            return Outcome(config.file, _directions(config.file), 0)
        return _compute(start, executor, lock, watch, command, quiet, problem)


def _compute(
    start: Start,
    executor: Executor,
    lock: Lock,
    watch: Watch,
    command: Sequence[str],
    quiet: bool,
    problem: Problem | None,
) -> Outcome:
    config, output = start.config, start.config.file
    start, ranges = find_ranges(start, executor, quiet, problem)
    setup = set_up(start, executor, problem)
    facts = setup.facts.with_ranges(ranges)
    session = Session(
        tuple(command),
        versions(),
        executor.describe(),
        setup.placements,
        None if config.part is None else config.part.as_dict(),
    )
    opened: list[Recorder] = []
    executor.lead(lambda: opened.append(open_file(start, setup.evaluator, facts, session, lock)))
    recorder = opened[0] if opened else None
    repeated = config.repeats > 1
    executor.activity.rest()
    worker = Worker(
        setup.evaluator,
        setup.place(executor.rank),
        config.keep_going,
        repeated,
        executor.activity,
    )
    work = worker if executor.rank == 0 else logged(worker)
    failed, failure = 0, ""
    if recorder is None:
        compute_rounds(start.config, executor, work)
        computed, left = 0, 0
    else:
        if not quiet:
            introduce(setup, recorder)
        pace = Pace(executor.models)
        with (
            _progress(recorder, pace, quiet) as bar,
            Recording(recorder, session, bar, pace) as recording,
        ):
            watch.computing(recording)
            show_products(setup.evaluator, bar)
            first, at_once = first_samples(setup.evaluator), setup.evaluator.points_at_once
            compute_rounds(start.config, executor, work, recorder, recording, first, at_once)
            watch.done()
        computed = recording.computed
        if not quiet:
            for line in _outcome_lines(recorder.surface):
                tell(line)
        left, failed = len(recorder.todo), recorder.surface.failed
        if failed:
            failure = recorder.surface.provenance["failures"][0]["message"]
    reason = executor.stop.reason if left else None
    stopped, failed = executor.lead(lambda: (reason, failed))
    return Outcome(output, _directions(output), computed, stopped, left, failed, failure)


def _outcome_lines(surface: Surface) -> Iterator[str]:
    """Say which points were computed, and on how many samples, if this was chosen."""
    if adaptive := surface.provenance.get("adaptive"):
        yield from describe(adaptive, surface.total)
    if sampled := surface.provenance.get(SAMPLED):
        yield from describe_samples(sampled, surface.samples)


def show_products(evaluator: Evaluator, bar: Progress) -> None:
    """Show how far this rank's point is, if it takes products with a matrix."""
    total = evaluator.measures.products(evaluator.parameters)
    if total:
        evaluator.measures.after = lambda done: bar.within(f"product {done} of {total} at a point")


def _directions(output: Path) -> Path | None:
    """Return the surface's directions file, if there is one."""
    path = directions_path(output)
    return path if path.exists() else None


def _progress(recorder: Recorder, pace: Pace, quiet: bool) -> Progress:
    """Return the progress bar of a run."""
    return Progress(
        recorder.total,
        recorder.path.name,
        done=recorder.done,
        quiet=quiet,
        terminal=on_terminal(),
        remark=pace.remark,
    )

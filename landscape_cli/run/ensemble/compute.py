"""A run of `landscape ensemble`: table after table, on all ranks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from landscape_cli.config.run_config import RunConfig
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.predictions import predictions_of
from landscape_cli.problems.problem import Problem
from landscape_cli.records.ensemble import Ensemble, Key, ScoreTable
from landscape_cli.run.curvature.network import prepare_evaluator
from landscape_cli.run.curvature.shared_sums import StoppedError
from landscape_cli.run.ensemble.request import Plan, Weights, changes
from landscape_cli.run.ensemble.shared_scores import SharedScores
from landscape_cli.run.output_check import refuse_read
from landscape_cli.run.resume import refuse_other
from landscape_cli.run.session import RecordOutcome, Session
from landscape_cli.run.setup.data_loading import LoadedData
from landscape_cli.run.setup.problem_setup import PreparedProblem
from landscape_cli.run.time_limit import time_left
from landscape_cli.store import Lock, check_writable
from landscape_cli.store.locks.lock_file import lock_path
from landscape_cli.store.reports.ensemble_file import read_ensemble, write_ensemble
from landscape_cli.util.logs import tell, warn
from landscape_cli.util.progress import Progress
from landscape_cli.util.versions import versions

EnsembleOutcome = RecordOutcome[Ensemble]
"""The result of a run."""


@dataclass
class EnsembleRun:
    """A run of the command on one rank.

    Args:
        config: names the problem.
        plan: what to compute.
        output: the file to write.
        executor: the ranks.
        inputs: files that must not be replaced, besides those that the configuration names.
        command: the command line, for the file's provenance.
        quiet: show no progress.
        problem: the user's object, in place of the one that the configuration names.
    """

    config: RunConfig
    plan: Plan
    output: Path
    executor: Executor
    inputs: Sequence[str] = ()
    command: Sequence[str] = ()
    quiet: bool = False
    problem: Problem | None = None
    _record: Ensemble | None = field(default=None, init=False)
    _weights: Weights = field(default=(), init=False)

    def compute(self, overwrite: bool = False) -> EnsembleOutcome:
        """Compute what the file does not have yet; called by every rank.

        Args:
            overwrite: compute everything, regardless of an existing file.

        Raises:
            LandscapeError: for any error that a user can cause.
        """
        executor, plan = self.executor, self.plan
        config = executor.together(lambda: plan.config(self.config))
        executor.stop = Stop(executor.lead(lambda: time_left(config)))
        lock = Lock(self.output, warn)
        with executor.stop.on_signals(), lock:
            if executor.lead(lambda: self._begin(overwrite, lock)):
                return EnsembleOutcome(self.output, self._record, False)
            prepared, data = prepare_evaluator(
                config, executor, self.problem, lambda problem: plan.check(executor, problem)
            )
            keys = executor.lead(lambda: self._open(prepared, data))
            executor.activity.rest()
            stopped = None
            try:
                self._compute(prepared, data, keys, lock)
            except StoppedError as stop:
                stopped = stop.reason
        return EnsembleOutcome(self.output, self._record, True, stopped)

    def _begin(self, overwrite: bool, lock: Lock) -> bool:
        """Look at the output on rank 0; return True if nothing is left to do."""
        for path in (self.output, lock_path(self.output)):
            check_writable(path)
            refuse_read(path, self.config, "--output", self.inputs)
        there = self.output.exists() and self.output.stat().st_size > 0
        stored = read_ensemble(self.output, "--output") if there else None
        lock.take()
        _, self._weights = self.plan.begin()
        if overwrite or stored is None:
            return False
        refuse_other(self.output, changes(stored, self.plan.compared(), self.config, self._weights))
        self._record = stored
        splits = list(stored.provenance.get("problem_splits") or [])
        return bool(splits) and not self._left(splits)

    def _left(self, splits: Sequence[str]) -> list[Key]:
        record = self._record
        return [
            key for key in self.plan.keys(splits) if record is None or record.table(key) is None
        ]

    def _open(self, prepared: PreparedProblem, data: LoadedData) -> list[Key]:
        """Return what is left to compute, and begin the record if there is none; on rank 0."""
        splits = {name: one.as_mapping() for name, one in data.splits.items()}
        if self._record is not None:
            before = self._record.provenance.get("splits") or {}
            known = {name: before[name] for name in splits if name in before}
            if any(splits[name] != one for name, one in known.items()):
                refuse_other(self.output, [f"the data of {', '.join(known)} has changed"])
            self._note(splits={**before, **splits})
        else:
            begun, _ = self.plan.begin()
            provenance = {
                "network": asdict(prepared.network),
                "weights": list(self._weights),
                "request": self.plan.compared(),
                "problem_splits": list(prepared.problem.splits),
                "splits": splits,
                "settings": data.evaluator.settings.as_dict(),
            }
            config = self.config.model_dump(mode="json")
            self._record = replace(begun, config=config, provenance=provenance)
        if not self.quiet:
            samples = ", ".join(
                f"{one['samples']} samples of {name}" for name, one in splits.items()
            )
            tell(f"ensemble of {prepared.network.name}: {samples}")
        return self._left(list(prepared.problem.splits))

    def _compute(
        self, prepared: PreparedProblem, data: LoadedData, keys: Sequence[Key], lock: Lock
    ) -> None:
        """Compute table after table."""
        executor, problem = self.executor, prepared.problem
        shared = SharedScores(executor, data.evaluator, predictions_of(problem.objective))
        begin = time.monotonic()
        session = Session(tuple(self.command), versions(), executor.describe(), data.placements)
        earlier = [] if self._record is None else list(self._record.provenance.get("runs") or [])
        total = sum(len(shared.share(split)) for split in self.plan.passes(keys))
        with self._progress(total) as bar:
            shared.after = bar.update
            for tables in self.plan.tables(shared, problem, keys):
                ended = {**session.as_mapping(), "seconds": round(time.monotonic() - begin, 3)}
                executor.lead(partial(self._add, tables, [*earlier, ended], lock))

    def _add(self, tables: tuple[ScoreTable, ...], runs: Sequence[object], lock: Lock) -> None:
        """Add tables to the file, on rank 0."""
        assert self._record is not None
        self._record = self._record.with_tables(tables)
        self._note(runs=list(runs))
        left = self._left(self._record.provenance["problem_splits"])
        self._record = replace(self._record, complete=not left)
        write_ensemble(self.output, self._record, lock.check)

    def _note(self, **facts: object) -> None:
        assert self._record is not None
        self._record = replace(self._record, provenance={**self._record.provenance, **facts})

    def _progress(self, total: int) -> Progress:
        """Return the progress bar, which counts batches of this rank."""
        quiet = self.quiet or self.executor.rank > 0
        return Progress(
            total, self.output.name, unit="evaluation", quiet=quiet, terminal=on_terminal()
        )

"""The steps of a curve's training, with progress, early stops and a diverging loss."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.training.batches import TrainingBatches
from landscape_cli.evaluation.training.curve import CurveTraining, rate_at
from landscape_cli.evaluation.training.seeds import place_of
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.curves import curve_of
from landscape_cli.run.connect.recording import CurveRecorder
from landscape_cli.run.connect.request import Request
from landscape_cli.run.curvature.shared_sums import TIME_LIMIT
from landscape_cli.run.setup.problem_setup import PreparedProblem
from landscape_cli.util.progress import Progress


class DivergedError(LandscapeError):
    """The loss is not finite any more; the file holds the curve of the best epoch."""


def train(
    request: Request,
    prepared: PreparedProblem,
    batches: TrainingBatches,
    recorder: CurveRecorder,
    stop: Stop,
    quiet: bool = False,
    within: Callable[[str], None] | None = None,
) -> str | None:
    """Train a curve until its last step, or until a stop.

    Args:
        request: the curve.
        prepared: the network.
        batches: of the split.
        recorder: holds the points and momenta, and what earlier runs have done.
        stop: asks for an early stop.
        quiet: show no progress.
        within: told how far the training is, for the progress of something larger.

    Returns:
        What stopped it; None at the end.

    Raises:
        DivergedError: if the loss is not finite any more; the recorder has the best curve.
    """
    problem = prepared.problem
    training = CurveTraining(
        MeanLoss(problem.model, problem.objective, request.quantity, request.split),
        prepared.parameters,
        curve_of(request.shape, request.points),
        recorder.points,
        recorder.momenta,
        request.momentum,
        request.weight_decay,
    )
    record = recorder.record
    bar = Progress(
        len(record.losses),
        recorder.path.name,
        unit="step",
        done=record.done,
        quiet=quiet or within is not None,
        terminal=on_terminal(),
    )
    with bar, closing(batches.steps(record.done, len(record.losses))) as ahead:
        stopped = _steps(request, training, ahead, recorder, stop, bar, within)
    if stopped is None:
        recorder.finish()
    recorder.end()
    return stopped


def _steps(
    request: Request,
    training: CurveTraining,
    ahead: Generator[Any],
    recorder: CurveRecorder,
    stop: Stop,
    bar: Progress,
    within: Callable[[str], None] | None,
) -> str | None:
    total, slowest = bar.total, 0.0
    per_epoch = int(recorder.record.provenance["per_epoch"])
    while (step := recorder.record.done) < total:
        start = time.monotonic()
        if stop.left < slowest:
            stop.ask(TIME_LIMIT)
        if stop.reason is not None:
            return stop.reason
        t = place_of(request.seed, step)
        loss = training.step(next(ahead), t, rate_at(step, total, request.rate))
        if not math.isfinite(loss):
            raise _diverged(request, recorder, loss)
        recorder.add(t, loss)
        if (step + 1) % per_epoch == 0:
            recorder.end_epoch(per_epoch)
        bar.update(note=f"loss {loss:.3g}")
        if within is not None:
            within(f"{recorder.path.name}: step {step + 1} of {total}, loss {loss:.3g}")
        recorder.publish_if_due()
        slowest = max(slowest, time.monotonic() - start)
    return None


def _diverged(request: Request, recorder: CurveRecorder, loss: float) -> DivergedError:
    """Return to the bends of the best epoch, and return the error that says so."""
    record, best = recorder.record, recorder.record.best
    recorder.restore_best()
    recorder.note({"diverged": {"step": record.done, "loss": str(loss)}})
    recorder.finish()
    recorder.end()
    kept = "the straight line, since no epoch was complete"
    if best is not None:
        kept = f"the curve of the best epoch, of mean loss {best:.4g}"
    return DivergedError(
        f"the loss became {loss} in step {record.done + 1} of {len(record.losses)}; "
        f"{recorder.path} holds {kept}. Lower --lr, which was {request.rate:g}, and --overwrite"
    )

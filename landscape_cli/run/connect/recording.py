"""The curve file of a run, on rank 0: published while the curve is trained."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from landscape_cli.errors import StoreError
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.curve import gram_of
from landscape_cli.records.curves import curve_of
from landscape_cli.records.curves.facts import KEY, CurveFacts
from landscape_cli.records.curves.trained import Curve
from landscape_cli.store.atomic_write import Check, rescue, unchecked
from landscape_cli.store.curve_file import CurvePoints, Tensors, write_curve
from landscape_cli.store.recorder import interval


def on_host(flat: FlatParameters) -> Tensors:
    """Return parameters on the host, by name; of those that are there, no copy is made."""
    return {name: view.cpu().numpy() for name, view in flat.views.items()}


def copied(flat: FlatParameters) -> Tensors:
    """Return a copy of parameters on the host, by name."""
    return {name: np.array(array) for name, array in on_host(flat).items()}


def fill(flat: FlatParameters, tensors: Tensors) -> None:
    """Overwrite parameters with tensors on the host, by name."""
    for name, view in flat.views.items():
        view.copy_(torch.from_numpy(tensors[name]))


class CurveRecorder:
    """Holds what is known of a curve, and publishes its file.

    A file that temporarily can't be written does not stop the run.

    Args:
        path: the file.
        record: the record to continue, or a new one; its arrays are filled.
        points: the points w_k, which training changes in place.
        momenta: momentum of each bend, likewise.
        best: the bends of the best epoch so far, at first those at the beginning.
        warn: receives a message when the file can't be written.
        check: called before each replacement of the file; raises to prevent it.
    """

    def __init__(
        self,
        path: Path,
        record: Curve,
        points: Sequence[FlatParameters],
        momenta: Sequence[FlatParameters],
        best: Sequence[Tensors] = (),
        warn: Callable[[str], None] = lambda text: None,
        check: Check = unchecked,
    ) -> None:
        self.path, self.record = path, record
        self.points, self.momenta, self.best = points, momenta, list(best)
        self._warn, self._check = warn, check
        self._interval = 1.0
        self._published = -math.inf

    def add(self, place: float, loss: float) -> None:
        """Record a step."""
        done = self.record.done
        self.record.places[done], self.record.losses[done] = place, loss
        self.record = replace(self.record, done=done + 1)

    def end_epoch(self, steps: int) -> None:
        """Keep the bends of an epoch, the last steps, if its mean loss is the lowest so far."""
        done = self.record.done
        mean = math.fsum(self.record.losses[done - steps : done].tolist()) / steps
        best = self.record.best
        if best is None or mean < best:
            self.record = replace(self.record, best=mean)
            self.best = [copied(one) for one in self.points[1:-1]]

    def restore_best(self) -> None:
        """Return to the bends of the best epoch."""
        for point, tensors in zip(self.points[1:-1], self.best, strict=True):
            fill(point, tensors)

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add entries to the file's provenance."""
        self.record = replace(self.record, provenance={**self.record.provenance, **facts})

    def finish(self) -> None:
        """Note that no step is left to do."""
        self.record = replace(self.record, complete=True)

    def begin(self) -> None:
        """Write the file for the first time.

        Raises:
            StoreError: if it can't be written.
        """
        self._write(self.path, self._check)

    def publish_if_due(self) -> None:
        """Write the file unless it was written a moment ago; if that fails, warn and go on."""
        start = time.monotonic()
        if start - self._published < self._interval:
            return
        try:
            self._write(self.path, self._check)
        except StoreError as error:
            self._warn(f"{error}; training continues")
        self._published = time.monotonic()
        self._interval = interval(self._published - start)

    def end(self) -> None:
        """Write the file for the last time, if necessary as a rescue file in the current folder.

        Raises:
            PublishError: if the file itself can't be written; the message says where the curve is.
        """
        shape = curve_of(self.record.shape, self.record.points)
        self.note({KEY: CurveFacts(shape, gram_of(self.points)).as_mapping()})
        try:
            return self._write(self.path, self._check)
        except StoreError as error:
            failure = error
        raise rescue(self.path, failure, lambda path: self._write(path, unchecked))

    def _write(self, path: Path, check: Check) -> None:
        complete = self.record.complete
        tensors = CurvePoints(
            [on_host(one) for one in self.points],
            [] if complete else [on_host(one) for one in self.momenta],
            [] if complete else self.best,
        )
        write_curve(path, self.record, tensors, check)

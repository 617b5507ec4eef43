"""Refinement of surfaces that are known beforehand."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Status
from landscape_cli.refinement import Refinement, Step
from landscape_cli.store import Recorder, empty_surface


@dataclass
class Known:
    """A run that looks its values up; ``reopen`` starts it again from its file, as after a kill."""

    values: dict
    tolerance: float
    scale: str = "linear"
    quantities: list | None = None
    rounds: list = field(default_factory=list)

    def __post_init__(self):
        shape = next(iter(self.values.values())).shape
        names = ("x", "y", "z")[: len(shape)]
        axes = zip(names, shape[::-1], strict=True)
        self.grid = Grid({n: Axis(-1, 1, p) if p > 1 else Axis(0, 0, 1) for n, p in axes})
        self.reopen(empty_surface(self.grid, {}, {}))

    def reopen(self, surface=None):
        self.recorder = Recorder("unwritten.h5", surface or self.recorder.surface)
        self.refinement = Refinement(self.grid.shape, self.tolerance, self.scale, self.quantities)

    @property
    def surface(self):
        return self.recorder.surface

    def advance(self, part=1.0) -> Step:
        step = self.refinement.step(self.surface)
        self.recorder.interpolate(step.interpolated, step.values, step.stderr)
        self.rounds.append(step.todo)
        todo = step.todo[: int(np.ceil(part * len(step.todo)))]
        for group, factor in ((self.recorder._values, 1.0), (self.recorder._stderr, 0.1)):
            for key, values in self.values.items():
                array = group.setdefault(key, np.full(self.grid.shape, np.nan))
                array.ravel()[todo] = factor * values.ravel()[todo]
        finite = np.all([np.isfinite(v.ravel()[todo]) for v in self.values.values()], axis=0)
        self.surface.status.ravel()[todo] = np.where(finite, Status.OK, Status.NOT_FINITE)
        return step

    def run(self) -> dict:
        while (step := self.advance()).facts is None:
            assert len(step.todo), "there is nothing to compute, but refinement has not ended"
        return step.facts

    @property
    def computed(self):
        return np.isin(self.surface.status, (Status.OK, Status.NOT_FINITE))


@pytest.fixture
def known() -> Callable[..., Known]:
    def make(function, tolerance=0.01, shape=(51, 51), **kwargs):
        if callable(function):
            axes = [np.linspace(-1, 1, points) for points in shape]
            function = function(*np.meshgrid(*axes, indexing="ij"))
        values = function if isinstance(function, dict) else {("train", "loss"): function}
        return Known(values, tolerance, **kwargs)

    return make

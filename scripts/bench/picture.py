"""Benchmark of whole pictures, from configuration to complete file, against the usual way.

Prints one JSON line per figure; see docs/benchmarks.md. ``make train runs/bench_resnet56.pt``
trains the networks. Exact surfaces, from which errors follow, are computed once, into runs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reporting import REPEATS, ROOT, emit, median_ratio, note, seconds
from usual import UsualWay

from landscape_cli.config.loading import load_config
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.records.grid import Grid
from landscape_cli.records.surface import Surface
from landscape_cli.refinement.sampling import LARGEST
from landscape_cli.run import compute
from landscape_cli.store import read_surface
from landscape_cli.util.processor import computes_bf16

ALL: dict[str, Any] = {"problem_args.samples": None}
SMOOTH = ("digits_resnet44", "bench_resnet56", {"problem_args.model_args.depth": 56, **ALL})
CHAOTIC = ("digits_resnet44_noshort", "digits_resnet44_noshort", ALL)
"""Configuration, checkpoint and changes: the demo's networks, with shortcuts in 56 layers, on all
digits."""

SAVING: dict[str, Any] = {"adaptive": {"tolerance": 0.01}, "sampling": 0.005}
FAST = {"precision": "auto"}
"""Configuration keys of a picture with few points and samples, and what ``--fast`` adds."""

POINTS, POINTS_LARGE = 51, 251
PER_TURN = 20
"""Points that the usual way computes in a turn."""

CHECKED = 300
"""Points of the large picture that are computed exactly, by the usual way."""


def configuration(network: tuple[str, str, dict[str, Any]], points: int, output: Path) -> RunConfig:
    """Load the configuration of a network of the demo, for a square grid.

    Raises:
        SystemExit: if the network is not trained yet.
    """
    name, checkpoint, changes = network
    path = ROOT / "runs" / f"{checkpoint}.pt"
    if not path.exists():
        raise SystemExit(f"no {path}: make train runs/bench_resnet56.pt")
    given = {"checkpoint": str(path), "output": str(output), "calibrate": False}
    return load_config(
        str(ROOT / "configs" / f"{name}.yaml"),
        changes | given,
        dict.fromkeys("xy", f"-1:1:{points}"),
    )


def saving(config: RunConfig, output: Path, **changes: Any) -> RunConfig:
    """Return a configuration that computes a picture with few points and samples."""
    given = {"output": str(output), "calibrate": True}
    return RunConfig.model_validate(config.model_dump() | SAVING | given | changes)


def run(config: RunConfig, overwrite: bool = True) -> None:
    compute(config, SerialExecutor(), overwrite=overwrite, quiet=True)


def exact(config: RunConfig) -> Surface:
    """Compute all points with all samples, or read them if an earlier run has."""
    try:
        run(config, overwrite=False)
    except StoreError as error:  # of a network that was trained anew
        note(f"computing {config.file} again: {error}")
        run(config)
    return read_surface(config.file)


def errors(
    surface: Surface, truth: Mapping[str, NDArray[Any]], at: Sequence[int]
) -> dict[str, float]:
    """Compare a surface with exact losses, on the scale on which it states its own errors.

    Args:
        surface: the surface.
        truth: exact losses by split.
        at: flat indices of the points to which they belong.

    Returns:
        The largest true error, and the largest stated ones of interpolated points and of sampled
        points, as fractions of the range; the fraction of the points that err by more than the two
        tolerances together, and the sum of the stated bounds on it; the largest true error as a
        fraction of the range without a logarithm; the fraction of points computed, and the mean
        fraction of the samples that they took.
    """
    facts, sampled = surface.provenance["adaptive"], surface.provenance["sampled"]
    watched = {each["split"]: each for each in facts["quantities"] if each["watched"]}
    found: dict[str, list[NDArray[Any]]] = {"scaled": [], "linear": []}
    for split, each in watched.items():
        values, reference = surface.values[split, "loss"].ravel(), truth[split]
        scales = {"linear": lambda x: x, "scaled": np.log if each["scale"] == "log" else np.asarray}
        for name, scale in scales.items():
            difference = np.abs(scale(values[at]) - scale(reference))
            found[name].append(difference / np.ptp(scale(values)))
    scaled, linear = (np.stack(found[name]) for name in ("scaled", "linear"))
    beyond = (scaled > facts["tolerance"] + LARGEST * sampled["tolerance"]).any(axis=0)
    taken = [numbers[numbers > 0] / numbers.max() for numbers in surface.samples.values()]
    return {
        "true_error": float(scaled.max()),
        "stated_error": max(float(each["error"]) for each in watched.values()),
        "stated_sampling_error": max(sampled["error"].values(), default=0.0),
        "beyond_tolerance": float(beyond.mean()),
        "stated_beyond": float(facts["beyond"]) + float(sampled.get("beyond", 0.0)),
        "true_error_of_linear_range": float(linear.max()),
        "computed_share": facts["computed"] / surface.total,
        "samples_share": float(np.mean([numbers.mean() for numbers in taken])),
    }


def losses_of(surface: Surface) -> dict[str, NDArray[Any]]:
    """Return the losses of each split, point by point."""
    return {split: surface.values[split, "loss"].ravel() for split in surface.splits}


class Usual:
    """The usual way on random points of a grid, and the losses found there."""

    def __init__(self, config: RunConfig) -> None:
        self._way = UsualWay.of(config)
        self._grid = Grid(config.grid)
        self._order = np.random.default_rng(0).permutation(self._grid.total)
        self._found: list[dict[str, float]] = []

    def compute(self, points: int) -> None:
        """Compute the next random points."""
        start = len(self._found)
        for coordinates in self._grid.coordinates(self._order[start : start + points]):
            self._found.append(self._way.losses(coordinates))

    @property
    def at(self) -> NDArray[np.int64]:
        """Flat indices of the points computed."""
        return self._order[: len(self._found)]

    @property
    def losses(self) -> dict[str, NDArray[Any]]:
        """The losses of each split at these points."""
        return {split: np.array([each[split] for each in self._found]) for split in self._found[0]}

    def check(self, truth: Surface) -> None:
        """Refuse to compare with something that computes other values."""
        for split, losses in self.losses.items():
            np.testing.assert_allclose(losses_of(truth)[split][self.at], losses, rtol=1e-3)


@dataclass(frozen=True)
class Timed:
    """A picture of ours beside the usual way.

    Args:
        surface: the last one.
        ratio: the usual way's time for all points over ours, the median of the turns.
        facts: the medians from which it comes.
    """

    surface: Surface
    ratio: float
    facts: dict[str, Any]


def race(config: RunConfig, usual: Usual, turns: int, warm: bool = True) -> Timed:
    """Time a picture and points of the usual way in turns.

    Args:
        config: the picture.
        usual: the usual way.
        turns: how many times each side computes.
        warm: compute a turn before that does not count.
    """
    total = Grid(config.grid).total
    theirs, ours = [], []
    for _ in range(turns + warm):
        per_point = seconds(lambda: usual.compute(PER_TURN)) / PER_TURN
        took = seconds(lambda: run(config))
        note(f"{config.file.stem}: {took:.2f} s; the usual way {per_point:.4f} s for a point")
        theirs.append(per_point * total)
        ours.append(took)
    theirs, ours = theirs[warm:], ours[warm:]
    facts = {
        "reference_seconds": statistics.median(theirs),
        "reference_points_timed": turns * PER_TURN,
        "ours_seconds": statistics.median(ours),
    }
    return Timed(read_surface(config.file), median_ratio(theirs, ours), facts)


def smooth(folder: Path, repeats: int) -> None:
    """Pictures of the network with shortcuts."""
    base = configuration(SMOOTH, POINTS, ROOT / "runs" / "bench_exact_smooth.h5")
    truth = exact(base)
    usual = Usual(base)
    everywhere = range(truth.total)
    linear = {"adaptive": SAVING["adaptive"] | {"scale": "linear"}}
    marks: list[tuple[str, dict[str, Any], str]] = [
        ("picture_vs_reference_fp32", {}, ">= 30"),
        ("picture_vs_reference_fast", FAST, ">= 30" if computes_bf16() is False else ">= 60"),
        ("picture_vs_reference_linear", linear, ""),
    ]
    for figure, changes, target in marks:
        timed = race(saving(base, folder / f"{figure}.h5", **changes), usual, repeats)
        usual.check(truth)
        more = errors(timed.surface, losses_of(truth), everywhere) | timed.facts
        precision = timed.surface.provenance["settings"]["precision"]
        emit(figure, timed.ratio, "ratio", target=target, precision=precision, **more)


def large(folder: Path, repeats: int) -> None:
    """A large picture of that network, with errors at random points."""
    base = configuration(SMOOTH, POINTS_LARGE, folder / "large.h5")
    usual = Usual(base)
    timed = race(saving(base, folder / "picture_251.h5"), usual, -(-repeats // 2), warm=False)
    usual.compute(max(0, CHECKED - len(usual.at)))
    more = errors(timed.surface, usual.losses, usual.at) | {"errors_at": len(usual.at)}
    emit(
        "picture_251_vs_reference",
        timed.ratio,
        "ratio",
        target=">= 150",
        **more,
        **timed.facts,
    )


def chaotic(folder: Path, repeats: int) -> None:
    """A picture of the network without shortcuts, whose errors have to be as stated."""
    base = configuration(CHAOTIC, POINTS, ROOT / "runs" / "bench_exact_chaotic.h5")
    truth = exact(base)
    usual = Usual(base)
    timed = race(saving(base, folder / "chaotic.h5"), usual, -(-repeats // 5), warm=False)
    usual.check(truth)
    more = errors(timed.surface, losses_of(truth), range(truth.total))
    emit(
        "chaotic_error",
        more.pop("true_error"),
        "of the range",
        target="as stated",
        speedup=timed.ratio,
        **more,
        **timed.facts,
    )


PARTS = {"smooth": smooth, "large": large, "chaotic": chaotic}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.parts or PARTS:
            PARTS[name](Path(folder), options.repeats)


if __name__ == "__main__":
    main()

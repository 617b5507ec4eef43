"""Benchmark of parallel efficiency: real work on 2 cores, sleeping ranks, and publishing.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from reporting import HERE, REPEATS, ROOT, emit, median_ratio, mpiexec, note, on_ranks, seconds

from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import TileResult
from landscape_cli.store import Recorder, empty_surface, read_surface

TILE = 0.5
"""Duration of a tile in seconds."""

QUANTITIES = [(split, name) for split in ("train", "test") for name in ("loss", "accuracy", "more")]


def real_work(repeats: int, points: int) -> None:
    """Time `landscape compute` on two ranks and in one process, alternating, on two cores.

    Two independent processes at the same time show what the cores can deliver, for example when
    other programs use them too.
    """
    alone, apart, shared, computing = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        places = [config_in(Path(folder) / name, points) for name in ("one", "other")]
        for number in range(1, repeats + 1):
            alone.append(compute(places[:1])[0][0])
            apart.append(statistics.mean(took for took, _ in compute(places)))
            took, spent = compute(places[:1], ranks=2)[0]
            shared.append(took)
            computing.append(spent / (2 * took))
            note(
                f"round {number}: {alone[-1]:.2f} s alone, {apart[-1]:.2f} s beside another, "
                f"{took:.2f} s on 2 ranks"
            )
    one, beside, two = (statistics.median(times) for times in (alone, apart, shared))
    more = {"one_process_seconds": one, "two_ranks_seconds": two}
    emit("mpi_efficiency_2", median_ratio(alone, shared) / 2, "ratio", target=">= 0.95", **more)
    more = {"each_of_two_processes_seconds": beside, "two_ranks_seconds": two}
    emit("mpi_efficiency_2_of_cores", median_ratio(apart, shared) / 2, "ratio", **more)
    emit("mpi_computing_2", statistics.median(computing), "ratio", note="of the ranks' time")


def config_in(folder: Path, points: int) -> Path:
    """Write a configuration, in a new folder that also gets its surface."""
    folder.mkdir()
    path = folder / "run.yaml"
    axis = [-1, 1, points]
    values = {
        "problem": "problem:build",
        "grid": {"x": axis, "y": axis},
        "threads": 1,
        "output": str(folder / "surface.h5"),
    }
    path.write_text(yaml.safe_dump(values))
    return path


def compute(configs: list[Path], ranks: int | None = None) -> list[tuple[float, float]]:
    """Compute surfaces at the same time.

    Returns:
        For each surface, the seconds from first tile to last result, and those spent on points.
    """
    launcher = [] if ranks is None else [mpiexec(), "-n", str(ranks)]
    program = [*launcher, sys.executable, "-m", "landscape_cli", "compute", "--overwrite", "-q"]
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
    processes = [
        subprocess.Popen(
            [*program, str(config)],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        for config in configs
    ]
    codes = [process.wait() for process in processes]
    if any(codes):
        raise SystemExit("landscape compute failed")
    surfaces = [read_surface(config.with_name("surface.h5")) for config in configs]
    return [(float(s.provenance["runs"][-1]["seconds"]), float(s.seconds.sum())) for s in surfaces]


def sleeping(ranks: int, unequal: bool, repeats: int, length: float) -> None:
    """Time ranks that sleep; the ideal time is the total work over the sum of the speeds."""
    arguments = ["--tile", TILE, "--seconds", length, "--repeats", repeats]
    outcome = on_ranks(ranks, "sleeping.py", *arguments, *(["--unequal"] if unequal else []))
    measured = statistics.median(outcome["times"])
    emit(
        f"mpi_efficiency_{ranks}" + "_unequal" * unequal,
        outcome["ideal"] / measured,
        "ratio",
        **({"target": ">= 0.9"} if ranks == 32 and unequal else {}),
        ideal_seconds=outcome["ideal"],
        measured_seconds=measured,
    )


def publishing(repeats: int, length: float) -> None:
    """Measure the fraction of time that rank 0 spends publishing a surface of 251 x 251 points."""
    grid = Grid({"x": Axis(-1, 1, 251), "y": Axis(-1, 1, 251)})
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "surface.h5", empty_surface(grid, {}, {}))
        recorder.add(result(range(grid.total)))
        times = [publishing_once(recorder, length) for _ in range(repeats)]
    spent = statistics.median(spent for spent, _ in times)
    passed = statistics.median(passed for _, passed in times)
    emit(
        "publish_fraction",
        spent / passed,
        "ratio",
        target="<= 0.02",
        publishing_seconds=spent,
        wall_seconds=passed,
    )


def publishing_once(recorder: Recorder, length: float) -> tuple[float, float]:
    """Time publishing, and the whole, while a tile arrives every half second."""
    spent = 0.0
    publish = Recorder.publish

    def timed() -> None:
        nonlocal spent
        spent += seconds(lambda: publish(recorder))

    recorder.publish = timed  # type: ignore[method-assign]
    start = time.perf_counter()
    while time.perf_counter() - start < length:
        time.sleep(TILE)
        recorder.add(result(range(20)))
        recorder.publish_if_due()
    return spent, time.perf_counter() - start


def result(indices: range) -> TileResult:
    """Make a tile's result with six quantities."""
    values: dict[Any, Any] = {key: np.random.random(len(indices)) for key in QUANTITIES}
    return TileResult(tuple(indices), values, values, np.ones(len(indices), np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--points", type=int, default=51, help="points per axis of the real work")
    parser.add_argument("--seconds", type=float, default=6.0, help="duration of sleeping runs")
    options = parser.parse_args()
    real_work(options.repeats, options.points)
    for ranks, unequal in [(2, True), (8, False), (8, True), (32, False), (32, True)]:
        sleeping(ranks, unequal, options.repeats, options.seconds)
    publishing(options.repeats, options.seconds)


if __name__ == "__main__":
    main()

"""What adaptive refinement saves, and what it costs: a trained ResNet-56 computed in both ways.

Prints one JSON line for each figure; see docs/benchmarks.md. ``make train`` makes the network.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from reporting import REPEATS, ROOT, emit, median_ratio, note, seconds

from landscape_cli.config.run_config import RunConfig, load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.records.surface import Surface
from landscape_cli.run import compute
from landscape_cli.store import read_surface

LOSS = ("train", "loss")


def configuration(points: int, samples: int, output: Path) -> RunConfig:
    """The demonstration's network with shortcuts, on a part of its training data."""
    return load_config(
        str(ROOT / "configs" / "digits_resnet56.yaml"),
        {
            "checkpoint": str(ROOT / "runs" / "digits_resnet56.pt"),
            "problem_args.samples.train": samples,
            "splits": ["train"],
            "output": str(output),
        },
        dict.fromkeys(("x", "y"), f"-1:1:{points}"),
    )


def surface(config: RunConfig, adaptive: dict[str, Any] | None) -> tuple[Surface, float]:
    """One run, and how long it took from its configuration to its complete file."""
    config = RunConfig.model_validate({**config.model_dump(), "adaptive": adaptive})
    took = seconds(lambda: compute(config, SerialExecutor(), overwrite=True, quiet=True))
    return read_surface(config.output), took


def error(found: Surface, exact: Surface, log: bool) -> float:
    """The largest error of the loss over all points, as a part of its range."""
    one, other = (s.values[LOSS] for s in (found, exact))
    if log:
        one, other = np.log(one), np.log(other)
    return float(np.abs(one - other).max() / np.ptp(other))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--points", type=int, default=51)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    scales = {"full": None, "linear": "linear", "log": "log"}
    times: dict[str, list[float]] = {name: [] for name in scales}
    found: dict[str, Surface] = {}
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(options.points, options.samples, Path(folder) / "surface.h5")
        for _ in range(options.repeats):
            for name, scale in scales.items():
                how = scale and {"tolerance": options.tolerance, "scale": scale}
                found[name], took = surface(config, how)
                times[name].append(took)
    medians = {name: statistics.median(each) for name, each in times.items()}
    note(str(medians))
    for name, figure, target in (
        ("linear", "adaptive_speedup", ">= 4"),
        ("log", "adaptive_speedup_log", ""),
    ):
        facts = found[name].provenance["adaptive"]
        emit(
            figure,
            median_ratio(times["full"], times[name]),
            "ratio",
            target=target,
            true_error=error(found[name], found["full"], name == "log"),
            stated_error=max(q["error"] for q in facts["quantities"] if q["watched"]),
            computed_share=facts["computed"] / found[name].total,
            full_seconds=medians["full"],
            adaptive_seconds=medians[name],
            tolerance=options.tolerance,
        )


if __name__ == "__main__":
    main()

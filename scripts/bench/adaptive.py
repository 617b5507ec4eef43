"""Benchmark of adaptive refinement's speedup and error, on a trained ResNet-44.

Prints one JSON line per figure; see docs/benchmarks.md. ``make train`` trains the network.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from reporting import REPEATS, ROOT, emit, median_ratio, note, seconds

from landscape_cli.config.loading import load_config
from landscape_cli.config.run_config import RunConfig
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.records.surface import Surface
from landscape_cli.run import compute
from landscape_cli.store import read_surface

LOSS = ("train", "loss")


def configuration(points: int, samples: int, output: Path) -> RunConfig:
    """Load the configuration of the demo's network with shortcuts, with fewer samples."""
    return load_config(
        str(ROOT / "configs" / "digits_resnet44.yaml"),
        {
            "checkpoint": str(ROOT / "runs" / "digits_resnet44.pt"),
            "problem_args.samples.train": samples,
            "splits": ["train"],
            "output": str(output),
        },
        dict.fromkeys(("x", "y"), f"-1:1:{points}"),
    )


def surface(config: RunConfig, adaptive: dict[str, Any] | None) -> tuple[Surface, float]:
    """Compute a surface; return it and the seconds from configuration to complete file."""
    config = RunConfig.model_validate({**config.model_dump(), "adaptive": adaptive})
    took = seconds(lambda: compute(config, SerialExecutor(), overwrite=True, quiet=True))
    return read_surface(config.output), took


def error(adaptive: Surface, exact: Surface, log: bool) -> float:
    """Largest error of the loss over all points, as a fraction of its range."""
    values, reference = (surface.values[LOSS] for surface in (adaptive, exact))
    if log:
        values, reference = np.log(values), np.log(reference)
    return float(np.abs(values - reference).max() / np.ptp(reference))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--points", type=int, default=51)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    scales = {"full": None, "linear": "linear", "log": "log"}
    times: dict[str, list[float]] = {name: [] for name in scales}
    surfaces: dict[str, Surface] = {}
    with tempfile.TemporaryDirectory() as folder:
        config = configuration(options.points, options.samples, Path(folder) / "surface.h5")
        for _ in range(options.repeats):
            for name, scale in scales.items():
                adaptive = scale and {"tolerance": options.tolerance, "scale": scale}
                surfaces[name], took = surface(config, adaptive)
                times[name].append(took)
    medians = {name: statistics.median(each) for name, each in times.items()}
    note(str(medians))
    for name, suffix, target, most in (("linear", "", ">= 4", 0.06), ("log", "_log", "", 0.12)):
        facts = surfaces[name].provenance["adaptive"]
        share = facts["computed"] / surfaces[name].total
        emit(f"adaptive_share{suffix}", share, "ratio", target=f"<= {most}")
        emit(
            f"adaptive_speedup{suffix}",
            median_ratio(times["full"], times[name]),
            "ratio",
            target=target,
            true_error=error(surfaces[name], surfaces["full"], name == "log"),
            stated_error=max(q["error"] for q in facts["quantities"] if q["watched"]),
            computed_share=share,
            full_seconds=medians["full"],
            adaptive_seconds=medians[name],
            tolerance=options.tolerance,
        )


if __name__ == "__main__":
    main()

"""Costs of a study: processor time, points, samples, and the usual way's time."""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results import Table
from torch.utils.data import Subset

from landscape_cli.config.loading import load_config
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError
from landscape_cli.problems.import_path import load_problem
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface

sys.path.append(str(Path(__file__).parents[1] / "bench"))
from usual import UsualWay

COMMANDS, USUAL = "commands.csv", "usual.json"
"""Files in a study's folder: time, kind and output of each command; the usual way's time."""

ZOO = "landscape_cli.problems.zoo:build"
"""The problem whose loss the usual way knows: the cross-entropy of classes."""

TIMED = 512
"""Samples by which the usual way is timed."""


NOTHING: dict[str, Any] = {
    "core_seconds": {},
    **{"points": 0, "evaluated": 0, "samples": 0},
    "like": {"ours": 0.0, "usual": 0.0},
}
"""The cost of a study that is part of another one's."""


def note(folder: Path, seconds: float, kind: str, name: str = "") -> None:
    """Add the processor time of a command to those of a study, with the name of its output."""
    with (folder / COMMANDS).open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow([f"{seconds:.2f}", kind, name])


def _noted(folder: Path) -> Iterator[tuple[Path, float, str]]:
    """Yield the output, the processor time and the kind of each command."""
    for path in sorted(folder.rglob(COMMANDS)):
        with path.open(newline="", encoding="utf-8") as file:
            for seconds, kind, *name in csv.reader(file):
                yield path.parent / "".join(name), float(seconds), kind


def cost(folder: Path) -> dict[str, Any]:
    """Sum up what a study cost, from the files in its folder and in those below.

    Returns:
        ``core_seconds`` by kind of command, and ``points`` drawn, ``evaluated`` ones and evaluated
        ``samples`` of all its surfaces; and ``like``: for surfaces that the usual way could have
        computed as well, their core-seconds and the usual way's.
    """
    spent: dict[str, float] = {}
    outputs: dict[Path, float] = {}
    for output, seconds, kind in _noted(folder):
        spent[kind] = spent.get(kind, 0.0) + seconds
        outputs[output] = outputs.get(output, 0.0) + seconds
    totals = {"points": 0, "evaluated": 0, "samples": 0}
    like = {"ours": 0.0, "usual": 0.0}
    for path, surface in _surfaces(folder):
        done = np.isin(surface.status, (Status.OK, Status.NOT_FINITE))
        totals["points"] += surface.total
        totals["evaluated"] += int(done.sum())
        totals["samples"] += _samples(surface, done)
        each = _usual(folder, path.with_suffix(".yaml"))
        if each is not None and path in outputs:
            like["ours"] += outputs[path]
            like["usual"] += each * surface.total
    return {"core_seconds": spent, **totals, "like": like}


def _surfaces(folder: Path) -> Iterator[tuple[Path, Surface]]:
    for path in sorted(folder.rglob("*.h5")):
        try:
            yield path, read_surface(path)
        except StoreError:  # a curve, a map, ...
            continue


def _samples(surface: Surface, done: Any) -> int:
    """Count the samples that were evaluated at all points."""
    if surface.samples:
        return sum(int(each.sum(dtype=np.int64)) for each in surface.samples.values())
    splits = surface.provenance.get("splits", {})
    return int(done.sum()) * sum(int(splits[name]["samples"]) for name in surface.splits)


def _usual(folder: Path, path: Path) -> float | None:
    """Return the usual way's processor time of a point; None for what it can't do."""
    if not path.exists():
        return None
    config = load_config(str(path))
    plain = (
        config.problem == ZOO and config.batch_norm == "frozen" and config.checkpoint is not None
    )
    if not plain or config.measures or config.curvature is not None:
        return None
    known_at = folder / USUAL
    known = json.loads(known_at.read_text()) if known_at.exists() else {}
    key = json.dumps([config.problem_args, config.samples, config.splits], sort_keys=True)
    if key not in known:
        known[key] = _time(config)
        known_at.write_text(json.dumps(known, indent=1))
    return float(known[key])


def _time(config: RunConfig) -> float:
    """Time the usual way at the centre, on one thread; the shortest of three."""
    problem = load_problem(config.problem, config.problem_args)
    splits = {name: problem.splits[name] for name in config.splits or problem.splits}
    counts = {name: min(len(split), config.samples or math.inf) for name, split in splits.items()}
    part = {name: Subset(split, range(min(len(split), TIMED))) for name, split in splits.items()}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        way = UsualWay(problem.model, part)
        found = []
        for _ in range(3):
            begin = time.process_time()
            way.losses((0.0, 0.0))
            found.append(time.process_time() - begin)
    finally:
        torch.set_num_threads(threads)
    return min(found) * sum(counts.values()) / sum(map(len, part.values()))


def hours(cost: Mapping[str, Any]) -> float:
    """Return the core-hours of all of a study's commands."""
    return float(sum(cost["core_seconds"].values())) / 3600


def prices(studies: Mapping[str, Mapping[str, Any]]) -> Table:
    """Tabulate the costs of studies by name, and of all together."""
    found = {f"[{name}]({name}.md)": _price(each) for name, each in studies.items()}
    found["all"] = [sum(column) for column in zip(*found.values(), strict=True)]
    head = ["study", "training", "surfaces and others", "points", "points evaluated"]
    rows = [
        [name, *(f"{x:.2g}" if isinstance(x, float) else f"{x:,}" for x in values)]
        for name, values in found.items()
    ]
    return Table([*head, "samples evaluated"], rows)


def _price(cost: Mapping[str, Any]) -> list[float | int]:
    """Return the core-hours of training and of all else, and the counts of a study."""
    training = float(cost["core_seconds"].get("training", 0)) / 3600
    return [training, hours(cost) - training, cost["points"], cost["evaluated"], cost["samples"]]


def ratios(studies: Mapping[str, Mapping[str, Any]]) -> Table:
    """Tabulate the surfaces of studies that the usual way could have computed as well."""
    head = ["study", "surfaces, core-hours", "the usual way, core-hours", "ratio"]
    like = {name: each["like"] for name, each in studies.items() if each["like"]["usual"]}
    rows = [
        [
            f"[{name}]({name}.md)",
            f"{each['ours'] / 3600:.2g}",
            f"{each['usual'] / 3600:.2g}",
            f"{each['usual'] / each['ours']:.2g}",
        ]
        for name, each in like.items()
    ]
    return Table(head, rows)

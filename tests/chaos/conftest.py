"""Fixtures that start runs and disturb them."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from landscape_cli.store import read_surface

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("LANDSCAPE_CHAOS_SEED", "1"))
ENDS_WITHIN = 30.0
"""Seconds within which every process of a job that was hit must end."""

WHOM = ("rank", "launcher", "all")


class Job:
    """A run of `landscape compute` under mpiexec, in the background."""

    def __init__(self, workplace, process: subprocess.Popen, surface: Path) -> None:
        self.workplace = workplace
        self.process = process
        self.surface = surface
        self.seen = 0
        self.began = time.time()

    def processes(self) -> list[psutil.Process]:
        """Return the live processes: the launcher, its helpers and the ranks."""
        return self.workplace.processes(self.process.pid)

    def ranks(self) -> list[psutil.Process]:
        """Return the ranks, rank 0 first."""
        return self.workplace.ranks(self.process.pid)

    def watch(self, seconds: float, enough: float = float("inf"), fresh: bool = False) -> bool:
        """Watch the file for some time, and return whether the run is still going.

        Args:
            seconds: how long to watch.
            enough: stop earlier once the file has this many points.
            fresh: stop earlier once this run has written the file.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None and self.seen < enough:
            if self.surface.exists():
                self.seen = max(self.seen, read_surface(self.surface).done)
                if fresh and self.surface.stat().st_mtime > self.began:
                    break
            time.sleep(0.05)
        return self.process.poll() is None

    def ended(self, timeout: float = 120.0) -> tuple[str, str]:
        """Wait until every process has ended, and return what was printed."""
        everyone = self.processes()
        output = self.process.communicate(timeout=timeout)
        gone(everyone)
        return output


class Chaos:
    """Kills processes at random, and counts its kills."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.kills = dict.fromkeys(WHOM, 0)

    def kill(self, job: Job) -> None:
        """Kill a random rank, the launcher, or everything at once."""
        everyone, ranks = job.processes(), job.ranks()
        whom = self.random.choice(WHOM if ranks else WHOM[1:])
        victims = {"rank": ranks and [self.random.choice(ranks)], "launcher": everyone[:1]}
        for victim in victims.get(whom, everyone):
            hit(victim, signal.SIGKILL)
        self.kills[whom] += 1
        gone(everyone)  # processes whose launcher is dead have to end by themselves
        job.process.communicate()


def hit(process: psutil.Process, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def gone(processes: list[psutil.Process]) -> None:
    """Check that processes end within ``ENDS_WITHIN`` seconds."""
    _, alive = psutil.wait_procs(processes, timeout=ENDS_WITHIN)
    assert not alive, f"still there: {alive}"


@pytest.fixture
def chaos() -> Chaos:
    return Chaos(SEED)


@pytest.fixture
def start(workplace):
    """Return a function that starts jobs, none of which outlives the test."""
    jobs = []

    def begin(
        *arguments: object,
        ranks: int,
        surface: str = "surface.h5",
        through: tuple[str, ...] = (),
    ) -> Job:
        process = workplace.start("compute", *arguments, ranks=ranks, through=through)
        jobs.append(Job(workplace, process, workplace.folder / surface))
        return jobs[-1]

    yield begin
    for job in jobs:
        for process in job.processes():
            hit(process, signal.SIGCONT)
            hit(process, signal.SIGKILL)
        job.process.communicate()


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """Train a ResNet on the digits; return its configuration: 41 x 41 points of a few ms."""
    folder = tmp_path_factory.mktemp("network")
    values = {
        "problem": "landscape_cli.problems.zoo:build",
        "problem_args": {
            "model": "resnet",
            "model_args": {"depth": 8, "width": 0.5},
            "data": "digits",
            "samples": {"train": 500, "test": 200},
        },
        "checkpoint": str(folder / "resnet8.pt"),
        "grid": {"x": [-1, 1, 41], "y": [-1, 1, 41]},
        "output": "surface.h5",
    }
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(values))
    train = [sys.executable, str(ROOT / "scripts" / "train.py"), str(path), "--epochs", "3"]
    done = subprocess.run(train, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return path

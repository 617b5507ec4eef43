"""A Slurm with two nodes on this machine, for the duration of the tests."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

TEMPLATE = Path(__file__).with_name("slurm.conf.in")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
TIMEOUT = 180


class Slurm:
    """The commands of the batch system.

    Args:
        folder: the folder for all of its files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}

    def __call__(self, *command: str, text: str | None = None, **more: str) -> str:
        """Run a command, which must succeed, and return what it prints."""
        done = subprocess.run(
            command,
            input=text,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def submit(self, script: str, **more: str) -> str:
        """Submit a script and return the job id."""
        return self("sbatch", "--parsable", text=script, **more).strip()

    def facts(self, job: str) -> dict[str, str]:
        """Return Slurm's facts about a job, or about an array's first task."""
        shown = self("scontrol", "show", "job", "--oneliner", job).splitlines()[0]
        return dict(re.findall(r"(\w+)=(\S*)", shown))

    def states(self, job: str) -> list[str]:
        """Return the state of a job, or of each task of an array."""
        return re.findall(r"JobState=(\S+)", self("scontrol", "show", "job", "--oneliner", job))

    def wait(self, job: str, there: Callable[[], bool] | None = None) -> dict[str, str]:
        """Wait until a condition holds, or the job ends; return the facts about the job."""
        deadline = time.monotonic() + TIMEOUT
        ended = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"}
        while not (there() if there else set(self.states(job)) <= ended):
            assert time.monotonic() < deadline, self.report(job)
            time.sleep(0.2)
        return self.facts(job)

    def report(self, job: str) -> str:
        """Return everything known about a job, and its output."""
        log = Path(self.facts(job)["StdOut"])
        wrote = log.read_text() if log.exists() else "nothing"
        return f"{self('scontrol', 'show', 'job', job)}\n{log}:\n{wrote}"

    def configure(self) -> None:
        host = socket.gethostname().split(".")[0]
        ports = dict(zip(("port", "port1", "port2"), _free_ports(3), strict=True))
        text = TEMPLATE.read_text().format(host=host, folder=self.folder, **ports)
        (self.folder / "slurm.conf").write_text(text)
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o400)

    def daemons(self) -> list[list[str]]:
        """Return the commands of the daemons, in the order in which to start them."""
        places = {"key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        files = [f"--{option}={self.folder}/munge.{end}" for option, end in places.items()]
        munge = ["munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket"]
        return [
            [*munge, *files],
            ["slurmctld", "-D"],
            *(["slurmd", "-D", "-N", name] for name in ("n1", "n2")),
        ]

    def idle(self) -> bool:
        """Tell whether both nodes are idle."""
        command = ["sinfo", "--noheader", "--Node", "--format", "%T"]
        shown = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return shown.stdout.split() == ["idle", "idle"]

    def sweep(self) -> None:
        """Kill all processes left in this Slurm's environment."""
        for process in psutil.process_iter():
            try:
                if process.environ().get("SLURM_CONF") == self.environment["SLURM_CONF"]:
                    process.kill()
            except psutil.Error:
                continue


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]


def _unavailable() -> str | None:
    """Return the reason why Slurm can't run here, if there is one."""
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"no {', '.join(missing)}: apt-get install slurm-wlm munge"
    return None if os.geteuid() == 0 else "only root can start Slurm's daemons"


@pytest.fixture(scope="session")
def slurm() -> Iterator[Slurm]:
    """Start the batch system, and end it with the tests."""
    if reason := _unavailable():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm"))  # short, because paths of sockets must be
    slurm = Slurm(folder)
    slurm.configure()
    processes = []
    try:
        for number, command in enumerate(slurm.daemons()):
            with (folder / f"{number}.{command[0]}.out").open("w") as log:
                processes.append(
                    subprocess.Popen(
                        command, env=slurm.environment, stdout=log, stderr=log, cwd=folder
                    )
                )
            time.sleep(0.5)
        deadline = time.monotonic() + 60
        while not slurm.idle():
            assert time.monotonic() < deadline, _logs(folder)
            time.sleep(0.2)
        yield slurm
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        for process in reversed(processes):
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
        slurm.sweep()
        shutil.rmtree(folder, ignore_errors=True)


def _logs(folder: Path) -> str:
    return "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.out")))

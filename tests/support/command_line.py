"""`landscape` as a process of its own: alone, under mpiexec, in the background, in a terminal."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from support.processes import TIMEOUT, family, living_ranks, restore_ctrl_c, run_in_terminal


def mpiexec() -> str:
    """The launcher beside this Python, or else the one on the path; without one, skip the test."""
    beside = Path(sys.executable).parent / "mpiexec"
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    if launcher is None:
        pytest.skip("no mpiexec: pip install 'landscape-cli[mpich]'")
    return launcher


@dataclass
class CommandLine:
    """Runs `landscape` in a folder.

    Args:
        folder: the current folder of what is run.
        ranks_allowed: whether ranks may be started; not in a test that is not marked ``mpi``, as
            only those have the machine to themselves.
        programs: returns the folder of warm programs, see `support.warm_programs`; None to start
            every command anew.
    """

    folder: Path
    ranks_allowed: bool = True
    programs: Callable[[], Path] | None = None

    def environment(self) -> dict[str, str]:
        """This process's environment, with one thread for each rank."""
        return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

    def command(
        self, *arguments: object, ranks: int | None = None, python: str | Path = sys.executable
    ) -> list[str]:
        """`landscape` with these arguments, under mpiexec if a number of ranks is given."""
        program = [str(python), "-m", "landscape_cli", *map(str, arguments)]
        if ranks is None:
            return program
        assert self.ranks_allowed, "a test that starts ranks must be marked mpi"
        return [mpiexec(), "-n", str(ranks), *program]

    def run(
        self, *arguments: object, ranks: int | None = None, cold: bool = False
    ) -> subprocess.CompletedProcess:
        """Run the command to its end.

        Args:
            arguments: those of `landscape`.
            ranks: how many to start under mpiexec; None for one process without it.
            cold: import everything anew, as users' commands do. Needed where a rank vanishes, or
                where the time since the start counts.
        """
        warm = self.programs is not None and not cold
        python = self.programs() / "python" if warm else sys.executable
        return subprocess.run(
            self.command(*arguments, ranks=ranks, python=python),
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
        )

    def start(
        self, *arguments: object, ranks: int | None = None, through: tuple[str, ...] = ()
    ) -> subprocess.Popen:
        """Start the command in the background, as the leader of a process group.

        Args:
            arguments: those of `landscape`.
            ranks: how many to start under mpiexec; None for one process without it.
            through: a program, with its arguments, that starts the command in turn.
        """
        return subprocess.Popen(
            [*through, *self.command(*arguments, ranks=ranks)],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=restore_ctrl_c,
        )

    def in_terminal(
        self,
        *arguments: object,
        seen: Callable[[subprocess.Popen, str], None] = lambda process, text: None,
        ranks: int | None = None,
    ) -> tuple[int, str]:
        """Run the command in a terminal; see `run_in_terminal`."""
        command = self.command(*arguments, ranks=ranks)
        return run_in_terminal(command, self.folder, self.environment(), seen)

    def processes(self, launcher: int) -> list[psutil.Process]:
        """A launcher, its helpers and its ranks, those that still live."""
        return family(launcher)

    def ranks(self, launcher: int) -> list[psutil.Process]:
        """The ranks that a launcher with this pid has started and that still live, 0 first."""
        return living_ranks(launcher)

"""Fixtures of all suites: a folder with example problems, and the command line in it."""

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

from landscape_cli.parallel.launcher import RANK_VARIABLES

# Machines differ in speed; a slow one finds no fewer mistakes.
settings.register_profile(
    "project",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("project")

DATA = Path(__file__).parent / "data"
TIMEOUT = 180


def pytest_report_header() -> str:
    """Name what rounding, and so the bits of results, may depend on."""
    import torch

    from landscape_cli.evaluation.devices import instruction_set

    threads = torch.get_num_threads()
    return f"torch {torch.__version__}: {instruction_set()}, {threads} thread{'s' * (threads > 1)}"


def mpiexec() -> str | None:
    """The launcher beside this Python, or the one on the path."""
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


def hear_ctrl_c() -> None:
    """To be called in a new process before its program begins.

    Shells let what they start in the background ignore Ctrl-C, and so all its children.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Workplace:
    """A folder to run the command line in."""

    folder: Path

    def environment(self) -> dict[str, str]:
        """This process's environment, outside any MPI job, one thread for each rank."""
        return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}

    def command(self, *arguments: object, ranks: int | None = None) -> list[str]:
        program = [sys.executable, "-m", "landscape_cli", *(str(a) for a in arguments)]
        if ranks is None:
            return program
        launcher = mpiexec()
        if launcher is None:
            pytest.skip("no mpiexec: pip install 'landscape-cli[mpich]'")
        return [launcher, "-n", str(ranks), *program]

    def run(self, *arguments: object, ranks: int | None = None) -> subprocess.CompletedProcess:
        """Run `landscape` with these arguments, under mpiexec if ranks are given."""
        return subprocess.run(
            self.command(*arguments, ranks=ranks),
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
        )

    def surface(self, *arguments: object, ranks: int | None = None):
        """The surface that `landscape compute` with these arguments writes, ``surface.h5``."""
        from landscape_cli.store import read_surface

        done = self.run("compute", *arguments, ranks=ranks)
        assert done.returncode == 0, done.stderr
        return read_surface(self.folder / "surface.h5")

    def processes(self, launcher: int) -> list[psutil.Process]:
        """A launcher, its helpers and the ranks, as far as they live."""
        try:
            process = psutil.Process(launcher)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def ranks(self, launcher: int) -> list[psutil.Process]:
        """The ranks that a launcher with this pid has started, as far as they live, 0 first."""
        found = []
        for process in self.processes(launcher)[1:]:
            try:
                environment, command = process.environ(), process.cmdline()
            except psutil.Error:
                continue
            number = next((environment[key] for key in RANK_VARIABLES if key in environment), None)
            if number is not None and "landscape_cli" in command:
                found.append((int(number), process))
        return [process for _, process in sorted(found, key=lambda pair: pair[0])]

    def start(
        self, *arguments: object, ranks: int | None = None, through: tuple[str, ...] = ()
    ) -> subprocess.Popen:
        """Start it in the background, in a process group of its own, by another program's help."""
        return subprocess.Popen(
            [*through, *self.command(*arguments, ranks=ranks)],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hear_ctrl_c,
        )

    def in_terminal(
        self, *arguments: object, seen: Callable[[subprocess.Popen, str], None]
    ) -> tuple[int, str]:
        """Run `landscape` in a terminal; its exit code and all it wrote.

        Args:
            arguments: of the command line.
            seen: is told, whenever more is written, the process and all it has written so far.
        """
        control, terminal = pty.openpty()
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment() | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            preexec_fn=hear_ctrl_c,
        )
        os.close(terminal)
        late = threading.Timer(TIMEOUT, process.kill)
        late.start()
        text = ""
        with contextlib.suppress(OSError):  # the other end of a terminal that is closed
            while part := os.read(control, 1 << 16):
                text += part.decode(errors="replace")
                seen(process, text)
        os.close(control)
        code = process.wait()
        late.cancel()
        return code, text

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def config(self, problem: str = "example:regression", name: str = "run.yaml", **keys) -> str:
        """Write a configuration; a plane of 5 x 4 points unless the keys say otherwise."""
        import yaml

        grid = {"x": [-1, 1, 5], "y": [-1, 1, 4]}
        values = {"problem": problem, "grid": grid, "output": "surface.h5", **keys}
        self.write(name, yaml.safe_dump(values))
        return name


@pytest.fixture(autouse=True)
def _can_render(request: pytest.FixtureRequest) -> None:
    """Skip the variants of tests that render where the extra for that is missing."""
    variant = getattr(request.node, "callspec", None)
    if variant is not None and variant.params.get("kind") == "render":
        pytest.importorskip("pyvista", reason="no pyvista: make extras")


@pytest.fixture(scope="session")
def new_workplace(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Workplace]:
    """Makes folders for what several tests look at; the current folder stays what it is."""

    def make(name: str) -> Workplace:
        folder = tmp_path_factory.mktemp(name)
        shutil.copy(DATA / "example.py", folder / "example.py")
        return Workplace(folder)

    return make


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A temporary folder, the current one, that holds the example problems."""
    shutil.copy(DATA / "example.py", tmp_path / "example.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "example", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return Workplace(tmp_path)


@pytest.fixture
def landscape(workplace, capsys):
    """Run `landscape` in this process; gives exit code, standard output and standard error."""

    from landscape_cli.cli import cli
    from landscape_cli.cli.error_report import run as run_command

    def landscape(*arguments):
        code = run_command(cli, [str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return landscape


@pytest.fixture
def surface_of(landscape, workplace):
    """The surface that `landscape compute` writes in this process, which starts none."""
    from landscape_cli.store import read_surface

    def surface_of(config, *arguments, output="surface.h5"):
        code, _, errors = landscape("compute", config, *arguments)
        assert code == 0, errors
        return read_surface(workplace.folder / output)

    return surface_of

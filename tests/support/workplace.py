"""A folder with example problems, the configurations written there, and the runs made there."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from support.command_line import CommandLine

DATA = Path(__file__).parents[1] / "data"


@contextlib.contextmanager
def threads_kept() -> Iterator[None]:
    """Restore PyTorch's number of threads, which runs in this process may change."""
    loaded = sys.modules.get("torch")
    before = loaded.get_num_threads() if loaded else int(os.environ["OMP_NUM_THREADS"])
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(before)


@contextlib.contextmanager
def current(folder: Path) -> Iterator[None]:
    """Make a folder the current one, from which problems are imported, for a while."""
    before, path = os.getcwd(), sys.path.copy()
    os.chdir(folder)
    sys.modules.pop("example", None)
    with modules_forgotten(folder):
        try:
            yield
        finally:
            os.chdir(before)
            sys.path[:] = path


@contextlib.contextmanager
def modules_forgotten(folder: Path) -> Iterator[None]:
    """Forget the modules imported from a folder: another test may have some of the same names."""
    before = sys.modules.copy()
    try:
        yield
    finally:
        # Few are new; to look at the files of all takes milliseconds.
        new = [name for name, module in sys.modules.items() if before.get(name) is not module]
        for name in new:
            file = getattr(sys.modules[name], "__file__", None)
            if str(file).startswith(f"{folder}{os.sep}"):
                del sys.modules[name]


@dataclass
class ProblemFolder:
    """A folder that holds the example problems and takes configurations.

    Args:
        folder: an existing folder; the examples are copied into it.
    """

    folder: Path

    def __post_init__(self) -> None:
        shutil.copy(DATA / "example.py", self.folder / "example.py")

    def write(self, name: str, text: str) -> Path:
        """Write a file, and return its path."""
        path = self.folder / name
        path.write_text(text)
        return path

    def config(
        self, problem: str = "example:regression", name: str = "run.yaml", **keys: object
    ) -> str:
        """Write a configuration, of a plane of 5 x 4 points unless the keys say otherwise.

        Returns:
            The file's name, for use in the folder.
        """
        grid = {"x": [-1, 1, 5], "y": [-1, 1, 4]}
        values = {"problem": problem, "grid": grid, "output": "surface.h5", **keys}
        self.write(name, yaml.safe_dump(values))
        return name


@dataclass
class Workplace(ProblemFolder, CommandLine):
    """A folder with the example problems, and the command line in it."""

    def surface(self, *arguments: object, ranks: int | None = None):
        """Return the surface that `landscape compute` with these arguments writes, surface.h5.

        Without ranks it runs in this process, on one thread, as a rank does.
        """
        from landscape_cli.store import read_surface

        if ranks is None:
            self._compute_here(*arguments)
        else:
            done = self.run("compute", *arguments, ranks=ranks)
            assert done.returncode == 0, done.stderr
        return read_surface(self.folder / "surface.h5")

    def _compute_here(self, *arguments: object) -> None:
        from landscape_cli.cli import cli
        from landscape_cli.cli.error_report import run

        command = ["compute", *map(str, arguments), "--set", "threads=1"]
        with current(self.folder), threads_kept():
            assert run(cli, command) == 0

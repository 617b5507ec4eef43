"""A folder with example problems, the configurations written there, and the runs made there."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from support.command_line import CommandLine

DATA = Path(__file__).parents[1] / "data"


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
        """Return the surface that `landscape compute` with these arguments writes, surface.h5."""
        from landscape_cli.store import read_surface

        done = self.run("compute", *arguments, ranks=ranks)
        assert done.returncode == 0, done.stderr
        return read_surface(self.folder / "surface.h5")

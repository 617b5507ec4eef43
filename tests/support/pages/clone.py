"""A folder like a clone of the project, in which the blocks of a page are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.pages.blocks import ROOT

PARTS = ("configs", "scripts", "examples")

SETTINGS = {"OMP_NUM_THREADS": "1", "COLUMNS": "80", "LINES": "40"}
"""Environment of the commands; the size is that of a terminal that is none."""


class Clone:
    """The parts of a clone that pages use.

    Args:
        folder: an empty folder.
        programs: a folder with `landscape` and `python`, used in place of the environment's.
    """

    def __init__(self, folder: Path, programs: Path | None = None) -> None:
        self.folder = self.here = folder.resolve()
        self._programs = programs
        for name in PARTS:
            ignored = shutil.ignore_patterns("runs", "__pycache__")
            shutil.copytree(ROOT / name, self.folder / name, ignore=ignored)

    def enter(self, folder: str) -> None:
        """Change the current folder, as `cd` does."""
        self.here = (self.here / folder).resolve()

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a shell; both its streams are its output."""
        folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
        if self._programs:
            folders.insert(0, str(self._programs))
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}"],
            cwd=self.here,
            env={**os.environ, "PATH": os.pathsep.join(folders), **SETTINGS},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=900,
        )

    def add(self, folder: Path) -> None:
        """Add the files of another folder."""
        shutil.copytree(folder, self.folder, dirs_exist_ok=True)

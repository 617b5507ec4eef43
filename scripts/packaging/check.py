"""Check the wheel and the source distribution in dist: their files, and that the wheel works alone.

The wheel is installed into an environment of its own, with nothing but what it asks for, and used
in a folder outside of the clone: a problem of the user is computed, drawn, reported and exported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]

LEFT_OUT = (".ci/", ".github/", ".gitignore", ".pre-commit-config.yaml")
"""Beginnings of tracked files that no distribution needs."""

MADE = ("PKG-INFO", "landscape_cli.egg-info/")
"""Beginnings of files that setuptools adds to a source distribution."""

PROBLEM = """
import torch
from torch import nn
from landscape_cli import Problem


def build():
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    data = torch.utils.data.TensorDataset(x, x.prod(dim=1, keepdim=True))
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def objective(model, batch):
        inputs, targets = batch
        return {"loss": ((model(inputs) - targets) ** 2).flatten()}

    return Problem(model, {"train": data}, objective)
"""

CONFIG = """
problem: my_problem:build
grid: {x: [-1, 1, 9], y: [-1, 1, 9]}
output: mine.h5
"""

STEPS = (
    (["--version"], ["PyTorch", "MPI", "none", "device"], []),
    (["compute", "mine.yaml"], ["wrote"], ["mine.h5", "mine.directions.h5"]),
    (["describe", "mine.h5"], ["sharpness"], []),
    (["plot", "mine.h5", "-o", "mine.png"], ["wrote"], ["mine.png"]),
    (["report", "mine.yaml"], ["wrote"], ["mine.report.html"]),
    (["completion", "bash"], ["_LANDSCAPE_COMPLETE"], []),
)
"""Arguments, words of the output, and files that are written."""

PAGE = (["export", "mine.h5", "--to", "html"], ["wrote"], ["mine.html"])
"""The same with the extra html."""


class DistributionError(Exception):
    """A distribution lacks something, or does not work."""


def main() -> int:
    """Check both; say what is wrong."""
    try:
        wheel, source = (_only(pattern) for pattern in ("*.whl", "*.tar.gz"))
        _check_files(wheel, source)
        with tempfile.TemporaryDirectory() as folder:
            _check_use(wheel, Path(folder))
    except DistributionError as error:
        print(f"check: {error}", file=sys.stderr)
        return 1
    return 0


def _only(pattern: str) -> Path:
    found = list((ROOT / "dist").glob(pattern))
    if len(found) != 1:
        raise DistributionError(f"dist has {len(found)} files {pattern}; run make dist")
    return found[0]


def _check_files(wheel: Path, source: Path) -> None:
    """Compare the distributions with the files that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    tracked = {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    package = {name for name in tracked if name.startswith("landscape_cli/")}
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    _compare(wheel, (name for name in names if ".dist-info/" not in name), package)
    with tarfile.open(source) as tar:
        files = [member.name.partition("/")[2] for member in tar if member.isfile()]
    wanted = {name for name in tracked if not name.startswith(LEFT_OUT)}
    _compare(source, (name for name in files if not name.startswith(MADE)), wanted)


def _compare(archive: Path, has: Iterable[str], wanted: set[str]) -> None:
    found = set(has)
    for names, words in ((wanted - found, "lacks"), (found - wanted, "has, though untracked,")):
        if names:
            raise DistributionError(f"{archive.name} {words} {', '.join(sorted(names)[:5])}")
    print(f"{archive.name}: {len(found)} files, as tracked", flush=True)


def _check_use(wheel: Path, folder: Path) -> None:
    """Install the wheel, and use it in a folder of the user's."""
    home = folder / "home"
    home.mkdir()
    (home / "my_problem.py").write_text(PROBLEM)
    (home / "mine.yaml").write_text(CONFIG)
    venv.create(folder / "venv")
    _install(folder, str(wheel))
    for step in STEPS:
        _use(folder, *step)
    _install(folder, f"{wheel}[html]")
    _use(folder, *PAGE)


def _install(folder: Path, what: str) -> None:
    begin = time.monotonic()
    pip = [sys.executable, "-m", "pip", "--python", folder / "venv/bin/python", "install"]
    options = ["--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt"]
    subprocess.run([*pip, *options, what], check=True, env=_environment())
    seconds = time.monotonic() - begin
    print(f"installed {what.rpartition('/')[2]} in {seconds:.0f} s", flush=True)


def _use(folder: Path, arguments: list[str], words: list[str], files: list[str]) -> None:
    """Run a command, and look for words of its output and for its files."""
    home = folder / "home"
    done = subprocess.run(
        [folder / "venv/bin/landscape", *arguments],
        cwd=home,
        env=_environment(),
        capture_output=True,
        text=True,
    )
    command = f"landscape {' '.join(arguments)}"
    if done.returncode:
        raise DistributionError(f"{command}: exit code {done.returncode}\n{done.stderr}")
    if missing := [word for word in words if word not in done.stdout]:
        raise DistributionError(f"{command}: its output lacks {', '.join(missing)}\n{done.stdout}")
    if absent := [name for name in files if not (home / name).stat().st_size]:
        raise DistributionError(f"{command}: {', '.join(absent)} is empty")
    print(f"$ {command}: as expected", flush=True)


def _environment() -> dict[str, str]:
    """Return the environment without other places of modules, such as a clone."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


if __name__ == "__main__":
    sys.exit(main())

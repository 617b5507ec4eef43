"""The README's commands, run in order; their output must be what it shows."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

VARYING = [
    (r"/\S*/(?=(configs|runs)/)", "/…/"),  # where the clone is
    (r" on \S+: cpu \([^)]+\), \d+ threads? each", " on HOST: cpu"),
    (r"[\d.e+-]+ (point|epoch)/s, elapsed [\d:]+, ETA \S+", "RATE"),
    (r"\d+ of (\d+) points computed \([\d.]+ %\)", r"N of \1 points computed"),
    (r"sha256 \w+", "sha256 HASH"),
    (r"run: .*ranks: (\d+).*", r"run: \1"),
]

NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]\d+)?")


def examples():
    """The commands of all console blocks with what they print, `make` left out."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            if not command.startswith("make "):
                yield command, output


def normal(text):
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text


def same(got, shown):
    """Equal but for numbers, which another processor may round to something else."""
    assert NUMBER.sub("#", got) == NUMBER.sub("#", shown)
    numbers = zip(NUMBER.findall(got), NUMBER.findall(shown), strict=True)
    for one, other in numbers:
        assert float(one) == pytest.approx(float(other), rel=0.03, abs=0.15), (got, shown)


@pytest.fixture
def clone(tmp_path):
    """What of a clone the commands use, with a network trained a little."""
    for name in ("configs", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("runs"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}

    def run(command, folder):
        return subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=120,
        )

    done = run("python scripts/train.py configs/digits_resnet56.yaml --epochs 1", tmp_path)
    assert done.returncode == 0, done.stdout
    return run, tmp_path


@pytest.mark.mpi
def test_the_commands_print_what_is_shown(clone):
    if shutil.which("mpirun", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("no mpirun beside this Python: pip install 'landscape-cli[mpich]'")
    run, folder = clone
    ran = 0
    for command, output in examples():
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        done = run(command, folder)
        lines, shown = (sorted(normal(text).splitlines()) for text in (done.stdout, output))
        same("\n".join(lines), "\n".join(shown))
        assert done.returncode == (2 if "landscape: " in output else 0)
        ran += 1
    assert ran >= 8


@pytest.mark.parametrize("path", sorted({*re.findall(r"\]\((?!http)([^)#]+)\)", README)}))
def test_links_lead_somewhere(path):
    assert (ROOT / path).exists()


def test_the_commands_are_all_found():
    assert README.count("\n$ ") == len(list(examples())) + len(re.findall(r"\n\$ make ", README))


def test_the_shown_configuration_is_the_file_s():
    import yaml

    (shown,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    stored = (ROOT / "configs" / "own_problem.yaml").read_text()
    assert yaml.safe_load(shown) == yaml.safe_load(stored)

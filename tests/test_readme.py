"""The commands of README, tutorial and pages of docs, in order; they must print what is shown."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
PAGES = {"README.md": README, "tutorial.md": TUTORIAL}
ENSEMBLES = (ROOT / "docs" / "ensembles.md").read_text()
ALIGNMENT = (ROOT / "docs" / "alignment.md").read_text()
RECORDING = (ROOT / "docs" / "recording.md").read_text()
TOPOLOGY = (ROOT / "docs" / "topology.md").read_text()
CURVATURE = (ROOT / "docs" / "curvature.md").read_text().split("## The spectrum of a network")[1]

OTHERS = [
    (ROOT / "docs" / f"{name}.md").read_text()
    for name in ("connectivity", "alignment", "ensembles")
]

VARYING = [
    (r"/\S*/(?=(configs|runs)/)", "/…/"),  # where the clone is
    (r" on \S+: cpu \([^)]+\), \d+ threads? each", " on HOST: cpu"),
    (r"[\d.e+-]+ (point|epoch|product|step|line|checkpoint)/s, elapsed [\d:]+, ETA \S+", "RATE"),
    (r"\d+ of (\d+) points computed \([\d.]+ %\)", r"N of \1 points computed"),
    (r"sha256 \w+", "sha256 HASH"),
    (r"run: .*ranks: (\d+).*", r"run: \1"),
]

NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]\d+)?")


def examples(page):
    """Yield the commands of all console blocks with what they print, `make` left out."""
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            if not command.startswith("make "):
                yield command, output


def sessions():
    """Divide the commands at each `cd`, behind which nothing from before it is needed."""
    divided = []
    for page in (*PAGES.values(), CURVATURE, ENSEMBLES, ALIGNMENT, RECORDING, TOPOLOGY):
        slow = [pytest.mark.slow] * (page is not README)
        divided.append(([], slow))
        for command, output in examples(page):
            if command.startswith("cd "):
                divided.append(([], slow))
            divided[-1][0].append((command, output))
    for commands, slow in divided:
        if commands:
            starts_ranks = any(command.startswith("mpirun ") for command, _ in commands)
            marks = [*slow, *[pytest.mark.mpi] * starts_ranks]
            yield pytest.param(commands, marks=marks, id=commands[0][0].split()[-1])


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
    """The parts of a clone that the commands use, and a function to run one in a folder there."""
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

    return run, tmp_path


def untrained(config):
    """Save the network of a configuration as it is before training, in place of a checkpoint."""
    import torch

    from landscape_cli.config.loading import load_config
    from landscape_cli.problems.import_path import load_problem

    loaded = load_config(config)
    problem = load_problem(loaded.problem, loaded.problem_args)
    path = config.parents[1] / loaded.checkpoint
    path.parent.mkdir(exist_ok=True)
    torch.save(problem.model.state_dict(), path)


@pytest.mark.parametrize("commands", list(sessions()))
def test_the_commands_print_what_is_shown(clone, commands):
    run, folder = clone
    text = " ".join(command for command, _ in commands)
    if "mpirun" in text and not Path(sys.executable).with_name("mpirun").exists():
        pytest.skip("no mpirun beside this Python: pip install 'landscape-cli[mpich]'")
    if "digits_resnet44" in text:
        untrained(folder / "configs" / "digits_resnet44.yaml")
    for command, output in commands:
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            continue
        done = run(command, folder)
        lines, shown = (sorted(normal(text).splitlines()) for text in (done.stdout, output))
        same("\n".join(lines), "\n".join(shown))
        assert done.returncode == (2 if "landscape: " in output else 0)


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_the_commands_are_all_found(page):
    found = list(examples(page))
    assert page.count("\n$ ") == len(found) + len(re.findall(r"\n\$ make ", page))
    assert len(found) >= (8 if page is TUTORIAL else 1)


def test_the_readme_is_short():
    assert len(README.split()) <= 660


def test_the_lines_of_python_draw_a_surface(monkeypatch, tmp_path):
    from landscape_cli.problems.zoo import build

    monkeypatch.chdir(tmp_path)
    digits = build("mlp", samples={"train": 100, "test": 50})
    names = {"model": digits.model, "train_set": digits.splits["train"]}
    (lines,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in lines.splitlines() if line.strip()]) == 5
    exec(compile(lines, "README.md", "exec"), names)
    assert names["surface"].complete
    assert names["surface"].values["train", "loss"].shape == (21, 21)


@pytest.mark.parametrize("page", PAGES.values(), ids=list(PAGES))
def test_the_shown_configuration_is_the_file_s(page):
    import yaml

    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0]
    stored = (ROOT / "configs" / "own_problem.yaml").read_text()
    assert yaml.safe_load(shown) == yaml.safe_load(stored)

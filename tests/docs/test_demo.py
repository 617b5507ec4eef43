"""The demo shows what Li et al. 2018 report: with shortcuts, a deep network's loss is more convex.

Both networks have learned their digits, or training fails.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from landscape_cli import describe, read_surface

ROOT = Path(__file__).parents[2]
NETWORKS = ("digits_resnet44", "digits_resnet44_noshort")


def rough_lines(loss, top=10.0, margin=0.5):
    """The share of rows and columns on which the loss, cut at ``top``, goes down, up and down."""
    loss = np.minimum(loss, top)
    rough = []
    for lines in (loss, loss.T):
        for line in lines:
            before = np.minimum.accumulate(line)
            after = np.minimum.accumulate(line[::-1])[::-1]
            rough.append((line - np.maximum(before, after) > margin).any())
    return np.mean(rough)


def test_roughness_is_known_for_known_lines():
    x = np.linspace(-1, 1, 21)
    bowl = 5 * (x[:, None] ** 2 + x[None, :] ** 2)
    assert rough_lines(bowl) == 0
    assert rough_lines(bowl + 2 * np.sin(12 * x)[None, :]) == 0.5


def recipe():
    """The options with which the Makefile trains the demo's networks."""
    text = (ROOT / "Makefile").read_text()
    return (
        re.search(r"^RECIPE := ((?:.*\\\n)*.*)", text, re.MULTILINE)[1].replace("\\\n", "").split()
    )


def train(name, folder, *changes):
    """Start the training of one of the demo's networks."""
    return subprocess.Popen(
        [
            *(sys.executable, ROOT / "scripts/train.py", ROOT / f"configs/{name}.yaml"),
            *(*recipe(), *changes),
        ],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def test_the_recipe_asks_for_an_accuracy_of_99_percent():
    assert recipe()[recipe().index("--at-least") + 1] == "accuracy=0.99"
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^DEMO_STYLE := .*--at-centre accuracy", makefile, re.MULTILINE)


@pytest.mark.slow
def test_a_network_that_does_not_learn_its_digits_ends_the_demo(tmp_path):
    process = train(NETWORKS[1], tmp_path, "--epochs", "1", "--restarts", "1", "--quiet")
    _, messages = process.communicate(timeout=300)
    assert process.returncode == 2
    goes_on, line = messages.splitlines()
    assert "training goes on" in goes_on
    assert re.search(r"train accuracy is 0\.\d+, less than --at-least accuracy=0\.99", line)
    assert not list(tmp_path.glob("runs/*.pt"))


@pytest.mark.mpi
@pytest.mark.docs
def test_without_shortcuts_less_of_the_plane_is_convex(preparations):
    runs = preparations.files("demo") / "runs"
    surfaces = [read_surface(runs / f"{name}.h5") for name in NETWORKS]
    for surface, most in zip(surfaces, (0.01, 0.1), strict=True):
        assert surface.complete
        assert surface.values["train", "accuracy"][15, 15] >= 0.98  # of 384 of the 1437 digits
        loss = surface.values["train", "loss"]
        assert loss[15, 15] == loss.min() < most
    assert rough_lines(surfaces[0].values["train", "loss"]) <= 0.02
    # By how much depends on where training ends, which rounding decides.
    smooth, chaotic = map(convex_fraction, surfaces)
    assert chaotic <= smooth - 0.1


def convex_fraction(surface):
    (numbers,) = describe(surface, splits=["train"])["numbers"]
    return numbers["convexity"]["fraction"]

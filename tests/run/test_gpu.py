"""Whole runs on a GPU, where there is one, beside those on the CPU."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from landscape_cli.store import read_surface

PROBLEM = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy


def build(dtype="float64", size=6, channels=4):
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(1, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()),
        *(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(channels * size * size, 3)),
    )
    images = torch.randn(64, 1, size, size, dtype=getattr(torch, dtype))
    train = TensorDataset(images, torch.arange(64) % 3)
    return Problem(model.to(images.dtype), {"train": train}, cross_entropy)
"""

CONFIG = """
problem: images:build
grid: {x: [-1, 1, 3], y: [-1, 1, 3]}
calibrate: false
"""

IN_FLOAT64 = {
    "random": ("compute", "--curvature", "plane", "--measure", "gradient"),
    "redrawn": ("compute", "--directions", "streamed", "--set", "orthogonal=true"),
    "downhill": ("compute", "--set", "directions.x={kind: gradient}", "--y", "none"),
    "curve": ("connect", "--from", "one.pt", "--to", "other.pt", "--epochs", "1"),
    "along": (
        *("compute", "--curvature", "gradient", "--set", "batch_norm=frozen"),
        *("--set", "slice={kind: curve, path: DEVICE_curve.h5}", "--set", "checkpoint=one.pt"),
        *("--x", "0:1:2", "--y", "none"),
    ),
    "curvature": ("curvature", "--top", "1", "--trace", "2"),
}
"""Commands by name; each writes a file of that name."""

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def computed(workplace, landscape):
    """Return a function that computes a surface of a small network on digits."""
    config = workplace.config("example:digits_network", threads=1)

    def computed(name, *options):
        output = ("-o", f"{name}.h5", "--no-calibrate", "-q")
        code, _, errors = landscape("compute", config, *output, *options)
        assert code == 0, errors
        return read_surface(f"{name}.h5").values

    return computed


def test_values_are_those_of_the_cpu(computed):
    host, device = computed("host", "--device", "cpu"), computed("device", "--device", "cuda")
    for (split, name), values in host.items():
        tolerance = 0 if name == "accuracy" else 1e-3
        np.testing.assert_allclose(device[split, name], values, rtol=tolerance, err_msg=split)


def test_directions_drawn_again_give_the_same_bits(computed):
    options = ("--device", "cuda", "--measure", "gradient")
    kept = computed("kept", *options)
    again = computed("again", *options, "--directions", "streamed")
    for key, values in kept.items():
        np.testing.assert_array_equal(again[key], values)


@pytest.mark.mpi
def test_ranks_that_share_a_gpu_give_the_same_bits(workplace, computed):
    alone = computed("alone", "--device", "cuda")
    done = workplace.run(
        *("compute", "run.yaml", "--no-calibrate", "--device", "cuda", "-o", "two.h5"), ranks=2
    )
    assert done.returncode == 0, done.stderr
    for key, values in read_surface(workplace.folder / "two.h5").values.items():
        np.testing.assert_array_equal(values, alone[key])


@pytest.fixture
def images(workplace):
    """Write the problem and its configuration."""
    (workplace.folder / "images.py").write_text(PROBLEM)
    (workplace.folder / "run.yaml").write_text(CONFIG)


def numbers(path):
    """Return the numbers of a file but times, by name."""
    with h5py.File(path) as file:
        found = {}
        file.visititems(lambda name, item: found.update({name: item}))
        return {
            name: item[()]
            for name, item in found.items()
            if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and "second" not in name
        }


def test_commands_in_float64_give_the_numbers_of_the_cpu(workplace, landscape, images):
    code = (
        "import images, torch\n"
        "for name in ('one', 'other'):\n"
        "    model = images.build().model\n"
        "    torch.nn.init.normal_(model[6].weight) if name == 'other' else None\n"
        "    torch.save(model.state_dict(), f'{name}.pt')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=workplace.folder, check=True)
    for name, (command, *given) in IN_FLOAT64.items():
        found = {}
        for device in ("cpu", "cuda"):
            options = [each.replace("DEVICE", device) for each in given]
            path = f"{device}_{name}.h5"
            code, _, errors = landscape(
                command, "run.yaml", *options, "--device", device, "-o", path, "-q"
            )
            assert code == 0, (name, device, errors)
            found[device] = numbers(workplace.folder / path)
        assert found["cpu"]
        for key, values in found["cpu"].items():
            message = f"{name}: {key}"
            np.testing.assert_allclose(
                found["cuda"][key], values, rtol=1e-6, atol=1e-9, err_msg=message
            )


@pytest.mark.mpi
@pytest.mark.slow
def test_ranks_fuse_convolutions_and_give_the_same_bits(workplace, landscape, images):
    options = [
        *("compute", "run.yaml", "--device", "cuda", "--precision", "bf16", "--compile", "on"),
        *("--set", "problem_args={dtype: float32, size: 32, channels: 16}", "--even-if-slower"),
    ]
    code, _, errors = landscape(*options, "-o", "one.h5")
    assert code == 0, errors
    alone = read_surface(workplace.folder / "one.h5")
    assert "convolutions fused" in errors
    done = workplace.run(*options, "-o", "two.h5", ranks=2)
    assert done.returncode == 0, done.stderr
    assert "convolutions fused" in done.stderr
    for key, values in read_surface(workplace.folder / "two.h5").values.items():
        np.testing.assert_array_equal(values, alone.values[key])

"""Whole runs on an accelerator made of Python: what they ask of it, and the same values."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from landscape_cli.store import read_surface

TESTS = Path(__file__).parents[1]
HAS_PYTHON_BACKENDS = hasattr(
    torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not HAS_PYTHON_BACKENDS, reason="this PyTorch can't have an accelerator made of Python"
    ),
]

PROBLEM = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy


def weighted(model, batch):
    values = cross_entropy(model, batch)
    weights = 1.0 + batch[1]
    return values | {"weighted": (weights * values["loss"], weights)}


class Placed(nn.Sequential):
    def forward(self, inputs):
        for layer in self:
            for parameter in layer.parameters():
                inputs = inputs.to(parameter.device)
            inputs = layer(inputs)
        return inputs


def build(dtype="float32", data="float32", weigh=False, places=None):
    torch.manual_seed(0)
    model = Placed(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(4 * 36, 3)),
    )
    images = torch.randn(50, 1, 6, 6, dtype=getattr(torch, data))
    train = TensorDataset(images, torch.arange(50) % 3)
    objective = weighted if weigh else cross_entropy
    model.to(getattr(torch, dtype))
    if places is not None:
        model[:3].to(places[0])
        model[3:].to(places[1])
    return Problem(model, {"train": train}, objective)
"""

CONFIG = """
problem: images:build
grid: {x: [-1, 1, 3], y: [-1, 1, 3]}
calibrate: false
"""

MAIN = """
import contextlib, io, json, sys
from support import fake_accelerator
from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run

results = {}
for name, arguments in json.load(sys.stdin).items():
    fake_accelerator.calls.clear()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(cli, arguments)
    calls = sorted(set(fake_accelerator.calls))
    results[name] = [code, out.getvalue(), err.getvalue(), calls]
print(json.dumps(results))
"""

SPREAD = ["--set", "problem_args.places=[fake, cpu]"]

REFUSED = {
    "one device": (
        [*SPREAD, "--device", "cpu"],
        "device: got 'cpu', but the model is placed on fake:0",
    ),
    "number": (["--device", "fake:3"], "device: no 'fake:3' here; torch sees 1 fake device,"),
    "fp16": (["--precision", "fp16"], "precision: got 'fp16', which this PyTorch can't compute in"),
    "model": (["--set", "problem_args.dtype=float64"], "device: fake has no torch.float64"),
    "data": (["--set", "problem_args.data=float64"], "torch.float64, which fake can't hold"),
}

COMMANDS = {
    "cpu": ["compute", "run.yaml", "--device", "cpu", "--measure", "gradient", "-o", "cpu.h5"],
    "whole": ["compute", "run.yaml", "--measure", "gradient", "-o", "whole.h5"],
    "redrawn": ["compute", "run.yaml", "--directions", "streamed", "-o", "redrawn.h5"],
    "weighted": ["compute", "run.yaml", "--set", "problem_args.weigh=true", "-o", "weighted.h5"],
    "weighted on cpu": [
        *("compute", "run.yaml", "--set", "problem_args.weigh=true", "--device", "cpu"),
        *("-o", "weighted_cpu.h5"),
    ],
    "spread": ["compute", "run.yaml", *SPREAD, "--measure", "gradient", "-o", "spread.h5"],
    "spread, redrawn": [
        *(
            "compute",
            "run.yaml",
            "--set",
            "problem_args.places=[cpu, fake]",
            "--curvature",
            "plane",
        ),
        *("--directions", "streamed", "--set", "orthogonal=true", "-o", "spread_redrawn.h5"),
    ],
    "redrawn on cpu": [
        *("compute", "run.yaml", "--device", "cpu", "--curvature", "plane"),
        *("--directions", "streamed", "--set", "orthogonal=true", "-o", "redrawn_cpu.h5"),
    ],
    "spread, dry run": ["compute", "run.yaml", *SPREAD, "--dry-run"],
    "dry run": ["compute", "run.yaml", "--dry-run"],
    "doctor": ["doctor"],
    **{
        name: ["compute", "run.yaml", "-o", "no.h5", *given] for name, (given, _) in REFUSED.items()
    },
}

IN_FLOAT64 = {
    "random": ["compute", "--curvature", "plane", "--x", "0:1:2", "--y", "0:0:1"],
    "redrawn": ["compute", "--directions", "streamed", "--set", "orthogonal=true"],
    "downhill": ["compute", "--set", "directions.x={kind: gradient}", "--y", "none"],
    "curve": ["connect", "--from", "one.pt", "--to", "other.pt", "--epochs", "1"],
    "along": [
        *("compute", "--curvature", "gradient", "--set", "batch_norm=frozen"),
        *("--set", "slice={kind: curve, path: DEVICE.curve.h5}", "--set", "checkpoint=one.pt"),
        *("--x", "0:1:2", "--y", "none"),
    ],
    "curvature": ["curvature", "--top", "1", "--trace", "2"],
}
"""Commands without the options that `on` adds."""


def on(device, name, *given):
    """Return a command's arguments for a device; its file is named after both."""
    command, *options = (one.replace("DEVICE", device) for one in given)
    float64 = [f"problem_args.{key}=float64" for key in ("dtype", "data")]
    keys = [word for key in float64 for word in ("--set", key)]
    return [command, "run.yaml", *options, *keys, "--device", device, "-o", file_of(device, name)]


def file_of(device, name):
    """Return the name of the file that a command writes on a device."""
    return f"{device}.curve.h5" if name == "curve" else f"{device}_{name}.h5"


STREAMED = ["compute", "run.yaml", "--cache", "none", "--set", "batch_size=7"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Return a function that runs commands on a machine with the accelerator, in one process.

    For each it gives exit code, output, messages, and what the device was asked.
    """
    folder = tmp_path_factory.mktemp("accelerator")
    (folder / "images.py").write_text(PROBLEM)
    (folder / "run.yaml").write_text(CONFIG)
    (folder / "main.py").write_text(MAIN)

    def machine(commands, **environment):
        paths = os.pathsep.join([str(TESTS), *sys.path])
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            input=json.dumps(commands),
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    machine.folder = folder
    return machine


@pytest.fixture(scope="module")
def done(machine):
    """Return the result of each command, without streams."""
    return machine(COMMANDS | {"streamed": [*STREAMED, "-o", "plain.h5"]})


@pytest.fixture(scope="module")
def surface(machine, done):
    """Return a function that reads a surface that a command wrote."""
    return lambda name: read_surface(machine.folder / f"{name}.h5")


def assert_same(surface, expected, tolerance=0.0):
    for quantity, values in surface.values.items():
        np.testing.assert_allclose(values, expected.values[quantity], rtol=tolerance, atol=0)
        errors = expected.stderr[quantity]
        np.testing.assert_allclose(surface.stderr[quantity], errors, rtol=tolerance, atol=0)


def test_a_whole_run_on_it_gives_the_values_of_the_cpu(done, surface):
    """Sums in float64 are taken on the host, since the device has none."""
    code, _, messages, calls = done["whole"]
    assert code == 0, messages
    assert "fake:0, 1 thread each" in messages
    assert "mem_get_info" in calls
    (rank,) = surface("whole").provenance["runs"][0]["ranks"]
    assert (rank["device"], rank["data"]) == ("fake:0", {"train": "device"})
    assert ("train", "gradient_norm") in surface("whole").values
    assert_same(surface("whole"), surface("cpu"))


def test_batches_are_streamed_on_its_own_streams_if_it_has_any(machine, done, surface):
    (with_streams,) = machine({"": [*STREAMED, "-o", "streams.h5"]}, FAKE_STREAMS="1").values()
    used = {"enter", "record_event", "wait_event", "record_stream", "event.synchronize"}
    for result, expected in ((with_streams, used), (done["streamed"], set())):
        code, _, messages, calls = result
        assert code == 0, messages
        assert used & set(calls) == expected
    for name in ("streams", "plain"):
        assert_same(surface(name), surface("cpu"), 1e-6)


def numbers(path):
    """Return the numbers of a file but times, by name, as bytes."""
    with h5py.File(path) as file:
        found = []
        file.visititems(lambda name, item: found.append((name, item)))
        return {
            name: item[()].tobytes()
            for name, item in found
            if isinstance(item, h5py.Dataset) and item.dtype.kind == "f" and "second" not in name
        }


def test_in_float64_every_bit_is_the_cpus(machine):
    code = (
        "import images, torch\n"
        "for name in ('one', 'other'):\n"
        "    model = images.build('float64').model\n"
        "    torch.nn.init.normal_(model[4].weight) if name == 'other' else None\n"
        "    torch.save(model.state_dict(), f'{name}.pt')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=machine.folder, check=True)
    commands = {
        f"{name} on {device}": on(device, name, *given)
        for name, given in IN_FLOAT64.items()
        for device in ("cpu", "fake")
    }
    spread = on("auto", "curvature", *IN_FLOAT64["curvature"], *SPREAD)
    commands["spread"] = [*spread[:-1], "spread_curvature.h5"]
    for name, (code, _, messages, _) in machine(commands, FAKE_FLOAT64="1").items():
        assert code == 0, (name, messages)
    placed = numbers(machine.folder / "spread_curvature.h5")
    assert placed == numbers(machine.folder / "cpu_curvature.h5")
    for name in IN_FLOAT64:
        expected, found = (numbers(machine.folder / file_of(one, name)) for one in ("cpu", "fake"))
        assert expected
        assert found == expected, name


def test_directions_drawn_again_at_each_point_give_the_same_values(surface):
    assert_same(surface("redrawn"), surface("cpu"))


def test_weighted_means_are_those_of_the_cpu(done, surface):
    assert done["weighted"][0] == 0, done["weighted"][2]
    assert ("train", "weighted") in surface("weighted").values
    assert_same(surface("weighted"), surface("weighted_cpu"))


def test_memory_of_a_run_is_that_of_the_device(done):
    code, out, messages, _ = done["dry run"]
    assert code == 0, messages
    assert f"{12345678 / 2**20:.0f} MiB for each rank" in out
    assert "GPU-hours" in out


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_can_t_do_is_said_in_a_line(machine, done, name):
    code, _, messages, _ = done[name]
    assert code == 2
    assert REFUSED[name][1] in messages
    assert len(messages.strip().splitlines()) == 1
    assert not (machine.folder / "no.h5").exists()


def test_the_doctor_finds_it(done):
    code, out, messages, _ = done["doctor"]
    assert code == 0, messages
    assert "fake:0" in out
    assert "1.0 of 2.0 GiB free" in out


def test_the_estimate_of_a_spread_model_names_its_devices(done):
    code, out, messages, _ = done["spread, dry run"]
    assert code == 0, messages
    assert " s on fake:0 + cpu, threads: 1" in out
    assert "GPU-hours" in out


def test_a_model_that_is_spread_stays_where_it_is_and_has_the_same_values(done, surface):
    for name, reference in (("spread", "cpu"), ("spread_redrawn", "redrawn_cpu")):
        code, _, messages, _ = done[name.replace("_", ", ")]
        assert code == 0, messages
        (rank,) = surface(name).provenance["runs"][0]["ranks"]
        device = rank["device"]
        assert f"rank on {rank['host']}: {device} (" in messages
        assert device == ("fake:0 + cpu" if name == "spread" else "cpu + fake:0")
        assert_same(surface(name), surface(reference))

"""A recording in every command that takes checkpoints, against the same weights in files."""

import json
import re

import numpy as np
import pytest
import torch
from torch import nn

import landscape_cli
from landscape_cli.api import recording
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.store import read_curvature, read_surface
from landscape_cli.store.trajectory_file import read_trajectory
from support.saved_networks import scrambled

STEPS = range(0, 40, 10)


@pytest.fixture
def walk(workplace):
    """Record a regression at four steps, and save each to a file as well; returns the folder."""
    model = nn.Linear(3, 1, dtype=torch.float64)
    for number, step in enumerate(STEPS):
        scrambled(model, step)
        lr, epoch = 0.5 / (number + 1), number / 2
        landscape_cli.record(model, "runs/walk", step, lr=lr, epoch=epoch, dtype="fp64")
        torch.save({"state_dict": model.state_dict(), "epoch": int(epoch)}, f"runs/{step}.pt")
    recording.close()
    return workplace.folder


@pytest.fixture
def done(landscape):
    """Run a command that succeeds; returns what it prints."""

    def done(*arguments):
        code, out, err = landscape(*arguments)
        assert code == 0, err
        return out

    return done


def test_a_trajectory_has_epochs_and_rates_without_a_log(walk, workplace, done):
    config = workplace.config()
    done("trajectory", config, "--checkpoints", "runs/walk", "-o", "a.h5")
    done("trajectory", config, "--checkpoints", "runs/*.pt", "-o", "b.h5")
    found, files = read_trajectory(walk / "a.h5"), read_trajectory(walk / "b.h5")
    np.testing.assert_array_equal(found.coordinates, files.coordinates)
    np.testing.assert_array_equal(found.residuals, files.residuals)
    assert found.labels == ("walk::0", "walk::10", "walk::20", "walk::30")
    assert found.epochs == files.epochs == (0, 0, 1, 1)
    assert found.learning_rates == (0.5, 0.25, 0.5 / 3, 0.125)
    assert files.learning_rates is None
    done("trajectory", config, "--checkpoints", "runs/walk::0:30:10", "-o", "c.h5")
    assert read_trajectory(walk / "c.h5").labels == ("walk::0", "walk::10", "walk::20")


def test_a_surface_around_a_step_knows_its_content(walk, workplace, done, landscape):
    keys = {"checkpoint": "runs/walk::20", "grid": {"x": [-1, 1, 3]}, "threads": 1}
    other = {"kind": "checkpoint", "path": "runs/walk::30"}
    config = workplace.config(**keys, directions={"x": other}, checkpoints=["runs/walk::0:20"])
    done("compute", config, "--quiet")
    found = read_surface(walk / "surface.h5")
    files = workplace.config(
        name="files.yaml",
        **{**keys, "checkpoint": "runs/20.pt", "output": "files.h5"},
        directions={"x": {**other, "path": "runs/30.pt"}},
    )
    done("compute", files, "--quiet")
    expected = read_surface(walk / "files.h5")
    for quantity, values in found.values.items():
        np.testing.assert_array_equal(values, expected.values[quantity])
    facts = found.provenance["checkpoint"]
    assert (facts["path"], facts["key"]) == ("runs/walk", "20")
    assert [one["label"] for one in found.provenance["checkpoints"]] == [
        *("walk::20", "walk::30", "walk::0", "walk::10")
    ]
    assert "runs/walk" in done("info", "surface.h5")
    assert "nothing to do" in done("compute", config, "--quiet")
    model = scrambled(nn.Linear(3, 1, dtype=torch.float64), 99)
    landscape_cli.record(model, "runs/walk", 20, resume=True, dtype="fp64")
    recording.close()
    code, _, err = landscape("compute", config, "--set", "directions.x.path=runs/30.pt")
    assert code == 2
    assert err.count("\n") == 1


def test_curvature_at_every_step(walk, workplace, done):
    config = workplace.config(threads=1)
    done("curvature", config, "--checkpoints", "runs/walk", "--top", "1", "-o", "a.h5", "-q")
    done("curvature", config, "--checkpoints", "runs/*.pt", "--top", "1", "-o", "b.h5", "-q")
    found, files = read_curvature(walk / "a.h5"), read_curvature(walk / "b.h5")
    np.testing.assert_array_equal(found.eigenvalues, files.eigenvalues)
    assert found.epochs == files.epochs == (0, 0, 1, 1)
    assert found.learning_rates == (0.5, 0.25, 0.5 / 3, 0.125)


def test_curves_alignments_and_averages(walk, workplace, done):
    config = workplace.config(threads=1)
    ends = ("--from", "runs/walk::0", "--to", "runs/walk::30")
    done("connect", config, *ends, "--epochs", "1", "-o", "a.curve.h5", "-q")
    done("average", config, "runs/walk", "-o", "swa.pt")
    average = torch.load(walk / "swa.pt", weights_only=True)["state_dict"]
    states = [torch.load(f"runs/{step}.pt", weights_only=True)["state_dict"] for step in STEPS]
    for name, tensor in average.items():
        torch.testing.assert_close(tensor, sum(one[name] for one in states) / len(STEPS))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trajectory", "--checkpoints", "runs/walk::5"], "--checkpoints: 'runs/walk::5' is none"),
        (["trajectory", "--checkpoints", "runs/walk::a:b"], "expected START:STOP:STEP behind"),
        (["compute", "--set", "checkpoint=runs/walk"], "recording of 4 steps from 0 to 30; name"),
        (["compute", "--set", "checkpoint=runs/walk::0:30"], "recording of 4 steps from 0 to 30"),
        (["connect", "--from", "runs/walk", "--to", "runs/0.pt"], "recording of 4 steps"),
        (["curvature", "--checkpoints", "runs/broken"], "recorded-0000000007.safetensors' is dam"),
        (["curvature", "--checkpoints", "runs/other"], "does not fit the model"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(walk, workplace, landscape, arguments, words):
    (walk / "runs/broken").mkdir()
    (walk / "runs/broken/recorded-0000000007.safetensors").write_bytes(b"\x08" + b"\0" * 7 + b"{")
    landscape_cli.record(nn.Linear(2, 1), "runs/other", 1)
    recording.close()
    config = workplace.config(grid={"x": [-1, 1, 3]})
    before = sorted(walk.rglob("*"))
    code, _, err = landscape(arguments[0], config, *arguments[1:])
    assert code == 2, err
    assert words in err
    assert re.fullmatch(r"landscape: [^\n]+\n", err), err
    assert sorted(walk.rglob("*")) == before


def test_identities_differ_from_step_to_step(walk):
    from landscape_cli.run.resume import CheckpointFacts

    facts = [CheckpointFacts.of(CheckpointPath("runs/walk", str(step))) for step in STEPS]
    assert len({one.sha256 for one in facts}) == len(STEPS)
    assert json.dumps([one.as_mapping() for one in facts])

"""`landscape ensemble --along`: networks on a curve, alone and with the first, by plain PyTorch."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_cli.store.curve_file import read_curve, read_curve_points
from landscape_cli.store.reports.ensemble_file import read_ensemble

CURVE, OUTPUT = "ab.curve.h5", "ab.ensemble.json"
PLAIN = {"model": {"norm": False}}


@pytest.fixture
def curve(small, config, landscape):
    """Train a curve between two networks, with batch norm or without, for a few steps."""

    def curve(norm=True, epochs=2, shape="bezier"):
        if not norm:
            for seed, name in enumerate("ab", start=1):
                small.save(f"{name}.pt", seed, norm=False)
        Path(CURVE).unlink(missing_ok=True)
        run = config(**({} if norm else PLAIN))
        ends = ("--from", "a.pt", "--to", "b.pt", "--epochs", epochs, "--curve", shape)
        code, _, errors = landscape("connect", run, *ends, "--threads", 1, "-o", CURVE, "--lr", 0.1)
        assert code == 0, errors
        return run

    return curve


def points(small, norm):
    """The state dicts of the curve's points, and the coefficients of a Bézier curve at t."""
    tensors = read_curve_points(CURVE, read_curve(CURVE)).points
    assert len(tensors) == 3
    return [{name: torch.as_tensor(one[name]) for name in one} for one in tensors]


def network(small, found, t, norm):
    """The network at t, with batch norm's statistics re-estimated on all training samples."""
    net = small.build(norm=norm)
    weights = ((1 - t) ** 2, 2 * t * (1 - t), t**2)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.copy_(sum(c * one[name] for c, one in zip(weights, found, strict=True)))
        if norm:
            hidden = net[0](small.SPLITS["train"].tensors[0])
            parts = hidden.split(128)
            total = len(hidden)
            net[1].running_mean.copy_(sum(len(p) / total * p.mean(0) for p in parts))
            net[1].running_var.copy_(sum(len(p) / total * p.var(0) for p in parts))
    return net.eval()


def scores(p, labels):
    rows = np.arange(len(labels))
    return -np.log(p[rows, labels]).mean(), (p.argmax(axis=1) == labels).mean()


@pytest.mark.parametrize("norm", [True, False])
def test_every_place_is_scored_alone_and_with_the_first(small, curve, landscape, norm):
    run = curve(norm)
    code, out, errors = landscape("ensemble", run, "--along", CURVE, "--points", 5)
    assert code == 0, errors
    record = read_ensemble(OUTPUT)
    assert record.complete
    assert record.curve == CURVE
    assert record.members == ("a.pt", "b.pt")
    assert len(record.tables) == 10
    found = points(small, norm)
    inputs, labels = small.SPLITS["test"].tensors
    labels = labels.numpy()
    with torch.no_grad():
        p = {
            t: network(small, found, t, norm)(inputs).double().softmax(1).numpy()
            for t in (0.0, 0.25, 0.5, 0.75, 1.0)
        }
    for table in record.along("test"):
        own, joint = table.row("member"), table.row("ensemble")
        loss, accuracy = scores(p[table.place], labels)
        assert own.loss == pytest.approx(loss, rel=1e-4)
        assert own.accuracy == pytest.approx(accuracy)
        loss, accuracy = scores((p[0.0] + p[table.place]) / 2, labels)
        assert joint.loss == pytest.approx(loss, rel=1e-4)
        assert joint.accuracy == pytest.approx(accuracy)
        gains = {(one.minus, one.quantity): one.value for one in table.differences}
        assert gains["phi(t)", "loss"] == pytest.approx(joint.loss - own.loss, abs=1e-9)
        first = record.along("test")[0].row("member")
        assert gains["phi(0)", "loss"] == pytest.approx(joint.loss - first.loss, abs=1e-9)
    assert f"test: 50 samples, 5 places on {CURVE}\n" in out
    assert "phi(0) and phi(t) at t = " in out
    assert f"wrote {Path(OUTPUT).absolute()}" in out


def test_without_batch_norm_the_ends_are_an_ensemble_of_checkpoints(curve, landscape):
    run = curve(norm=False)
    assert landscape("ensemble", run, "--along", CURVE, "--points", 2)[0] == 0
    code, _, errors = landscape("ensemble", run, "a.pt", "b.pt", "-o", "ab.json")
    assert code == 0, errors
    last, pair = read_ensemble(OUTPUT).along("test")[-1], read_ensemble("ab.json").tables[1]
    values = ("loss", "accuracy", "brier", "loss_stderr", "bins")
    for one, other in ((last.row("ensemble"), pair.row("ensemble")), (last.row("member"), None)):
        other = other or pair.rows[1]
        assert [getattr(one, name) for name in values] == [getattr(other, name) for name in values]


def test_a_place_on_a_curve_is_a_member(curve, landscape):
    run = curve(norm=False)
    assert landscape("ensemble", run, "--along", CURVE, "--points", 3)[0] == 0
    code, _, errors = landscape("ensemble", run, "a.pt", f"{CURVE}::0.5", "-o", "ab.json")
    assert code == 0, errors
    record = read_ensemble("ab.json")
    assert record.members == ("a", "ab.curve::0.5")
    middle = read_ensemble(OUTPUT).table(("test", 0.5))
    for one, other in (("member", 1), ("ensemble", -1)):
        pair = record.table(("test", None)).rows[other]
        assert middle.row(one).loss == pytest.approx(pair.loss, rel=1e-6)
        assert middle.row(one).accuracy == pair.accuracy


@pytest.mark.slow
def test_it_agrees_with_the_surface_along_the_curve(curve, landscape, surface_of):
    run = curve()
    assert landscape("ensemble", run, "--along", CURVE, "--points", 5)[0] == 0
    along = f"slice={{kind: curve, path: {CURVE}}}"
    grid = ("--set", "grid={x: [0, 1, 5]}", "--set", along, "--checkpoint", "a.pt")
    found = surface_of(run, *grid, "--no-calibrate")
    tables = read_ensemble(OUTPUT).along("test")
    for quantity in ("loss", "accuracy"):
        values = [getattr(table.row("member"), quantity) for table in tables]
        np.testing.assert_allclose(values, found.values["test", quantity], rtol=1e-5)


def settled(name):
    facts = json.loads(Path(name).read_text())
    return {key: value for key, value in facts.items() if key not in ("config", "provenance")}


def test_a_stopped_run_keeps_finished_places_and_is_continued(
    small, curve, config, landscape, monkeypatch
):
    curve(norm=False)
    run = config(objective="stopping", **PLAIN)
    arguments = ("ensemble", run, "--along", CURVE, "--points", 4, "--split", "test")
    assert landscape(*arguments, "-o", "whole.json")[0] == 0
    small.calls.clear()
    monkeypatch.setenv("STOP_AFTER", "11")  # 4 batches for t = 0 to begin with, and 4 a place
    code, out, errors = landscape(*arguments)
    assert code == 75, errors
    assert "stopped by SIGTERM; the same command continues" in out
    kept = read_ensemble(OUTPUT)
    assert not kept.complete
    assert [table.place for table in kept.tables] == [0.0, 1 / 3]
    monkeypatch.delenv("STOP_AFTER")
    assert landscape(*arguments)[0] == 0
    assert settled(OUTPUT) == settled("whole.json")
    assert "nothing to do" in landscape(*arguments)[1]


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
def test_numbers_are_the_same_bits_on_two_ranks(curve, landscape, workplace):
    run = curve()
    arguments = ("ensemble", run, "--along", CURVE, "--points", 3)
    assert landscape(*arguments, "--threads", 1, "-o", "alone.json")[0] == 0
    done = workplace.run(*arguments, "-o", "ranks.json", ranks=2)
    assert done.returncode == 0, done.stderr
    assert settled("ranks.json") == settled("alone.json")


@pytest.mark.slow
def test_batch_norm_is_re_estimated_on_as_many_samples_as_asked_for(curve, landscape):
    run = curve()
    short = ("ensemble", run, "--along", CURVE, "--points", 2, "--split", "test")
    assert landscape(*short)[0] == 0
    assert landscape(*short, "--batch-norm-samples", 200, "-o", "few.json")[0] == 0
    one, other = (read_ensemble(name).tables[0].row("member").loss for name in (OUTPUT, "few.json"))
    assert one != other
    assert one == pytest.approx(other, rel=0.3)
    keys = ("--set", "batch_norm=recalibrate", "--set", "batch_norm_samples=200")
    assert landscape(*short, *keys, "-o", "same.json")[0] == 0
    assert read_ensemble("same.json").tables == read_ensemble("few.json").tables
    run = curve(norm=False)
    other = ("--along", CURVE, "--batch-norm-samples", 9, "-o", "none.json")
    code, _, errors = landscape("ensemble", run, *other)
    assert code == 2
    assert "--batch-norm-samples 9: the model has no batch norm; leave it out" in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--along", CURVE, "a.pt"], f"--along {CURVE}: got a.pt, too"),
        (["--along", CURVE, "--no-average"], f"--along {CURVE}: no weights are averaged"),
        (["--along", CURVE, "--points", "1"], "1 is not in the range"),
        (["a.pt", "b.pt", "--points", "5"], "--points 5: only for a curve; add --along"),
        (["--along", "none.h5"], "none.h5"),
        (["--along", "a.pt"], "a.pt"),
        (["--along", CURVE, "-o", CURVE], f"would replace {CURVE}, which the run reads"),
        (["--along", CURVE, "--set", "problem_args.width=9"], ""),
        (["--along", CURVE, "--set", "problem_args.objective=without"], "exposes no predictions"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(curve, landscape, arguments, words):
    run = curve(epochs=1)
    before = Path(CURVE).read_bytes()
    code, out, errors = landscape("ensemble", run, *arguments)
    assert code == 2
    assert out == ""
    assert words in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert Path(CURVE).read_bytes() == before
    assert not Path(OUTPUT).exists()


def test_a_changed_curve_is_not_added_to_a_file(curve, landscape):
    run = curve(epochs=1)
    arguments = ("ensemble", run, "--along", CURVE, "--split", "test")
    assert landscape(*arguments, "--points", 2)[0] == 0
    assert landscape(*arguments, "--points", 3)[0] == 0  # one place more
    assert [table.place for table in read_ensemble(OUTPUT).along("test")] == [0.0, 0.5, 1.0]
    curve(epochs=2)
    code, _, errors = landscape(*arguments, "--points", 4)
    assert code == 2
    assert f"members: {CURVE} in the file, others or changed ones now" in errors

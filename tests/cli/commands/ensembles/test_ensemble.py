"""`landscape ensemble` against plain PyTorch and NumPy, on any number of ranks."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_cli.store.reports.ensemble_file import read_ensemble

NAMES = ("a.pt", "b.pt", "c.pt")
OUTPUT = "surface.ensemble.json"
MINUS = "\N{MINUS SIGN}"
QUANTITIES = ("loss", "accuracy", "brier")


@pytest.fixture
def ensemble(config, landscape):
    """Run the command; returns code, output, errors."""

    def run(*arguments, checkpoints=NAMES, **keys):
        return landscape("ensemble", config(**keys), *checkpoints, *arguments)

    return run


def probabilities(small, state, split):
    net = small.build()
    net.load_state_dict(state)
    net.eval()
    with torch.no_grad():
        return net(small.SPLITS[split].tensors[0]).double().softmax(dim=1).numpy()


def load(name):
    return torch.load(name, weights_only=True)["state_dict"]


def scores(p, labels):
    """Loss, accuracy and Brier score of each sample."""
    rows = np.arange(len(labels))
    indicator = np.eye(p.shape[1])[labels]
    right = (p.argmax(axis=1) == labels).astype(float)
    return np.stack([-np.log(p[rows, labels]), right, ((p - indicator) ** 2).sum(axis=1)])


def calibration(p, labels, bins=15):
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    total = 0.0
    for k in range(bins):
        inside = (confidence > k / bins) & (confidence <= (k + 1) / bins)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


def close(row, per_sample):
    means = per_sample.mean(axis=1)
    errors = per_sample.std(axis=1, ddof=1) / np.sqrt(per_sample.shape[1])
    assert [getattr(row, name) for name in QUANTITIES] == pytest.approx(means.tolist(), rel=1e-5)
    found = [getattr(row, f"{name}_stderr") for name in QUANTITIES]
    assert found == pytest.approx(errors.tolist(), rel=1e-4)


@pytest.mark.parametrize("split", ["train", "test"])
def test_scores_are_those_of_plain_pytorch(small, ensemble, config, landscape, split):
    code, _, errors = ensemble("--threads", 1)
    assert code == 0, errors
    assert landscape("average", config(), *NAMES, "-o", "swa.pt")[0] == 0
    record = read_ensemble(OUTPUT)
    assert record.complete
    assert record.members == ("a", "b", "c")
    assert record.splits == ("train", "test")
    table = record.table((split, None))
    labels = small.SPLITS[split].tensors[1].numpy()
    assert table.samples == table.predictions == len(labels)
    members = [probabilities(small, load(name), split) for name in NAMES]
    average = probabilities(small, load("swa.pt"), split)
    joint = np.mean(members, axis=0)
    each = [scores(p, labels) for p in members]
    expected = {
        **dict(zip("abc", each, strict=True)),
        "mean of the members": np.mean(each, axis=0),
        "averaged weights": scores(average, labels),
        "averaged predictions": scores(joint, labels),
    }
    assert [row.name for row in table.rows] == list(expected)
    for row in table.rows:
        close(row, expected[row.name])
    named = {row.name: row for row in table.rows}
    errors = [calibration(p, labels) for p in members]
    for name, error in zip("abc", errors, strict=True):
        assert named[name].calibration_error == pytest.approx(error, abs=1e-6)
    assert named["mean of the members"].calibration_error == pytest.approx(np.mean(errors))
    for name, p in (("averaged weights", average), ("averaged predictions", joint)):
        assert named[name].calibration_error == pytest.approx(calibration(p, labels), abs=1e-6)
    for one in table.differences:
        column = QUANTITIES.index(one.quantity)
        apart = expected[one.row][column] - expected[one.minus][column]
        error = apart.std(ddof=1) / np.sqrt(len(apart))
        assert one.value == pytest.approx(apart.mean(), rel=1e-4, abs=1e-7)
        assert one.stderr == pytest.approx(error, rel=1e-4)
    best = [
        min("abc", key=lambda name: sign * expected[name][column].mean())
        for column, sign in enumerate((1, -1, 1))
    ]
    pairs = {(one.row, one.minus, one.quantity) for one in table.differences}
    assert pairs >= {
        ("averaged predictions", name, quantity)
        for name, quantity in zip(best, QUANTITIES, strict=True)
    }


def test_the_table_on_the_terminal(ensemble):
    code, out, errors = ensemble("--split", "test")
    assert code == 0, errors
    table = read_ensemble(OUTPUT).table(("test", None))
    lines = out.splitlines()
    assert lines[0] == "test: 50 samples"
    assert lines[1].split("  ")[-1] == "calibration error"
    (row,) = [line for line in lines if line.startswith("averaged predictions  ")]
    joint = table.row("ensemble")
    assert f"{joint.loss:.3f} ± {joint.loss_stderr:.3f}" in row
    assert f"{100 * joint.accuracy:.1f} ± {100 * joint.accuracy_stderr:.1f} %" in row
    assert row.endswith(f"{joint.calibration_error:.3g}")
    (gain,) = [
        one
        for one in table.differences
        if one.minus.startswith("mean of")
        and one.row == "averaged predictions"
        and one.quantity == "accuracy"
    ]
    (line,) = [line for line in lines if line.startswith(f"averaged predictions {MINUS} mean")]
    sign = MINUS if gain.value < 0 else "+"
    assert f"accuracy {sign}{abs(100 * gain.value):.1f} ± {100 * gain.stderr:.1f} points" in line
    assert any("(the best member by loss" in line for line in lines)
    assert lines[-1] == f"wrote {Path(OUTPUT).absolute()}"
    assert "ensemble of small network: 50 samples of test" in errors


def test_equal_members_are_an_ensemble_that_gains_nothing(ensemble):
    shutil.copy("a.pt", "copy.pt")
    code, _, errors = ensemble("--split", "test", checkpoints=("a.pt", "copy.pt"))
    assert code == 0, errors
    assert "copy.pt holds the same weights as a.pt; both count as members" in errors
    table = read_ensemble(OUTPUT).table(("test", None))
    gains = [
        one
        for one in table.differences
        if one.row == "averaged predictions" and one.minus != "averaged weights"
    ]
    assert all(abs(one.value) < 1e-12 and one.stderr < 1e-12 for one in gains)


def test_samples_and_no_average(ensemble):
    code, _, errors = ensemble("--samples", 20, "--no-average", "--json", "--quiet")
    assert code == 0, errors
    record = read_ensemble(OUTPUT)
    assert [table.samples for table in record.tables] == [20, 20]
    assert [row.role for row in record.tables[0].rows] == ["member"] * 3 + ["mean", "ensemble"]
    assert record.provenance["request"]["average"] is False
    assert record.provenance["weights"][0]["path"] == "a.pt"
    assert record.provenance["splits"]["test"]["samples"] == 20


def test_the_file_is_printed_as_json(ensemble):
    code, out, _ = ensemble("--json", "--quiet")
    assert code == 0
    assert json.loads(out) == json.loads(Path(OUTPUT).read_text())


def test_a_file_gets_the_splits_that_it_lacks(ensemble):
    assert ensemble("--split", "test")[0] == 0
    before = read_ensemble(OUTPUT)
    code, _, errors = ensemble("-o", OUTPUT)
    assert code == 0, errors
    after = read_ensemble(OUTPUT)
    assert after.tables[0] == before.tables[0]
    assert after.splits == ("test", "train")
    assert len(after.provenance["runs"]) == 2
    content = Path(OUTPUT).read_text()
    code, out, _ = ensemble()
    assert code == 0
    assert "has all of this; nothing to do" in out
    assert Path(OUTPUT).read_text() == content
    assert ensemble("--overwrite", "--split", "train")[0] == 0
    assert read_ensemble(OUTPUT).splits == ("train",)


def settled(name):
    """What a file states that must not depend on ranks and interruptions."""
    facts = json.loads(Path(name).read_text())
    return {key: value for key, value in facts.items() if key not in ("config", "provenance")}


def test_a_stopped_run_keeps_what_is_finished_and_is_continued(ensemble, monkeypatch):
    whole = {"objective": "stopping"}
    assert ensemble("-o", "whole.json", **whole)[0] == 0
    # 19 batches of train for three members and their average, then some of test.
    monkeypatch.setenv("STOP_AFTER", str(4 * 19 + 2))
    sys.modules["small"].calls.clear()
    code, out, errors = ensemble(**whole)
    assert code == 75, errors
    assert "stopped by SIGTERM; the same command continues: landscape " in out
    kept = read_ensemble(OUTPUT)
    assert not kept.complete
    assert kept.splits == ("train",)
    monkeypatch.delenv("STOP_AFTER")
    assert ensemble(**whole)[0] == 0
    assert settled(OUTPUT) == settled("whole.json")


def test_a_time_limit_stops_between_two_networks(ensemble, monkeypatch):
    monkeypatch.setenv("PAUSE", "0.05")
    code, out, errors = ensemble("--time-limit", "2s", objective="stopping")
    assert code == 75, errors
    assert "stopped by the time limit" in out
    assert not Path(OUTPUT).exists()


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_numbers_are_the_same_bits_on_any_number_of_ranks(ensemble, workplace, ranks):
    assert ensemble("-o", "alone.json", "--threads", 1)[0] == 0
    done = workplace.run("ensemble", "run.yaml", *NAMES, "-o", "ranks.json", ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert settled("ranks.json") == settled("alone.json")
    assert read_ensemble("ranks.json").provenance["runs"][0]["mpi"]["size"] == ranks


@pytest.mark.mpi
@pytest.mark.slow
def test_an_error_on_ranks_is_one_line(small, config, workplace):
    run = config(objective="failing")
    done = workplace.run("ensemble", run, *NAMES, ranks=2)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("landscape: ")]
    assert len(lines) == 1
    assert "objective.predictions: it failed on batch" in lines[0]
    assert not Path(OUTPUT).exists()


@pytest.mark.parametrize(
    ("checkpoints", "options", "keys", "words"),
    [
        (["a.pt"], [], {}, "CHECKPOINT: got only a.pt, but an ensemble has at least two members"),
        ([], [], {}, "CHECKPOINT: got none, but an ensemble has at least two members"),
        (["none*.pt"], [], {}, "CHECKPOINT: no file matches 'none*.pt'"),
        (["a.pt", "wide.pt"], [], {}, "wide.pt"),
        (NAMES, [], {"objective": "without"}, "objective: without exposes no predictions"),
        (NAMES, [], {"objective": "failing"}, "failed on batch 0 of split 'train': ValueError: no"),
        (NAMES, [], {"objective": "tensor"}, "it returned a Tensor, expected"),
        (NAMES, [], {"objective": "logits"}, "return log-probabilities, such as"),
        (
            NAMES,
            ["--batch-norm-samples", "9", "--no-average"],
            {},
            "--batch-norm-samples 9: no weights are averaged (--no-average); leave it out",
        ),
        (NAMES, ["--split", "val"], {}, "the problem has no split 'val'"),
        (NAMES, ["--batch-norm-samples", "1"], {}, "1 is not in the range"),
        (NAMES, [], {"splits": ("test",)}, "(--no-average leaves them out): it needs the split"),
        (NAMES, [], {"precision": "bf16"}, "precision: got 'bf16', but ensembles are scored"),
        (NAMES, ["--time-limit", "soon"], {}, "time_limit: got"),
        (NAMES, ["-o", "run.yaml"], {}, "would replace run.yaml, which the run reads"),
        (NAMES, ["-o", "b.pt"], {}, "would replace b.pt, which the run reads"),
        (NAMES, ["-o", "small.py"], {}, "is no ensemble file ("),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    small, ensemble, workplace, checkpoints, options, keys, words
):
    small.save("wide.pt", 1, width=9)
    before = {path.name for path in workplace.folder.iterdir()} | {"run.yaml", "__pycache__"}
    code, out, errors = ensemble(*options, checkpoints=checkpoints, **keys)
    assert code == 2, errors
    assert out == ""
    assert words in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert {path.name for path in workplace.folder.iterdir()} <= before
    assert Path("small.py").read_text().startswith("\nimport os")


@pytest.mark.parametrize(
    ("checkpoints", "options", "words"),
    [
        (("a.pt", "b.pt"), [], "members: a.pt, b.pt, c.pt in the file, others or changed ones now"),
        (("b.pt", "a.pt", "c.pt"), [], "members: "),
        (NAMES, ["--samples", 5], "samples: None in the file, 5 now"),
        (NAMES, ["--no-average"], "average: True in the file, False now"),
        (NAMES, ["--batch-norm-samples", 9], "batch_norm_samples: None in the file, 9 now"),
    ],
)
def test_other_numbers_are_not_added_to_a_file(ensemble, checkpoints, options, words):
    assert ensemble("--split", "test")[0] == 0
    before = Path(OUTPUT).read_text()
    code, _, errors = ensemble(*options, checkpoints=checkpoints)
    assert code == 2
    assert words in errors.splitlines()[-1]
    assert Path(OUTPUT).read_text() == before


def test_a_network_that_merges_weights_in_eval_mode(small, config, ensemble, landscape):
    names = ("low1.pt", "low2.pt")
    for seed, name in enumerate(names, start=1):
        small.save(name, seed, first="merging")
    model = {"first": "merging"}
    code, _, errors = ensemble(checkpoints=names, model=model)
    assert code == 0, errors
    assert landscape("average", config(model=model), *names, "-o", "swa.pt")[0] == 0
    assert ensemble("-o", "x.json", checkpoints=("swa.pt", *names), model=model)[0] == 0
    values = ("loss", "accuracy", "brier", "bins")
    for one, other in zip(
        read_ensemble(OUTPUT).tables, read_ensemble("x.json").tables, strict=True
    ):
        average, member = one.row("average"), other.row("member")
        assert [getattr(average, v) for v in values] == [getattr(member, v) for v in values]


def test_what_forward_passes_change_does_not_decide_scores(small, ensemble):
    """Every batch finds the buffers of the start, so a rank's other batches do not matter."""
    small.save("d1.pt", 1, drifting=True)
    small.save("d2.pt", 2, drifting=True)
    code, _, errors = ensemble(
        "--no-average", "--split", "test", checkpoints=("d1.pt", "d2.pt"), model={"drifting": True}
    )
    assert code == 0, errors
    inputs, labels = small.SPLITS["test"].tensors
    for name, row in zip(("d1.pt", "d2.pt"), read_ensemble(OUTPUT).tables[0].rows, strict=False):
        net = small.build(drifting=True)
        net.load_state_dict(load(name))
        with torch.no_grad():
            p = net.eval()(inputs).double().softmax(dim=1).numpy()
        close(row, scores(p, labels.numpy()))


def test_samples_for_batch_norm_without_any_are_refused(small, ensemble):
    for seed in (1, 2):
        small.save(f"plain{seed}.pt", seed, norm=False)
    code, _, errors = ensemble(
        "--batch-norm-samples", 9, checkpoints=["plain*.pt"], model={"norm": False}
    )
    assert code == 2
    assert "--batch-norm-samples 9: the model has no batch norm; leave it out" in errors


def test_batches_of_their_own(small, ensemble):
    assert ensemble("--split", "test", "-o", "whole.json")[0] == 0
    code, _, errors = ensemble("--split", "test", model={"batches": True})
    assert code == 0, errors
    one, other = (read_ensemble(name).tables[0] for name in (OUTPUT, "whole.json"))
    assert one.row("ensemble").loss == pytest.approx(other.row("ensemble").loss, rel=1e-6)


PIXELS = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Predictions, Problem
from landscape_cli.problems.predictions import with_predictions

generator = torch.Generator().manual_seed(0)
IMAGES = torch.randn(20, 2, 4, 4, generator=generator)
LABELS = torch.randint(3, (20, 4, 4), generator=generator)
LABELS[:, 0, :2] = 255
LABELS[3] = 255

def predict(model, batch):
    return Predictions(model(batch[0]).log_softmax(dim=1), batch[1], ignore_index=255)

@with_predictions(predict)
def objective(model, batch):
    loss = nn.functional.cross_entropy(
        model(batch[0]), batch[1], reduction="none", ignore_index=255
    )
    counts = (batch[1] != 255).flatten(1).sum(dim=1)
    return {"loss": (loss.flatten(1).sum(dim=1), counts.double())}

def build(seed=0):
    torch.manual_seed(seed)
    return nn.Conv2d(2, 3, 1)

def problem():
    return Problem(build(), {"test": TensorDataset(IMAGES, LABELS)}, objective)

def save():
    for seed in (1, 2):
        torch.save(build(seed).state_dict(), f"pixels{seed}.pt")
"""


def test_every_pixel_is_a_prediction_and_ignored_ones_do_not_count(workplace, landscape):
    workplace.write("pixels.py", PIXELS)
    sys.modules.pop("pixels", None)
    import pixels

    pixels.save()
    run = workplace.config("pixels:problem")
    code, out, errors = landscape("ensemble", run, "pixels1.pt", "pixels2.pt")
    assert code == 0, errors
    table = read_ensemble(OUTPUT).table(("test", None))
    count = pixels.LABELS != 255
    assert table.samples == 20
    assert table.predictions == int(count.sum()) == 19 * 14
    assert f"test: 20 samples, {19 * 14} predictions" in out
    with torch.no_grad():
        p = torch.stack([pixels.build(seed)(pixels.IMAGES).softmax(1) for seed in (1, 2)])
    mean = p.double().mean(dim=0)
    true = mean.gather(1, pixels.LABELS.where(count, torch.tensor(0))[:, None])[:, 0]
    assert table.row("ensemble").loss == pytest.approx(-true.log()[count].mean().item(), rel=1e-6)
    right = mean.argmax(dim=1) == pixels.LABELS
    assert table.row("ensemble").accuracy == right[count].double().mean().item()


def test_predictions_that_are_no_numbers_are_said(small, ensemble):
    content = torch.load("b.pt", weights_only=True)
    content["state_dict"]["3.bias"][0] = 3e38  # finite, but logits overflow to infinity
    content["state_dict"]["3.weight"][0] = 3e38
    torch.save(content, "b.pt")
    code, out, errors = ensemble("--split", "test", "--no-average")
    assert code == 0, errors
    table = read_ensemble(OUTPUT).table(("test", None))
    rows = {row.name: row for row in table.rows}
    assert rows["a"].not_finite == 0
    assert rows["b"].not_finite == rows["averaged predictions"].not_finite > 0
    assert np.isnan(rows["b"].loss)
    assert np.isnan(rows["averaged predictions"].accuracy)
    assert f"b: {rows['b'].not_finite} predictions are not numbers" in out

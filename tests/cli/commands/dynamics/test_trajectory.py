"""`landscape trajectory` as a black box."""

import csv
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.store.trajectory_file import read_trajectory

FINAL = 11


def network():
    """Return the example regression's parameters, three weights and a bias, in float64."""
    torch.manual_seed(1)
    return nn.Linear(3, 1, dtype=torch.float64).state_dict()


def moved(**entries):
    """Return these parameters, moved along w0, w1, w2 or b."""
    state = network()
    for name, shift in entries.items():
        if name == "b":
            state["bias"] = state["bias"] + shift
        else:
            state["weight"][0, int(name[1])] += shift
    return state


@pytest.fixture
def run(workplace, landscape):
    """Checkpoints along w0 and w1, slightly off along w2; return a function to run the command."""
    for epoch in range(FINAL + 1):
        rest = FINAL - epoch
        state = moved(w0=rest, w1=0.1 * epoch * rest, w2=1e-3 * (rest == 5))
        torch.save({"state_dict": state, "epoch": epoch}, workplace.folder / f"epoch{epoch}.pt")
    config = workplace.config()

    def call(*arguments):
        return landscape("trajectory", config, *arguments)

    call.folder = workplace.folder
    return call


def path(run, name="surface.trajectory.h5"):
    return read_trajectory(run.folder / name)


def direction(run, axis, name="surface.trajectory.h5"):
    with h5py.File(run.folder / name) as file:
        return {one.attrs["name"]: one[()] for one in file[f"{axis}direction"].values()}


def test_the_path_is_in_natural_order_and_configuration_lines_are_printed(run):
    code, out, err = run("--checkpoints", "epoch*.pt")
    assert code == 0
    found = path(run)
    assert found.labels == tuple(f"epoch{epoch}" for epoch in range(FINAL + 1))
    assert found.epochs == tuple(range(FINAL + 1))
    assert found.coordinates[-1].tolist() == [0, 0]
    assert sum(found.explained) > 0.999
    assert found.residuals.argmax() == 6
    lines = out.splitlines()
    file = run.folder / "surface.trajectory.h5"
    assert lines[0] == "Linear: 12 checkpoints of 4 parameters"
    assert lines[1] == f"centre:    {run.folder / 'epoch11.pt'}"
    assert 5e-4 < found.residuals[6] < 1e-3
    assert f"residual:  at most {found.residuals[6]:.4g} (epoch6)" in out
    assert f'  checkpoint: "{run.folder / "epoch11.pt"}"' in lines
    assert f'    x: {{kind: file, path: "{file}"}}' in lines
    assert lines[-1] == f"wrote {file}"
    assert "12/12 checkpoints" in err
    with h5py.File(file) as stored:
        low, high = stored.attrs["range_x"]
    assert f"    x: [{low:g}, {high:g}, 5]" in lines
    assert low < min(found.coordinates[:, 0]) < max(found.coordinates[:, 0]) < high


def test_the_plane_holds_the_checkpoints(run):
    run("--checkpoints", "epoch*.pt")
    found, centre = path(run), network()
    x, y = direction(run, "x"), direction(run, "y")
    for epoch in (0, 3, 9):
        state = torch.load(run.folder / f"epoch{epoch}.pt", weights_only=True)["state_dict"]
        a, b = found.coordinates[epoch]
        for name, tensor in state.items():
            there = centre[name].numpy() + a * x[name] + b * y[name]
            np.testing.assert_allclose(there, tensor.numpy(), atol=2e-4)


def test_the_checkpoint_of_the_configuration_is_the_centre(run, workplace, landscape):
    torch.save(moved(w0=-1), run.folder / "best.pt")
    config = workplace.config(name="best.yaml", checkpoint="best.pt", output="best.h5")
    code, out, _ = landscape("trajectory", config, "--checkpoints", "epoch*.pt")
    assert code == 0
    assert f"centre:    {run.folder / 'best.pt'}" in out
    assert "  checkpoint:" not in out
    found = path(run, "best.trajectory.h5")
    assert np.hypot(*found.coordinates[-1]) == pytest.approx(1, rel=1e-3)


def test_patterns_keep_their_order_and_files_count_once(run):
    patterns = ["epoch9.pt", "epoch1*.pt", "epoch9.pt", "./epoch0.pt"]
    code, _, _ = run(*(word for one in patterns for word in ("--checkpoints", one)))
    assert code == 0
    assert path(run).labels == ("epoch9", "epoch1", "epoch10", "epoch11", "epoch0")


def test_a_file_name_may_contain_pattern_characters(run):
    (run.folder / "lr=[0.1]").mkdir()
    torch.save(moved(b=3), run.folder / "lr=[0.1]" / "epoch0.pt")
    code, _, _ = run("--checkpoints", "lr=[0.1]/epoch0.pt", "--checkpoints", "epoch*.pt")
    assert code == 0
    assert path(run).labels[:2] == ("lr=[0.1]/epoch0.pt", "epoch0.pt")


def test_components_can_be_centred_on_the_mean(run):
    run("--checkpoints", "epoch*.pt")
    about_final = path(run).explained
    code, out, _ = run("--checkpoints", "epoch*.pt", "--center", "mean")
    assert code == 0
    assert "of the variance about the mean" in out
    states = [
        torch.load(run.folder / f"epoch{epoch}.pt", weights_only=True)["state_dict"]
        for epoch in range(FINAL + 1)
    ]
    rows = np.stack([np.append(state["weight"].numpy(), state["bias"].numpy()) for state in states])
    values = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(path(run).explained, values[:2] ** 2 / (values**2).sum())
    assert path(run).explained[0] != pytest.approx(about_final[0], rel=1e-3)


def test_biases_are_left_out_of_directions_but_not_of_distances(run):
    torch.save(moved(w0=3, b=100), run.folder / "epoch2.pt")
    code, out, _ = run("--checkpoints", "epoch*.pt", "--ignore", "biasbn")
    assert code == 0
    assert not direction(run, "x")["bias"].any()
    assert path(run).residuals[2] == pytest.approx(100, rel=1e-3)
    assert "(epoch2)" in out


def test_checkpoints_are_projected_onto_existing_directions(run):
    run("--checkpoints", "epoch*.pt")
    code, out, _ = run(
        *("--checkpoints", "epoch3.pt", "--onto", "surface.trajectory.h5", "-o", "onto.h5")
    )
    assert code == 0
    one, whole = path(run, "onto.h5"), path(run)
    np.testing.assert_allclose(one.coordinates[0], 0, atol=1e-12)
    assert one.explained is None
    assert "explained" not in out
    assert f'x: {{kind: file, path: "{run.folder / "surface.trajectory.h5"}"}}' in out
    assert len(whole.labels) == 12


def test_directions_without_names_are_matched_by_position(run):
    with h5py.File(run.folder / "old.h5", "w") as file:
        for axis, place in (("x", 0), ("y", 1)):
            weight = np.zeros((1, 3), dtype=np.float32)
            weight[0, place] = 2
            file[f"{axis}direction/0"], file[f"{axis}direction/1"] = weight, np.zeros(1)
    code, _, _ = run("--checkpoints", "epoch*.pt", "--onto", "old.h5")
    assert code == 0
    found = path(run)
    np.testing.assert_allclose(found.coordinates[:, 0], (FINAL - np.arange(12)) / 2, atol=1e-12)
    np.testing.assert_allclose(found.residuals, 1e-3 * (np.arange(12) == 6), atol=1e-12)


def test_learning_rates_are_read_from_a_log(run):
    with (run.folder / "log.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "lr"])
        writer.writerows([epoch, 0.1 if epoch < 6 else 0.01] for epoch in range(1, 12))
    code, _, _ = run("--checkpoints", "epoch*.pt", "--log", "log.csv")
    assert code == 0
    rates = path(run).learning_rates
    assert np.isnan(rates[0])
    assert rates[1:] == (0.1,) * 5 + (0.01,) * 6


@pytest.fixture
def bad(run):
    """Further checkpoints, and files that are no checkpoints."""
    torch.save(moved(w1=np.nan), run.folder / "nan.pt")
    torch.save(nn.Linear(4, 1).state_dict(), run.folder / "other.pt")
    for number in range(5):
        torch.save(network(), run.folder / f"same{number}.pt")
        torch.save(moved(w0=number, w1=2 * number), run.folder / f"line{number}.pt")
    (run.folder / "text.csv").write_text("a,b\n")
    with h5py.File(run.folder / "foreign.h5", "w") as file:
        for axis in "xy":
            for place in range(3):
                file[f"{axis}direction/{place}"] = np.ones(3)
    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--checkpoints", "zz*.pt"], "--checkpoints: no file matches 'zz*.pt' in "),
        (["--checkpoints", "."], "--checkpoints: no file matches '.'"),
        (["--checkpoints", "epoch[12].pt"], "checkpoints: got 2; "),
        (["--checkpoints", "epoch*.pt", "--checkpoints", "nan.pt"], "'nan.pt' holds numbers that "),
        (
            ["--checkpoints", "*r.pt", "--checkpoints", "epoch*.pt"],
            "'other.pt' does not fit the mod",
        ),
        (["--checkpoints", "text.csv"], "'text.csv' is not a PyTorch checkpoint"),
        (["--checkpoints", "same*.pt"], "all 5 hold the same weights"),
        (["--checkpoints", "line*.pt"], "all 5 lie on one line up to rounding"),
        (
            ["--checkpoints", "epoch*.pt", "--log", "text.csv"],
            "--log text.csv: expected the columns",
        ),
        (["--checkpoints", "epoch*.pt", "--log", "gone.csv"], "--log: can't read 'gone.csv'"),
        (
            ["--checkpoints", "epoch*.pt", "--onto", "foreign.h5"],
            "--onto foreign.h5: x: made for another network: it has 3 tensors",
        ),
        (["--checkpoints", "epoch*.pt", "--onto", "gone.h5"], "gone.h5: no such file"),
        (["--checkpoints", "epoch*.pt", "-o", "epoch3.pt"], "is an input; name another file"),
        (["--checkpoints", "epoch*.pt", "-o", "surface.h5"], "is the configuration's output"),
        (["--checkpoints", "epoch*.pt", "-o", "."], "is a folder; name a file in it"),
        (["--checkpoints", "epoch*.pt", "--margin", "-1"], "-1.0 is not in the range"),
        ([], "--checkpoints: none given; name a pattern"),
        (["--training", "a=epoch*.pt", "--checkpoints", "nan.pt"], "--training: --checkpoints are"),
        (["--training", "a=epoch*.pt", "--training", "a=same*.pt"], "two trainings are called 'a'"),
        (["--training", "epoch*.pt"], "--training: got 'epoch*.pt', expected NAME=PATTERN"),
        (["--training", "=epoch*.pt"], "--training: got '=epoch*.pt', expected NAME=PATTERN"),
        (["--training", "a=zz*.pt"], "--training: no file matches 'zz*.pt'"),
        (
            ["--training", "a=epoch*.pt", "--training", "b=other.pt"],
            "'other.pt' does not fit the model",
        ),
        (
            ["--training", "a=epoch*.pt", "--training", "b=nan.pt"],
            "'nan.pt' holds numbers that are not finite",
        ),
        (["--training", "a=epoch*.pt", "--log", "b=text.csv"], "--log: 'b' is not a training"),
        (
            ["--training", "a=epoch*.pt", "--training", "b=epoch0.pt", "--log", "text.csv"],
            "--log: got 'text.csv', expected NAME=FILE",
        ),
        (
            ["--checkpoints", "epoch*.pt", "--log", "text.csv", "--log", "text.csv"],
            "--log: given 2 times for one training",
        ),
        (["--checkpoints", "epoch*.pt", "--samples", "3"], "--samples: applies to --losses"),
        (["--checkpoints", "epoch*.pt", "--overwrite"], "--overwrite: applies to --losses"),
        (
            ["--checkpoints", "epoch*.pt", "--losses", "--split", "gone"],
            "--split gone: the problem has no such split; it has train, test",
        ),
        (
            [
                *("--checkpoints", "epoch*.pt", "--gradients"),
                *("--set", "batch_norm=recalibrate"),
            ],
            "--gradients: with batch_norm: recalibrate",
        ),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(bad, arguments, words):
    code, out, err = bad(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert err.startswith("landscape: ")
    assert not (bad.folder / "surface.trajectory.h5").exists()


def test_help_is_instant():
    code = """
import sys
from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run
run(cli, ["trajectory", "--help"])
assert not {"numpy", "matplotlib", "torch", "h5py"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Examples:" in done.stdout


@pytest.mark.parametrize("folder", ["sgd[lr=0.1]", "a*b", "what?", "[a-c]", "runs[1]/[x]"])
def test_folders_and_files_with_wildcards_in_their_names_are_found(run, folder):
    place = run.folder / folder
    place.mkdir(parents=True)
    for number in (0, 3, 11):
        (run.folder / f"epoch{number}.pt").rename(place / f"epoch[{number}].pt")
    (run.folder / "decoy").mkdir()
    for pattern in (f"{folder}/*.pt", f"{place}/*.pt", f"{folder}/epoch[[]*", f"**/{place.name}/*"):
        code, _, err = run("--checkpoints", pattern, "--checkpoints", f"{folder}/epoch[11].pt")
        assert code == 0, err
        assert path(run).labels == ("epoch[0]", "epoch[3]", "epoch[11]")


def test_two_paths_are_drawn_in_one_picture(run, workplace, landscape):
    run("--checkpoints", "epoch*.pt", "-o", "sgd.trajectory.h5")
    base = workplace.config(name="base.yaml", checkpoint="epoch11.pt")
    onto = ("--onto", "sgd.trajectory.h5", "-o", "adam[lr=1].h5")
    assert landscape("trajectory", base, "--checkpoints", "epoch[3-5].pt", *onto)[0] == 0
    file = {"kind": "file", "path": "sgd.trajectory.h5"}
    grid = {"x": [-10, 30, 9], "y": [-10, 30, 9]}
    config = workplace.config(
        name="plane.yaml", checkpoint="epoch11.pt", directions={"x": file, "y": file}, grid=grid
    )
    assert landscape("compute", config)[0] == 0
    both = ("--trajectory", "sgd.trajectory.h5", "--trajectory", "adam[lr=1].h5")
    code, out, err = landscape("plot", "surface.h5", *both, "-o", "both.svg")
    assert (code, out, err) == (0, f"wrote {run.folder / 'both.svg'}\n", "")
    picture = (run.folder / "both.svg").read_text()
    assert "<!-- sgd: 12 checkpoints (by epoch) -->" in picture
    assert "<!-- adam[lr=1]: 3 checkpoints (by epoch) -->" in picture
    code, out, _ = landscape("plot", "surface.h5", *both, "--terminal")
    assert code == 0
    assert "sgd: 12 checkpoints" in out
    assert "adam[lr=1]: 3 checkpoints" in out
    assert landscape("trajectory", base, "--checkpoints", "epoch?.pt", "-o", "own.h5")[0] == 0
    own = ("--trajectory", "sgd.trajectory.h5", "--trajectory", "own.h5", "-o", "own.svg")
    code, _, err = landscape("plot", "surface.h5", *own)
    assert code == 0
    assert err.startswith("note: own.h5 lies in another plane than surface.h5, whose directions ")
    for kind in ("contour", "heatmap", "surface", "relief"):
        arguments = ("--kind", kind, "--dpi", 30, "-o", f"{kind}.png")
        assert landscape("plot", "surface.h5", *both, *arguments)[0] == 0
    code, _, err = landscape("plot", "surface.h5", *both, "-o", "both.h5")
    assert code == 2
    code, _, err = landscape("plot", "surface.h5", *both[:2], "--trajectory", "none.h5")
    assert (code, err) == (2, "landscape: none.h5: no such file\n")


def test_the_plane_is_computed_and_its_path_drawn(run, workplace, landscape):
    run("--checkpoints", "epoch*.pt")
    file = {"kind": "file", "path": "surface.trajectory.h5"}
    config = workplace.config(
        name="plane.yaml", checkpoint="epoch11.pt", directions={"x": file, "y": file}
    )
    assert landscape("compute", config)[0] == 0
    assert landscape("plot", "surface.h5", "--dpi", 50)[2] == (
        "note: 11 of 12 checkpoints of the trajectory lie outside the grid of surface.h5\n"
    )
    run("--checkpoints", "epoch1*.pt", "--onto", "surface.trajectory.h5", "-o", "few.h5")
    code, out, err = landscape("plot", "surface.h5", "--trajectory", "few.h5", "--dpi", 50)
    assert (code, out) == (0, f"wrote {run.folder / 'surface.png'}\n")
    assert err == "note: 2 of 3 checkpoints of the trajectory lie outside the grid of surface.h5\n"


def test_a_path_with_another_centre_is_noted(run, workplace, landscape):
    run("--checkpoints", "epoch*.pt")
    assert landscape("compute", workplace.config(checkpoint="epoch3.pt"))[0] == 0
    code, _, err = landscape("plot", "surface.h5", "--trajectory", "surface.trajectory.h5")
    assert code == 0
    assert "surface.trajectory.h5 is centred on another checkpoint than surface.h5" in err
    code, _, err = landscape("plot", "surface.h5", "--trajectory", "surface.h5")
    assert code == 2
    assert "surface.h5: holds no trajectory" in err


def test_files_are_described_shown_and_drawn(run, landscape):
    log = run.folder / "log.csv"
    log.write_text("epoch,lr\n" + "".join(f"{n},{0.1 if n < 6 else 0.01}\n" for n in range(1, 12)))
    assert run("--checkpoints", "epoch*.pt", "--gradients", "--log", "log.csv")[0] == 0
    code, out, _ = landscape("describe", "surface.trajectory.h5")
    assert code == 0
    assert "12 checkpoints, epoch0 to epoch11" in out
    assert "  lr 0.1       5 steps of length " in out
    assert "cos(step, -gradient)" in out
    code, out, _ = landscape("describe", "surface.trajectory.h5", "--json")
    (facts,) = json.loads(out)["paths"]
    assert len(facts["lengths"]["steps"]) == 11
    assert facts["phases"][1]["steps"] == 6
    code, out, _ = landscape("info", "surface.trajectory.h5")
    assert code == 0
    assert "trajectory of 1 training" in out
    assert "x:         pca 1, proposed range" in out
    assert (
        "12 checkpoints; coordinates, epochs, learning rates, lengths, gradients, test loss, train "
        "gradient_norm, train loss" in out
    )
    code, out, _ = landscape("info", "surface.trajectory.h5", "--json")
    assert json.loads(out)["directions"]["y"]["component"] == 2
    for kind in ("lengths", "losses", "descent"):
        output = run.folder / f"{kind}.png"
        code, _, err = landscape("plot", "surface.trajectory.h5", "--kind", kind, "-o", output)
        assert code == 0, err
        assert output.stat().st_size > 1000


def test_paths_of_several_files_are_drawn_together(run, landscape):
    for name in ("a", "b"):
        assert run("--checkpoints", "epoch*.pt", "-o", f"{name}.trajectory.h5")[0] == 0
    code, out, _ = landscape(
        *("plot", "a.trajectory.h5", "b.trajectory.h5", "--caption", "-o", "both.png")
    )
    assert code == 0
    assert out.startswith("a: 12 checkpoints")
    assert " b: 12 checkpoints" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plot", "F", "--kind", "contour"], "F is a trajectory file; use lengths or losses"),
        (["plot", "F", "--kind", "losses"], "F has no losses; compute them with"),
        (["plot", "F", "--kind", "descent"], "F has no gradients; compute them with"),
        (["plot", "F", "--vmin", "0"], "--vmin: does not apply to trajectory files"),
        (["plot", "F", "epoch0.pt"], "epoch0.pt is no trajectory file, as F is"),
        (["describe", "F", "--split", "train"], "--split: does not apply to trajectory files"),
    ],
)
def test_what_does_not_suit_a_trajectory_file_is_refused(run, landscape, arguments, words):
    assert run("--checkpoints", "epoch*.pt", "-o", "F")[0] == 0
    code, out, err = landscape(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1

"""Runs: existing files, continued files, and what a run leaves behind."""

import h5py
import numpy as np
import pytest
import torch
import yaml

from landscape_cli.config.loading import load_config
from landscape_cli.errors import LandscapeError, ProblemError, StoreError, UsageError
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.store import read_surface, write_surface
from support.surfaces import forget


@pytest.fixture
def run(workplace):
    """Compute a configuration in this process."""

    def run(config=None, overwrite=False, resume=False, **changes):
        name = config or workplace.config()
        return compute(
            load_config(name, changes), SerialExecutor(), overwrite, resume, ["test"], quiet=True
        )

    return run


def test_the_surface_of_a_regression_is_exact(run, workplace):
    """Along the stored directions, the loss is a known polynomial."""
    outcome = run(**{"grid.x": [-2, 1, 7], "grid.y": [-1, 3, 4]})
    assert outcome.computed == 28
    import example

    problem = example.regression()
    inputs, targets = (tensor.numpy() for tensor in problem.splits["train"].tensors)
    w, b = (p.detach().numpy() for p in problem.model.parameters())
    surface = read_surface(outcome.surface)
    with h5py.File(outcome.directions) as file:
        names = [file[f"xdirection/{i}"].attrs["name"] for i in range(2)]
        (dx, ex), (dy, ey) = ([file[f"{a}direction/{i}"][()] for i in range(2)] for a in "xy")
    assert names == ["weight", "bias"]
    assert not ex.any()
    assert not ey.any()
    np.testing.assert_allclose(np.linalg.norm(dx), np.linalg.norm(w), rtol=1e-9)
    for row, y in enumerate(np.linspace(-1, 3, 4)):
        for column, x in enumerate(np.linspace(-2, 1, 7)):
            residuals = inputs @ (w + x * dx + y * dy).T + b - targets
            expected = (residuals**2).mean()
            for split in ("train", "test"):
                assert surface.values[split, "loss"][row, column] == pytest.approx(expected, 1e-10)


def test_a_file_states_its_provenance(run, workplace):
    import example

    example.stored_weights("net.pt")
    surface = read_surface(run(checkpoint="net.pt", splits=["train"], device="cpu").surface)
    provenance = surface.provenance
    assert surface.complete
    assert surface.config["splits"] == ["train"]
    assert surface.config["directions"]["y"] == {
        "kind": "random",
        "seed": 2,
        "normalize": "filter",
        "ignore": "biasbn",
    }
    assert provenance["checkpoint"]["path"] == "net.pt"
    assert len(provenance["checkpoint"]["sha256"]) == 64
    assert provenance["network"]["name"] == "Linear"
    assert provenance["network"]["parameters"] == 4
    assert provenance["splits"]["train"]["samples"] == 50
    assert len(provenance["splits"]["train"]["fingerprint"]) == 32
    assert provenance["directions"]["x"]["seed"] == 1
    assert len(provenance["directions"]["x"]["sha256"]) == 64
    assert abs(provenance["cosines"]["x,y"]) <= 1
    assert provenance["micro_batch"] == 64
    assert provenance["precision"] == "fp32"
    assert provenance["dtypes"] == ["float64"]
    assert provenance["settings"]["micro_batch"] == 64
    (session,) = provenance["runs"]
    assert session["command"] == ["test"]
    assert session["mpi"] == {"size": 1, "library": None}
    assert session["ranks"][0]["device"] == "cpu"
    assert {"torch", "numpy", "h5py", "python", "landscape-cli"} <= set(session["versions"])
    assert session["finished"] >= session["started"]


def test_a_complete_file_is_left_alone(run):
    outcome = run()
    before = outcome.surface.read_bytes()
    for resume in (False, True):
        again = run(resume=resume)
        assert again.computed == 0
        assert again.surface.read_bytes() == before


@pytest.mark.bits
def test_an_incomplete_file_is_continued(run):
    path = run().surface
    whole = read_surface(path)
    forget(path, slice(-7, None), rank=77)
    assert run().computed == 7
    surface = read_surface(path)
    for name, array in whole.values.items():
        np.testing.assert_array_equal(surface.values[name], array)
    assert (surface.rank.ravel()[:-7] == 77).all()
    assert (surface.rank.ravel()[-7:] == 0).all()
    assert len(surface.provenance["runs"]) == 2


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grid.x": [-1, 1, 6]}, r"grid.x: \[-1.0, 1.0, 5\] in the file, \[-1.0, 1.0, 6\] now"),
        ({"directions.y.seed": 5}, "directions.y.seed: 2 in the file, 5 now"),
        ({"directions.x.normalize": "layer"}, "directions.x.normalize: 'filter' in the file"),
        ({"orthogonal": True}, "orthogonal: False in the file, True now"),
        ({"splits": ["train"]}, "splits: "),
        ({"problem_args.samples": 49}, "problem_args.samples: None in the file, 49 now"),
        ({"checkpoint": "net.pt"}, "checkpoint: None in the file, net.pt now"),
        ({"samples": 9}, "samples: None in the file, 9 now"),
        ({"precision": "bf16"}, "precision: 'fp32' in the file, 'bf16' now"),
        ({"batch_size": 3}, "batch_size: 64 in the file, 3 now"),
    ],
)
def test_another_configuration_is_refused_with_its_differences(run, change, words, complete):
    import example

    example.stored_weights("net.pt")
    path = run().surface
    if not complete:
        forget(path, slice(-3, None))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=words):
        run(**change)
    assert path.read_bytes() == before
    assert run(overwrite=True, **change).computed > 0


def test_settings_that_do_not_affect_values_may_change(run):
    path = run().surface
    forget(path, slice(-3, None))
    assert run(threads=1, device="cpu").computed == 3
    moved = path.with_name("moved.h5")
    path.rename(moved)
    assert run(output=str(moved), splits=["train", "test"]).computed == 0


def test_a_checkpoint_with_different_content_is_refused(run):
    import example

    example.stored_weights("net.pt")
    run(checkpoint="net.pt")
    torch.save({k: v + 1 for k, v in example.regression().model.state_dict().items()}, "net.pt")
    with pytest.raises(StoreError, match=r"net.pt now, with different content"):
        run(checkpoint="net.pt")


def test_a_checkpoint_may_be_moved(run, workplace):
    import example

    example.stored_weights("net.pt")
    run(checkpoint="net.pt")
    (workplace.folder / "net.pt").rename("other.pt")
    assert run(checkpoint="other.pt").computed == 0


def test_changed_data_is_refused(run, workplace):
    text = "import example\ndef build():\n    return example.regression({})\n"
    workplace.write("changing_one.py", text.format("50"))
    path = run(problem="changing_one:build").surface
    forget(path, slice(-3, None))
    surface = read_surface(path)
    surface.provenance["splits"]["train"]["fingerprint"] = "0" * 32
    write_surface(path, surface)
    with pytest.raises(StoreError, match="splits: changed since the file was created"):
        run(problem="changing_one:build")


def test_a_direction_that_would_be_drawn_differently_is_refused(run):
    path = run().surface
    forget(path, slice(-3, None))
    surface = read_surface(path)
    surface.provenance["directions"]["x"]["sha256"] = "0" * 64
    write_surface(path, surface)
    with pytest.raises(StoreError, match="directions: "):
        run()


def test_the_micro_batch_of_a_file_is_kept(run):
    path = run(batch_size=7).surface
    assert read_surface(path).provenance["micro_batch"] == 7
    forget(path, slice(-3, None))
    run()
    assert read_surface(path).provenance["micro_batch"] == 7


def test_a_foreign_file_is_not_overwritten_by_accident(run, workplace):
    workplace.write("surface.h5", "precious")
    with pytest.raises(StoreError, match="not an HDF5 file"):
        run()
    assert (workplace.folder / "surface.h5").read_text() == "precious"
    import example

    example.stored_weights("net.pt")
    with pytest.raises(UsageError, match="is the checkpoint"):
        run(checkpoint="net.pt", output="net.pt", overwrite=True)


def test_resume_requires_a_file(run):
    with pytest.raises(StoreError, match="--resume: there is no .*surface.h5"):
        run(resume=True)
    with pytest.raises(UsageError, match="exclude each other"):
        run(resume=True, overwrite=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"splits": ["train", "valid"]}, "no split 'valid'; it has train, test"),
        ({"device": "abacus"}, "device: got 'abacus'"),
        ({"device": "cuda:77"}, "device: no 'cuda:77' here"),
        ({"directions.x.kind": "sideways"}, "directions.x.kind: got 'sideways'"),
        ({"problem": "example:empty"}, "'train' is empty"),
        ({"problem": "example:dropout"}, "is random"),
        ({"output": "."}, "is a folder"),
        ({"output": "run.yaml/s.h5"}, "not a writable folder"),
    ],
)
def test_errors_leave_nothing_behind(run, workplace, change, words):
    with pytest.raises(LandscapeError, match=words):
        run(**change)
    assert {path.name for path in workplace.folder.iterdir()} - {"__pycache__"} == {
        "example.py",
        "run.yaml",
    }


@pytest.mark.bits
def test_every_point_uses_the_same_subset_of_samples(run, workplace):
    config = workplace.config("example:digits_network")
    part = read_surface(run(config, samples=40, output="part.h5").surface)
    assert [part.provenance["splits"][name]["samples"] for name in ("train", "test")] == [40, 40]
    again = read_surface(run(config, samples=40, output="again.h5").surface)
    whole = read_surface(run(config, output="whole.h5").surface)
    for name, values in part.values.items():
        np.testing.assert_array_equal(again.values[name], values)
    loss = ("train", "loss")
    away = np.abs(part.values[loss] - whole.values[loss]) / part.stderr[loss]
    assert 0 < away.max() < 4


def test_the_error_of_a_reduced_precision_is_reported(run, workplace):
    config = workplace.config("example:digits_network")
    surface = read_surface(run(config, precision="bf16", even_if_slower=True).surface)
    errors = surface.provenance["precision_errors"]
    assert len(errors) == 5
    assert errors[0]["coordinates"] == [0, 0]
    assert 0 < errors[0]["relative"]["loss"] < 0.05
    assert surface.provenance["settings"]["precision"] == "bf16"


@pytest.mark.bits
def test_a_continued_run_keeps_its_settings(run, workplace):
    config = workplace.config("example:digits_network")
    first = read_surface(run(config, calibrate=True).surface)
    assert first.provenance["settings"]["fold"] is True
    forget("surface.h5", slice(-5, None))
    assert run(config).computed == 5
    second = read_surface("surface.h5")
    assert second.provenance["settings"] == first.provenance["settings"]
    for name, values in first.values.items():
        np.testing.assert_array_equal(second.values[name], values)


def test_models_without_parameters_are_refused(run, workplace):
    workplace.write(
        "bare.py",
        "from torch import nn\nfrom example import regression\n"
        "from landscape_cli.problems import Problem\n"
        "def build():\n    return Problem(nn.ReLU(), regression().splits, lambda m, b: {})\n",
    )
    with pytest.raises(ProblemError, match="no floating-point or complex parameters"):
        run(problem="bare:build")


def test_random_objectives_can_be_allowed(run):
    surface = read_surface(run(problem="example:dropout", allow_random=True).surface)
    assert surface.complete


def test_a_line_and_more_dimensions(run, workplace):
    line = run(workplace.config(grid={"x": [0, 1, 6]}), output="line.h5")
    assert read_surface(line.surface).values["train", "loss"].shape == (6,)
    space = run(
        workplace.config(grid={"x": [0, 1, 2], "y": [0, 1, 3], "z": [0, 1, 4]}), output="space.h5"
    )
    assert read_surface(space.surface).values["train", "loss"].shape == (4, 3, 2)
    assert list(h5py.File(space.directions)) == ["xdirection", "ydirection", "zdirection"]


def test_output_folders_are_created(run):
    assert run(output="runs/deep/s.h5").surface.exists()


@pytest.mark.bits
def test_the_stored_configuration_computes_the_same(run, workplace):
    first = run()
    text = h5py.File(first.surface).attrs["config"]
    values = yaml.safe_load(text)
    values["output"] = "again.h5"
    workplace.write("again.yaml", yaml.safe_dump(values))
    second = run("again.yaml")
    np.testing.assert_array_equal(
        read_surface(first.surface).values["train", "loss"],
        read_surface(second.surface).values["train", "loss"],
    )

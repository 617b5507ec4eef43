"""Computing from a script or notebook: the same surfaces as on the command line."""

import copy
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import landscape_cli as landscape
from landscape_cli.errors import ProblemError, UsageError
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error
from landscape_cli.store import read_surface

GRID = {"x": (-1, 1, 5), "y": (-1, 1, 4)}


@pytest.fixture
def regression(workplace):
    import example

    return example.regression()


def bowl():
    """A problem whose loss is |theta|^2 + 1/4 at any point."""
    model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    model.weight.data[:] = torch.tensor([[3.0, 4.0]])
    inputs = torch.eye(2, dtype=torch.float64).repeat(2, 1) * 2**0.5
    targets = torch.zeros(4, 1, dtype=torch.float64)
    return landscape.Problem(
        model, {"train": TensorDataset(inputs, targets)}, mean_squared_error, name="bowl"
    )


def test_a_problem_in_memory_gives_the_command_line_s_bits(regression, workplace, surface_of):
    expected = surface_of(workplace.config(threads=1))
    found = landscape.compute(regression, GRID, threads=1, progress=False)
    assert list(found.values) == list(expected.values)
    for key, values in expected.values.items():
        np.testing.assert_array_equal(found.values[key], values)
        np.testing.assert_array_equal(found.stderr[key], expected.stderr[key])
    assert found.provenance["directions"] == expected.provenance["directions"]


def test_values_are_the_closed_form():
    surface = landscape.compute(bowl(), {"x": (-2, 2, 9)}, progress=False)
    # A filter-normalized direction has the weights' norm, 5.
    x = surface.axes["x"]
    low = surface.values["train", "loss"]
    np.testing.assert_allclose(low + low[::-1], 2 * 25 * (1 + x**2), rtol=1e-6)


def test_nothing_is_left_on_disk(workplace, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = sorted(path.name for path in tmp_path.iterdir())
    landscape.compute(bowl(), GRID, progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_output_is_written_reused_and_continued(workplace, monkeypatch):
    calls = []

    def objective(model, batch):
        calls.append(1)
        return mean_squared_error(model, batch)

    problem = landscape.Problem(bowl().model, bowl().splits, objective)
    first = landscape.compute(problem, GRID, output="bowl.h5", progress=False)
    made = len(calls)
    again = landscape.compute(problem, GRID, output="bowl.h5", progress=False)
    assert len(calls) == made
    np.testing.assert_array_equal(again.values["train", "loss"], first.values["train", "loss"])
    assert read_surface("bowl.h5").complete
    with pytest.raises(landscape.LandscapeError, match="was made with another configuration"):
        landscape.compute(problem, {"x": (-2, 2, 5)}, output="bowl.h5", progress=False)
    other = landscape.compute(
        problem, {"x": (-2, 2, 5)}, output="bowl.h5", overwrite=True, progress=False
    )
    assert other.grid.shape == (5,)


def test_a_stopped_surface_is_returned_and_continued(workplace, monkeypatch):
    import example

    problem = example.slow(0.05)
    grid = {"x": (-1, 1, 101)}
    part = landscape.compute(problem, grid, output="s.h5", time_limit="4s", progress=False)
    assert 0 < part.done < part.total
    assert "points done" in repr(part)
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    whole = landscape.compute(example.slow(), grid, output="s.h5", progress=False)
    assert whole.complete
    done = part.status != 0
    for key, values in part.values.items():
        np.testing.assert_array_equal(whole.values[key][done], values[done])


@pytest.mark.parametrize("batch_norm", ["frozen", "perturb", "recalibrate"])
@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_the_same_afterwards(workplace, batch_norm, training):
    import example

    problem = example.digits_network()
    model = problem.model.train(training)
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    parameters = dict(model.named_parameters())
    storage = {name: one.data_ptr() for name, one in parameters.items()}
    images = problem.splits["test"].tensors[0]
    model.eval()
    expected = model(images)
    model.train(training)

    landscape.compute(
        problem,
        GRID,
        batch_norm=batch_norm,
        measures=["gradient"] if batch_norm == "frozen" else [],
        progress=False,
    )

    assert all(module.training is training for module in model.modules())
    after = model.state_dict()
    assert list(after) == list(before)
    for name, tensor in before.items():
        assert torch.equal(after[name], tensor), name
    for name, one in model.named_parameters():
        assert one is parameters[name]
        assert one.data_ptr() == storage[name]
        assert one.grad is None
        assert one.requires_grad is (name != "0.weight")
    assert torch.equal(model.eval()(images), expected)
    model.train()
    cross_entropy(model, (images, problem.splits["test"].tensors[1]))["loss"].mean().backward()


def test_the_model_is_the_same_after_a_failure(workplace):
    import example

    problem = example.failing(above=0.1)
    before = problem.model.weight.detach().clone()
    with pytest.raises(Exception, match="too far out"):
        landscape.compute(problem, GRID, progress=False)
    assert torch.equal(problem.model.weight, before)


def test_a_folded_network_is_the_same_after_a_failure(workplace):
    import example

    found = example.digits_network()
    model, norm = found.model.train(), found.model[1]
    before = copy.deepcopy(model.state_dict())
    weight, folded = model[0].weight, []

    def objective(model, batch):
        if "forward" in vars(norm):
            folded.append(batch)
        if len(folded) > 40:
            raise ValueError("too many batches")
        return cross_entropy(model, batch)

    problem = landscape.Problem(model, found.splits, objective)
    with pytest.raises(Exception, match="too many batches"):
        landscape.compute(problem, {"x": (-1, 1, 51)}, progress=False)

    assert folded
    assert "forward" not in vars(norm)
    assert model[0].weight is weight
    assert dict(model.named_parameters())["0.weight"] is weight
    for name, tensor in before.items():
        assert torch.equal(model.state_dict()[name], tensor), name
    assert all(module.training for module in model.modules())


def test_an_import_path_and_a_configuration_are_problems_too(workplace):
    workplace.config(grid={"x": [-1, 1, 3]})
    one = landscape.compute("example:regression", {"x": (-1, 1, 3)}, progress=False)
    config = landscape.load_config("run.yaml", threads=1)
    other = landscape.compute(config, progress=False)
    assert isinstance(config, landscape.RunConfig)
    assert config.threads == 1
    for key, values in one.values.items():
        np.testing.assert_allclose(other.values[key], values, rtol=1e-12)
    plane = landscape.compute(config, GRID, progress=False)
    assert plane.grid.shape == (4, 5)
    assert plane.config["directions"]["y"]["seed"] == 2


def test_an_auto_range_is_probed(workplace):
    surface = landscape.compute(bowl(), {"x": "auto:7"}, progress=False)
    assert surface.grid.axes["x"].points == 7
    assert surface.provenance["probe"]["x"]["range"] == [
        surface.grid.axes["x"].low,
        surface.grid.axes["x"].high,
    ]


@pytest.mark.parametrize(
    ("arguments", "keys", "message"),
    [
        ((GRID,), {"splits": ["valid"]}, "the problem has no split 'valid'"),
        ((), {}, "compute: grid: give a range by axis"),
        (((-1, 1, 5),), {}, "compute: grid: expected a range by axis"),
        (({"x": (-1, 1)},), {}, "compute: grid.x: "),
        (({"x": (1, -1, 5)},), {}, "MIN must be below MAX"),
        (({"q": (-1, 1, 5)},), {}, "axes must be x, then y, then z"),
        ((GRID,), {"sample": 5}, "compute: unknown key 'sample'"),
        ((GRID,), {"shard": "1/2"}, "compute: shard: is not a setting here"),
        ((GRID,), {"measures": ["hessian"]}, "measures.hessian.kind: got 'hessian'"),
    ],
)
def test_mistakes_are_errors_of_one_line(workplace, arguments, keys, message):
    with pytest.raises(UsageError) as e:
        landscape.compute(bowl(), *arguments, progress=False, **keys)
    assert message in str(e.value)
    assert len(str(e.value).splitlines()) == 1


def test_something_else_than_a_problem_is_refused(workplace):
    with pytest.raises((UsageError, ProblemError), match="problem"):
        landscape.compute(nn.Linear(2, 1), GRID, progress=False)


def test_progress_is_shown_on_standard_error(workplace, capsys):
    landscape.compute(bowl(), GRID)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "bowl: 2 parameters" in captured.err
    assert "20/20 points" in captured.err
    landscape.compute(bowl(), GRID, progress=False)
    assert capsys.readouterr().err == ""


def test_it_works_in_a_thread(workplace):
    found = []
    thread = threading.Thread(
        target=lambda: found.append(landscape.compute(bowl(), GRID, progress=False))
    )
    thread.start()
    thread.join()
    assert found[0].complete


SCRIPT = """
import sys
import landscape_cli as landscape
from mpi4py import MPI
import example

surface = landscape.compute(example.{problem}, {{"x": (-1, 1, 9)}}, threads=1, progress=False)
total = float(surface.values["train", "loss"].sum())
everywhere = MPI.COMM_WORLD.allgather((total, surface.complete))
assert len(set(everywhere)) == 1 and everywhere[0][1], everywhere
if MPI.COMM_WORLD.rank == 0:
    print(repr(total), len({{int(r) for r in surface.rank}}) <= MPI.COMM_WORLD.size)
"""


@pytest.mark.mpi
@pytest.mark.parametrize(
    "ranks", [pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(4, marks=pytest.mark.slow)]
)
def test_a_script_under_mpiexec_has_the_surface_on_every_rank(workplace, ranks, regression):
    expected = landscape.compute(regression, {"x": (-1, 1, 9)}, threads=1, progress=False)
    done = run_script(workplace, "regression()", ranks)
    assert done.returncode == 0, done.stderr
    total, _ = done.stdout.split()
    assert float(total) == float(expected.values["train", "loss"].sum())


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.mpi
def test_a_failure_on_one_rank_ends_the_script_on_all(workplace):
    done = run_script(workplace, "raising(after=0)", 2)
    assert done.returncode != 0
    assert "the objective broke down" in done.stderr


def run_script(workplace, problem, ranks):
    workplace.write("script.py", SCRIPT.format(problem=problem))
    launcher = workplace.command("x", ranks=ranks)[:3]
    return subprocess.run(
        [*launcher, sys.executable, "script.py"],
        cwd=workplace.folder,
        env=workplace.environment() | {"PYTHONPATH": str(workplace.folder)},
        capture_output=True,
        text=True,
        timeout=180,
    )

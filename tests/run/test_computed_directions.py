"""Directions from gradients, momentum and diffusion maps, against plain PyTorch and NumPy."""

import copy
import math
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.problems.checkpoints import file_hash
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.store.diffusion_file import write_diffusion


@pytest.fixture
def compute(workplace, landscape):
    """Return a function that computes a line or plane along sections of directions."""

    def run(problem="example:regression", code=0, **axes):
        keys = axes.pop("keys", {})
        grid = {axis: [-0.1, 0.1, 3] for axis in axes}
        config = workplace.config(problem, grid=grid, directions=axes, threads=1, **keys)
        found, _, err = landscape("compute", config, "--overwrite", "--no-calibrate")
        assert found == code, err
        return err

    return run


def stored(axis="x"):
    with h5py.File("surface.directions.h5") as file:
        return {one.attrs["name"]: one[()] for one in file[f"{axis}direction"].values()}


def flat(tensors):
    return np.concatenate([np.asarray(one).ravel() for one in tensors.values()])


def gradient_of(problem, split="train", rows=slice(None)):
    inputs, targets = problem.splits[split].tensors
    problem.model.zero_grad()
    (problem.model(inputs[rows]) - targets[rows]).square().mean().backward()
    return {name: one.grad.clone() for name, one in problem.model.named_parameters()}


def test_the_gradient_points_downhill_by_a_unit(compute):
    import example

    compute(x={"kind": "gradient"})
    expected = flat(gradient_of(example.regression()))
    found = flat(stored())
    np.testing.assert_allclose(found, -expected / np.linalg.norm(expected), rtol=1e-12)
    with h5py.File("surface.h5") as file:
        left, _, right = file["values/train/loss"][()]
        assert left > right
        slope = (right - left) / 0.2
    assert slope == pytest.approx(-np.linalg.norm(expected), rel=1e-9)  # exact for a parabola


def test_the_gradient_of_another_split_and_checkpoint(compute, workplace):
    workplace.write(
        "two.py",
        "import torch\nfrom example import regression\nfrom landscape_cli.problems import Problem\n"
        "def build():\n"
        "    one, other = regression(), regression(30)\n"
        "    splits = {'train': one.splits['train'], 'test': other.splits['train']}\n"
        "    return Problem(one.model, splits, one.objective)\n",
    )
    import two

    problem = two.build()
    start = copy.deepcopy(problem.model.state_dict())
    moved = {name: tensor + 1 for name, tensor in start.items()}
    torch.save(moved, "moved.pt")
    section = {"kind": "gradient", "path": "moved.pt", "split": "test"}
    compute("two:build", x=section, keys={"splits": ["train"]})
    problem.model.load_state_dict(moved)
    expected = flat(gradient_of(problem, "test"))
    np.testing.assert_allclose(flat(stored()), -expected / np.linalg.norm(expected), rtol=1e-12)
    problem.model.load_state_dict(start)
    inputs, targets = problem.splits["train"].tensors
    loss = (problem.model(inputs) - targets).square().mean().item()
    with h5py.File("surface.h5") as file:
        assert file["values/train/loss"][1] == pytest.approx(loss, rel=1e-13)


def test_the_gradient_in_evaluation_mode_with_batch_norm(compute):
    import example

    compute("example:digits_network", x={"kind": "gradient"}, keys={"splits": ["train"]})
    problem = example.digits_network()
    images, labels = problem.splits["train"].tensors
    problem.model.eval()
    nn.functional.cross_entropy(problem.model(images), labels).backward()
    expected = flat({name: one.grad for name, one in problem.model.named_parameters()})
    np.testing.assert_allclose(flat(stored()), -expected / np.linalg.norm(expected), atol=2e-6)


def train(optimizer_of, steps=3, **beside):
    """Take steps of an optimizer, and save a full training checkpoint."""
    import example

    problem = example.regression()
    optimizer = optimizer_of(problem.model)
    inputs, targets = problem.splits["train"].tensors
    for _ in range(steps):
        optimizer.zero_grad()
        (problem.model(inputs) - targets).square().mean().backward()
        optimizer.step()
    content = {"model": problem.model.state_dict(), "optimizer": optimizer.state_dict(), **beside}
    torch.save(content, "train.pt")
    return problem.model, optimizer


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


@pytest.mark.parametrize(
    ("optimizer_of", "name"),
    [
        (sgd, "momentum_buffer"),
        (lambda model: torch.optim.AdamW(model.parameters(), lr=0.01), "exp_avg"),
    ],
)
def test_momentum_leads_where_the_optimizer_goes_next(compute, optimizer_of, name):
    model, optimizer = train(optimizer_of)
    compute(x={"kind": "momentum", "path": "train.pt"}, keys={"checkpoint": "train.pt"})
    buffers = flat({n: optimizer.state[one][name] for n, one in model.named_parameters()})
    np.testing.assert_allclose(flat(stored()), -buffers / np.linalg.norm(buffers), rtol=1e-12)


def test_a_plane_of_gradient_and_momentum(compute):
    train(sgd)
    sections = {"x": {"kind": "gradient"}, "y": {"kind": "momentum", "path": "train.pt"}}
    compute(**sections, keys={"checkpoint": "train.pt", "orthogonal": True})
    x, y = flat(stored("x")), flat(stored("y"))
    assert abs(x @ y) < 1e-12


def grouped(model):
    groups = [{"params": [model.bias]}, {"params": [model.weight]}]
    return torch.optim.SGD(groups, lr=0.01, momentum=0.9)


def wider(model):
    parameters = [*model.parameters(), nn.Parameter(torch.zeros(2))]
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.save({"model": plain()}, "train.pt"), "has no optimizer's state, but mom"),
        (lambda: train(sgd, other={"state": {}, "param_groups": []}), "has 2 optimizers' states"),
        (lambda: train(sgd, steps=0), "keeps no momentum_buffer or exp_avg; was it saved before"),
        (lambda: train(lambda m: torch.optim.SGD(m.parameters(), lr=0.01)), "keeps no momentum_b"),
        (lambda: train(grouped), "it has 2 groups of parameters without names"),
        (lambda: train(wider), "it has 3 parameters, the network 2"),
    ],
)
def test_momentum_that_is_not_there_is_refused(compute, make, words):
    make()
    err = compute(x={"kind": "momentum", "path": "train.pt"}, code=2)
    assert words in err
    assert "Traceback" not in err


def plain():
    import example

    return example.regression().model.state_dict()


def diffusion_file(psi, noise=0.0):
    """Save checkpoints at places psi along a line, or off it, and their diffusion file."""
    draw = np.random.default_rng(0)
    start = {name: tensor.numpy() for name, tensor in plain().items()}
    slope = {name: draw.normal(size=one.shape) for name, one in start.items()}
    rows, weights = [], []
    for number, value in enumerate(psi):
        state = {
            name: torch.from_numpy(one + value * slope[name] + noise * draw.normal(size=one.shape))
            for name, one in start.items()
        }
        torch.save(state, f"c{number}.pt")
        rows.append(flat(state))
        weights.append({"path": f"c{number}.pt", "sha256": file_hash(f"c{number}.pt")})
    count = len(psi)
    second = np.linspace(1, 2, count) ** 2
    record = Diffusion(
        labels=tuple(f"c{number}" for number in range(count)),
        training=np.zeros(count, np.int64),
        names=("",),
        parameters=4,
        distances2=np.zeros((count, count)),
        squares=np.zeros(count),
        epochs=np.full(count, math.nan),
        eigenvalues=np.array([1.0, 0.5, 0.25]),
        coordinates=np.stack([np.array(psi), second], axis=1),
        provenance={"weights": weights},
    )
    write_diffusion(Path("d.diffusion.h5"), record)
    return np.array(rows), second, flat(slope)


def test_a_line_of_checkpoints_is_the_direction_of_its_coordinate(compute):
    _, _, slope = diffusion_file([0.5, -0.2, 1.0, 3.0, 7.0])
    compute(x={"kind": "diffusion", "path": "d.diffusion.h5"})
    np.testing.assert_allclose(flat(stored()), slope / np.linalg.norm(slope), rtol=1e-10)


def test_the_direction_is_that_of_least_squares(compute):
    rows, second, _ = diffusion_file([0.5, -0.2, 1.0, 3.0, 7.0], noise=0.5)
    compute(
        x={"kind": "diffusion", "path": "d.diffusion.h5"},
        y={"kind": "diffusion", "path": "d.diffusion.h5"},
    )
    for axis, psi in (("x", np.array([0.5, -0.2, 1.0, 3.0, 7.0])), ("y", second)):
        fit = np.linalg.lstsq(np.stack([psi, np.ones(5)], axis=1), rows, rcond=None)[0][0]
        np.testing.assert_allclose(flat(stored(axis)), fit / np.linalg.norm(fit), rtol=1e-9)


def test_streamed_directions_give_the_same_bits(compute):
    diffusion_file([0.5, -0.2, 1.0, 3.0], noise=0.5)
    sections = {"x": {"kind": "diffusion", "path": "d.diffusion.h5"}, "y": {"kind": "gradient"}}
    values = []
    for keep in ("resident", "streamed"):
        compute(**sections, keys={"keep_directions": keep})
        with h5py.File("surface.h5") as file:
            values.append(file["values/train/loss"][()])
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"kind": "gradient", "split": "gone"}, "directions.x.split: the problem has no split"),
        ({"kind": "gradient", "samples": 0}, "directions.x.samples"),
        ({"kind": "gradient", "quantity": "gone"}, "it returns no 'gone' to differentiate"),
        ({"kind": "gradient", "path": "gone.pt"}, "gone.pt"),
        ({"kind": "momentum"}, "directions.x.path"),
        ({"kind": "momentum", "path": "gone.pt"}, "gone.pt"),
        ({"kind": "diffusion", "path": "gone.h5"}, "gone.h5"),
        (
            {"kind": "diffusion", "path": "d.diffusion.h5", "component": 3},
            "directions.x: 'd.diffusion.h5' has 2 coordinates, so there is no coordinate 3",
        ),
        ({"kind": "diffusion", "path": "d.diffusion.h5", "component": 0}, "component"),
    ],
)
def test_mistakes_are_named(compute, section, words):
    diffusion_file([0.0, 1.0, 3.0])
    err = compute(x=section, code=2)
    assert words in err
    assert "Traceback" not in err


def test_a_checkpoint_that_has_changed_since_its_map_is_refused(compute):
    diffusion_file([0.0, 1.0, 3.0])
    torch.save({name: tensor + 1 for name, tensor in plain().items()}, "c1.pt")
    err = compute(x={"kind": "diffusion", "path": "d.diffusion.h5"}, code=2)
    assert "directions.x: checkpoint c1.pt has changed since d.diffusion.h5 was computed" in err


def test_a_gradient_of_zero_is_refused(compute, workplace):
    workplace.write(
        "flat.py",
        "import torch\nfrom example import regression\nfrom landscape_cli.problems import Problem\n"
        "def build():\n"
        "    one = regression()\n"
        "    return Problem(one.model, one.splits, lambda model, batch: "
        "{'loss': 0 * model(batch[0]).squeeze(1)})\n",
    )
    err = compute("flat:build", x={"kind": "gradient"}, code=2)
    assert "directions.x: the gradient at the centre is zero, and so has no direction" in err


@pytest.mark.mpi
@pytest.mark.slow
def test_two_ranks_give_the_same_bits(workplace):
    train(sgd)
    config = workplace.config(
        directions={"x": {"kind": "gradient"}, "y": {"kind": "momentum", "path": "train.pt"}},
        checkpoint="train.pt",
        threads=1,
    )
    values = []
    for ranks in (None, 2):
        done = workplace.run("compute", config, "--overwrite", "--no-calibrate", ranks=ranks)
        assert done.returncode == 0, done.stderr
        with h5py.File("surface.h5") as file:
            values.append(file["values/train/loss"][()])
    np.testing.assert_array_equal(*values)

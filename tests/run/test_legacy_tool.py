"""The numbers of Li et al.'s `loss-landscape`, by its published formulas, against ours.

That tool adds a float32 direction times a coordinate to each parameter, takes the mean loss of each
batch of the network in eval mode, weighs these by the batches' sizes, and counts right answers in
percent.
"""

import copy

import h5py
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from landscape_cli.config.loading import load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.store import read_older_surface, read_surface

GRIDS = {
    "line": {"x": [-1.5, 1, 11]},
    "plane": {"x": [-1, 1.5, 6], "y": [-0.5, 1, 4]},
}


def trained(path, epochs=15):
    """Train the example's network with batch norm on the digits for a few epochs."""
    import example

    problem = example.digits_network()
    optimizer = torch.optim.SGD(problem.model.parameters(), lr=0.05, momentum=0.9)
    torch.manual_seed(0)
    for _ in range(epochs):
        for images, labels in DataLoader(problem.splits["train"], 26, shuffle=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(problem.model(images), labels).backward()
            optimizer.step()
    torch.save(problem.model.state_dict(), path)
    return problem


def stored_direction(file, group):
    """Return the tensors of a direction by position only."""
    return [file[group][str(number)][()] for number in range(len(file[group]))]


@torch.no_grad()
def evaluate(model, weights, directions, place, data):
    """Return mean loss, and accuracy in percent, at a point."""
    for parameter, weight, *entries in zip(model.parameters(), weights, *directions, strict=True):
        step = sum(a * entry for a, entry in zip(place, entries, strict=True))
        parameter.copy_(weight + torch.tensor(step, dtype=torch.float32))
    model.eval()
    criterion = nn.CrossEntropyLoss()
    loss, correct = 0.0, 0
    for images, labels in DataLoader(data, batch_size=32):
        scores = model(images)
        loss += criterion(scores, labels).item() * len(labels)
        correct += scores.max(1)[1].eq(labels).sum()
    return loss / len(data), float(100.0 * correct / len(data))


def older_surface(path, problem, directions, grid):
    """Compute a surface as the tool does, in arrays of shape (nx, ny) by flat indices."""
    axes = [np.linspace(*one) for one in grid.values()]
    places = np.stack([mesh.ravel() for mesh in np.meshgrid(*axes)], axis=1)
    weights = [parameter.detach().clone() for parameter in problem.model.parameters()]
    with h5py.File(path, "w") as file:
        for name, points in zip(grid, axes, strict=True):
            file[f"{name}coordinates"] = points
        for split, data in problem.splits.items():
            losses, accuracies = (-np.ones([len(points) for points in axes]) for _ in range(2))
            for index, place in enumerate(places):
                found = evaluate(problem.model, weights, directions, place, data)
                losses.ravel()[index], accuracies.ravel()[index] = found
            file[f"{split}_loss"], file[f"{split}_acc"] = losses, accuracies


@pytest.mark.parametrize("shape", GRIDS)
def test_surfaces_agree_with_those_of_the_tool(workplace, shape):
    grid = GRIDS[shape]
    problem = trained(workplace.folder / "net.pt")
    config = workplace.config("example:digits_network", grid=grid, checkpoint="net.pt")
    done = compute(load_config(config), SerialExecutor(), False, False, ["test"], quiet=True)
    with h5py.File(done.directions) as file:
        directions = [stored_direction(file, f"{axis}direction") for axis in grid]
    older_surface(workplace.folder / "old.h5", problem, directions, grid)

    theirs, _ = read_older_surface(workplace.folder / "old.h5")
    ours = read_surface(done.surface)
    assert theirs.values.keys() == ours.values.keys()
    assert np.ptp(ours.values["train", "loss"]) > 1
    assert np.ptp(ours.values["test", "accuracy"]) > 0.1
    for (split, quantity), values in ours.values.items():
        other = theirs.values[split, quantity]
        if quantity == "loss":
            np.testing.assert_allclose(other, values, rtol=1e-5)
        else:
            right = [one * len(problem.splits[split]) for one in (other, values)]
            np.testing.assert_array_equal(*(np.rint(one) for one in right))
            np.testing.assert_allclose(right[1], np.rint(right[1]), rtol=1e-12)


def test_the_tool_s_plots_show_our_values(workplace):
    """The tool draws contours over a mesh of the coordinates, and lines over x."""
    for name, grid in GRIDS.items():
        keys = {"output": f"{name}.h5", "samples": 40}
        config = workplace.config("example:digits_network", grid=grid, **keys)
        done = compute(load_config(config), SerialExecutor(), False, False, ["test"], quiet=True)
        surface = read_surface(done.surface)
        with h5py.File(done.surface, "r") as file:
            axes = [file[f"{axis}coordinates"][:] for axis in grid]
            mesh = np.meshgrid(*axes)
            for split in ("train", "test"):
                loss, accuracy = file[f"{split}_loss"][:], file[f"{split}_acc"][:]
                assert mesh[0].shape == loss.shape == accuracy.shape
                for place in np.ndindex(loss.shape):
                    index = surface.grid.nearest(tuple(one[place] for one in mesh))
                    assert loss[place] == surface.values[split, "loss"].flat[index]
                    fraction = surface.values[split, "accuracy"].flat[index]
                    assert accuracy[place] == pytest.approx(100 * fraction, rel=1e-15)


@torch.no_grad()
def evaluate_states(model, states, direction, place, data):
    """Return mean loss and accuracy after moving every entry of the state dict, also counters."""
    moved = copy.deepcopy(states)
    for (name, entry), change in zip(states.items(), direction, strict=True):
        moved[name] = entry + torch.tensor(place * change).to(entry.dtype)
    model.load_state_dict(moved)
    weights = [parameter.clone() for parameter in model.parameters()]
    still = [np.zeros(weight.shape) for weight in weights]
    return evaluate(model, weights, [still], [0.0], data)


def test_the_tool_s_directions_of_states_lead_to_another_network(workplace):
    """Between two networks, batch norm's statistics move too, by position in the file."""
    problem = trained(workplace.folder / "net.pt")
    states = copy.deepcopy(problem.model.state_dict())
    other = trained(workplace.folder / "other.pt", epochs=3)
    ends = zip(states.values(), other.model.state_dict().values(), strict=True)
    direction = [(b - a).numpy() for a, b in ends]
    with h5py.File(workplace.folder / "old.h5", "w") as file:
        for number, entry in enumerate(direction):
            file.create_dataset(f"xdirection/{number}", data=entry)
    config = workplace.config(
        "example:digits_network",
        grid={"x": [0, 1, 6]},
        checkpoint="net.pt",
        perturb="states",
        directions={"x": {"kind": "file", "path": "old.h5"}},
    )
    done = compute(load_config(config), SerialExecutor(), False, False, ["test"], quiet=True)
    values = read_surface(done.surface).values
    for split, data in problem.splits.items():
        expected = [
            evaluate_states(problem.model, states, direction, place, data)
            for place in np.linspace(0, 1, 6)
        ]
        loss, percent = zip(*expected, strict=True)
        np.testing.assert_allclose(values[split, "loss"], loss, rtol=1e-5)
        np.testing.assert_allclose(100 * values[split, "accuracy"], percent, rtol=1e-6)

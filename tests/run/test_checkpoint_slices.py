"""Lines and planes through checkpoints of one network, with the values at the checkpoints."""

import re

import numpy as np
import pytest
import torch

from landscape_cli.store import read_direction, read_surface

FACTORS = {"a": 0.0, "b": 1.0, "c": -0.7, "d": 0.4}


def network(name=None):
    """Build the small network, displaced from its initial weights differently for each name."""
    import example

    problem = example.digits_network()
    if name is not None:
        generator = torch.Generator().manual_seed(ord(name))
        with torch.no_grad():
            for key, tensor in problem.model.state_dict().items():
                if tensor.is_floating_point():
                    noise = torch.rand(tensor.shape, generator=generator)
                    scale = 0.1 if key.endswith("running_var") else 0.3
                    tensor.add_(FACTORS[name] * scale * noise)
    return problem


def losses(name, split="train"):
    problem = network(name)
    images, labels = problem.splits[split].tensors
    with torch.no_grad():
        outputs = problem.model.eval()(images)
        each = torch.nn.functional.cross_entropy(outputs, labels, reduction="none")
        right = (outputs.argmax(1) == labels).double().mean().item()
    return each.double().mean().item(), right


@pytest.fixture
def saved(workplace):
    for name in FACTORS:
        torch.save(network(name).model.state_dict(), workplace.folder / f"{name}.pt")
    return workplace


def plane(workplace, **keys):
    values = {
        "checkpoint": "a.pt",
        "directions": {
            "x": {"kind": "checkpoint", "path": "b.pt"},
            "y": {"kind": "checkpoint", "path": "c.pt"},
        },
        "grid": {"x": [0, 1, 2], "y": [0, 1, 2]},
        "perturb": "states",
        **keys,
    }
    return workplace.config("example:digits_network", **values)


def marks(surface):
    return {
        one["label"]: (one["coordinates"], one["residual"])
        for one in surface.provenance["checkpoints"]
    }


@pytest.mark.parametrize("kept", ["resident", "streamed"])
def test_a_plane_holds_the_checkpoints_values(saved, surface_of, kept):
    surface = surface_of(plane(saved, keep_directions=kept))
    for place, name in (((0, 0), "a"), ((0, 1), "b"), ((1, 0), "c")):
        for split in ("train", "test"):
            loss, right = losses(name, split)
            assert surface.values[split, "loss"][place] == pytest.approx(loss, rel=1e-5)
            assert surface.values[split, "accuracy"][place] == pytest.approx(right)
    found = marks(surface)
    for name, where in (("a", (0, 0)), ("b", (1, 0)), ("c", (0, 1))):
        np.testing.assert_allclose(found[name][0], where, atol=1e-6)
        assert found[name][1] < 1e-5


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.bits
@pytest.mark.mpi
def test_a_plane_is_the_same_on_two_ranks(saved, surface_of):
    config = plane(saved, grid={"x": [-1, 2, 4], "y": [-1, 2, 3]})
    alone = surface_of(config, "--set", "threads=1")
    shared = saved.surface(config, "--overwrite", ranks=2)
    for key, values in alone.values.items():
        np.testing.assert_array_equal(values, shared.values[key])


def test_frozen_statistics_are_those_of_the_centre(saved, surface_of):
    surface = surface_of(plane(saved, perturb="parameters"))
    assert surface.values["train", "loss"][0, 0] == pytest.approx(losses("a")[0], rel=1e-5)
    assert surface.values["train", "loss"][0, 1] != pytest.approx(losses("b")[0], rel=1e-3)


def vectors(*names):
    centre = network("a").model.state_dict()
    floating = [key for key, tensor in centre.items() if tensor.is_floating_point()]
    for name in names:
        state = network(name).model.state_dict()
        yield np.concatenate([(state[k] - centre[k]).double().numpy().ravel() for k in floating])


def test_orthonormal_coordinates_are_distances(saved, surface_of):
    directions = {
        axis: {"kind": "checkpoint", "path": f"{name}.pt", "normalize": "dmodel"}
        for axis, name in (("x", "b"), ("y", "c"))
    }
    surface = surface_of(plane(saved, directions=directions, orthogonal=True, checkpoints=["d.pt"]))
    b, c, d = vectors("b", "c", "d")
    basis, _ = np.linalg.qr(np.stack([b, c], axis=1))
    basis = basis * np.sign(np.diag(basis.T @ np.stack([b, c], axis=1)))
    found = marks(surface)
    for name, vector in (("b", b), ("c", c), ("d", d)):
        np.testing.assert_allclose(found[name][0], basis.T @ vector, rtol=1e-4, atol=1e-5)
        rest = np.linalg.norm(vector - basis @ (basis.T @ vector))
        assert found[name][1] == pytest.approx(rest, rel=1e-4, abs=1e-4)
    distances = [one["distance"] for one in surface.provenance["checkpoints"]]
    expected = [0, *(np.linalg.norm(vector) for vector in (b, c, d))]
    np.testing.assert_allclose(distances, expected, rtol=1e-4)
    assert surface.provenance["norms"]["x"] == pytest.approx(1, rel=1e-6)


def test_more_checkpoints_have_a_least_squares_plane(saved, surface_of):
    directions = {"x": {"kind": "pca"}, "y": {"kind": "pca"}}
    surface = surface_of(plane(saved, directions=directions, checkpoints=["[bcd].pt"]))
    assert surface.config["checkpoints"] == ["b.pt", "c.pt", "d.pt"]
    rows = np.stack(list(vectors("b", "c", "d")))
    _, _, basis = np.linalg.svd(rows, full_matrices=False)
    found = marks(surface)
    for name, row in zip("bcd", rows, strict=True):
        coordinates = basis[:2] @ row
        np.testing.assert_allclose(np.abs(found[name][0]), np.abs(coordinates), rtol=1e-3)
        rest = np.linalg.norm(row - basis[:2].T @ coordinates)
        assert found[name][1] == pytest.approx(rest, rel=1e-3)


@pytest.mark.bits
def test_stored_directions_can_be_reused(saved, surface_of):
    surface_of(plane(saved))
    first = read_surface("surface.h5")
    directions = {axis: {"kind": "file", "path": "surface.directions.h5"} for axis in "xy"}
    again = surface_of(plane(saved, directions=directions, output="again.h5"), output="again.h5")
    for key, values in first.values.items():
        np.testing.assert_array_equal(values, again.values[key])
    crossed = {
        axis: {"kind": "file", "path": "surface.directions.h5", "axis": other}
        for axis, other in ("xy", "yx")
    }
    crossed = surface_of(plane(saved, directions=crossed, output="crossed.h5"), output="crossed.h5")
    np.testing.assert_allclose(
        crossed.values["train", "loss"],
        first.values["train", "loss"].T,
        rtol=1e-6,
    )


def test_the_plane_of_a_trajectory_comes_with_its_path(saved, landscape, surface_of):
    checkpoints = [word for name in "cdba" for word in ("--checkpoints", f"{name}.pt")]
    code, _, errors = landscape("trajectory", plane(saved), *checkpoints, "-o", "path.h5")
    assert code == 0, errors
    directions = {axis: {"kind": "file", "path": "path.h5"} for axis in "xy"}
    surface = surface_of(plane(saved, directions=directions))
    path = surface.provenance["trajectory"]
    assert path["labels"] == ["c", "d", "b", "a"]
    np.testing.assert_allclose(path["coordinates"][-1], 0, atol=1e-6)
    rows = np.stack(list(vectors("c", "d", "b", "a")))
    entries = [dict(read_direction("path.h5", axis)) for axis in "xy"]
    names = list(entries[0])
    assert "1.running_var" in names
    basis = np.stack([np.concatenate([one[n].ravel() for n in names]) for one in entries])
    order = [k for k, v in network("a").model.state_dict().items() if v.is_floating_point()]
    columns = [np.concatenate([one[n].ravel() for n in order]) for one in entries]
    np.testing.assert_allclose(rows @ np.stack(columns).T, path["coordinates"], atol=1e-5)
    assert basis.shape == np.stack(columns).shape
    # Around other weights, the plane has the same directions, but the path lies elsewhere.
    elsewhere = plane(saved, directions=directions, checkpoint="b.pt", output="b.h5")
    _, told, errors = landscape("compute", elsewhere)
    assert "is not drawn: its plane is centred on a checkpoint other than" in errors + told
    assert "trajectory" not in read_surface("b.h5").provenance


def save_odd(folder):
    import example

    other = example.digits_network().model
    other[7] = torch.nn.Linear(72, 9)
    torch.save(other.state_dict(), folder / "other.pt")
    state = network("b").model.state_dict()
    state["0.weight"][0, 0, 0, 0] = torch.nan
    torch.save(state, folder / "nan.pt")
    ahead = {
        key: tensor + (network("b").model.state_dict()[key] - tensor) * 2
        for key, tensor in network("a").model.state_dict().items()
    }
    torch.save(ahead, folder / "twice.pt")


def to(x, y):
    return {
        axis: {"kind": "checkpoint", "path": f"{name}.pt"} for axis, name in (("x", x), ("y", y))
    }


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"directions": to("b", "other")}, "'other.pt' does not fit .*wrong shapes: 7.weight"),
        ({"directions": to("b", "a")}, "directions.y: .*checkpoint a is zero: .*the same weights"),
        ({"directions": to("b", "twice")}, "directions.y: parallel to directions.x"),
        ({"directions": to("nan", "b")}, "'nan.pt' holds numbers that are not finite, in 0.weight"),
        ({"checkpoint": "nan.pt"}, "'nan.pt' holds numbers that are not finite, in 0.weight"),
        ({"directions": to("b", "gone")}, "can't read 'gone.pt': No such file"),
        ({"checkpoints": ["gone*.pt"]}, "checkpoints: no file matches 'gone\\*.pt'"),
        (
            {"directions": {"x": {"kind": "pca"}, "y": {"kind": "pca"}}, "checkpoints": ["b.pt"]},
            "checkpoints: got 1 besides the centre; kind pca needs at least 2",
        ),
        (
            {"directions": {"x": {"kind": "pca"}, "y": {"kind": "pca"}}},
            "checkpoints: got 0 besides the centre",
        ),
        (
            {
                "directions": {"x": {"kind": "pca"}, "y": {"kind": "pca"}},
                "checkpoints": ["b.pt", "twice.pt"],
            },
            "lie on one line",
        ),
        (
            {"directions": {"x": {"include": "1.*"}, "y": {}}, "perturb": "parameters"},
            "directions.x: it is zero in every parameter",
        ),
        (
            {"directions": {"x": {"normalize": "example:nothing"}, "y": {}}},
            "directions.x.normalize: .*has no attribute 'nothing'",
        ),
        (
            {"directions": {"x": {"kind": "file", "path": "a.pt"}, "y": {}}},
            "a.pt: not an HDF5 file",
        ),
    ],
)
def test_errors_name_key_and_value(saved, landscape, keys, words):
    save_odd(saved.folder)
    code, _, err = landscape("compute", plane(saved, **keys))
    assert code == 2, err
    assert len(err.splitlines()) == 1
    assert re.search(words, err), err
    assert not list(saved.folder.glob("*.h5"))


def test_a_direction_of_another_network_is_refused(saved, landscape):
    other = saved.config("example:regression", name="other.yaml", output="other.h5")
    assert landscape("compute", other)[0] == 0
    directions = {axis: {"kind": "file", "path": "other.directions.h5"} for axis in "xy"}
    code, _, err = landscape("compute", plane(saved, directions=directions))
    assert code == 2
    assert re.search("directions.x: 'other.directions.h5': .*for another network", err), err


def test_a_direction_that_moves_buffers_needs_states(saved, landscape):
    assert landscape("compute", plane(saved))[0] == 0
    directions = {axis: {"kind": "file", "path": "surface.directions.h5"} for axis in "xy"}
    keys = {"directions": directions, "perturb": "parameters", "output": "other.h5"}
    code, _, err = landscape("compute", plane(saved, **keys))
    assert code == 2
    assert "moves buffers such as 1.running_mean; add perturb: states" in err


def test_a_user_s_rule_is_imported_by_its_path(saved, landscape):
    saved.write("rules.py", "def tenth(direction, weights):\n    return 0.1 * weights\n")
    directions = {"x": {"normalize": "rules:tenth"}}
    config = saved.config(directions=directions, grid={"x": [0, 10, 2]})
    assert landscape("compute", config)[0] == 0
    import example

    problem = example.regression()
    inputs, targets = problem.splits["train"].tensors
    with torch.no_grad():
        expected = (
            (inputs @ (2 * problem.model.weight).T + problem.model.bias - targets) ** 2
        ).mean()
    assert read_surface("surface.h5").values["train", "loss"][1] == pytest.approx(expected.item())

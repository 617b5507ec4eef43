"""Runs around the checkpoints of trainers: entries, prefixes and folders, wherever one is named."""

import argparse
import json

import pytest
import torch
import yaml
from safetensors.torch import save_file

from landscape_cli.store import read_surface
from landscape_cli.store.trajectory_file import read_centre, read_trajectory

ON_RANKS = (pytest.mark.mpi, pytest.mark.slow, pytest.mark.openmpi)

SEEDS = {"trained": 1, "averaged": 2, "other": 3}

PROBLEMS = """
import argparse
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error
from example import regression

def options():
    torch.serialization.add_safe_globals([argparse.Namespace])
    return regression()

def problem(model):
    data = regression().splits["train"].tensors
    data = TensorDataset(*(one.float() for one in data))
    return Problem(model, {"train": data}, mean_squared_error)

class Extra(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.f, self.scale = nn.Linear(3, 1), 1.0
    def get_extra_state(self):
        return {"scale": self.scale}
    def set_extra_state(self, state):
        self.scale = state["scale"]
    def forward(self, x):
        return self.scale * self.f(x)

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.one, self.two, self.out = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 1)
        self.two.weight = self.one.weight
    def forward(self, x):
        return self.out(torch.tanh(self.two(torch.tanh(self.one(x)))))

def extra():
    return problem(Extra())

def tied():
    return problem(Tied())

def lazy():
    return problem(nn.Sequential(nn.LazyLinear(4), nn.Tanh(), nn.LazyLinear(1)))
"""


def weights(name):
    """Return weights for the example regression, other ones for each name."""
    import example

    state = example.regression().model.state_dict()
    generator = torch.Generator().manual_seed(SEEDS[name])
    return {
        key: torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)
        for key, tensor in state.items()
    }


def loss(name):
    """Return the loss of these weights in plain PyTorch."""
    import example

    problem = example.regression()
    problem.model.load_state_dict(weights(name))
    inputs, targets = problem.splits["train"].tensors
    with torch.no_grad():
        return (problem.model(inputs) - targets).square().mean().item()


@pytest.fixture
def saved(workplace):
    """A folder with a trainer's file that holds two entries, and a Lightning file."""
    workplace.write("problems.py", PROBLEMS)
    folder = workplace.folder
    both = {"state_dict": weights("trained"), "state_dict_ema": weights("averaged"), "epoch": 3}
    torch.save(both, folder / "net.pt")
    state = {f"net.{key}": tensor for key, tensor in weights("other").items()}
    torch.save({"state_dict": state | {"loss.weight": torch.ones(2)}}, folder / "last.ckpt")
    return workplace


LINE = {"x": [0, 1, 2]}


@pytest.mark.parametrize(
    ("checkpoint", "name"),
    [
        ("net.pt", "trained"),
        ("net.pt::state_dict_ema", "averaged"),
        ({"path": "net.pt", "key": "state_dict_ema"}, "averaged"),
        ({"path": "last.ckpt", "prefix": "net."}, "other"),
        ({"path": "last.ckpt", "key": "state_dict", "prefix": "net"}, "other"),
    ],
)
def test_the_centre_is_the_entry_that_is_named(saved, surface_of, landscape, checkpoint, name):
    surface = surface_of(saved.config(checkpoint=checkpoint, grid=LINE))
    assert surface.values["train", "loss"][0] == pytest.approx(loss(name), rel=1e-12)
    facts = surface.provenance["checkpoint"]
    wanted = checkpoint if isinstance(checkpoint, dict) else {}
    assert facts["path"] == (wanted or {"path": checkpoint.split("::")[0]})["path"]
    _, out, _ = landscape("info", "surface.h5")
    (line,) = [line for line in out.splitlines() if line.startswith("checkpoint:")]
    assert ("key state_dict_ema" in line) == (name == "averaged")
    assert ("prefix net." in line) == ("prefix" in wanted)


def test_the_option_takes_the_same_form(saved, surface_of):
    surface = surface_of(saved.config(grid=LINE), "--checkpoint", "net.pt::state_dict_ema")
    assert surface.values["train", "loss"][0] == pytest.approx(loss("averaged"), rel=1e-12)
    assert surface.config["checkpoint"] == {"path": "net.pt", "key": "state_dict_ema"}


def test_a_file_whose_name_holds_the_separator_is_read_as_before(saved, surface_of):
    torch.save(weights("other"), saved.folder / "net.pt::state_dict_ema")
    config = saved.config(checkpoint="net.pt::state_dict_ema", grid=LINE)
    surface = surface_of(config)
    assert surface.values["train", "loss"][0] == pytest.approx(loss("other"), rel=1e-12)
    stored = yaml.safe_dump(surface.config)
    assert "key" not in surface.config["checkpoint"]
    (saved.folder / "again.yaml").write_text(stored)
    assert surface_of("again.yaml").complete
    line = {"x": {"kind": "checkpoint", "path": "net.pt::state_dict_ema"}}
    surface = surface_of(
        saved.config(directions=line, grid=LINE, output="line.h5"), output="line.h5"
    )
    assert surface.values["train", "loss"][1] == pytest.approx(loss("other"), rel=1e-10)
    (saved.folder / "again.yaml").write_text(yaml.safe_dump(surface.config))
    assert surface_of("again.yaml", output="line.h5").complete


@pytest.mark.parametrize("direction", [
    {"path": "net.pt::state_dict_ema"},
    {"path": "net.pt", "key": "state_dict_ema"},
    {"path": {"path": "net.pt", "key": "state_dict_ema"}},
])  # fmt: skip
def test_directions_lead_to_the_entry_that_is_named(saved, surface_of, direction):
    keys = {"checkpoint": "net.pt", "directions": {"x": {"kind": "checkpoint", **direction}}}
    surface = surface_of(saved.config(grid=LINE, **keys))
    found = surface.values["train", "loss"]
    assert found == pytest.approx([loss("trained"), loss("averaged")], rel=1e-10)
    labels = [marker["label"] for marker in surface.provenance["checkpoints"]]
    assert labels == ["net", "net::state_dict_ema"]
    assert "net::state_dict_ema" in surface.provenance["directions"]["x"]["label"]
    section = {"kind": "checkpoint", "path": "net.pt", "key": "state_dict_ema"}
    assert surface.config["directions"]["x"].items() >= section.items()
    again = surface_of(saved.config(grid=LINE, **keys))
    assert len(again.provenance["runs"]) == 1


def test_entries_are_marked_and_span_planes(saved, surface_of):
    keys = {
        "checkpoint": {"path": "last.ckpt", "prefix": "net."},
        "checkpoints": ["net.pt", {"path": "n*.pt", "key": "state_dict_ema"}],
        "directions": {"x": {"kind": "pca"}, "y": {"kind": "pca"}},
    }
    surface = surface_of(saved.config(grid={**LINE, "y": [0, 1, 2]}, **keys))
    labels = [marker["label"] for marker in surface.provenance["checkpoints"]]
    assert labels == ["last", "net", "net::state_dict_ema"]
    residuals = [marker["residual"] for marker in surface.provenance["checkpoints"]]
    assert residuals == pytest.approx([0, 0, 0], abs=1e-6)


def test_another_entry_is_not_continued(saved, surface_of, landscape):
    config = saved.config(checkpoint="net.pt", grid=LINE)
    surface_of(config)
    code, _, errors = landscape("compute", config, "--checkpoint", "net.pt::state_dict_ema")
    assert code == 2
    assert "checkpoint: net.pt in the file, net.pt::state_dict_ema now" in errors
    code, out, _ = landscape("compute", config)
    assert code == 0
    assert "nothing to do" in out


def test_shards_of_other_entries_are_not_merged(saved, landscape):
    config = saved.config(checkpoint="net.pt", grid={"x": [0, 1, 4]})
    for shard, entry in (("1/2", "net.pt"), ("2/2", "net.pt::state_dict_ema")):
        code, _, errors = landscape("compute", config, "--shard", shard, "--checkpoint", entry)
        assert code == 0, errors
    files = sorted(saved.folder.glob("*.shard-?-of-2.h5"))
    code, _, errors = landscape("merge", "merged.h5", *files)
    assert code == 2
    assert "checkpoint (sha256)" in errors


def test_trajectories_of_entries_and_folders(saved, landscape):
    for step in (1, 2, 10):
        folder = saved.folder / "run" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        state = {name: tensor + step for name, tensor in weights("trained").items()}
        state["bias"] = state["bias"] - step**2
        save_file(state, folder / "model.safetensors")
        (folder / "config.json").write_text("{}")
        torch.save({"model": weights("other"), "ema": state, "epoch": step}, f"epoch_{step}.pt")
    config = saved.config(grid={"x": [0, 1, 2], "y": [0, 1, 2]})
    code, out, errors = landscape("trajectory", config, "--checkpoints", "run/checkpoint-*")
    assert code == 0, errors
    path = read_trajectory("surface.trajectory.h5")
    assert path.labels == ("checkpoint-1", "checkpoint-2", "checkpoint-10")
    assert path.epochs == (1, 2, 10)
    code, out, errors = landscape(
        "trajectory", config, "--checkpoints", "epoch_*.pt::ema", "-o", "ema.h5"
    )
    assert code == 0, errors
    entries = read_trajectory("ema.h5")
    assert entries.coordinates == pytest.approx(path.coordinates)
    assert entries.epochs == (1, 2, 10)
    assert read_centre("ema.h5").endswith("::ema")
    (line,) = [line for line in out.splitlines() if line.startswith("  checkpoint: ")]
    centre = yaml.safe_load(line)["checkpoint"]
    assert centre == {"path": str(saved.folder / "epoch_10.pt"), "key": "ema"}


def test_the_path_is_drawn_only_around_its_own_entry(saved, landscape, surface_of):
    for step in (1, 2, 3):
        state = {name: tensor + step**2 for name, tensor in weights("trained").items()}
        state["bias"] = state["bias"] - step
        torch.save({"model": weights("other"), "ema": state}, f"epoch_{step}.pt")
    grid = {"x": [0, 1, 2], "y": [0, 1, 2]}
    landscape("trajectory", saved.config(grid=grid), "--checkpoints", "epoch_*.pt::ema")
    directions = {axis: {"kind": "file", "path": "surface.trajectory.h5"} for axis in "xy"}
    config = saved.config(grid=grid, directions=directions)
    around = surface_of(config, "--checkpoint", "epoch_3.pt::ema")
    assert "trajectory" in around.provenance
    other = surface_of(config, "--checkpoint", "epoch_3.pt", "--overwrite")
    assert "trajectory" not in other.provenance


def test_the_problems_module_allows_objects(saved, landscape, surface_of):
    content = {"model": weights("trained"), "args": argparse.Namespace(rate=0.1)}
    torch.save(content, saved.folder / "args.pt")
    code, _, errors = landscape("compute", saved.config(checkpoint="args.pt", grid=LINE))
    assert code == 2
    assert "torch.serialization.add_safe_globals([argparse.Namespace])" in errors
    assert len(errors.splitlines()) == 1
    assert not (saved.folder / "surface.h5").exists()
    with torch.serialization.safe_globals([argparse.Namespace]):  # forgotten after the test
        surface = surface_of(saved.config("problems:options", checkpoint="args.pt", grid=LINE))
    assert surface.values["train", "loss"][0] == pytest.approx(loss("trained"), rel=1e-12)


def test_the_problems_module_is_imported_before_the_checkpoint_is_read(saved, surface_of):
    content = {"model": weights("trained"), "args": argparse.Namespace(rate=0.1)}
    torch.save(content, saved.folder / "args.pt")
    before = torch.serialization.get_safe_globals()
    try:
        surface_of(saved.config("problems:options", checkpoint="args.pt", grid=LINE))
    finally:
        torch.serialization.clear_safe_globals()
        torch.serialization.add_safe_globals(before)


def build(name):
    import problems

    return getattr(problems, name)()


def centre(problem):
    """Return the loss of a problem's model in plain PyTorch."""
    inputs, targets = problem.splits["train"].tensors
    with torch.no_grad():
        return (problem.model.eval()(inputs) - targets).double().square().mean().item()


def changed(problem):
    with torch.no_grad():
        for parameter in problem.model.parameters():
            parameter += 0.3
    return problem


@pytest.mark.parametrize("ranks", [None, pytest.param(2, marks=ON_RANKS)])
def test_extra_state_is_carried_to_every_rank(saved, surface_of, ranks):
    problem = changed(build("extra"))
    problem.model.scale = 3.0
    torch.save(problem.model.state_dict(), saved.folder / "extra.pt")
    config = saved.config("problems:extra", checkpoint="extra.pt", grid={"x": [-1, 1, 9]})
    surface = saved.surface(config, ranks=ranks) if ranks else surface_of(config)
    values = surface.values["train", "loss"]
    assert values[4] == pytest.approx(centre(problem), rel=1e-6)
    direction = torch.as_tensor(_direction(saved, "f.weight"))
    with torch.no_grad():
        problem.model.f.weight += direction
    assert values[8] == pytest.approx(centre(problem), rel=1e-5)


def _direction(saved, name):
    from landscape_cli.store import read_direction

    path = saved.folder / "surface.directions.h5"
    return dict(read_direction(path, "x"))[name]


def test_tied_tensors_of_safetensors_are_moved_together(saved, surface_of):
    problem = changed(build("tied"))
    state = problem.model.state_dict()
    del state["two.weight"]
    folder = saved.folder / "out"
    folder.mkdir()
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "tied"}))
    surface = surface_of(saved.config("problems:tied", checkpoint="out", grid={"x": [-1, 1, 3]}))
    assert surface.values["train", "loss"][1] == pytest.approx(centre(problem), rel=1e-6)


def test_a_checkpoint_loads_into_a_lazy_model(saved, surface_of):
    torch.manual_seed(7)
    problem = build("lazy")
    problem.model(problem.splits["train"].tensors[0])
    torch.save(problem.model.state_dict(), saved.folder / "lazy.pt")
    surface = surface_of(saved.config("problems:lazy", checkpoint="lazy.pt", grid=LINE))
    assert surface.values["train", "loss"][0] == pytest.approx(centre(problem), rel=1e-6)


@pytest.mark.mpi
@pytest.mark.parametrize(
    "checkpoint",
    [
        "last.ckpt",
        pytest.param("net.pt::nothing", marks=pytest.mark.slow),
        pytest.param("missing.pt", marks=pytest.mark.slow),
    ],
)
def test_refusals_are_one_line_on_two_ranks(saved, checkpoint):
    done = saved.run("compute", saved.config(checkpoint=checkpoint, grid=LINE), ranks=2)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if "checkpoint" in line]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (saved.folder / "surface.h5").exists()


def test_files_of_versions_that_knew_no_entries_are_continued(saved, surface_of):
    config = saved.config(checkpoint="net.pt", grid=LINE)
    surface = surface_of(config)
    assert surface.config["checkpoint"] == "net.pt"
    assert set(surface.provenance["checkpoint"]) == {"path", "sha256"}
    assert read_surface(saved.folder / "surface.h5").complete

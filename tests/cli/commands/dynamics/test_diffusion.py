"""`landscape diffusion` as a black box."""

import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from landscape_cli import record as record_step
from landscape_cli.store.diffusion_file import read_diffusion
from support.diffusion_files import same_record

COUNT = 30
NAME = "surface.diffusion.h5"


def network(**entries):
    """Return the example regression's parameters, moved along w0, w1, w2 or b, in float64."""
    torch.manual_seed(1)
    state = nn.Linear(3, 1, dtype=torch.float64).state_dict()
    for name, shift in entries.items():
        if name == "b":
            state["bias"] = state["bias"] + shift
        else:
            state["weight"][0, int(name[1])] += shift
    return state


def places(seed=0, count=COUNT):
    """Return the places of a training's checkpoints, of shape (count, 4)."""
    numbers = np.random.default_rng(seed)
    line = np.linspace(0, 3, count)
    path = np.stack([line, np.sin(line), 0.1 * line**2, 0 * line], axis=1)
    return path + 0.03 * numbers.normal(size=(count, 4))


def save(folder, name, path):
    for number, (w0, w1, w2, b) in enumerate(path.tolist()):
        state = network(w0=w0, w1=w1, w2=w2, b=b)
        torch.save({"state_dict": state, "epoch": number}, folder / f"{name}{number}.pt")


def distances2(path):
    return ((path[:, None] - path[None]) ** 2).sum(axis=2)


@pytest.fixture
def run(workplace, landscape):
    """Save a training's checkpoints, `a`; return a function to run the command."""
    save(workplace.folder, "a", places())
    config = workplace.config()

    def call(*arguments, patterns=("--checkpoints", "a*.pt")):
        return landscape("diffusion", config, *patterns, *arguments)

    call.folder, call.landscape = workplace.folder, landscape
    return call


def record(run, name=NAME):
    return read_diffusion(run.folder / name)


def record_of(run, *arguments, **more):
    """Run the command, and return what the file holds."""
    code, _, err = run(*arguments, **more)
    assert code == 0, err
    return record(run)


def loaded():
    """Return the example regression's model and data."""
    import example

    problem = example.regression()
    return problem.model, next(iter(DataLoader(problem.splits["train"], batch_size=10**6)))


PROBLEMS = """
import torch
from torch import nn
from landscape_cli import Problem

def problem(model):
    data = torch.utils.data.TensorDataset(torch.zeros(2, 2), torch.zeros(2))
    return Problem(model, {"train": data}, lambda model, batch: {"loss": batch[1]})

def complex_weights():
    return problem(Complex())

class Complex(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.complex64))
        self.bias = nn.Parameter(torch.zeros(2))

def tied():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight, model[1].bias = model[0].weight, model[0].bias
    return problem(model)

def frozen():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1, bias=False))
    model[0].requires_grad_(False)
    return problem(model)

def buffered():
    model = nn.Linear(2, 1)
    model.register_buffer("noise", torch.zeros(5))
    model.register_buffer("count", torch.zeros(3, dtype=torch.long))
    return problem(model)
"""


def test_the_map_of_a_training_is_written_and_described(run):
    code, out, err = run()
    assert code == 0, err
    found = record(run)
    assert found.complete
    assert found.labels == tuple(f"a{number}" for number in range(COUNT))
    assert found.names == ("training 1",)
    assert found.parameters == 4
    np.testing.assert_allclose(found.distances2, distances2(places()), rtol=1e-12)
    np.testing.assert_array_equal(found.distances2, found.distances2.T)
    np.testing.assert_array_equal(found.squares, found.distances2[COUNT // 2])
    assert found.epochs.tolist() == list(range(COUNT))
    assert found.learning_rates is None
    assert found.coordinates.shape == (COUNT, 5)
    assert [one.factor for one in found.spectra] == [0.5, 2.0]
    assert [null.kind for null in found.nulls] == ["permuted", "walk"]
    assert all(len(null.epsilons) == 20 for null in found.nulls)
    assert 0.9 < found.dimension < 1.6
    assert found.statistics["time_correlation"] > 0.95
    lines = out.splitlines()
    assert lines[0] == f"Linear: {COUNT} checkpoints, 4 parameters"
    assert lines[1].startswith(f"epsilon:     {found.epsilon:.4g}, where the kernel's sum grows")
    assert lines[2].startswith(f"dimension:   {found.dimension:.2f}, ")
    assert lines[4].startswith("unlike 20 random walks with the same step lengths: ")
    assert lines[-1] == f"wrote {run.folder / NAME}"
    assert f"{COUNT * (COUNT - 1) // 2}/{COUNT * (COUNT - 1) // 2} distances" in err


def test_other_settings_recompute_the_map_alone(run):
    assert run()[0] == 0
    first = record(run)
    for number in range(COUNT):
        assert (run.folder / f"a{number}.pt").exists()
    changes = ("--alpha", "0.5", "--epsilon", "median", "--components", "3", "--null", "walk")
    code, _, err = run(*changes, "--draws", "3", "--time", "2")
    assert code == 0
    assert "distances" not in err
    changed = record(run)
    assert changed.distances2.tobytes() == first.distances2.tobytes()
    assert (changed.alpha, changed.chosen, changed.time) == (0.5, "median", 2.0)
    assert changed.epsilon == np.sort(first.distances2[np.triu_indices(COUNT, 1)])[217]
    assert changed.coordinates.shape == (COUNT, 3)
    assert [(null.kind, len(null.epsilons)) for null in changed.nulls] == [("walk", 3)]
    assert run("--overwrite", *changes, "--draws", "3", "--time", "2", "-o", "b.h5")[0] == 0
    same_record(changed, record(run, "b.h5"))
    assert run()[0] == 0
    same_record(record(run), first)
    code, out, _ = run()
    assert code == 0
    assert out.splitlines()[-1].endswith("nothing to do (--overwrite recomputes it)")


def test_more_walks_are_added_to_those_that_there_are(run):
    assert run("--draws", "2")[0] == 0
    first = record(run)
    _, _, err = run("--draws", "4")
    assert "4/4 walks" in err
    more = record(run)
    for few, many in zip(first.nulls, more.nulls, strict=True):
        assert len(many.epsilons) == 4
        assert few.eigenvalues.tobytes() == many.eigenvalues[:2].tobytes()
    assert run("--draws", "4", "-o", "b.h5")[0] == 0
    same_record(more, record(run, "b.h5"))
    assert run("--draws", "2")[0] == 0
    same_record(record(run), first)
    assert run("--draws", "2", "--null", "none")[0] == 0
    assert record(run).nulls == ()


def test_several_trainings_share_a_map(run):
    save(run.folder, "b", places(1, 12) + 1)
    both = ("--training", "small=a*.pt", "--training", "large=b*.pt")
    (run.folder / "log.csv").write_text("epoch,lr\n" + "".join(f"{n},0.1\n" for n in range(12)))
    code, out, err = run("--draws", "2", "--log", "large=log.csv", patterns=both)
    assert code == 0, err
    found = record(run)
    assert found.names == ("small", "large")
    assert found.training.tolist() == [0] * COUNT + [1] * 12
    assert found.labels[COUNT] == "large: b0"
    assert np.isnan(found.learning_rates[:COUNT]).all()
    assert found.learning_rates[COUNT:].tolist() == [0.1] * 12
    assert out.startswith(f"Linear: {COUNT + 12} checkpoints of 2 trainings, 4 parameters")
    every = np.concatenate([places(), places(1, 12) + 1])
    np.testing.assert_allclose(found.distances2, distances2(every), rtol=1e-11)


def test_distances_within_a_training_do_not_suffer_from_one_far_away(run):
    save(run.folder, "b", places(1, 12) + 1e4)
    both = ("--training", "near=a*.pt", "--training", "far=b*.pt")
    found = record_of(run, "--null", "none", patterns=both)
    np.testing.assert_allclose(
        found.distances2[COUNT:, COUNT:], distances2(places(1, 12)), rtol=1e-8
    )
    assert found.distances2[0, COUNT] == pytest.approx(4e8, rel=1e-3)


def test_further_checkpoints_are_placed_in_the_map(run):
    save(run.folder, "far", places(1, 3) + 100)
    code, out, err = run("--draws", "2", "--onto", "a1*.pt", "--onto", "far*.pt")
    assert code == 0, err
    found = record(run)
    own = [1, *range(10, 20)]
    assert found.onto.labels[:2] == ("onto: a1", "onto: a10")
    np.testing.assert_allclose(found.onto.coordinates[:11], found.coordinates[own], atol=1e-10)
    assert found.onto.nearest[:11].tolist() == own
    np.testing.assert_allclose(found.onto.reach[:11], 1, atol=1e-12)
    assert found.onto.reach[11:].tolist() == [0, 0, 0]
    assert np.isnan(found.onto.coordinates[11:]).all()
    assert found.onto.training.tolist() == [1] * 14
    assert "onto:        14 further checkpoints" in out
    code, _, err = run("--draws", "2", "--onto", "a2.pt")
    assert code == 0, err
    assert record(run).onto.nearest.tolist() == [2]
    assert record(run).distances2.tobytes() == found.distances2.tobytes()
    assert run("--draws", "2")[0] == 0
    assert record(run).onto is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--epsilon", "0"), "--epsilon: got 0, expected a number above 0"),
        (("--epsilon", "-2"), "--epsilon: got -2"),
        (("--epsilon", "nan"), "--epsilon: got nan"),
        (("--epsilon", "wide"), "got 'wide', expected auto, median or a number above 0"),
        (("--alpha", "1.5"), "--alpha: got 1.5, expected a number from 0 to 1"),
        (("--alpha", "nan"), "--alpha: got nan"),
        (("--time", "-1"), "--time: got -1"),
        (("--components", "30"), "--components: got 30, expected 1 to 29"),
        (("--components", "0"), "--components: got 0"),
        (("--resume",), "there is no"),
        (("--resume", "--overwrite"), "exclude each other"),
        (("-o", "a1.pt"), "would replace"),
        (("--onto", "no*.pt"), "--onto: no file matches"),
        (("--log", "no.csv"), "--log: can't read"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(run, arguments, words):
    code, out, err = run(*arguments)
    assert code == 2
    assert words in err
    assert err.count("\n") == 1
    assert out == ""
    assert not (run.folder / NAME).exists()


def test_too_few_checkpoints_are_refused(run):
    code, _, err = run(patterns=("--checkpoints", "a1.pt", "--checkpoints", "a2.pt"))
    assert (code, err.count("\n")) == (2, 1)
    assert "--checkpoints: got 2, but a diffusion map needs at least 3" in err


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (network(w0=np.nan), "not finite"),
        (network(w0=np.inf), "not finite"),
        (network(w0=1e200), "beyond the range of float64"),
        (nn.Linear(4, 1, dtype=torch.float64).state_dict(), "a12.pt"),
        ({"other": torch.zeros(2)}, "a12.pt"),
    ],
    ids=["nan", "inf", "huge", "shape", "names"],
)
def test_a_checkpoint_that_has_no_place_is_named_and_nothing_is_left(run, state, words):
    torch.save({"state_dict": state}, run.folder / "a12.pt")
    code, _, err = run("--quiet")
    assert code == 2
    assert words in err
    assert "a12.pt" in err
    assert len(err.splitlines()) == 1
    assert not (run.folder / NAME).exists()


def test_equal_checkpoints_are_refused_if_all_are(run):
    for number in range(COUNT):
        torch.save(network(w0=number // 3), run.folder / f"a{number}.pt")
    assert run("--quiet", "--draws", "2")[0] == 0
    found = record(run)
    assert (found.distances2[0, :3] == 0).all()
    np.testing.assert_allclose(found.coordinates[0], found.coordinates[2], atol=1e-9)
    for number in range(COUNT):
        torch.save(network(), run.folder / f"a{number}.pt")
    code, _, err = run("--quiet", "-o", "b.h5")
    assert code == 2
    assert "all 30 hold the same weights up to rounding; there is no path" in err
    assert not (run.folder / "b.h5").exists()


def test_a_file_of_other_checkpoints_is_kept(run):
    assert run("--draws", "2")[0] == 0
    before = (run.folder / NAME).read_bytes()
    code, _, err = run("--draws", "2", patterns=("--checkpoints", "a1*.pt"))
    assert code == 2
    assert "checkpoints: 30 in the file, 11 now" in err
    torch.save(network(w0=5), run.folder / "a7.pt")
    code, _, err = run("--draws", "2")
    assert code == 2
    assert "a7.pt has changed" in err
    assert (run.folder / NAME).read_bytes() == before
    assert run("--draws", "2", "--overwrite")[0] == 0
    moved = places()
    moved[7] = [5, 0, 0, 0]
    np.testing.assert_allclose(record(run).distances2, distances2(moved), rtol=1e-11, atol=1e-15)


def test_entries_of_one_file_are_checkpoints_of_their_own(run):
    entries = {f"step{number}": network(w0=number**2) for number in range(3)}
    torch.save(entries, run.folder / "all.pt")
    patterns = [one for name in entries for one in ("--checkpoints", f"all.pt::{name}")]
    few = ("--draws", "2", "--components", "2", "--quiet")
    found = record_of(run, *few, patterns=patterns)
    assert found.labels == ("all::step0", "all::step1", "all::step2")
    np.testing.assert_allclose(np.sqrt(found.distances2[0]), [0, 1, 4], rtol=1e-12)
    code, _, err = run(*few, patterns=[*patterns[:4], "--checkpoints", "a5.pt"])
    assert code == 2
    assert "a5.pt has changed" in err


def test_three_checkpoints_have_a_map(run):
    code, _, err = run("--components", "2", "--draws", "2", patterns=("--checkpoints", "a[0-2].pt"))
    assert code == 0, err
    assert record(run).coordinates.shape == (3, 2)


def test_losses_are_computed_and_outlast_other_maps(run):
    few = ("--draws", "2", "--quiet")
    assert record_of(run, *few).losses is None
    found = record_of(run, *few, "--losses")
    model, (inputs, targets) = loaded()
    for number in (0, 7, 29):
        model.load_state_dict(torch.load(run.folder / f"a{number}.pt")["state_dict"])
        expected = ((model(inputs) - targets) ** 2).mean().item()
        assert found.losses[number] == pytest.approx(expected, rel=1e-12)
    assert found.provenance["losses"] == {"split": "train", "quantity": "loss"}
    assert (run.folder / "surface.diffusion.losses.h5").exists()
    again = record_of(run, *few, "--components", "2")
    assert again.losses.tobytes() == found.losses.tobytes()
    code, _, err = run("--split", "train")
    assert code == 2
    assert "--split: applies to --losses" in err


FAILING = """
from example import regression
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error

def build():
    problem = regression()
    def objective(model, batch):
        if float(model.bias) > 50:
            raise RuntimeError("too far")
        return mean_squared_error(model, batch)
    return Problem(problem.model, {"train": problem.splits["train"]}, objective)
"""


def test_losses_with_failures_are_not_stored_with_the_map(run, workplace):
    workplace.write("failing.py", FAILING)
    torch.save(network(b=100), run.folder / "a12.pt")
    config = workplace.config("failing:build", "failing.yaml", threads=1, keep_going=True)
    few = ("--checkpoints", "a1*.pt", "--draws", "2", "--losses", "--quiet")
    code, out, _ = run.landscape("diffusion", config, *few)
    assert code == 1
    assert "no losses stored: 1 checkpoints failed, the first with RuntimeError: too far" in out
    assert record(run).losses is None
    assert record(run).complete


def test_losses_go_on_where_they_were_stopped(run):
    few = ("--draws", "2", "--quiet")
    assert run(*few)[0] == 0
    code, out, _ = run(*few, "--losses", "--time-limit", "1s")
    assert code == 75
    assert "stopped by the time limit with 30 losses left to compute" in out
    found = record_of(run, *few, "--losses")
    assert np.isfinite(found.losses).all()


def test_what_was_recorded_with_checkpoints_is_kept(run):
    model, _ = loaded()
    for step, (w0, w1, w2, b) in enumerate(places(count=12).tolist()):
        model.load_state_dict(network(w0=w0, w1=w1, w2=w2, b=b))
        loss = None if step == 3 else step / 10
        record_step(model, "walk", 10 * step, lr=0.5, loss=loss, epoch=step / 4, dtype="fp64")
    few = ("--draws", "2", "--quiet", "--onto", "walk::50")
    found = record_of(run, *few, patterns=("--checkpoints", "walk"))
    assert found.steps.tolist() == list(range(0, 120, 10))
    assert found.epochs.tolist() == [step / 4 for step in range(12)]
    assert found.learning_rates.tolist() == [0.5] * 12
    assert np.isnan(found.losses[3])
    assert np.delete(found.losses, 3).tolist() == [n / 10 for n in range(12) if n != 3]
    assert found.onto.steps.tolist() == [50]
    assert found.onto.losses.tolist() == [0.5]
    np.testing.assert_allclose(found.distances2, distances2(places(count=12)), rtol=1e-11)


@pytest.mark.parametrize(
    ("problem", "count"), [("complex_weights", 10), ("tied", 6), ("frozen", 8), ("buffered", 3)]
)
def test_only_what_a_path_is_made_of_counts(run, problem, count):
    """Complex entries as two, shared ones once, frozen ones too, buffers and integers not."""
    run.folder.joinpath("own.py").write_text(PROBLEMS)
    config = run.folder / "own.yaml"
    config.write_text(f"problem: own:{problem}\ngrid: {{x: [-1, 1, 3]}}\noutput: surface.h5\n")
    (run.folder / "surface.diffusion.h5").unlink(missing_ok=True)
    sys.path.insert(0, str(run.folder))
    sys.modules.pop("own", None)
    import own

    model = getattr(own, problem)().model
    rows = []
    for number in range(4):
        torch.manual_seed(number)
        with torch.no_grad():
            for tensor in [*model.parameters(), *model.buffers()]:
                if tensor.is_floating_point() or tensor.is_complex():
                    tensor.copy_(torch.randn_like(tensor))
        torch.save(model.state_dict(), run.folder / f"c{number}.pt")
        flat = [torch.view_as_real(p) if p.is_complex() else p for p in model.parameters()]
        rows.append(torch.cat([p.detach().double().reshape(-1) for p in flat]).numpy())
    few = ("--draws", "2", "--components", "2", "--quiet")
    code, _, err = run.landscape("diffusion", config, "--checkpoints", "c?.pt", *few)
    assert code == 0, err
    found = record(run)
    assert found.parameters == count
    np.testing.assert_allclose(found.distances2, distances2(np.array(rows)), rtol=1e-9)

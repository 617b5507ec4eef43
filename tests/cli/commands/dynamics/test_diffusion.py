"""`landscape diffusion` as a black box."""

import numpy as np
import pytest
import torch
from torch import nn

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

    call.folder = workplace.folder
    return call


def record(run, name=NAME):
    return read_diffusion(run.folder / name)


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
    assert lines[1] == f"epsilon:     {found.epsilon:.4g}, where the kernel's sum grows fastest"
    assert lines[2].startswith(f"dimension:   {found.dimension:.2f}, ")
    assert any(line.startswith("Outside the range of 20 random walks with") for line in lines)
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
    assert record(run).distances2[7, 0] == pytest.approx(distances2(places())[0, 0] + 25, rel=0.5)


def test_three_checkpoints_have_a_map(run):
    code, _, err = run("--components", "2", "--draws", "2", patterns=("--checkpoints", "a[0-2].pt"))
    assert code == 0, err
    assert record(run).coordinates.shape == (3, 2)


def test_buffers_and_integers_do_not_count(run):
    states = [network(w0=number) for number in range(4)]
    for number, state in enumerate(states):
        torch.save(state, run.folder / f"c{number}.pt")
    assert run("--draws", "2", "--components", "2", patterns=("--checkpoints", "c*.pt"))[0] == 0
    square = np.subtract.outer(np.arange(4), np.arange(4)) ** 2
    np.testing.assert_allclose(record(run).distances2, square, rtol=1e-12)

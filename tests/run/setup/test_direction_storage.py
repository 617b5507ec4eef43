"""Directions that are made anew for each point give the files that kept ones give."""

import h5py
import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.errors import UsageError
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.run.setup.direction_storage import choose_storage, streaming_lines
from landscape_cli.run.setup.records import RankPlacement
from landscape_cli.store import read_surface
from support.surfaces import forget

GRID = {"x": [-1, 1, 5], "y": [-1, 1, 3]}


def contents(path):
    """Every array of a file, but what a point cost and where."""
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset) and name not in ("seconds", "rank"):
            found[name] = (item.dtype, item.shape, item[()].tobytes(), dict(item.attrs))

    with h5py.File(path) as file:
        file.visititems(note)
    return found


def same_files(one, other):
    """Values, errors, directions, and what the files say of these."""
    assert contents(one) == contents(other)
    assert {"status", "stderr/train/loss", "train_loss"} <= set(contents(one))
    first, second = (path.with_name(f"{path.stem}.directions.h5") for path in (one, other))
    assert contents(first) == contents(second)
    assert contents(first)
    stored = [read_surface(path).provenance for path in (one, other)]
    for key in ("network", "directions", "cosines", "settings", "splits"):
        assert stored[0][key] == stored[1][key], key


def kept(path):
    """How each rank of each run kept the directions."""
    runs = read_surface(path).provenance["runs"]
    return [[place["directions"] for place in run["ranks"]] for run in runs]


@pytest.mark.bits
@pytest.mark.parametrize(
    ("ranks", "orthogonal"), [(None, False), pytest.param(2, True, marks=pytest.mark.mpi)]
)
def test_the_files_are_the_same_bit_for_bit(workplace, ranks, orthogonal):
    config = workplace.config("example:digits_network", grid=GRID, orthogonal=orthogonal)
    folder = workplace.folder
    for way, count in (("resident", None), ("streamed", ranks)):
        done = workplace.run("compute", config, "--directions", way, "-o", f"{way}.h5", ranks=count)
        assert done.returncode == 0, done.stderr
        said = "directions are made anew for each point, to save memory" in done.stderr
        assert said == (way == "streamed")
        assert kept(folder / f"{way}.h5") == [[way] * (count or 1)]
    same_files(folder / "resident.h5", folder / "streamed.h5")


@pytest.mark.bits
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_other_types_are_the_same(workplace, dtype):
    arguments = {"features": 7, "dtype": dtype}
    paths = []
    for way in ("resident", "streamed"):
        config = workplace.config(
            grid=GRID, problem_args=arguments, keep_directions=way, output=f"{way}.h5"
        )
        paths.append(compute(load_config(config), SerialExecutor(), quiet=True).surface)
    same_files(*paths)


@pytest.mark.bits
def test_a_run_may_be_continued_in_the_other_way(workplace):
    config = workplace.config("example:digits_network", grid=GRID)
    whole = compute(load_config(config, {"output": "whole.h5"}), SerialExecutor(), quiet=True)
    part = compute(load_config(config), SerialExecutor(), quiet=True)
    forget(part.surface, slice(-6, None))
    changed = load_config(config, {"keep_directions": "streamed"})
    assert compute(changed, SerialExecutor(), quiet=True).computed == 6
    same_files(whole.surface, part.surface)
    assert kept(part.surface) == [["resident"], ["streamed"]]


@pytest.mark.bits
def test_data_that_does_not_fit_gives_the_same(workplace):
    paths = []
    for way in ("resident", "streamed"):
        config = workplace.config(
            "example:digits_network", grid={"x": [-1, 1, 3]}, batch_size=32, output=f"{way}.h5"
        )
        changed = load_config(config, {"keep_directions": way, "cache": "none"})
        paths.append(compute(changed, SerialExecutor(), quiet=True).surface)
    same_files(*paths)


@pytest.mark.parametrize(
    ("wished", "needed", "free", "chosen"),
    [
        ("auto", 10, 20, "resident"),
        ("auto", 10, 19, "streamed"),
        ("auto", 10, 0, "resident"),  # nobody knows how much is free
        ("resident", 10, 1, "resident"),
        ("streamed", 1, 1000, "streamed"),
    ],
)
def test_directions_are_kept_where_they_fit_easily(wished, needed, free, chosen):
    assert choose_storage(wished, needed, free) == chosen


def test_who_makes_them_anew_is_said():
    def line(*storage):
        return "".join(streaming_lines([RankPlacement("a", "cpu", 1, None, s) for s in storage]))

    assert "point, to save" in line(*["streamed"] * 4)
    assert "point by 3 of 4 ranks, to save" in line("resident", *["streamed"] * 3)
    assert line("resident", "resident") == ""


def test_other_ways_are_refused(workplace):
    config = workplace.config(keep_directions="somewhere")
    with pytest.raises(UsageError, match="keep_directions: .*got 'somewhere'"):
        load_config(config)

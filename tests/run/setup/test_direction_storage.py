"""Streamed directions: files equal those computed with resident directions."""

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
    """Return every array of a file, except for the seconds and rank of points."""
    arrays = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset) and name not in ("seconds", "rank"):
            arrays[name] = (item.dtype, item.shape, item[()].tobytes(), dict(item.attrs))

    with h5py.File(path) as file:
        file.visititems(note)
    return arrays


def assert_same_files(one, other):
    """Compare values, errors, directions and their provenance."""
    assert contents(one) == contents(other)
    assert {"status", "stderr/train/loss", "train_loss"} <= set(contents(one))
    first, second = (path.with_name(f"{path.stem}.directions.h5") for path in (one, other))
    assert contents(first) == contents(second)
    assert contents(first)
    stored = [read_surface(path).provenance for path in (one, other)]
    for key in ("network", "directions", "cosines", "settings", "splits"):
        assert stored[0][key] == stored[1][key], key


def storage(path):
    """Return the storage of directions on each rank of each session."""
    runs = read_surface(path).provenance["runs"]
    return [[rank["directions"] for rank in run["ranks"]] for run in runs]


@pytest.mark.bits
@pytest.mark.parametrize(
    ("ranks", "orthogonal"),
    [
        (None, False),
        pytest.param(2, True, marks=[pytest.mark.mpi, pytest.mark.slow, pytest.mark.openmpi]),
    ],
)
def test_the_files_are_the_same_bit_for_bit(workplace, landscape, ranks, orthogonal):
    config = workplace.config("example:digits_network", grid=GRID, orthogonal=orthogonal)
    folder = workplace.folder
    for way, count in (("resident", None), ("streamed", ranks)):
        command = ("compute", config, "--directions", way, "-o", f"{way}.h5")
        if count is None:
            code, _, told = landscape(*command, "--set", "threads=1")
        else:
            done = workplace.run(*command, ranks=count)
            code, told = done.returncode, done.stderr
        assert code == 0, told
        said = "directions are drawn again for each point, to save memory" in told
        assert said == (way == "streamed")
        assert storage(folder / f"{way}.h5") == [[way] * (count or 1)]
    assert_same_files(folder / "resident.h5", folder / "streamed.h5")


@pytest.mark.bits
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_other_dtypes_give_the_same_files(workplace, dtype):
    arguments = {"features": 7, "dtype": dtype}
    paths = []
    for way in ("resident", "streamed"):
        config = workplace.config(
            grid=GRID, problem_args=arguments, keep_directions=way, output=f"{way}.h5"
        )
        paths.append(compute(load_config(config), SerialExecutor(), quiet=True).surface)
    assert_same_files(*paths)


@pytest.mark.bits
def test_a_run_can_be_continued_with_other_storage(workplace):
    config = workplace.config("example:digits_network", grid=GRID)
    whole = compute(load_config(config, {"output": "whole.h5"}), SerialExecutor(), quiet=True)
    part = compute(load_config(config), SerialExecutor(), quiet=True)
    forget(part.surface, slice(-6, None))
    changed = load_config(config, {"keep_directions": "streamed"})
    assert compute(changed, SerialExecutor(), quiet=True).computed == 6
    assert_same_files(whole.surface, part.surface)
    assert storage(part.surface) == [["resident"], ["streamed"]]


@pytest.mark.bits
def test_uncached_data_gives_the_same_files(workplace):
    paths = []
    for way in ("resident", "streamed"):
        config = workplace.config(
            "example:digits_network", grid={"x": [-1, 1, 3]}, batch_size=32, output=f"{way}.h5"
        )
        changed = load_config(config, {"keep_directions": way, "cache": "none"})
        paths.append(compute(changed, SerialExecutor(), quiet=True).surface)
    assert_same_files(*paths)


@pytest.mark.parametrize(
    ("requested", "needed", "free", "chosen"),
    [
        ("auto", 10, 20, "resident"),
        ("auto", 10, 19, "streamed"),
        ("auto", 10, 0, "resident"),  # free memory is unknown
        ("resident", 10, 1, "resident"),
        ("streamed", 1, 1000, "streamed"),
    ],
)
def test_directions_are_resident_where_they_fit_easily(requested, needed, free, chosen):
    assert choose_storage(requested, needed, free) == chosen


def test_ranks_with_streamed_directions_are_reported():
    def line(*storage):
        return "".join(streaming_lines([RankPlacement("a", "cpu", 1, None, s) for s in storage]))

    assert "point, to save" in line(*["streamed"] * 4)
    assert "point by 3 of 4 ranks, to save" in line("resident", *["streamed"] * 3)
    assert line("resident", "resident") == ""


def test_unknown_storage_is_refused(workplace):
    config = workplace.config(keep_directions="somewhere")
    with pytest.raises(UsageError, match="keep_directions: .*got 'somewhere'"):
        load_config(config)

"""Runs on several slices, and on three axes, from the configuration to the file."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from landscape_cli.config.loading import load_config, parse_config
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.records.levels import level_of_points
from landscape_cli.records.repeats import one_repeat
from landscape_cli.run import compute, estimate
from landscape_cli.store import read_surface, write_surface
from support.surfaces import assert_same_bits, forget

LOSS = ("train", "loss")


def run(config, **changes):
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    return compute(load_config(config, changes), SerialExecutor(), quiet=True)


def directions(path, group):
    """Return a direction's weight and bias."""
    with h5py.File(path) as file:
        return [file[f"{group}/{number}"][()] for number in range(2)]


def losses(along, coordinates):
    """Return the regression's mean squared error at the centre plus multiples of directions."""
    import example

    problem = example.regression()
    inputs, targets = (tensor.numpy() for tensor in problem.splits["train"].tensors)
    w, b = (p.detach().numpy().copy() for p in problem.model.parameters())
    for factor, (weight, bias) in zip(coordinates, along, strict=True):
        w, b = w + factor * weight, b + factor * bias
    return float(((inputs @ w.T + b - targets) ** 2).mean())


@pytest.mark.parametrize("kept", ["resident", "streamed"])
def test_every_repeat_is_exact_along_its_own_directions(workplace, kept):
    outcome = run(workplace.config(), repeats=3, keep_directions=kept)
    assert outcome.computed == 60
    surface = read_surface(outcome.surface)
    assert surface.values[LOSS].shape == (3, 4, 5)
    with h5py.File(outcome.directions) as file:
        assert list(file) == ["repeat1", "repeat2", "xdirection", "ydirection"]
        assert file["repeat2/ydirection"].attrs["label"].endswith("(seed 2, repeat 2)")
        assert file["repeat2/ydirection/0"].attrs["name"] == "weight"
    for number in range(3):
        prefix = f"repeat{number}/" if number else ""
        along = [directions(outcome.directions, f"{prefix}{axis}direction") for axis in "xy"]
        for row, y in enumerate(np.linspace(-1, 1, 4)):
            for column, x in enumerate(np.linspace(-1, 1, 5)):
                found = surface.values[LOSS][number, row, column]
                assert found == pytest.approx(losses(along, (x, y)), 1e-10)
    facts = surface.provenance
    assert list(facts["directions"]) == [
        f"{r}{a}" for r in ("", "repeat1/", "repeat2/") for a in "xy"
    ]
    assert len({one["sha256"] for one in facts["directions"].values()}) == 6
    assert list(facts["cosines"]) == ["x,y", "repeat1/x,y", "repeat2/x,y"]


@pytest.mark.bits
def test_the_first_repeat_equals_the_run_without_repeats(workplace):
    config = workplace.config("example:digits_network", calibrate=False)
    several = read_surface(run(config, repeats=2).surface)
    alone = read_surface(run(config, output="alone.h5").surface)
    assert_same_bits(one_repeat(several, 0), alone)
    assert one_repeat(several, 0).provenance["directions"] == alone.provenance["directions"]
    assert several.values[LOSS][1].tobytes() != alone.values[LOSS].tobytes()


@pytest.mark.bits
def test_an_interrupted_run_is_continued(workplace):
    config = workplace.config(repeats=3)
    path = run(config).surface
    whole = read_surface(path)
    forget(path, np.arange(13, 60, 7))
    before = path.read_bytes()
    assert run(config).computed == 7
    assert_same_bits(read_surface(path), whole)
    path.write_bytes(before)
    with pytest.raises(StoreError, match=r"repeats: 3 in the file, 2 now"):
        run(config, repeats=2)
    with pytest.raises(StoreError, match=r"repeats: 3 in the file, 1 now"):
        run(config, repeats=1)


def test_files_from_before_repeats_are_continued(workplace):
    path = run(workplace.config()).surface
    forget(path, [3, 4])
    surface = read_surface(path)
    del surface.config["repeats"]
    write_surface(path, surface)
    assert run("run.yaml").computed == 2
    with pytest.raises(StoreError, match=r"repeats: 1 in the file, 2 now"):
        run("run.yaml", repeats=2)


def test_coarse_points_of_all_repeats_come_first(workplace):
    grid = {"x": [-1, 1, 9], "y": [-1, 1, 9]}
    config = load_config(workplace.config(grid=grid, repeats=3))
    seen = []

    class Watching(SerialExecutor):
        def run(self, source, work, *arrived):
            for result in super().run(source, work, *arrived):
                seen.extend(result.indices)
                yield result

    compute(config, Watching(), quiet=True)
    levels = level_of_points((3, 9, 9), repeated=True).ravel()[seen].tolist()
    assert levels == sorted(levels)
    assert levels.count(0) == 3 * 25


@pytest.mark.bits
def test_shards_merge_to_the_whole(landscape, workplace):
    config = workplace.config(repeats=2, grid={"x": [-1, 1, 9]})
    for shard in ("1/3", "2/3", "3/3"):
        assert landscape("compute", config, "--shard", shard, "-q")[0] == 0
    assert landscape("compute", config, "--no-calibrate", "-o", "whole.h5", "-q")[0] == 0
    files = [f"surface.shard-{index}-of-3.h5" for index in (1, 2, 3)]
    code, out, _ = landscape("merge", "part.h5", *files[:2])
    assert code == 75
    assert (
        "6 of 18 points are missing: (-0.25) of repeat 0, (0) of repeat 0, (-1) of repeat 1" in out
    )
    assert "shard 3/3 is not among the files" in out
    assert landscape("merge", "surface.h5", *files)[0] == 0
    assert_same_bits(read_surface("surface.h5"), read_surface("whole.h5"))
    one, other = (Path(f"{stem}.directions.h5").read_bytes() for stem in ("surface", "whole"))
    assert one == other


@pytest.mark.slow
@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [pytest.param(2, marks=pytest.mark.openmpi), 4])
def test_any_number_of_ranks_gives_the_same_bits(workplace, ranks):
    config = workplace.config("example:digits_network", grid={"x": [-1, 1, 9]}, repeats=3)
    alone = read_surface(run(config, threads=1).surface)
    forget("surface.h5", np.arange(2, 27))
    done = workplace.run("compute", config, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert "2 of 27 points are done" in done.stderr
    assert_same_bits(read_surface("surface.h5"), alone)


def test_a_failure_names_its_repeat(landscape, workplace):
    config = workplace.config("example:failing", repeats=2, grid={"x": [-9, 9, 3]})
    code, out, _ = landscape("compute", config, "--keep-going", "-q")
    assert code == 1
    assert "2 points failed" in out
    assert " of repeat 0: ValueError" in landscape("info", "surface.h5")[1]


def test_directions_of_all_repeats_are_counted(workplace):
    config = load_config(workplace.config(), {"repeats": 4})
    expected = estimate(config, SerialExecutor())
    assert expected.points == 80
    once = estimate(load_config("run.yaml"), SerialExecutor())
    assert expected.directions == 4 * once.directions


def test_standard_errors_are_measured_in_every_repeat(workplace):
    config = workplace.config(repeats=2, grid={"x": [-1, 1, 3]})
    surface = read_surface(run(config, target_stderr=0.5).surface)
    points = surface.provenance["sampling"]["points"]
    assert points == [[0, 0], [-1, 0], [1, 0], [-1, 1], [1, 1]]


CONFIG = "{problem: 'a:b', grid: {x: [0, 1, 3]}}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repeats": 0}, "repeats: .*got 0"),
        ({"repeats": 1001}, "repeats: .*got 1001"),
        ({"repeats": "many"}, "repeats: .*got 'many'"),
        ({"repeats": 2, "adaptive.tolerance": 0.1}, "repeats: 2 excludes adaptive.* drop one"),
        ({"repeats": 1000, "grid.x": [0, 1, 2000000]}, "grid: 2000000000 points are more than"),
        ({"repeats": 2, "shard": "1/7"}, "shard: 1/7 of a grid of 6 points"),
    ],
)
def test_impossible_repeats_are_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        parse_config(CONFIG, "test", changes)


VOLUME = {"x": [-1, 1, 5], "y": [-1, 2, 3], "z": [0, 1, 3]}


def test_a_volume_is_exact(workplace):
    outcome = run(workplace.config(grid=VOLUME))
    surface = read_surface(outcome.surface)
    assert surface.values[LOSS].shape == (3, 3, 5)
    assert surface.config["directions"]["z"]["seed"] == 3
    along = [directions(outcome.directions, f"{axis}direction") for axis in "xyz"]
    for index, found in np.ndenumerate(surface.values[LOSS]):
        (point,) = surface.grid.coordinates([int(np.ravel_multi_index(index, (3, 3, 5)))])
        x, y, z = point
        assert (z, y, x) == ([0, 0.5, 1][index[0]], [-1, 0.5, 2][index[1]], -1 + index[2] / 2)
        assert found == pytest.approx(losses(along, point), 1e-10)


@pytest.mark.bits
def test_a_volume_is_continued_sharded_and_merged(landscape, workplace):
    config = workplace.config(calibrate=False)
    options = ("--z", "0:1:3", "-q")
    assert landscape("compute", config, *options, "-o", "whole.h5")[0] == 0
    whole = read_surface("whole.h5")
    forget("whole.h5", np.arange(1, 60, 3))
    assert landscape("compute", config, *options, "-o", "whole.h5")[0] == 0
    assert_same_bits(read_surface("whole.h5"), whole)
    for shard in ("1/2", "2/2"):
        assert landscape("compute", config, *options, "--shard", shard)[0] == 0
    code, _, err = landscape("merge", "m.h5", *(f"surface.shard-{n}-of-2.h5" for n in (1, 2)))
    assert (code, err) == (0, "")
    assert_same_bits(read_surface("m.h5"), whole)
    code, out, _ = landscape("info", "m.h5")
    assert "shape:      5 x 4 x 3 points (x, y, z)\n" in out
    assert "axis z:     0 to 1, random direction, filter-normalized (seed 3)\n" in out
    code, out, err = landscape("plot", "m.h5")
    assert (code, out) == (2, "")
    assert err == (
        "landscape: m.h5 is a volume (5 x 4 x 3 points), and volumes cannot be plotted yet; "
        "compute a plane with --z none\n"
    )


@pytest.mark.bits
def test_a_volume_on_several_slices(workplace):
    surface = read_surface(run(workplace.config(grid=VOLUME), repeats=2).surface)
    assert surface.values[LOSS].shape == (2, 3, 3, 5)
    alone = read_surface(run("run.yaml", output="alone.h5").surface)
    assert_same_bits(one_repeat(surface, 0), alone)


def test_an_adaptive_volume_computes_fewer_points(workplace):
    grid = {"x": [-1, 1, 33], "y": [-1, 1, 9], "z": [-1, 1, 7]}
    config = workplace.config(grid=grid, splits=["train"], **{"adaptive": {"tolerance": 0.1}})
    surface = read_surface(run(config).surface)
    whole = read_surface(run(config, adaptive=None, output="whole.h5").surface)
    assert surface.complete
    assert 0 < surface.interpolated < surface.total
    error = np.abs(surface.values[LOSS] - whole.values[LOSS]).max()
    assert error < 0.1 * np.ptp(whole.values[LOSS])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--z", "1:0:3"), "--z: range 1.0:0.0:3: MIN must be below MAX"),
        (("--z", "0:1"), "--z: range '0:1': expected MIN:MAX:N"),
        (("--y", "none", "--z", "0:1:3"), "axes must be x, then y, then z; got x, z"),
        (("--repeats", "0"), "'--repeats': 0 is not in the range"),
    ],
)
def test_errors_are_reported_in_one_line(landscape, workplace, options, words):
    code, out, err = landscape("compute", workplace.config(), *options)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err
    assert not list(workplace.folder.glob("*.h5"))

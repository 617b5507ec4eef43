"""Probes of directions: their values, the suggested range, and runs that use it."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
import yaml

from landscape_cli.config.loading import load_config
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.geometry.directions import direction_from
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.run import compute, probe
from landscape_cli.run.probe.ladder import RUNGS
from landscape_cli.run.probe.probe import StoppedError
from landscape_cli.run.setup.direction_entries import StoredDirections
from landscape_cli.store import read_surface, write_surface

RAW = {"kind": "random", "normalize": "none", "ignore": "none"}


def prober(workplace, **keys):
    return probe(load_config(workplace.config(**keys)), SerialExecutor())


@pytest.mark.bits
def test_values_are_those_of_a_run(workplace):
    """Compare with the same points of a line and a plane."""
    x, y = prober(workplace)
    for found, axis in ((x, 0), (y, 1)):
        assert found.quantity == ("train", "loss")
        far = found.ladder.coordinates.tolist()[-1]
        ends = [[-far, far, 3], [-1, 1, 3]]
        grid = dict(zip("xy", ends[:: 1 - 2 * axis], strict=True))
        config = load_config(workplace.config(grid=grid, output=f"{found.axis}.h5"))
        surface = read_surface(compute(config, SerialExecutor(), quiet=True).surface)
        values = surface.values["train", "loss"]
        through = values[1, :] if found.axis == "x" else values[:, 1]
        np.testing.assert_array_equal(found.ladder.values[[0, 5, 10]], through)
        assert found.label == surface.provenance["directions"][found.axis]["label"]
    assert not list(workplace.folder.glob("surface*"))


def test_the_ladder_is_in_units_of_the_weights(workplace):
    """At the rungs, a direction adds the same norm regardless of its own norm."""
    import example

    (found,) = prober(workplace, grid={"x": [-1, 1, 3]}, directions={"x": RAW})
    model = example.regression().model
    norm = torch.cat([p.detach().flatten() for p in model.parameters()]).norm().item()
    config = load_config(workplace.config(grid={"x": [-1, 1, 3]}, directions={"x": RAW}))
    path = compute(config, SerialExecutor(), quiet=True).directions
    with h5py.File(path) as file:
        direction = np.concatenate([one[()].ravel() for one in file["xdirection"].values()])
    moved = found.ladder.coordinates[6:] * np.linalg.norm(direction)
    np.testing.assert_allclose(moved, norm * RUNGS)
    (normalized,) = prober(workplace, grid={"x": [-1, 1, 3]})
    # With one filter and an ignored bias, |d| is |w| of the tensor that is moved.
    np.testing.assert_allclose(normalized.ladder.coordinates[6:], RUNGS)


def test_a_run_finds_its_range_and_keeps_it(workplace):
    (found,) = prober(workplace, grid={"x": [-1, 1, 3]})
    config = load_config(workplace.config(grid={"x": "auto:9"}))
    outcome = compute(config, SerialExecutor(), quiet=True)
    surface = read_surface(outcome.surface)
    axis = surface.grid.axes["x"]
    assert (axis.low, axis.high, axis.points) == (found.low, found.high, 9)
    assert surface.config["auto"] == []
    assert surface.config["grid"] == {"x": [found.low, found.high, 9]}
    facts = surface.provenance["probe"]["x"]
    assert facts == found.facts()
    assert facts["values"] == found.ladder.values.tolist()
    again = compute(config, SerialExecutor(), quiet=True)
    assert again.computed == 0
    other = load_config(workplace.config(grid={"x": "auto:11"}))
    with pytest.raises(StoreError, match=r"grid.x: .*, 9\] in the file, .*, 11\] now"):
        compute(other, SerialExecutor(), quiet=True)


@pytest.mark.bits
def test_a_file_is_continued_in_its_own_range(workplace):
    """The stored range counts, although a probe would now find another."""
    concrete = load_config(workplace.config(grid={"x": [-0.3, 0.7, 6]}))
    executor = SerialExecutor()
    compute(concrete, executor, quiet=True)
    surface = read_surface("surface.h5")
    surface.status[2] = 0
    note = {**surface.provenance, "probe": {"x": {"rule": "kept"}}}
    write_surface("surface.h5", replace(surface, provenance=note))
    outcome = compute(load_config(workplace.config(grid={"x": "auto:6"})), executor, quiet=True)
    assert outcome.computed == 1
    found = read_surface("surface.h5")
    assert found.complete
    assert found.provenance["probe"] == {"x": {"rule": "kept"}}
    np.testing.assert_array_equal(found.values["train", "loss"], surface.values["train", "loss"])


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.mpi
def test_ranks_share_the_points(workplace):
    """Two ranks find the same ranges as one process."""
    config = workplace.config(grid={"x": "auto:5", "y": "auto:4"}, threads=1)
    found = probe(load_config(config), SerialExecutor())
    done = workplace.run("compute", config, ranks=2)
    assert done.returncode == 0, done.stderr
    surface = read_surface("surface.h5")
    assert surface.provenance["probe"] == {one.axis: one.facts() for one in found}
    assert (surface.complete, surface.grid.shape) == (True, (4, 5))
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("range of x: ")]
    assert line == f"range of x: {found[0].low:g} to {found[0].high:g}, {found[0].rule}"


def test_lines_on_standard_output(landscape, workplace):
    code, out, err = landscape("probe", workplace.config(), "--seed", 5, "--samples", 20)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    head = "x: random direction, filter-normalized (seed 5); train loss on a linear scale"
    assert lines[0] == head
    assert lines[13] == ""
    assert "(seed 6)" in lines[14]
    assert lines[6].split()[0] == "0"
    assert not list(workplace.folder.glob("*.h5"))


def test_failing_points_are_not_finite(workplace):
    (found,) = prober(
        workplace,
        problem="example:failing",
        problem_args={"above": 0.1},
        grid={"x": [-1, 1, 3]},
        directions={"x": RAW},
    )
    values = found.ladder.values
    assert 0 < np.isnan(values).sum() < 6
    assert np.isfinite(values[5])
    assert "nan" in found.facts()["values"]


def test_a_stopped_probe_is_reported(workplace):
    executor = SerialExecutor()
    executor.stop = Stop(0)
    with pytest.raises(StoppedError, match="stopped by the time limit") as caught:
        probe(load_config(workplace.config()), executor)
    assert caught.value.exit_code == 75


def test_a_time_limit_stops_a_run_that_probes(landscape, workplace):
    config = workplace.config(grid={"x": "auto"})
    code, out, err = landscape("compute", config, "--time-limit", "1s", "--quiet")
    assert (code, out) == (75, "")
    assert "nothing was written" in err
    assert not list(workplace.folder.glob("*.h5"))


def test_a_direction_that_moves_nothing_is_refused(workplace):
    still = {**RAW, "include": ["nothing.*"]}
    with pytest.raises(UsageError):
        prober(workplace, grid={"x": [-1, 1, 3]}, directions={"x": still})


def known(section, axis):
    return direction_from(section, f"directions.{axis}").range(axis, StoredDirections())


def test_known_ranges(tmp_path):
    path = str(tmp_path / "plane.h5")
    with h5py.File(path, "w") as file:
        file.attrs["range_x"] = [-3.0, 12.5]
        file.attrs["range_y"] = [1.0, 1.0]
        file.attrs["range_z"] = "wide"
    assert known({"kind": "random", "seed": 1}, "x") is None
    assert known({"kind": "checkpoint", "path": "b.pt"}, "y")[:2] == (-0.5, 1.5)
    assert known({"kind": "checkpoint", "path": "b", "normalize": "filter"}, "y") is None
    assert known({"kind": "file", "path": path}, "x")[:2] == (-3.0, 12.5)
    assert known({"kind": "file", "path": path, "axis": "x"}, "y")[:2] == (-3.0, 12.5)
    for axis in ("y", "z"):
        with pytest.raises(StoreError, match=f"range_{axis} is not a range"):
            known({"kind": "file", "path": path}, axis)
    with pytest.raises(StoreError, match="no such file"):
        known({"kind": "file", "path": path + "5"}, "x")
    with h5py.File(path, "w"):
        pass
    assert known({"kind": "file", "path": path}, "x") is None
    assert yaml.safe_load("auto:31") == "auto:31"  # YAML reads such a range as a string

"""Points that fail, or need more memory than there is."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from landscape_cli.cli import cli
from landscape_cli.config.loading import load_config
from landscape_cli.errors import ProblemError, RankError
from landscape_cli.evaluation.devices import choose_device
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.records.tiles import Status, TileResult
from landscape_cli.run import compute
from landscape_cli.run.worker import joined
from landscape_cli.store import read_surface

GRID = {"x": [-1, 1, 9], "y": [-1, 1, 7]}


def run(workplace, problem="example:failing", **keys):
    config = workplace.config(problem, grid=GRID, **keys)
    return compute(load_config(config), SerialExecutor(), quiet=True)


@pytest.fixture
def whole(workplace):
    """Compute the surface without failures."""
    run(workplace, "example:regression", output="whole.h5")
    return read_surface("whole.h5")


@pytest.mark.bits
def test_failing_points_are_marked_and_all_others_computed(workplace, whole):
    outcome = run(workplace, keep_going=True)
    surface = read_surface("surface.h5")
    failed = surface.status == Status.FAILED
    assert outcome.failed == failed.sum() == surface.failed
    assert 0 < failed.sum() < surface.total
    assert surface.complete
    for key, values in surface.values.items():
        assert np.isnan(values[failed]).all()
        np.testing.assert_array_equal(values[~failed], whole.values[key][~failed])
    (one,) = surface.provenance["failures"]
    assert one["points"] == np.flatnonzero(failed).tolist()
    assert one["message"].startswith("ValueError: too far out, for 50 samples (")
    assert "example.py:" in one["message"]


@pytest.mark.bits
def test_failed_points_are_retried_by_the_next_run(workplace, whole):
    run(workplace, keep_going=True)
    before = read_surface("surface.h5")
    example = workplace.folder / "example.py"
    example.write_text(example.read_text().replace("failing(above=0.5", "failing(above=9"))
    sys.modules.pop("example")
    outcome = run(workplace, keep_going=True)
    assert outcome.computed == before.failed
    after = read_surface("surface.h5")
    assert "failures" not in after.provenance
    np.testing.assert_array_equal(after.status, whole.status)
    for key, values in after.values.items():
        np.testing.assert_array_equal(values, whole.values[key])


def test_without_keep_going_the_run_ends_with_point_and_traceback(workplace):
    with pytest.raises(RankError) as caught:
        run(workplace)
    text = str(caught.value)
    assert text.startswith("rank 0 on ")
    assert f"({choose_device('auto')}) failed at (" in text
    assert "ValueError: too far out" in text
    assert "example.py" in text
    assert not read_surface("surface.h5").complete


FAR = """
import torch
from landscape_cli.problems import Problem, zoo
from landscape_cli.problems.objectives import cross_entropy

def build():
    '''A convolutional network whose objective fails where its head has moved far.'''
    torch.manual_seed(0)
    problem = zoo.build(model_args={"depth": 8, "width": 0.25}, samples={"train": 40, "test": 8})
    centre = list(problem.model.parameters())[-2].detach().clone()
    def objective(model, batch):
        weight, _ = list(model.parameters())[-2:]
        if (weight.cpu() - centre).norm() > 0.3 * centre.norm():
            raise ValueError("too far out")
        return cross_entropy(model, batch)
    return Problem(problem.model, {"train": problem.splits["train"]}, objective)
"""


@pytest.mark.parametrize(
    "options",
    [(), ("--precision", "bf16", "--even-if-slower"), ("--target-stderr", "1"), ("--dry-run",)],
    ids=" ".join,
)
def test_what_is_tried_before_a_run_may_fail_at_the_corners(workplace, landscape, options):
    workplace.write("far.py", FAR)
    config = workplace.config("far:build", grid={"x": [-1, 1, 5]})
    code, out, err = landscape("compute", config, "--keep-going", *options)
    assert "Traceback" not in err
    if "--dry-run" in options:
        assert code == 0, err
        return
    assert code == 1, err
    assert "4 points failed, the first with ValueError: too far out" in out
    failed, done = Status.FAILED, Status.OK
    assert read_surface("surface.h5").status.tolist() == [failed, failed, done, failed, failed]


def test_the_command_line_reports_failed_points(workplace):
    config = workplace.config("example:failing", grid=GRID)
    done = CliRunner().invoke(cli, ["compute", config, "--keep-going"], standalone_mode=False)
    failed = read_surface("surface.h5").failed
    assert done.return_value == 1
    assert f"{failed} points failed, the first with ValueError: too far out" in done.output
    shown = CliRunner().invoke(cli, ["info", "surface.h5"]).output
    assert f"0 not finite, {failed} failed" in shown
    assert f"failed:     {failed} points, first at (" in shown
    facts = json.loads(CliRunner().invoke(cli, ["info", "surface.h5", "--json"]).output)
    assert facts["failed"] == failed
    drawn = CliRunner().invoke(cli, ["plot", "surface.h5", "-o", "a.svg"])
    assert drawn.exit_code == 0, drawn.output


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.bits
@pytest.mark.mpi
def test_ranks_agree_on_what_failed(workplace):
    run(workplace, keep_going=True, output="serial.h5")
    config = workplace.config("example:failing", grid=GRID)
    done = workplace.run("compute", config, "--keep-going", ranks=2)
    assert done.returncode == 1, done.stderr
    serial, ranks = (read_surface(f"{name}.h5") for name in ("serial", "surface"))
    np.testing.assert_array_equal(serial.status, ranks.status)
    assert serial.provenance["failures"] == ranks.provenance["failures"]
    for key, values in serial.values.items():
        np.testing.assert_array_equal(values, ranks.values[key])


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.mpi
def test_a_worker_s_failure_names_rank_host_device_and_point(workplace):
    grid = {"x": [-1, 1, 60], "y": [-1, 1, 60]}
    config = workplace.config("example:failing", grid=grid, problem_args={"on_rank": "1"})
    done = workplace.run("compute", config, ranks=2)
    assert done.returncode == 1
    assert done.stderr.count("ValueError: too far out") == 1
    assert "landscape: rank 1 on " in done.stderr
    assert "(cpu) failed at (" in done.stderr


@pytest.mark.parametrize("at_centre", [True, False])
def test_micro_batches_are_halved_until_they_fit(workplace, whole, at_centre):
    arguments = {"samples": 8, "at_centre": at_centre}
    run(workplace, "example:hungry", problem_args=arguments)
    surface = read_surface("surface.h5")
    assert (surface.status == Status.OK).all()
    for key, values in surface.values.items():
        np.testing.assert_allclose(values, whole.values[key], rtol=1e-12)
    notes = surface.provenance["runs"][0].get("notes", [])
    if at_centre:
        assert surface.provenance["micro_batch"] == 8
        assert notes == []
    else:
        assert surface.provenance["micro_batch"] > 8
        assert "ran out of memory at (" in notes[0]
        assert notes[-1].endswith("and continues with 6")  # 50 samples, then 25, 12 and 6


def test_a_point_that_never_fits_is_an_error(workplace):
    with pytest.raises(ProblemError, match="can't allocate memory"):
        run(workplace, "example:hungry", problem_args={"samples": 0})


def test_failures_are_joined_with_values():
    one = TileResult((3,), {("a", "b"): np.array([2.0])}, {}, np.ones(1, np.float32), 1)
    other = TileResult((5,), {}, {}, np.zeros(1, np.float32), 1, {5: "no"}, ("a note",))
    found = joined([other, one])
    assert found.indices == (5, 3)
    np.testing.assert_array_equal(found.values["a", "b"], [np.nan, 2.0])
    assert found.status.tolist() == [Status.FAILED, Status.OK]
    assert found.notes == ("a note",)
    assert joined([other]).values == {}

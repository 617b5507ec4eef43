import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import Estimate, compute, estimate


@pytest.mark.slow
def test_files_have_the_estimated_size(workplace):
    grid = {"x": [-1, 1, 60], "y": [-1, 1, 50]}
    config = load_config(workplace.config("example:digits_network", grid=grid, samples=20))
    expected = estimate(config, SerialExecutor())
    assert not list(workplace.folder.glob("*.h5"))
    assert expected.points == 3000
    assert 0 < expected.seconds < 10
    assert expected.memory > 50e6
    outcome = compute(config, SerialExecutor(), quiet=True)
    assert expected.surface == pytest.approx(outcome.surface.stat().st_size, rel=0.1)
    assert outcome.directions.stat().st_size < expected.directions + 40_000


def test_hours_and_wall_time_by_hand():
    expected = Estimate(10, 36.0, "cpu", 4, 0, 0, 0)
    assert expected.hours == 0.4
    assert [expected.wall(ranks) for ranks in (1, 2, 4, 10, 50)] == [360, 180, 108, 36, 36]
    assert Estimate(10, 36.0, "cuda:0", 4, 0, 0, 0).hours == 0.1


@pytest.mark.parametrize("ranks", [None, pytest.param(2, marks=pytest.mark.mpi)])
def test_a_dry_run_prints_and_writes_nothing(workplace, ranks):
    done = workplace.run("compute", workplace.config(), "--dry-run", ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("points:     20\none point:  ")
    assert done.stdout.endswith("nothing was written\n")
    assert done.stdout.count("\n") == 7
    assert {path.name for path in workplace.folder.iterdir()} - {"__pycache__"} == {
        "example.py",
        "run.yaml",
    }

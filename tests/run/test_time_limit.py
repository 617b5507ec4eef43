"""Runs that are stopped early by a time limit or a signal, and continued."""

import os
import re
import signal
import time

import numpy as np
import pytest

from landscape_cli.parallel import last_words
from landscape_cli.parallel.stop_signals import Stop, listen
from landscape_cli.run.time_limit import slurm_end, time_left
from landscape_cli.store import read_surface
from support.processes import wait_until
from support.surfaces import assert_same_bits

GRID = {"x": [-1, 1, 25], "y": [-1, 1, 24]}


@pytest.fixture(scope="module")
def undisturbed(new_workplace):
    place = new_workplace("undisturbed")
    return place.surface(place.config(grid=GRID, splits=["train"]))


def slow(workplace, **keys):
    return workplace.config("example:slow", grid=GRID, **keys)


@pytest.mark.bits
@pytest.mark.parametrize(
    "ranks",
    [
        pytest.param(None, marks=pytest.mark.slow),
        pytest.param(2, marks=[pytest.mark.mpi, pytest.mark.slow]),
    ],
)
def test_a_time_limit_ends_the_run_and_the_same_command_continues_it(
    workplace, undisturbed, ranks, monkeypatch
):
    config = slow(workplace)
    begin = time.monotonic()
    options = ("--time-limit", "8s", "--overwrite")
    done = workplace.run("compute", config, *options, ranks=ranks, cold=True)
    took = time.monotonic() - begin
    assert done.returncode == 75, done.stderr
    assert took < 25
    left = int(re.search(r"stopped by the time limit with (\d+) points left", done.stdout)[1])
    assert "the same command continues: landscape compute run.yaml --time-limit 8s\n" in done.stdout
    surface = read_surface("surface.h5")
    assert surface.done == 600 - left
    assert 0 < surface.done < 600
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    done = workplace.run("compute", config, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert_same_bits(read_surface("surface.h5"), undisturbed)


@pytest.mark.bits
@pytest.mark.parametrize(
    ("ranks", "number"),
    [
        pytest.param(None, "SIGUSR1", marks=pytest.mark.slow),
        (None, "SIGTERM"),
        pytest.param(2, "SIGUSR1", marks=[pytest.mark.mpi, pytest.mark.slow, pytest.mark.openmpi]),
    ],
)
def test_a_signal_ends_the_run_within_a_tile(workplace, undisturbed, ranks, number, monkeypatch):
    config = slow(workplace)
    process = workplace.start("compute", config, ranks=ranks)
    path = workplace.folder / "surface.h5"
    wait_until(process, lambda: path.exists() and read_surface(path).done > 10)
    begin = time.monotonic()
    process.send_signal(signal.Signals[number])
    output, errors = process.communicate(timeout=60)
    assert time.monotonic() - begin < 20
    assert process.returncode == 75, (output, errors)
    assert f"stopped by {number} with" in output
    before = read_surface(path)
    assert 10 < before.done < 600
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    after = workplace.surface(config, "--resume", ranks=ranks)
    assert_same_bits(after, undisturbed)
    kept = before.status == 1
    np.testing.assert_array_equal(after.seconds[kept], before.seconds[kept])


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(workplace):
    config = slow(workplace, problem_args={"seconds": 0.8})
    process = workplace.start("compute", config)
    path = workplace.folder / "surface.h5"
    wait_until(process, path.exists)
    begin = time.monotonic()
    process.terminate()
    time.sleep(0.1)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert time.monotonic() - begin < 10
    assert not read_surface(path).complete


@pytest.mark.mpi
@pytest.mark.slow
def test_a_signal_to_one_worker_stops_all(workplace):
    config = slow(workplace)
    process = workplace.start("compute", config, ranks=2)
    path = workplace.folder / "surface.h5"
    wait_until(process, lambda: path.exists() and read_surface(path).done > 10)
    workplace.ranks(process.pid)[1].send_signal(signal.SIGUSR1)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 75, (output, errors)
    assert "stopped by SIGUSR1 with" in output


def test_a_signal_during_set_up(workplace):
    workplace.write(
        "signalled.py",
        "import os, signal, example\n\n"
        "def build():\n    os.kill(os.getpid(), signal.SIGUSR1)\n    return example.slow()\n",
    )
    done = workplace.run("compute", workplace.config("signalled:build", grid=GRID))
    assert done.returncode == 75, done.stderr
    assert "stopped by SIGUSR1 with 600 points left" in done.stdout


def test_a_signal_before_the_run():
    before = signal.getsignal(signal.SIGUSR1)
    try:
        listen()
        os.kill(os.getpid(), signal.SIGUSR1)
        stop = Stop()
        with stop.on_signals():
            assert stop.reason == "SIGUSR1"
            assert stop.left == 0
        listen()  # starts over
        stop = Stop()
        with stop.on_signals():
            assert stop.reason is None
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_that_a_guarded_rank_gets_twice_at_once_counts_once(monkeypatch):
    monkeypatch.setattr(last_words, "guarded", lambda: True)
    stop = Stop()
    with stop.on_signals():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.1)
        stop.wait(1)
        assert (stop.reason, stop.signals) == ("SIGUSR1", 1)


def test_a_limit_too_short_for_any_point_still_leaves_a_file(workplace, landscape):
    workplace.write(
        "late.py",
        "import time, example\n\ndef build():\n    time.sleep(1.2)\n    return example.slow()\n",
    )
    config = workplace.config("late:build", grid=GRID)
    code, told, _ = landscape("compute", config, "--time-limit", "1s")
    assert code == 75
    assert "with 600 points left" in told
    assert read_surface("surface.h5").done == 0


@pytest.mark.parametrize("text", ["soon", "0", "-3m"])
def test_malformed_times_are_refused(workplace, landscape, text):
    code, _, errors = landscape("compute", slow(workplace), f"--time-limit={text}")
    assert code == 2
    assert "time_limit: got" in errors


def test_the_end_of_a_slurm_job_counts(monkeypatch, workplace):
    from landscape_cli.config.loading import load_config

    for name in ("SLURM_JOB_ID", "SLURM_JOB_END_TIME"):
        monkeypatch.delenv(name, raising=False)
    config = load_config(workplace.config())
    assert slurm_end() is None
    assert time_left(config) is None
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 1000))
    assert time_left(config) == pytest.approx(950, abs=3)
    limited = load_config(workplace.config(time_limit="1:30"))
    assert time_left(limited) == pytest.approx(89)
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 20))
    assert time_left(limited) == pytest.approx(15, abs=2)


def test_times_that_yaml_reads_as_numbers(workplace):
    from landscape_cli.config.loading import parse_config

    text = "problem: a:b\ngrid: {x: [0, 1, 2]}\ntime_limit: 1:30:00\n"
    assert parse_config(text, "run.yaml").time_limit == "5400s"

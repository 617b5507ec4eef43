"""Runs whose objective hangs: they say so, and end when they are told to."""

import re
import signal
import socket
import time

import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.parallel.activity import Activity, Report
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.tiles import Tile
from landscape_cli.run import compute, standing, watch
from landscape_cli.run.watch import Watch
from landscape_cli.store import Lock, read_surface
from support.processes import wait_until
from support.surfaces import assert_same_bits

HOST = socket.gethostname()
GRID = {"x": [-1, 1, 15], "y": [-1, 1, 14]}
PROBLEM = """
import ctypes, os, time

from example import rank, regression
from landscape_cli.problems import Problem
from landscape_cli.run import standing, watch

standing.STILL, standing.AGAIN, standing.REPORTED = 1.5, 1.5, 0.5
watch.LEAST_GRACE, watch.SET_UP_GRACE = 1.0, 2.0


def hang(how):
    if how == "sleep":
        time.sleep(1e6)
    if how == "c code":
        ctypes.CDLL(None).sleep(1000000)
    if how == "the lock of Python":
        ctypes.PyDLL(None).sleep(1000000)
    while how == "a loop":
        try:
            time.sleep(0)
        except BaseException:
            pass


def build(how, on="0", where="objective"):
    problem, points = regression(), []
    if where == "building" and rank() == on:
        hang(how)

    def objective(model, batch):
        if os.path.exists("surface.h5"):  # set-up is over
            points.append(1)
            time.sleep(0.02)
            if how and rank() == on and len(points) > 25:
                hang(how)
        return problem.objective(model, batch)

    return Problem(problem.model, {"train": problem.splits["train"]}, objective)
"""


@pytest.fixture(scope="module")
def undisturbed(new_workplace):
    place = new_workplace("undisturbed")
    return place.surface(place.config(grid=GRID, splits=["train"]))


@pytest.fixture
def hanging(workplace):
    """Return a function that writes the configuration of a run that hangs."""
    workplace.write("hanging.py", PROBLEM)

    def hanging(how, **arguments):
        return workplace.config("hanging:build", grid=GRID, problem_args={"how": how, **arguments})

    return hanging


def ended(workplace, config, number, ranks=None):
    """Run until it hangs, end it by a signal or the time limit, and return what it wrote."""
    limit = [] if number else ["--time-limit", "6s"]
    process = workplace.start("compute", config, *limit, ranks=ranks)
    path = workplace.folder / "surface.h5"
    if number:
        wait_until(process, lambda: path.exists() and read_surface(path).done)
        time.sleep(2)  # until it hangs
        process.send_signal(signal.Signals[number])
    begin = time.monotonic()
    output, errors = process.communicate(timeout=60)
    assert time.monotonic() - begin < 30
    assert process.returncode == 75, (output, errors)
    assert f"stopped by {number or 'the time limit'} with " in output
    assert "the same command continues: landscape compute run.yaml" in output
    assert not list(workplace.folder.glob("*.lock*"))
    left = int(re.search(r"with (\d+) points left", output)[1])
    assert read_surface(path).done == 210 - left > 0
    return errors


@pytest.mark.parametrize(
    ("how", "number"),
    [
        pytest.param("sleep", "SIGUSR1", marks=pytest.mark.slow),
        pytest.param("c code", "SIGTERM", marks=pytest.mark.slow),
        pytest.param("a loop", None, marks=pytest.mark.slow),
    ],
)
def test_a_single_process_that_hangs_is_ended(workplace, hanging, undisturbed, how, number):
    errors = ended(workplace, hanging(how), number)
    assert re.search(rf"landscape: rank 0 on {HOST} has been at \(.*\) for \d+ s; ending", errors)
    workplace.write("hanging.py", PROBLEM.replace("if how and", "if False and"))
    done = workplace.run("compute", "run.yaml")
    assert done.returncode == 0, done.stderr
    assert_same_bits(read_surface("surface.h5"), undisturbed)


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("how", "on", "number"),
    [
        pytest.param("c code", "0", None, marks=pytest.mark.slow),
        pytest.param("the lock of Python", "1", None, marks=pytest.mark.slow),
        # Open MPI's launcher ends all ranks itself on SIGTERM.
        pytest.param("sleep", "1", "SIGUSR1", marks=[pytest.mark.slow, pytest.mark.openmpi]),
        pytest.param("a loop", "0", "SIGTERM", marks=pytest.mark.slow),
    ],
)
def test_ranks_of_which_one_hangs_are_ended(workplace, hanging, how, on, number):
    errors = ended(workplace, hanging(how, on=on), number, ranks=2)
    what = "in the tile from" if how == "the lock of Python" else "at"
    line = rf"rank {on} on {HOST} has been {what} \(.*\) for \d+ s"
    assert re.search(rf"^landscape: {line}; ending all ranks$", errors, re.MULTILINE)
    if number is None:
        assert re.search(rf"^{line}$", errors, re.MULTILINE)
        # The other rank has computed everything but the tile.
        assert read_surface("surface.h5").done > 150


@pytest.mark.mpi
@pytest.mark.slow
def test_a_set_up_that_hangs_on_one_rank_is_said_and_ended(workplace, hanging):
    config = hanging("c code", on="1", where="building")
    done = workplace.run("compute", config, "--time-limit", "7s", ranks=2, cold=True)
    assert done.returncode == 75, done.stderr
    assert "stopped by the time limit during set-up; the same command continues" in done.stdout
    assert re.search(rf"^rank 1 on {HOST} has been building the problem for \d+ s$", done.stderr, 8)
    assert not list(workplace.folder.glob("*.lock*"))


NAPPING = """
import os
import time
from dataclasses import replace

import example


def build():
    problem, naps = example.slow(0), iter([0, 0, 4])

    def objective(model, batch):
        if os.path.exists("surface.h5"):  # set-up is over
            time.sleep(next(naps, 0.01))
        return problem.objective(model, batch)

    return replace(problem, objective=objective)
"""


@pytest.mark.slow
def test_a_notebook_is_not_ended(workplace, monkeypatch, capsys):
    monkeypatch.setattr(standing, "STILL", 0.4)
    monkeypatch.setattr(standing, "AGAIN", 0.4)
    monkeypatch.setattr(watch, "LEAST_GRACE", 0.4)
    monkeypatch.setattr(watch, "LOOK", 0.1)
    workplace.write("napping.py", NAPPING)
    config = load_config(workplace.config("napping:build", grid=GRID, time_limit="4s"))
    outcome = compute(config, SerialExecutor(), quiet=True)
    assert outcome.stopped == "the time limit"
    assert 0 < outcome.left < 210  # it stopped after the nap, and everything is in the file
    assert read_surface("surface.h5").done == 210 - outcome.left
    said = capsys.readouterr().err.splitlines()
    lines = [line for line in said if re.match(rf"rank 0 on {HOST} has been at \(.*\) for ", line)]
    assert len(lines) > 2


class Several(SerialExecutor):
    """Rank 0 of three, which hears what the test lets the others say."""

    size = 3

    def __init__(self):
        super().__init__()
        self.hosts = ["a", "b", "c"]
        self.stop = Stop()
        self.said = []

    def reports(self):
        said, self.said = self.said, []
        return said


@pytest.fixture
def several(monkeypatch):
    for name, seconds in {"STILL": 0.3, "AGAIN": 0.6, "REPORTED": 0.0}.items():
        monkeypatch.setattr(standing, name, seconds)
    monkeypatch.setattr(watch, "LOOK", 0.02)
    return Several()


def test_the_rank_that_stands_still_for_longest_is_named(several, tmp_path, capsys):
    with Watch(several, Lock(tmp_path / "s.h5")):
        several.said = [Report(2, "c", "loading the data", 1.0), Report(1, "b", "at (0, 0)", 40.0)]
        time.sleep(1.5)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "rank 1 on b has been at (0, 0) for 40 s; so has 1 other rank"
    assert 2 <= len(lines) <= 3


def test_a_tile_of_a_rank_that_says_nothing_is_named(several, tmp_path, capsys):
    several.busy[2] = Tile((0, 1), ((0.5, 1.0), (1.0, 1.0))), time.monotonic() - 50
    with Watch(several, Lock(tmp_path / "s.h5")):
        time.sleep(0.2)
    assert capsys.readouterr().err == "rank 2 on c has been in the tile from (0.5, 1) for 50 s\n"


def test_nothing_is_said_while_ranks_wait_or_go_on(several, tmp_path, capsys):
    with Watch(several, Lock(tmp_path / "s.h5")):
        several.activity.rest()
        time.sleep(0.5)
        for number in range(10):
            several.activity.begin(f"at ({number}, 0)")
            time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_an_activity_lasts_while_its_text_stays_the_same():
    activity, texts = Activity(), ["a"]
    activity.begin(lambda: texts[-1])
    activity.look()
    time.sleep(0.1)
    assert activity.look()[0] == "a"
    assert activity.look()[1] >= 0.1
    texts.append("b")
    assert activity.look()[1] < 0.1
    with activity.resting():
        assert activity.look()[0] == ""
    assert activity.look()[0] == "b"

"""Tests of recording: results reach the file when they arrive, whatever the main thread does."""

import threading
import time

import numpy as np
import pytest

from landscape_cli.errors import LostLockError, PublishError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import TileResult
from landscape_cli.run.rank_speed import Pace
from landscape_cli.run.recording import Recording
from landscape_cli.run.session import Session
from landscape_cli.store import Recorder, empty_surface, read_surface
from landscape_cli.util.progress import Progress

GRID = Grid({"x": Axis(0, 1, 400)})


def result(*indices, rank=0):
    values = {("train", "loss"): np.array(indices, float)}
    return TileResult(indices, values, values, np.full(len(indices), 0.1, np.float32), rank)


@pytest.fixture
def recorder(tmp_path):
    surface = empty_surface(GRID, {}, {"runs": [{}]})
    return Recorder(tmp_path / "s.h5", surface)


@pytest.fixture
def recording(recorder):
    session = Session((), {}, {}, ())
    bar = Progress(recorder.total, "s.h5", quiet=True)
    return Recording(recorder, session, bar, Pace(4))


def done(recorder):
    return read_surface(recorder.path).done if recorder.path.exists() else 0


def test_results_are_published_within_two_seconds_while_the_main_thread_is_busy(
    recorder, recording
):
    with recording:
        for number in range(1, 6):
            recording.arrived(result(number))
            time.sleep(0.3)
        deadline = time.monotonic() + 2.0
        while done(recorder) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert done(recorder) == 5
    assert recording.computed == 5


def test_nothing_is_written_while_nothing_arrives(recorder, recording):
    with recording:
        recording.arrived(result(3))
        time.sleep(1.5)
        written = recorder.path.stat().st_mtime_ns
        time.sleep(1.5)
        assert recorder.path.stat().st_mtime_ns == written


def test_results_of_many_threads_are_all_in_the_file(recorder, recording):
    def send(rank):
        for index in range(rank, 400, 4):
            recording.arrived(result(index, rank=rank))

    with recording:
        threads = [threading.Thread(target=send, args=(rank,)) for rank in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with recording.paused():
            assert recorder.done == 400
    surface = read_surface(recorder.path)
    np.testing.assert_array_equal(surface.values["train", "loss"], np.arange(400.0))
    np.testing.assert_array_equal(surface.rank, np.arange(400) % 4)


def test_what_has_arrived_is_published_after_an_error(recorder, recording):

    def fail_after_some():
        with recording:
            recording.arrived(result(1, 2))
            recording.arrived(result(3))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_some()
    assert done(recorder) == 3


def test_an_error_of_the_recording_reaches_the_main_thread(recorder, recording):
    def lost():
        raise LostLockError("lost")

    recorder._check = lost

    def go_on():
        with recording:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                recording.arrived(result(2))
                time.sleep(0.05)
        pytest.fail("it went on")

    with pytest.raises(LostLockError):
        go_on()
    assert done(recorder) == 0


def test_an_unforeseen_error_of_the_recording_is_not_swallowed(recorder, recording):
    def record():
        with recording:
            recording.arrived(result(1))
            recording.arrived(result(4000))

    with pytest.raises(IndexError):
        record()
    assert done(recorder) == 1


def test_a_file_that_cannot_be_written_at_the_end_is_an_error_or_a_warning(
    recorder, recording, monkeypatch, capsys
):
    def fail():
        raise PublishError("nowhere to write to")

    monkeypatch.setattr(recorder, "finish", fail)
    with pytest.raises(ZeroDivisionError), recording:
        raise ZeroDivisionError
    assert "warning: nowhere to write to" in capsys.readouterr().err


def test_a_failed_last_publication_is_an_error(recorder, recording, monkeypatch):
    def fail():
        raise PublishError("nowhere to write to")

    monkeypatch.setattr(recorder, "finish", fail)
    with pytest.raises(PublishError), recording:
        recording.arrived(result(1))

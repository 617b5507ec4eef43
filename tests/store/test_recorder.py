"""Tests of a recorder whose file can't always be written."""

import re
from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.errors import PublishError, StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Status, TileResult
from landscape_cli.store import Recorder, empty_surface, read_surface
from landscape_cli.store import recorder as module

GRID = Grid({"x": Axis(0, 1, 4)})


def result(index, value=1.0):
    values = {("train", "loss"): np.array([value])}
    return TileResult((index,), values, values, np.ones(1, np.float32))


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a recorder, a switch that removes its folder, and the list of its warnings."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(module, "SHORTEST_INTERVAL", 0.0)
    monkeypatch.setattr(module, "LAST_TRIES", (0.0, 0.01))
    said: list[str] = []
    recorder = Recorder(tmp_path / "out" / "s.h5", empty_surface(GRID, {}, {}), said.append)
    recorder.publish()

    def away(gone):
        if gone:
            (tmp_path / "out").rename(tmp_path / "elsewhere")
            (tmp_path / "out").write_text("a file where the folder was")
        else:
            (tmp_path / "out").unlink()
            (tmp_path / "elsewhere").rename(tmp_path / "out")

    return recorder, away, said


def test_an_unwritable_file_does_not_stop_the_run_and_is_retried(place):
    recorder, away, said = place
    away(True)
    recorder._interval = 0.0
    recorder.add(result(0))
    recorder.publish_if_due()
    (text,) = said
    assert re.search(
        r"output: can't write '.*s\.h5': .*; computing continues, the next attempt", text
    )
    away(False)
    assert read_surface(recorder.path).done == 0
    recorder.publish_if_due()
    assert said[1:] == [f"{recorder.path} can be written again"]
    assert read_surface(recorder.path).done == 1


def test_pauses_double_up_to_a_minute(place):
    recorder, away, said = place
    away(True)
    recorder._interval = 8.0
    pauses = []
    for _ in range(5):
        recorder._published = float("-inf")
        recorder.publish_if_due()
        pauses.append(recorder._interval)
    assert pauses == [16, 32, 60, 60, 60]
    assert len(said) == 5


def test_the_last_resort_is_the_current_folder(place, tmp_path):
    recorder, away, _ = place
    recorder.add(result(2, 0.25))
    away(True)
    with pytest.raises(PublishError, match=r"everything computed is in .*rescued") as caught:
        recorder.finish()
    assert caught.value.exit_code == 1
    (rescued,) = (tmp_path / "work").iterdir()
    assert str(rescued) in str(caught.value)
    surface = read_surface(rescued)
    assert surface.status.tolist() == [Status.TODO, Status.TODO, Status.OK, Status.TODO]
    assert surface.values["train", "loss"][2] == 0.25


def test_without_a_writable_folder_the_loss_is_reported(place, tmp_path):
    recorder, away, _ = place
    away(True)
    (tmp_path / "work").rmdir()
    with pytest.raises(PublishError, match="is lost"):
        recorder.finish()


def test_a_last_try_that_succeeds_is_enough(place):
    recorder, _, said = place
    recorder.add(result(1))
    recorder.finish()
    assert read_surface(recorder.path).done == 1
    assert said == []


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, 1), (0.01, 1), (0.03, 1.5), (0.1, 2), (0.4, 2), (1.0, 5)]
)
def test_intervals(seconds, expected):
    assert module.interval(seconds) == pytest.approx(expected)


def test_publishing_itself_is_strict(place):
    recorder, away, _ = place
    away(True)
    with pytest.raises(StoreError):
        recorder.publish()


def test_failed_and_interpolated_points_are_to_do_again(tmp_path):
    surface = empty_surface(GRID, {}, {})
    surface.values["train", "loss"] = np.arange(4.0)
    surface.stderr["train", "loss"] = np.arange(4.0)
    surface.status[:] = [Status.OK, Status.FAILED, Status.INTERPOLATED, Status.TODO]
    recorder = Recorder(tmp_path / "s.h5", surface)
    assert recorder.todo.tolist() == [1, 2, 3]
    assert recorder.done == 1
    np.testing.assert_array_equal(
        recorder.surface.values["train", "loss"], [0, np.nan, np.nan, 3.0]
    )


def test_points_that_could_have_stopped_early_are_listed_in_their_order(tmp_path):
    """Whatever the order in which they arrive."""
    keys = [("test", "loss"), ("train", "loss")]
    facts = {"tolerance": 0.01, "first": 64, "halvings": 0}
    recorder = Recorder(tmp_path / "s.h5", empty_surface(GRID, {}, {"sampled": facts}))
    for index, early in ((3, 5.0), (1, np.nan), (0, 4.0), (3, 6.0)):
        means = {key: np.array([early + number]) for number, key in enumerate(keys)}
        recorder.add(replace(result(index), early=means))
    recorder.add(result(2))
    recorder.publish()
    checked = read_surface(tmp_path / "s.h5").provenance["sampled"]["checked"]
    values = {"test/loss": [4.0, 6.0], "train/loss": [5.0, 7.0]}
    assert checked == {"points": [0, 3], "values": values, "held_out": True}


def test_interpolated_points_are_done_until_they_are_computed(tmp_path):
    recorder = Recorder(tmp_path / "s.h5", empty_surface(GRID, {}, {}))
    recorder.add(result(0))
    recorder.add(result(3))
    key = ("train", "loss")
    points = np.array([False, True, True, False])
    recorder.interpolate(points, {key: np.full(4, 7.0)}, {key: np.full(4, 0.5)})
    assert recorder.done == 4
    assert recorder.surface.complete
    assert recorder.surface.values[key].tolist() == [1, 7, 7, 1]
    recorder.add(result(1, 3.0))
    assert recorder.done == 4
    assert recorder.surface.values[key].tolist() == [1, 3, 7, 1]
    assert recorder.surface.interpolated == 1


def test_a_slow_disk_is_reported_once(place, monkeypatch):
    recorder, _, said = place
    assert said == []
    monkeypatch.setattr(module, "SLOW", 0.0)
    recorder.publish()
    recorder.publish()
    (line,) = said
    assert re.search(r"s\.h5 took 0\.\d s to write, so it is written only about every \d+ s", line)

import re
from dataclasses import replace

import numpy as np
import pytest

import builders
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.progress import headline, progress_map, rank_lines, watched
from landscape_cli.plotting.terminal.throughput import Rate, Throughput
from landscape_cli.records.grid import Axis
from landscape_cli.records.shards import Shard
from landscape_cli.records.tiles import Status

CODE = re.compile(r"\x1b\[[0-9;]*m")


def surface(status, rank=0, seconds=0.5, repeats=1, **provenance):
    """Return a surface over [0, 1] with statuses of shape (nx,), (ny, nx), or repeats of these."""
    status = np.asarray(status, np.uint8)
    points = status.shape[1:] if repeats > 1 else status.shape
    axes = (Axis(0, int(count > 1), count) for count in points[::-1])
    done = status != Status.TODO
    return builders.surface(
        {},
        *axes,
        repeats=repeats,
        status=status,
        seconds=np.where(done, seconds, np.nan),
        rank=np.where(done, rank, -1),
        provenance=provenance,
    )


def drawn(found, width=40, height=8):
    """Return the map in plain characters without its axes."""
    lines, _ = progress_map(found, width, height, Depth.PLAIN)
    return [line[9:] for line in lines[:-2]]


def test_each_point_of_a_small_plane_is_a_block():
    rows = drawn(surface([[0, 1, 0], [1, 0, 1]]))
    across, up = len(rows[0]) // 3, len(rows) // 2
    assert rows == [
        *["#" * across + "." * across + "#" * across] * up,
        *["." * across + "#" * across + "." * across] * up,
    ]


def test_the_first_row_is_at_the_bottom():
    rows = drawn(surface([[1, 1, 1], [0, 0, 0], [0, 0, 0]]))
    assert set(rows[0]) == {"."}
    assert set(rows[-1]) == {"#"}


def test_special_statuses_have_their_own_characters():
    status = [[0, 1], [Status.NOT_FINITE, Status.FAILED]]
    rows = drawn(surface(status))
    half = len(rows[0]) // 2
    assert rows[-1] == "." * half + "#" * half
    assert rows[0] == "x" * half + "!" * half
    assert drawn(surface([Status.INTERPOLATED, 1]))[0][0] == "~"


@pytest.mark.parametrize("width", [20, 33, 60])
def test_a_single_failed_point_of_a_large_plane_is_shown(width):
    status = np.ones((101, 97))
    status[50, 13] = Status.FAILED
    assert sum(row.count("!") for row in drawn(surface(status), width)) == 1


def test_the_character_of_a_pixel_shows_the_fraction_computed():
    letters = "".join(drawn(surface(np.arange(700) < 350), 31)[0])
    assert letters[0] == "#"
    assert letters[-1] == "."
    assert letters.strip("#.") in "-=:+*"
    status = np.zeros((70, 70))
    status[::2, ::2] = 1
    assert set("".join(drawn(surface(status), 48, 20))) <= set(":-=")


def test_a_shard_omits_the_points_of_other_shards():
    part = Shard(1, 2)
    status = np.where(part.points((5, 5)), 1, 0)
    found = surface(status, shard=part.as_dict())
    assert set("".join(drawn(found))) == {"#", " "}
    assert headline(found, []) == "13 of 13 points (100 %), complete"


def test_repeats_are_averaged():
    status = np.zeros((2, 3, 3))
    status[0] = 1
    rows = drawn(surface(status, repeats=2))
    assert set("".join(rows)) == {"="}


@pytest.mark.parametrize("status", [np.zeros((3, 4, 5)), np.zeros(7), np.zeros((1, 1))])
def test_grids_of_any_shape_have_a_map(status):
    for depth in Depth:
        lines, words = progress_map(surface(status), 50, 12, depth)
        assert len(lines) >= 3
        assert f"to do ({status.size})" in words[-1]


def test_computed_and_missing_points_have_different_colours():
    lines, _ = progress_map(surface([[0, 1], [1, 1]]), 40, 8, Depth.FULL)
    assert "38;2;0;158;115m" in lines[0]
    assert "48;2;69;69;76m" in "".join(lines)


def test_rates_of_one_observation_are_those_while_computing():
    rank = [[0, 0, 1], [1, 1, 1]]
    found = surface(np.ones((2, 3)), rank, seconds=np.array([[0.5, 0.5, 1], [1, 1, 1]]))
    throughput = Throughput()
    throughput.see(found, 100.0)
    assert throughput.rates() == [Rate(0, 2, 2.0), Rate(1, 4, 1.0)]


def test_rates_of_several_observations_are_the_points_between_them():
    throughput = Throughput()
    for time, done in ((10.0, 2), (20.0, 7)):
        throughput.see(surface(np.arange(9) < done), time)
    assert throughput.rates() == [Rate(0, 7, 0.5)]


def test_old_observations_are_forgotten():
    throughput = Throughput()
    for time, done in ((0.0, 0), (1000.0, 2), (1050.0, 7)):
        throughput.see(surface(np.arange(9) < done), time)
    assert throughput.rates() == [Rate(0, 7, 0.1)]


def test_a_restarted_file_has_no_negative_rates():
    throughput = Throughput()
    throughput.see(surface(np.arange(9) < 8), 0.0)
    throughput.see(surface(np.arange(9) < 1), 1.0)
    assert throughput.rates() == [Rate(0, 1, 2.0)]


def test_ranks_without_points_are_listed():
    throughput = Throughput()
    throughput.see(surface([0, 0], runs=[{"mpi": {"size": 3}}]), 0.0)
    assert throughput.rates() == [Rate(0, 0, 0.0), Rate(1, 0, 0.0), Rate(2, 0, 0.0)]


def test_the_headline_states_progress_rate_and_remaining_time():
    found = surface(np.arange(10) < 3)
    assert headline(found, [Rate(0, 2, 0.5), Rate(1, 1, 1.5)]) == (
        "3 of 10 points (30 %), 2 point/s, 0:00:04 left"
    )
    assert headline(found, []) == "3 of 10 points (30 %)"


def test_rank_lines_have_bars_and_devices():
    runs = [{"ranks": [{"host": "a", "device": "cuda:0"}, {"host": "b", "device": "cpu"}]}]
    rates = [Rate(0, 10, 4.0), Rate(1, 5, 2.0)]
    first, second = rank_lines(rates, {"runs": runs}, 9, 100, Depth.PLAIN)
    assert first.count("#") == 2 * second.count("#") == 20
    assert first.endswith(" a (cuda:0)")
    assert second.split()[:6] == ["rank", "1", "5", "points", "2", "point/s"]


def test_only_the_slowest_of_many_ranks_are_shown():
    rates = [Rate(number, 1, float(number % 7 + 1)) for number in range(64)]
    lines = rank_lines(rates, {}, 5, 60, Depth.PLAIN)
    assert [line.split()[1] for line in lines[:-1]] == ["0", "7", "14", "21"]
    assert lines[-1].strip() == "... and 60 faster ranks"


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 60)])
@pytest.mark.parametrize("depth", Depth)
def test_progress_fits_the_terminal(size, depth):
    runs = [{"ranks": [{"host": "h" * 90, "device": "cpu"}] * 9, "mpi": {"size": 9}}]
    found = surface(np.eye(41), runs=runs)
    rates = [Rate(number, 9, 1.0) for number in range(9)]
    lines = watched(replace(found), "/n" * 90, rates, "written by " * 20, size, depth)
    assert max(len(CODE.sub("", line)) for line in lines) <= size[0]
    assert len(lines) <= max(size[1], 17)

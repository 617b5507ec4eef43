import csv

import numpy as np

from landscape_cli.records.tiles import Status


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_plane_is_a_table_with_x_fastest(write, make_surface):
    values = np.array([[0.1, np.inf, 3.0], [1e-300, np.nan, np.nan]])
    status = [[1, 2, 4], [1, Status.TODO, Status.FAILED]]
    path, notes = write(make_surface(values, "-1:1:3", "0:0.1:2", status=status), "csv")
    assert path.read_text() == (
        "x,y,train_loss,train_loss_stderr,status\n"
        "-1.0,0.0,0.1,0.0125,ok\n"
        "0.0,0.0,inf,inf,not_finite\n"
        "1.0,0.0,3.0,0.375,interpolated\n"
        "-1.0,0.1,1e-300,1.25e-301,ok\n"
        "0.0,0.1,,,todo\n"
        "1.0,0.1,,,failed\n"
    )
    assert notes == []


def test_every_number_is_read_back_exactly(write, any_surface):
    rows = rows_of(write(any_surface, "csv")[0])
    assert len(rows) == any_surface.total
    assert [row["status"] for row in rows] == [
        Status(one).name.lower() for one in any_surface.status.ravel()
    ]
    grid = any_surface.grid
    names = [*grid.names, "repeat"] if grid.repeated else grid.names
    places = [tuple(float(row[name]) for name in names) for row in rows]
    assert places == list(grid.coordinates(range(grid.total)))
    unknown = np.isin(any_surface.status, (Status.TODO, Status.FAILED)).ravel()
    for key, values in any_surface.values.items():
        column = np.array([float(row["_".join(key)] or "nan") for row in rows])
        np.testing.assert_array_equal(column[~unknown], values.ravel()[~unknown])
        assert np.isnan(column[unknown]).all()


def test_blocks_of_long_tables_join_seamlessly(write, make_surface, monkeypatch):
    surface = make_surface(lambda x, y: x + y, "0:4:5", "0:2:3")
    whole = write(surface, "csv")[0].read_text()
    monkeypatch.setattr("landscape_cli.exports.formats.csv_.ROWS", 4)
    assert write(surface, "csv")[0].read_text() == whole


def test_quantities_and_repeats_can_be_chosen(write, make_surface):
    arrays = {("a", "loss"): np.arange(4.0).reshape(2, 2), ("b", "loss"): np.ones((2, 2))}
    surface = make_surface(arrays, "0:1:2", repeats=2)
    path, _ = write(surface, "csv", split="a", repeat=1)
    assert [row["a_loss"] for row in rows_of(path)] == ["2.0", "3.0"]
    assert list(rows_of(path)[0]) == ["x", "a_loss", "a_loss_stderr", "status"]


def test_numbers_of_samples_have_columns_of_their_own(write, sampled):
    rows = rows_of(write(sampled, "csv")[0])
    assert [row["a_samples_"] for row in rows] == ["64", "128", "0", "512"]
    assert [row["b_samples"] for row in rows] == ["128", "256", "0", "1024"]
    assert {row["a_samples"] for row in rows} == {"1.0"}
    assert "a_samples_" not in rows_of(write(sampled, "csv", split="b")[0])[0]

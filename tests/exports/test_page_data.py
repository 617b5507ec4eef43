"""The data of a page, unpacked again."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.exports import Source
from landscape_cli.exports.page_data import pack, page_surface, short
from landscape_cli.records.tiles import Status

KEY = ("train", "loss")


def unpack(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), "<" + packed["type"])


def page_of(surface):
    return page_surface(Source(surface, "run.h5", "run"))


def view_of(page, layer=0):
    return page["layers"][layer]["views"][0]


@given(hnp.arrays(st.sampled_from([np.float32, np.float64, np.uint8]), hnp.array_shapes()))
def test_arrays_survive_packing(array):
    np.testing.assert_array_equal(unpack(pack(array)), array.ravel())


@given(hnp.arrays(np.float64, 7, elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_shortened_values_look_the_same(values):
    found = short(values)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(values))
    finite = values[np.isfinite(values)]
    if len(finite):
        with np.errstate(over="ignore"):
            room = 1e-4 * (finite.max() - finite.min())
        assert (np.abs(found[np.isfinite(found)] - finite) <= room).all()
    np.testing.assert_array_equal(np.sign(found), np.sign(values))


def test_single_precision_is_used_unless_values_need_more():
    assert short(np.linspace(0.1, 5e6, 9)).dtype == np.float32
    assert short(1 + np.linspace(0, 1e-6, 9)).dtype == np.float64
    assert short(np.array([0.0, 1e300])).dtype == np.float64
    assert short(np.array([-1e300, 1.7e308])).dtype == np.float64


def test_a_plane(make_surface):
    surface = make_surface(lambda x, y: x + 10 * y, "-1:1:3", "0:2:2")
    page = page_of(surface)
    assert (page["x"], page["y"], page["title"]) == ([-1, 0, 1], [0, 2], "run")
    (layer,) = page["layers"]
    assert (layer["name"], layer["status"]) == ("", None)
    view = view_of(page)
    assert (view["split"], view["quantity"], view["error"]) == (*KEY, "standard error")
    np.testing.assert_array_equal(unpack(view["values"]), [-1, 0, 1, 19, 20, 21])
    np.testing.assert_array_equal(unpack(view["errors"]), np.array([1, 0, 1, 19, 20, 21]) / 8)


def test_accuracy_is_in_percent(make_surface):
    surface = make_surface({("test", "accuracy"): lambda x, y: 0.5 + x / 4}, "0:1:2", "0:1:2")
    view = view_of(page_of(surface))
    np.testing.assert_array_equal(unpack(view["values"]), [50, 75, 50, 75])
    np.testing.assert_array_equal(unpack(view["errors"]), [6.25, 9.375, 6.25, 9.375])


def test_results_that_are_not_finite_stay_and_missing_ones_have_no_value(make_surface):
    values = np.array([[1.0, np.inf, -np.inf], [np.nan, 7.0, 8.0]])
    status = [[1, 2, 2], [2, 3, 4]]
    page = page_of(make_surface(values, "0:1:3", "0:1:2", status=status))
    expected = [1, np.inf, -np.inf, np.nan, np.nan, 8]
    np.testing.assert_array_equal(unpack(view_of(page)["values"]), expected)
    np.testing.assert_array_equal(unpack(page["layers"][0]["status"]), np.ravel(status))


def test_an_incomplete_plane_is_shown_at_its_finest_complete_level(make_surface):
    status = np.ones((9, 9))
    status[0, 1] = Status.TODO
    page = page_of(make_surface(lambda x, y: 3 * x + y, "0:8:9", "0:8:9", status=status))
    assert page["x"] == page["y"] == [0, 2, 4, 6, 8]
    x, y = np.meshgrid(page["x"], page["y"])
    np.testing.assert_array_equal(unpack(view_of(page)["values"]), (3 * x + y).ravel())
    assert page["subtitle"] == "5 x 5 of 9 x 9 points, 98 % computed"


def test_without_a_complete_level_every_point_is_shown(make_surface):
    status = np.zeros((9, 9))
    status[4, 4] = Status.OK
    page = page_of(make_surface(lambda x, y: x + y, "0:8:9", "0:8:9", status=status))
    values = unpack(view_of(page)["values"])
    assert np.flatnonzero(np.isfinite(values)).tolist() == [40]
    assert page["subtitle"] == "1 % computed"


def test_repeats_are_layers_and_so_is_their_mean(make_surface):
    values = np.stack([np.zeros((2, 2)), np.full((2, 2), 2.0)])
    page = page_of(make_surface(values, "0:1:2", "0:1:2", repeats=2))
    assert [layer["name"] for layer in page["layers"]] == ["mean", "0", "1"]
    mean = view_of(page)
    np.testing.assert_array_equal(unpack(mean["values"]), np.ones(4))
    np.testing.assert_allclose(unpack(mean["errors"]), np.full(4, np.sqrt(2)), rtol=1e-6)
    assert mean["error"] == "standard deviation over repeats"
    np.testing.assert_array_equal(unpack(view_of(page, 2)["values"]), np.full(4, 2.0))


def test_the_path_and_the_checkpoints(make_surface):
    facts = {
        "network": {"name": "Net"},
        "directions": {"x": {"kind": "random", "seed": 4}},
        "trajectory": {"coordinates": [[0, 1], [0.5, 0]], "epochs": [0, 10]},
        "checkpoints": [{"label": "a", "coordinates": [0, 1]}],
    }
    page = page_of(make_surface(lambda x, y: x, "0:1:2", "0:1:2", provenance=facts))
    assert (page["title"], page["subtitle"]) == ("Net", "run")
    assert page["axes"] == ["x: random direction (seed 4)"]
    assert page["path"] == {"x": [0, 0.5], "y": [1, 0], "labels": ["epoch 0", "epoch 10"]}
    assert page["marks"] == [{"label": "a", "x": 0, "y": 1}]


@pytest.mark.parametrize(("residual", "words"), [(0.0, ""), (0.5, " (projected, up to 0.5")])
def test_the_curve_of_a_plane(make_surface, residual, words):
    facts = {
        "shape": "chain",
        "ends": ["a.pt", "b.pt"],
        "bend": 1,
        "points": [[0, 0], [0.5, 1], [1, 0]],
        "point_residuals": [0, 0, 0],
        "t": [0, 0.5, 1],
        "coordinates": [[0, 0], [0.5, 1], [1, 0]],
        "residuals": [0, residual, 0],
    }
    provenance = {"curve_plane": facts}
    page = page_of(make_surface(lambda x, y: x, "0:1:2", "0:1:2", provenance=provenance))
    assert page["curve"].pop("name").startswith(f"polygonal chain{words}")
    assert page["curve"] == {
        "line": {"x": [0, 0.5, 1], "y": [0, 1, 0]},
        "straight": {"x": [0, 1], "y": [0, 0]},
        "bends": {"x": [0.5], "y": [1]},
    }
    assert "curve" not in page_of(make_surface(lambda x, y: x, "0:1:2", "0:1:2"))


@pytest.mark.parametrize(
    ("values", "ranges", "words"),
    [
        (1.0, ["0:1:2"], r"run.h5 is a line \(2 points\), and a page shows planes; .*plot"),
        (1.0, ["0:1:2"] * 3, r"run.h5 is a volume \(2 x 2 x 2 points\)"),
        (1.0, ["0:1:2", "0:0:1"], "2 x 1 points, but a surface needs two"),
        (np.nan, ["0:1:2", "0:1:2"], "none of the 4 points computed has a finite value"),
    ],
)
def test_a_surface_that_is_no_plane_is_refused(make_surface, values, ranges, words):
    surface = make_surface(lambda *mesh: mesh[0] * 0 + values, *ranges)
    with pytest.raises(UsageError, match=words):
        page_of(surface)


def test_nothing_computed_is_refused(make_surface):
    surface = make_surface(lambda x, y: x, "0:1:2", "0:1:2", status=np.zeros((2, 2)))
    with pytest.raises(UsageError, match="no point is computed yet"):
        page_of(surface)


def test_paths_keep_their_own_values_as_shown(make_surface):
    values = {"train": {"loss": [3.0, "inf"], "accuracy": [0.5, 1.0]}}
    facts = {"trajectory": {"coordinates": [[0, 1], [0.5, 0]], "values": values}}
    page = page_of(make_surface(lambda x, y: x * y, "-1:1:3", "-1:1:3", provenance=facts))
    loss, accuracy = page["path"]["values"]
    assert (loss["split"], loss["quantity"]) == ("train", "loss")
    assert unpack(loss["values"]).tolist() == [3.0, np.inf]
    assert unpack(accuracy["values"]).tolist() == [50.0, 100.0]


def test_several_paths_keep_their_names(make_surface):
    paths = [
        {"coordinates": [[0, 1], [0.5, 0]], "name": "sgd"},
        {"coordinates": [[1, 1]], "labels": ["<b>"], "name": "adam"},
    ]
    facts = {"trajectory": paths[0], "other_trajectories": paths[1:]}
    page = page_of(make_surface(lambda x, y: x * y, "-1:1:3", "-1:1:3", provenance=facts))
    assert page["path"] == {"x": [0, 0.5], "y": [1, 0], "labels": ["1", "2"], "name": "sgd"}
    assert page["others"] == [{"x": [1], "y": [1], "labels": ["<b>"], "name": "adam"}]


def test_a_damaged_path_names_the_file(make_surface):
    facts = {"trajectory": {"coordinates": [[0, "east"]]}}
    surface = make_surface(lambda x, y: x, "0:1:2", "0:1:2", provenance=facts)
    with pytest.raises(StoreError, match="run.h5: trajectory"):
        page_of(surface)

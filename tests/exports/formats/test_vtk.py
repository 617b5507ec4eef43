"""VTK files, read by VTK's own readers."""

import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.exports.arrays import array_names
from landscape_cli.records.repeats import mean_surface
from landscape_cli.records.tiles import Status

vtk = pytest.importorskip("vtkmodules.vtkIOXML", reason="no vtk: make extras")
numpy_of = pytest.importorskip("vtkmodules.util.numpy_support").vtk_to_numpy
pytestmark = pytest.mark.extras()

READERS = {".vtp": "vtkXMLPolyDataReader", ".vts": "vtkXMLStructuredGridReader"}


def read(path):
    """Read the data set in a file, and check that VTK reports no errors or warnings."""
    reader = getattr(vtk, READERS[path.suffix])()
    complaints = []
    reader.AddObserver("ErrorEvent", lambda *_: complaints.append("error"))
    reader.AddObserver("WarningEvent", lambda *_: complaints.append("warning"))
    assert reader.CanReadFile(str(path))
    reader.SetFileName(str(path))
    reader.Update()
    assert complaints == []
    return reader.GetOutput()


def points_of(data):
    return numpy_of(data.GetPoints().GetData())


def arrays_of(data):
    members = data.GetPointData()
    count = members.GetNumberOfArrays()
    return {members.GetArrayName(i): numpy_of(members.GetArray(i)) for i in range(count)}


def cells_of(cells, corners):
    return numpy_of(cells.GetConnectivityArray()).reshape(-1, corners)


def places(surface):
    """Return the coordinates of a surface's points, with zeros for the axes that it lacks."""
    found = np.array(surface.grid.coordinates(range(surface.grid.total)))
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))


def test_a_structured_grid_has_every_point_and_array(write, any_surface):
    data = read(write(any_surface, "vts")[0])
    surface = mean_surface(any_surface)
    np.testing.assert_array_equal(points_of(data), places(surface))
    sizes = [axis.points for axis in surface.grid.axes.values()]
    assert list(data.GetExtent()[1::2]) == [n - 1 for n in (*sizes, 1, 1)[:3]]
    arrays = arrays_of(data)
    for key, name in array_names(surface).items():
        values = surface.values[key].ravel()
        np.testing.assert_array_equal(arrays[name], values)
        logarithms = [np.log10(value) if value > 0 else np.nan for value in values]
        np.testing.assert_array_equal(arrays[name + "_log10"], logarithms)
        if key in surface.stderr:
            np.testing.assert_array_equal(arrays[name + "_stderr"], surface.stderr[key].ravel())
    np.testing.assert_array_equal(arrays["status"], surface.status.ravel())
    assert arrays["status"].dtype == np.uint8
    assert data.GetPointData().GetScalars().GetName() == "train_loss"


def test_a_structured_grid_has_the_quantities_asked_for(write, any_surface):
    path, _ = write(any_surface, "vts", split="test")
    assert {name.split("_")[0] for name in arrays_of(read(path))} == {"test", "status"}


def test_heights_of_triangles_are_the_values(write, make_surface):
    surface = make_surface(lambda x, y: 3 * x - y, "-1:1:5", "0:2:4")
    data = read(write(surface, "vtp")[0])
    points, arrays = points_of(data), arrays_of(data)
    np.testing.assert_array_equal(points[:, :2], places(surface)[:, :2])
    np.testing.assert_array_equal(points[:, 2], surface.values["train", "loss"].ravel())
    np.testing.assert_array_equal(arrays["train_loss"], points[:, 2])
    assert (arrays["status"] == Status.OK).all()
    corners = points[cells_of(data.GetPolys(), 3)]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert normals[:, 2].sum() / 2 == pytest.approx(4)  # of a rectangle of 2 x 2
    np.testing.assert_allclose(normals / normals[:, 2:], [[-3, 1, 1]] * len(normals))


def test_points_without_a_height_are_holes(write, make_surface):
    values = np.arange(20.0).reshape(4, 5)
    values[1, 1], values[2, 3] = np.inf, np.nan
    status = np.where(np.isfinite(values), Status.OK, Status.NOT_FINITE)
    status[3, 0] = Status.FAILED
    surface = make_surface(values, "0:4:5", "0:3:4", status=status)
    path, notes = write(surface, "vtp")
    data = read(path)
    kept = np.isfinite(values) & (status != Status.FAILED)
    assert set(points_of(data)[:, 2]) == set(values[kept])
    corners = points_of(data)[cells_of(data.GetPolys(), 3)]
    # One of two triangles is left in each of the four cells around a hole, and one at the corner.
    assert len(corners) == 2 * 12 - 4 - 4 - 1
    assert notes == ["3 of 20 points have no height, and are left out"]


def test_a_log_scale_is_requested_or_follows_from_the_values(write, make_surface):
    surface = make_surface(lambda x, y: 10.0 ** (x + y), "0:3:4", "0:1:2")
    path, notes = write(surface, "vtp")
    np.testing.assert_allclose(points_of(read(path))[:, 2], [0, 1, 2, 3, 1, 2, 3, 4], atol=1e-12)
    assert notes == ["heights are decimal logarithms of the train loss; --linear for its values"]
    path, notes = write(surface, "vtp", log=False)
    assert points_of(read(path))[-1, 2] == 10**4
    assert notes == []
    small = make_surface([[1.0, 10.0], [0.0, 100.0]], "0:1:2", "0:1:2")
    path, notes = write(small, "vtp", log=True)
    assert points_of(read(path))[:, 2].tolist() == [0, 1, 2]
    assert notes == ["1 of 4 points have no height, and are left out"]


def test_limits_clip_heights_but_not_values(write, make_surface):
    surface = make_surface([[0.0, 10.0], [20.0, 30.0]], "0:1:2", "0:1:2")
    path, notes = write(surface, "vtp", vmin=5.0, vmax=25.0)
    assert points_of(read(path))[:, 2].tolist() == [5, 10, 20, 25]
    assert arrays_of(read(path))["train_loss"].tolist() == [0, 10, 20, 30]
    assert notes == [
        "1 of 4 values of train loss lie below --vmin 5, and their heights are cut to it",
        "1 of 4 values of train loss lie above --vmax 25, and their heights are cut to it",
    ]


@pytest.mark.parametrize("scale", [1.0, 1.6e308])
def test_heights_can_be_a_fraction_of_the_longer_side(write, make_surface, scale):
    values = np.array([[-1.0, -0.5], [0.0, 1.0]]) * scale
    path, _ = write(make_surface(values, "0:1:2", "0:4:2"), "vtp", height=0.5)
    np.testing.assert_allclose(points_of(read(path))[:, 2], [0, 0.5, 1, 2], atol=1e-12)
    path, _ = write(make_surface(np.ones((2, 2)), "0:1:2", "0:4:2"), "vtp", height=0.5)
    assert points_of(read(path))[:, 2].tolist() == [0, 0, 0, 0]


def test_a_line_is_a_curve(write, make_surface):
    data = read(write(make_surface([4.0, 5.0, np.nan, 7.0, 8.0], "0:4:5"), "vtp")[0])
    assert points_of(data).tolist() == [[0, 0, 4], [1, 0, 5], [3, 0, 7], [4, 0, 8]]
    assert cells_of(data.GetLines(), 2).tolist() == [[0, 1], [2, 3]]
    assert data.GetNumberOfPolys() == 0


def test_repeats_are_their_mean_or_one_of_them(write, make_surface):
    values = np.stack([np.zeros((2, 2)), np.full((2, 2), 4.0)])
    surface = make_surface(values, "0:1:2", "0:1:2", repeats=2)
    for name in ("vtp", "vts"):
        path, notes = write(surface, name)
        assert arrays_of(read(path))["train_loss"].tolist() == [2.0] * 4
        assert notes == ["run.h5: the mean of 2 repeats; --repeat K writes one of them"]
        path, notes = write(surface, name, repeat=1)
        assert arrays_of(read(path))["train_loss"].tolist() == [4.0] * 4
        assert notes == []


def test_an_incomplete_plane_is_written_at_its_finest_complete_level(write, make_surface):
    status = np.full((9, 9), Status.TODO)
    status[::2, ::2] = Status.OK
    surface = make_surface(lambda x, y: x * y, "0:8:9", "0:8:9", status=status)
    path, notes = write(surface, "vtp")
    assert set(points_of(read(path))[:, 0]) == {0, 2, 4, 6, 8}
    assert read(path).GetNumberOfPolys() == 2 * 16
    assert notes == ["run.h5: incomplete; 5 x 5 points, the finest complete level"]
    path, _ = write(surface, "vts")
    assert arrays_of(read(path))["status"].sum() == 25


@pytest.mark.parametrize(
    ("values", "ranges", "options", "message"),
    [
        (lambda x, y, z: x, 3, {}, "--to vtp: run.h5 is a volume, which has no heights; "),
        (lambda x, y: x * np.nan, 2, {}, "run.h5: no point has a finite train loss; "),
        (lambda x, y: x, 2, {"vmin": 2.0, "vmax": 1.0}, "--vmin 2: must be below --vmax 1"),
        (lambda x, y: x, 2, {"vmax": np.inf}, "--vmax inf: must be a finite number"),
        (lambda x, y: x, 2, {"height": np.nan}, "--height nan: must be a finite number"),
        (lambda x, y: -1 - x, 2, {"log": True}, "--log: no train loss in run.h5 is positive; "),
        (lambda x, y: x, 2, {"log": True, "vmin": 0.0}, "--vmin 0: must be positive on a log sca"),
    ],
)
def test_a_surface_without_heights_is_refused(
    write, make_surface, values, ranges, options, message
):
    with pytest.raises(UsageError) as caught:
        write(make_surface(values, *["0:1:3"] * ranges), "vtp", **options)
    assert str(caught.value).startswith(message)


def test_isolated_points_and_planes_without_a_complete_level_are_refused(write, make_surface):
    with pytest.raises(UsageError, match=r"no neighbouring points of run\.h5 have heights"):
        write(make_surface([[1.0, np.nan], [np.nan, 2.0]], "0:1:2", "0:1:2"), "vtp")
    todo = np.full((2, 2), Status.TODO)
    with pytest.raises(UsageError, match="0 of 4 points are done, and no level of the grid is"):
        write(make_surface(np.ones((2, 2)), "0:1:2", "0:1:2", status=todo), "vtp")


@pytest.mark.parametrize("kind", ["vts", "vtp"])
def test_numbers_of_samples_are_point_data(write, sampled, kind):
    arrays = arrays_of(read(write(sampled, kind)[0]))
    assert sorted(arrays["b_samples"].tolist()) == [0, 128, 256, 1024]
    assert sorted(arrays["a_samples_"].tolist()) == [0, 64, 128, 512]

import numpy as np
import pytest

from builders import LOSS, surface
from landscape_cli.analysis.describe import describe
from landscape_cli.errors import UsageError
from landscape_cli.exports import Options, Source
from landscape_cli.exports.basins import basin_numbers
from landscape_cli.exports.export_files import export
from landscape_cli.records.levels import axis_levels
from landscape_cli.records.tiles import Status


def wells(x, y=0.0, z=0.0):
    return (x**2 - 1) ** 2 + y**2 + z**2


def test_numbers_are_places_in_the_list_that_is_described():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(21, 31))
    values[3, 4:9], values[0, 0] = np.nan, np.inf
    found = surface(values, "-1:1:31", "-1:1:21", stderr=0.1)
    basins = basin_numbers(found, LOSS)
    (one,) = describe(found)["numbers"]
    listed = one["topology"]["neighbours"]["8"]["minima"]["list"]
    assert len(listed) > 20
    counts = np.bincount(basins[basins >= 0])
    assert counts.tolist() == [entry["points"] for entry in listed]
    assert (basins[~np.isfinite(values)] == -1).all()
    lowest = np.where(basins == 3, values, np.inf).argmin()
    assert found.grid.coordinates([int(lowest)]) == (tuple(listed[3]["at"]),)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_every_dimension_and_each_repeat(axes):
    own = ("-1.5:1.5:13", "-1:1:5", "-1:1:3")[:axes]
    single = basin_numbers(surface(wells, *own), LOSS)
    assert set(single.ravel()) == {0, 1}
    values = surface(wells, *own).values[LOSS]
    both = basin_numbers(surface(np.stack([values, 0 * values]), *own, repeats=2), LOSS)
    assert (both[0] == single).all()
    assert (both[1] == 0).all()


def test_an_incomplete_surface_has_those_of_its_finest_complete_level():
    level = axis_levels(25)[0]
    status = np.full(25, Status.TODO)
    status[level] = Status.OK
    found = surface(wells, "-1.5:1.5:25", status=status)
    basins = basin_numbers(found, LOSS)
    assert (basins[level] >= 0).all()
    assert (np.delete(basins, level) == -1).all()
    status[0] = Status.TODO
    assert (basin_numbers(surface(wells, "-1.5:1.5:25", status=status), LOSS) == -1).all()


def test_an_archive_has_them_if_asked(tmp_path):
    source = Source(surface(wells, "-1.5:1.5:13", "-1:1:5"), "run.h5", "run")
    export("npz", [source], tmp_path / "a.npz", Options(basins=True))
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["basins/train/loss"].shape == (5, 13)
        assert set(archive["basins/train/loss"].ravel()) == {0, 1}
    export("npz", [source], tmp_path / "b.npz", Options())
    with np.load(tmp_path / "b.npz") as archive:
        assert not [name for name in archive if name.startswith("basins")]
    with pytest.raises(UsageError, match="--basins: applies only to npz, not to csv; leave it"):
        export("csv", [source], tmp_path / "c.csv", Options(basins=True))

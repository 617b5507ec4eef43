"""Files started by version 0.1.0 are completed by this version to the same bits.

Version 0.1.0 wrote ``begun/`` with a time limit and ``complete/`` without one, from the
configurations beside them. Its adaptive runs chose other points to compute; those are kept.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface

FILES = Path(__file__).parents[1] / "data" / "earlier_files"


@pytest.fixture
def earlier(workplace, monkeypatch):
    """Return the folder of a run that version 0.1.0 started."""
    shutil.copytree(FILES, workplace.folder, dirs_exist_ok=True)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return workplace.folder


def computed(surface):
    return np.isin(surface.status, (Status.OK, Status.NOT_FINITE, Status.FAILED))


@pytest.mark.parametrize("name", ["exact", "adaptive", "random"])
def test_an_incomplete_file_is_completed_to_the_same_bits(name, earlier, landscape):
    for path in (earlier / "begun").glob(f"{name}.*"):
        shutil.copy(path, earlier)
    begun = read_surface(earlier / f"{name}.h5")
    assert 0 < begun.done < begun.total

    code, _, errors = landscape("compute", f"{name}.yaml", "--resume")

    assert code == 0, errors
    found = read_surface(earlier / f"{name}.h5")
    expected = read_surface(earlier / "complete" / f"{name}.h5")
    assert landscape("compute", f"{name}.yaml", "-o", "fresh.h5")[0] == 0
    fresh = read_surface(earlier / "fresh.h5")
    done, both = computed(begun), computed(found) & computed(expected)
    assert list(found.values) == list(expected.values)
    assert found.complete
    np.testing.assert_array_equal(computed(found), done | computed(fresh))
    assert both.all() or name == "adaptive"
    for key, values in expected.values.items():
        # Another processor may round differently, even with the same instructions.
        np.testing.assert_allclose(found.values[key][both], values[both], rtol=1e-12)
        np.testing.assert_array_equal(found.values[key][~done], fresh.values[key][~done])
        np.testing.assert_allclose(found.stderr[key][both], expected.stderr[key][both], rtol=1e-12)
        np.testing.assert_array_equal(found.values[key][done], begun.values[key][done])
    loss, was = (surface.values["train", "loss"] for surface in (found, expected))
    assert np.abs(loss - was).max() < 0.01 * np.ptp(was)


@pytest.mark.parametrize("name", ["exact", "adaptive", "random"])
def test_a_complete_file_is_left_alone(name, earlier, landscape):
    for path in (earlier / "complete").glob(f"{name}.*"):
        shutil.copy(path, earlier)
    before = (earlier / f"{name}.h5").read_bytes()

    code, output, errors = landscape("compute", f"{name}.yaml")

    assert code == 0, errors
    assert "nothing to do" in output
    assert (earlier / f"{name}.h5").read_bytes() == before

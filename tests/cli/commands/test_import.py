import h5py
import numpy as np
import pytest

from landscape_cli.store import read_surface


@pytest.fixture
def old(workplace):
    """A surface file of `loss-landscape` with 5 x 4 points, 3 of them not computed."""
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 3, 4)
    path = workplace.folder / "old.h5_[-1.0,1.0,5]x[0.0,3.0,4].h5"
    with h5py.File(path, "w") as file:
        file["dir_file"] = "old.h5"
        file["xcoordinates"], file["ycoordinates"] = x, y
        loss = np.where(np.arange(20) < 17, (x[None, :] ** 2 + y[:, None]).ravel(), -1)
        file["train_loss"] = loss.reshape(5, 4)
        file["train_acc"] = np.where(loss == -1, -1, 90 - loss).reshape(5, 4)
    return path


def test_an_imported_surface_is_read_and_drawn(landscape, old, workplace):
    code, out, err = landscape("import", old)
    new = workplace.folder / "old.h5_[-1.0,1.0,5]x[0.0,3.0,4].imported.h5"
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "arrays of shape (5, 4) hold 4 rows of 5 points along x, one after the other, so their "
        "stored shape scrambles them: read as (4, 5)",
        "17 of 20 points: train loss, train accuracy",
        f"wrote {new}",
    ]
    assert read_surface(new).values["train", "loss"][2, 0] == 1 + 2
    code, out, err = landscape("info", new)
    assert (code, err) == (0, "")
    assert "progress:   17 of 20 points, incomplete" in out
    assert "train loss: minimum 0 at (0, 0), maximum 4, centre 0" in out
    assert f"imported:   {old} (sha256 " in out
    for kind in ("contourf", "surface", "heatmap"):
        code, out, err = landscape("plot", new, "--raw", "--kind", kind, "-o", f"{kind}.png")
        assert code == 0, err
        assert (workplace.folder / f"{kind}.png").stat().st_size > 1000


def test_nothing_is_replaced_without_overwrite(landscape, old, workplace):
    assert landscape("import", old, "-o", "new.h5")[0] == 0
    code, _, err = landscape("import", old, "-o", "new.h5")
    assert code == 2
    assert err == (
        f"landscape: --output: {workplace.folder / 'new.h5'} is there already; name another file, "
        "or add --overwrite\n"
    )
    assert landscape("import", old, "-o", "new.h5", "--overwrite")[0] == 0
    code, _, err = landscape("import", old, "-o", old, "--overwrite")
    assert code == 2
    assert "is the file to import; name another one" in err


def test_an_imported_surface_is_not_continued(landscape, old, workplace):
    landscape("import", old, "-o", "surface.h5")
    code, _, err = landscape("compute", workplace.config())
    assert code == 2
    assert f"was made with another configuration (imported from {old}); choose another" in err
    assert err.count("\n") == 1


def test_files_that_are_no_surface_leave_nothing_behind(landscape, workplace):
    workplace.write("text.h5", "no surface")
    before = {path.name for path in workplace.folder.iterdir()}
    for name in ("text.h5", "missing.h5"):
        code, out, err = landscape("import", name)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert name in err
    assert {path.name for path in workplace.folder.iterdir()} == before

"""``landscape plot`` of minima: --basins, and the kinds merge-tree and persistence."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from builders import surface
from landscape_cli.plotting.topology import TOPOLOGY_KINDS
from landscape_cli.store import write_surface


def wells(x, y=0.0, z=0.0):
    return (x**2 - 1) ** 2 + y**2 + z**2


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with the double well in one, two and three dimensions."""
    axes = ("-1.5:1.5:13", "-1:1:9", "-1:1:5")
    for dimension, name in enumerate(("line", "plane", "volume"), start=1):
        write_surface(tmp_path / f"{name}.h5", surface(wells, *axes[:dimension]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", TOPOLOGY_KINDS)
@pytest.mark.parametrize("name", ["line", "plane", "volume"])
def test_every_dimension_is_drawn(folder, plot, kind, name):
    code, out, err = plot(f"{name}.h5", "--kind", kind, "-o", "a.png", "--dpi", 60, "--caption")
    assert (code, err) == (0, "")
    assert "2 minima of persistence at least 1 % of the range" in out
    assert imread("a.png")[..., :3].std() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "style"), [("pdf", "talk"), ("svg", "dark")])
def test_every_format_and_style(folder, plot, ending, style):
    for more in (["--kind", "merge-tree"], ["--kind", "persistence"], ["--basins"]):
        path = f"{len(more)}.{ending}"
        code, _, err = plot("plane.h5", *more, "-o", path, "--style", style, "--size", "column")
        assert (code, err) == (0, "")
        assert Path(path).stat().st_size > 1000


def test_a_picture_of_the_same_file_is_the_same(folder, plot):
    for name in ("a.png", "b.png"):
        assert plot("plane.h5", "--basins", "-o", name, "--dpi", 50)[0] == 0
    np.testing.assert_array_equal(imread("a.png"), imread("b.png"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--kind", "merge-tree", "--terminal"], "--terminal: does not apply to --kind merge-tree"),
        (["--kind", "merge-tree", "--azimuth", "0"], "--azimuth, --elevation, --zoom: do not"),
        (["--kind", "persistence", "--vmax", "3"], "--vmax: does not apply to --kind persistence"),
        (["--kind", "persistence", "--basins"], "--basins: does not apply to --kind persistence"),
        (["--kind", "merge-tree", "--raw"], "--raw: does not apply to --kind merge-tree; leave it"),
        (
            ["--kind", "merge-tree", "--neighbours", "6"],
            "--neighbours 6: a point of plane.h5 has 4",
        ),
        (["--basins", "--terminal"], "--basins: --terminal draws no minima; leave one out"),
        (["--persistence", "0.1"], "--persistence 0.1: no minima are drawn; add --basins"),
    ],
)
def test_options_without_effect_are_refused(folder, plot, arguments, words):
    code, _, err = plot("plane.h5", *arguments)
    assert code == 2
    assert err.startswith(f"landscape: {words}")
    assert not Path("plane.png").exists()


def test_a_file_that_is_read_is_not_replaced(folder, plot):
    code, _, err = plot("plane.h5", "--kind", "merge-tree", "-o", "plane.h5")
    assert code == 2
    assert "plane.h5" in err

"""``landscape plot`` of curvature files."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from builders import bowl, surface
from landscape_cli.records.curvature import Block, Curvature, Density
from landscape_cli.records.tiles import Status
from landscape_cli.store import write_surface
from landscape_cli.store.curvature_file import write_curvature

RECORD = Curvature(
    "ggn",
    parameters=50,
    labels=("early", "late"),
    status=np.full(2, Status.OK, np.uint8),
    eigenvalues=np.array([[2.0, 1.0, 0.0], [4.0, 1.0, -1.0]]),
    residuals=np.full((2, 3), 1e-3),
    top=2,
    epochs=(1.0, 2.0),
    learning_rates=(0.1, 0.1),
    density=Density(np.linspace(-1, 2, 12).reshape(2, 2, 3), np.full((2, 2, 3), 1 / 3)),
    blocks=(Block("fc.*", 10, np.ones((2, 1)), np.zeros((2, 1))),),
    provenance={"network": {"name": "Two layers"}},
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with a curvature file and a surface."""
    write_curvature(tmp_path / "net.curvature.h5", RECORD)
    write_surface(tmp_path / "plane.h5", surface(bowl))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("kind", [None, "density", "eigenvalues", "training", "blocks"])
def test_a_curvature_file_is_drawn(folder, plot, kind):
    chosen = ["--kind", kind] if kind else []
    code, out, err = plot("net.curvature.h5", *chosen, "--caption", "--dpi", 60)
    assert (code, err) == (0, "")
    assert out.startswith("Gauss-Newton matrix of Two layers: 50 parameters.")
    assert out.endswith(f"wrote {folder / 'net.curvature.png'}\n")
    assert imread("net.curvature.png")[..., :3].std() > 0.02


def test_sizes_styles_and_formats_apply(folder, plot):
    code, _, err = plot(
        "net.curvature.h5",
        "net.curvature.h5",
        "--style",
        "dark",
        "--size",
        "double",
        "--columns",
        1,
        "-o",
        "a.pdf",
    )
    assert (code, err) == (0, "")
    assert Path("a.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["net.curvature.h5", "--kind", "heatmap"], "--kind heatmap: net.curvature.h5 is a curv"),
        (["plane.h5", "--kind", "density"], "--kind density: plane.h5 is no file of landscape cur"),
        (["net.curvature.h5", "plane.h5"], "plane.h5 is no curvature file, as net.curvature.h5 is"),
        (["net.curvature.h5", "--quantity", "loss"], "--quantity: does not apply to curvature"),
        (["net.curvature.h5", "--terminal"], "--terminal: does not apply to curvature files"),
        (["net.curvature.h5", "--linear"], "--log/--linear: does not apply to curvature files"),
        (["net.curvature.h5", "--vmax", "3"], "--vmax: does not apply to curvature files"),
        (["net.curvature.h5", "--watch"], "--watch: does not apply to curvature files"),
        (["net.curvature.h5", "-o", "net.curvature.h5"], "--output"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(folder, plot, arguments, words):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    code, out, err = plot(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.iterdir()} == before

"""``landscape plot`` of diffusion files."""

from dataclasses import replace

import pytest
from matplotlib.image import imread

from builders import bowl, surface
from landscape_cli.plotting.diffusion import DIFFUSION_KINDS
from landscape_cli.store import write_surface
from landscape_cli.store.diffusion_file import write_diffusion
from support.diffusion_maps import made_map

FILE = "a.diffusion.h5"


@pytest.fixture
def folder(workplace):
    write_diffusion(workplace.folder / FILE, made_map(12, draws=3))
    return workplace.folder


def test_the_picture_of_a_file_shows_everything(folder, landscape):
    code, out, err = landscape("plot", FILE, "--caption", "--quantity", "loss")
    assert (code, err) == (0, "")
    assert "MLP: 12 checkpoints, 40 parameters." in out
    assert "3 random walks with the same step lengths" in out
    assert out.endswith(f"wrote {folder / 'a.diffusion.png'}\n")
    assert imread(folder / "a.diffusion.png")[..., :3].std() > 0.1


@pytest.mark.parametrize("kind", ["eigenvalues", "map3d"])
def test_a_kind_has_the_size_that_was_asked_for(folder, landscape, kind):
    options = ("--kind", kind, "--size", "4x3", "--dpi", "50", "--style", "dark", "-o", "b.png")
    assert landscape("plot", FILE, *options)[::2] == (0, "")
    assert imread("b.png").shape[:2] == (150, 200)


def test_the_map_is_drawn_in_the_terminal(folder, landscape):
    code, out, err = landscape("plot", FILE, "--terminal")
    assert (code, err) == (0, "")
    assert out.startswith("MLP: diffusion map, ψ1 across, ψ2 up\n")
    assert "epoch" in out
    assert list(folder.glob("*.png")) == []


def test_clipped_colours_are_noted(folder, landscape):
    options = ("--quantity", "epoch", "--vmin", "2", "--kind", "map")
    code, _, err = landscape("plot", FILE, *options)
    assert code == 0
    assert err == (f"note: {FILE}: 2 values below the colours' lower end, 0 above the upper one\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kind", "contour"], f"--kind contour: {FILE} is a diffusion file; use overview or map"),
        (["--split", "test"], "--split: does not apply to diffusion files"),
        (["--watch"], "--watch: does not apply to diffusion files"),
        (["--trajectory", "t.h5"], "--trajectory: does not apply to diffusion files"),
        (["--levels", "4"], "--levels: does not apply to diffusion files"),
        (["--azimuth", "4"], "--azimuth, --elevation, --zoom: apply only to --kind map3d"),
        (["--quantity", "accuracy"], "--quantity 'accuracy': a.diffusion.h5 has epoch, step"),
        (["--quantity", "loss", "--quantity", "step"], "--quantity is given 2 times"),
        (["--quantity", "training", "--log"], "--quantity training: has no scale"),
        (["--terminal", "--kind", "pca"], "--kind pca: --terminal draws the map alone"),
        ([FILE], "diffusion files are drawn one at a time"),
        (["-o", FILE], f"--output {FILE}"),
    ],
)
def test_what_does_not_apply_is_refused(folder, landscape, options, words):
    before = (folder / FILE).read_bytes()
    code, _, err = landscape("plot", FILE, *options)
    assert code == 2
    assert words in err
    assert len(err.splitlines()) == 1
    assert (folder / FILE).read_bytes() == before


def test_kinds_of_other_files_are_told_apart(folder, landscape):
    write_surface(folder / "plane.h5", surface(bowl))
    code, _, err = landscape("plot", "plane.h5", "--kind", "map")
    assert code == 2
    assert "--kind map: plane.h5 is no file of landscape diffusion" in err
    code, _, err = landscape("plot", "plane.h5", "--kind", "eigenvalues")
    assert code == 2
    assert "plane.h5 is no file of landscape curvature" in err
    code, _, err = landscape("plot", "plane.h5", FILE)
    assert code == 2


def test_an_unfinished_map_is_refused(folder, landscape):
    whole = made_map(6)
    write_diffusion(folder / "b.h5", replace(whole, coordinates=None, eigenvalues=None))
    for more in ((), ("--terminal",), ("--kind", "map")):
        code, _, err = landscape("plot", "b.h5", *more)
        assert code == 2
        assert "b.h5: its map is not computed yet; run landscape diffusion" in err


def test_the_help_lists_every_kind(landscape):
    _, out, _ = landscape("plot", "--help")
    assert "Kinds for diffusion files:" in out
    for name, kind in DIFFUSION_KINDS.items():
        assert f"{name:11} {kind.help}" in out

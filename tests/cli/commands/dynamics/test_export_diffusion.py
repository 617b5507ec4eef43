"""``landscape export`` of diffusion files."""

import numpy as np
import pytest

from landscape_cli.exports.diffusion import DIFFUSION_FORMATS
from landscape_cli.store.diffusion_file import write_diffusion
from support.diffusion_maps import made_map

FILE = "a.diffusion.h5"


@pytest.fixture
def folder(workplace):
    write_diffusion(workplace.folder / FILE, made_map(8, draws=2))
    return workplace.folder


def test_a_file_is_named_after_the_map(folder, landscape):
    code, out, err = landscape("export", FILE, "--to", "npz")
    assert (code, out, err) == (0, f"wrote {folder / 'a.diffusion.npz'}\n", "")
    with np.load(folder / "a.diffusion.npz") as file:
        assert file["distances"].shape == (8, 8)
    assert landscape("export", FILE, "-o", "b.csv")[0] == 0
    assert len((folder / "b.csv").read_text().splitlines()) == 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([FILE, "--to", "stl"], "--to stl: a.diffusion.h5 is a diffusion file; use one of html"),
        ([FILE, FILE, "--to", "csv"], "diffusion files are exported one at a time"),
        ([FILE, "--to", "npz", "--trajectory", "t.h5"], "--trajectory: does not apply"),
        ([FILE, "--to", "npz", "-o", FILE], "output"),
        ([FILE], "--to: name a format"),
    ],
)
def test_what_does_not_apply_is_refused(folder, landscape, arguments, words):
    before = (folder / FILE).read_bytes()
    code, _, err = landscape("export", *arguments)
    assert code == 2
    assert words in err
    assert len(err.splitlines()) == 1
    assert (folder / FILE).read_bytes() == before
    assert [path.name for path in folder.glob("a.*")] == [FILE]


def test_the_help_lists_every_format(landscape):
    out = landscape("export", "--help")[1]
    for name, entry in DIFFUSION_FORMATS.items():
        assert f"{name:9} {entry.help}" in out

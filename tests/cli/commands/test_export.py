"""``landscape export --to html`` as a black box."""

import base64
import gzip
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.store import read_surface

pytestmark = pytest.mark.extras("plotly")


@pytest.fixture(scope="module")
def place(new_workplace):
    here = new_workplace("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(here.folder))
        patch.chdir(here.folder)
        return compute(load_config(here.config()), SerialExecutor(), quiet=True).surface


def surfaces_of(path):
    packed = re.search(r'<script id="data"[^>]*>([^<]*)<', path.read_text())[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))["surfaces"]


def test_a_page_is_written_beside_the_file(landscape, place):
    written = place.with_suffix(".html")
    assert landscape("export", place, "--to", "html") == (0, f"wrote {written}\n", "")
    (shown,) = surfaces_of(written)
    view = next(view for view in shown["layers"][0]["views"] if view["split"] == "train")
    values = np.frombuffer(base64.b64decode(view["values"]["data"]), "<f4")
    expected = read_surface(place).values["train", "loss"]
    np.testing.assert_allclose(values.reshape(4, 5), expected, rtol=1e-6)


def test_several_files_share_one_page(landscape, place, workplace):
    other = workplace.folder / "other.h5"
    other.write_bytes(place.read_bytes())
    assert landscape("export", place, other, "-o", "both.html")[0] == 0
    names = [
        each["subtitle"] or each["title"] for each in surfaces_of(workplace.folder / "both.html")
    ]
    assert [name.partition(",")[0] for name in names] == ["surface.h5", "other.h5"]
    assert list(workplace.folder.glob(".*.tmp*")) == []


def test_the_path_in_another_file_is_shown(landscape, place, workplace):
    import h5py

    with h5py.File("path.h5", "w") as file:  # as written by Li et al.'s tool
        file["proj_xcoord"] = [1.0, 0.5, 0.0]
        file["proj_ycoord"] = [0.0, 0.25, 0.0]
    arguments = ("-o", "page.html", "--trajectory", "path.h5")
    code, _, err = landscape("export", place, *arguments)
    assert (code, err) == (0, "")
    path = surfaces_of(workplace.folder / "page.html")[0]["path"]
    assert (path["x"], path["y"]) == ([1, 0.5, 0], [0, 0.25, 0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--to: name a format, one of html, "),
        (["-o", "page.htm"], "--output page.htm: ends in none of .html, "),
        (["-o", "missing/page.html"], "the folder missing does not exist; create it"),
        (["--to", "html", "-o", "."], "--output .: is a folder; name a file in it"),
        (["--to", "html", "--quantity", "error"], "--quantity 'error': "),
        (["--to", "html", "--trajectory", "none.h5"], "none.h5: no such file"),
        (["--to", "csv", "--trajectory", "x.h5"], "--trajectory x.h5: applies only to html, not"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(landscape, place, workplace, arguments, words):
    code, out, err = landscape("export", place, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1
    assert {path.name for path in workplace.folder.iterdir()} <= {"example.py", "__pycache__"}


def test_a_page_never_replaces_the_surface(landscape, place):
    before = place.read_bytes()
    code, _, err = landscape("export", place, "--to", "html", "-o", place)
    assert (code, place.read_bytes()) == (2, before)
    assert "would replace the surface file" in err


def test_a_line_is_refused(landscape, workplace):
    workplace.config(grid={"x": [-1, 1, 5]})
    workplace.surface("run.yaml", "--quiet")
    code, _, err = landscape("export", "surface.h5", "--to", "html")
    assert code == 2
    assert "surface.h5 is a line (5 points), and a page shows planes; draw it with" in err


def test_help_imports_neither_torch_nor_numpy():
    code = """if True:
        import sys
        from landscape_cli.cli import cli
        from landscape_cli.cli.error_report import run
        run(cli, ["export", "--help"])
        print({"torch", "numpy", "plotly"} & set(sys.modules))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Examples:" in done.stdout
    assert done.stdout.splitlines()[-1] == "set()"

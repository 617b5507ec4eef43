import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from builders import LOSS, surface
from landscape_cli.plotting import KINDS
from landscape_cli.plotting.spectra import SPECTRUM_KINDS
from landscape_cli.store import write_surface
from support.processes import run_in_terminal

MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def drawn(train, y="-1:1:5", **test):
    """Return a surface with this train loss and these test quantities, as functions of x and y."""
    values = {LOSS: train, **{("test", name): function for name, function in test.items()}}
    return surface(values, *(["-1:1:5", y] if y else ["-1:1:5"]), stderr=0.1)


def bowl(x, y=0.0):
    return 1 + 10 * (x**2 + y**2)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with planes, a line, a plane of NaN and one with no point computed."""
    tmp_path = tmp_path_factory.mktemp("files")
    plane = drawn(bowl, accuracy=lambda x, y: np.exp(-(x**2) - y**2))
    write_surface(tmp_path / "plane.h5", plane)
    write_surface(tmp_path / "small.h5", drawn(lambda x, y: bowl(x, y) / 10))
    write_surface(tmp_path / "line.h5", drawn(bowl, y=None, loss=lambda x: 2 * bowl(x)))
    write_surface(tmp_path / "nan.h5", drawn(lambda x, y: x * np.nan))
    todo = replace(plane, status=np.zeros((5, 5), dtype=np.uint8))
    write_surface(tmp_path / "todo.h5", todo)
    write_surface(tmp_path / "even.h5", drawn(bowl, y="-1:1:4"))
    return tmp_path


@pytest.fixture
def folder(files, tmp_path, monkeypatch) -> Path:
    """The current folder, with copies of the files."""
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_default_picture_is_a_png_beside_the_surface(folder, plot):
    (folder / "sub").mkdir()
    os.rename("plane.h5", "sub/plane.h5")
    code, out, err = plot("sub/plane.h5")
    assert (code, err) == (0, "")
    assert out == f"wrote {folder / 'sub' / 'plane.png'}\n"
    assert imread(folder / "sub" / "plane.png")[..., :3].std() > 0.05
    assert {p.name for p in (folder / "sub").iterdir()} == {"plane.h5", "plane.png"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn(folder, plot, kind):
    name = "line.h5" if KINDS[kind].axes == 1 else "plane.h5"
    assert plot(name, "--kind", kind, "-o", "a.png", "--dpi", 50)[0] == 0
    assert imread("a.png")[..., :3].std() > 0.05


@pytest.mark.parametrize("ending", MAGIC)
def test_the_extension_sets_the_format(folder, plot, ending):
    name = f"a.{ending.upper()}"
    assert plot("plane.h5", "-o", name) == (0, f"wrote {folder / name}\n", "")
    assert Path(name).read_bytes().startswith(MAGIC[ending])


def test_the_same_picture_has_the_same_bytes(folder, plot):
    for ending in MAGIC:
        for name in ("a", "b"):
            plot("plane.h5", "-o", f"{name}.{ending}")
        assert Path(f"a.{ending}").read_bytes() == Path(f"b.{ending}").read_bytes()


def test_dpi_sets_the_size(folder, plot):
    widths = []
    for dpi in (50, 100):
        plot("plane.h5", "--dpi", dpi)
        widths.append(imread("plane.png").shape[1])
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.05)


def test_columns_set_the_layout(folder, plot):
    shapes = []
    for columns in (1, 2):
        plot("plane.h5", "small.h5", "--columns", columns, "-o", "a.png", "--dpi", 50)
        shapes.append(imread("a.png").shape)
    (tall, narrow, _), (low, wide, _) = shapes
    assert tall > 1.8 * low
    assert wide > 1.5 * narrow


def test_several_files_with_all_options(folder, plot):
    code, out, err = plot(
        *("plane.h5", "small.h5", "--kind", "contour", "--split", "train", "--quantity", "loss"),
        *("--log", "--vmin", 0.2, "--vmax", 10, "--levels", 9, "--output", "both.pdf"),
    )
    assert code == 0
    assert out == f"wrote {folder / 'both.pdf'}\n"
    assert err == (
        "note: 64.0 % of the train loss values in plane.h5 lie above --vmax 10 and are grey\n"
        "note: 4.0 % of the train loss values in small.h5 lie below --vmin 0.2 and are grey\n"
    )


def test_clipped_values_are_noted_on_stderr(folder, plot):
    code, out, err = plot("plane.h5", "--vmax", 15)
    assert code == 0
    assert out.startswith("wrote ")
    where = "the train loss values in plane.h5"
    assert err == f"note: 16.0 % of {where} lie above --vmax 15 and are grey\n"


def test_accuracy_limits_are_in_percent(folder, plot):
    code, _, err = plot("plane.h5", "--quantity", "accuracy", "--vmin", 20)
    assert code == 0
    assert "16.0 % of the test accuracy values in plane.h5 lie below --vmin 20" in err


def test_files_with_the_same_name_are_distinguished(folder, plot):
    (folder / "sub").mkdir()
    write_surface("sub/plane.h5", drawn(bowl))
    _, _, err = plot("plane.h5", "sub/plane.h5", "--vmax", 15)
    assert "in plane.h5 lie" in err
    assert "in sub/plane.h5 lie" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["plane.h5", "--kind", "line"],
            "--kind line: plane.h5 is a plane (5 x 5 points); use con",
        ),
        (
            ["line.h5", "--kind", "contour"],
            "--kind contour: line.h5 is a line (5 points); use line",
        ),
        (["plane.h5", "--kind", "pie"], "'pie' is not one of 'contour', 'contourf', 'heatmap'"),
        (["plane.h5", "line.h5"], "they cannot share a figure"),
        (["plane.h5", "--split", "val"], "--split 'val': plane.h5 has"),
        (["plane.h5", "--quantity", "f1"], "--quantity 'f1': plane.h5 has"),
        (["plane.h5", "--at-centre", "f1"], "--at-centre 'f1': plane.h5 has loss for train;"),
        (["even.h5", "--at-centre", "loss"], "the grid of even.h5 has no point at the centre"),
        (["plane.h5", "small.h5", "--split", "test"], "--split 'test': small.h5 has train;"),
        (["plane.h5", "--vmin", "3", "--vmax", "2"], "--vmin 3 must be below --vmax 2"),
        (["plane.h5", "--levels", "0"], "--levels 0: choose between 1 and"),
        (["plane.h5", "--kind", "heatmap", "--levels", "4"], "--kind heatmap has no levels"),
        (["plane.h5", "--log", "--vmin", "0"], "--vmin 0 must be positive"),
        (["line.h5", "--kind", "field"], "--kind field: line.h5 is a line (5 points); use line"),
        (["plane.h5", "--ascend", "y"], "--ascend y: no field is drawn; use --kind field, or add"),
        (["plane.h5", "--ascend", "z"], "'z' is not one of 'x', 'y', 'xy'"),
        (["plane.h5", "--kind", "field", "--quiver"], "--quiver: --kind field draws lines along"),
        (["plane.h5", "--around", "here"], "'here' is neither a number nor centre"),
        (["plane.h5", "--around", "2", "--log"], "--around 2: colours diverge on a linear scale"),
        (["plane.h5", "small.h5", "--around", "centre"], "--around centre: the centres differ"),
        (["nan.h5"], "nan.h5: none of the 25 points computed has a finite train loss"),
        (["todo.h5"], "todo.h5: no point is computed yet"),
        (["plane.h5", "todo.h5"], "todo.h5: no point is computed yet"),
        (["gone.h5"], "gone.h5: no such file"),
        (["."], ".: no such file"),
        (["plane.h5", "--columns", "0"], "'--columns': 0 is not in the range"),
        (["plane.h5", "--dpi", "0"], "'--dpi': 0 is not in the range"),
        (
            ["plane.h5", "-o", "a.jpg"],
            "--output a.jpg: the name must end in one of .png, .pdf, .svg",
        ),
        (["plane.h5", "-o", "png"], "--output png: the name must end in"),
        (["plane.h5", "-o", ""], "the name must end in"),
        (["plane.h5", "-o", "no/a.png"], "--output no/a.png: the folder no does not exist"),
        ([], "Missing argument 'FILE...'"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(folder, plot, arguments, words):
    before = set(os.listdir())
    code, out, err = plot(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("landscape: ")
    assert err.count("\n") == 1
    assert words in err
    assert set(os.listdir()) == before


def test_a_field_of_a_game_around_its_centre(folder, plot):
    options = ("--kind", "field", "--ascend", "y", "--around", "centre", "--caption", "-o", "a.svg")
    code, out, err = plot("plane.h5", *options)
    assert (code, err) == (0, "")
    assert "Lines lead along (-∂L/∂x, ∂L/∂y) (x descends, y ascends)" in out
    text = (folder / "a.svg").read_text()
    assert "lines: x descends, y ascends" in text
    assert 'id="field"' in text


def test_a_value_at_the_centre_is_stated(folder, plot):
    assert plot("plane.h5", "--split", "test", "--at-centre", "accuracy", "-o", "a.svg")[0] == 0
    assert plot("plane.h5", "--split", "test", "-o", "b.svg")[0] == 0
    assert (folder / "a.svg").read_text() != (folder / "b.svg").read_text()
    code, out, _ = plot("plane.h5", "--split", "test", "--at-centre", "accuracy", "--terminal")
    assert code == 0
    assert "test accuracy at the centre: 100.0 %" in out


def test_a_surface_is_never_replaced_by_its_picture(folder, plot):
    os.rename("plane.h5", "plane.png")
    before = Path("plane.png").read_bytes()
    code, _, err = plot("plane.png")
    assert code == 2
    assert "would replace the surface file" in err
    assert Path("plane.png").read_bytes() == before


def test_a_folder_as_output_is_refused(folder, plot):
    (folder / "a.png").mkdir()
    code, _, err = plot("plane.h5", "-o", "a.png")
    assert code == 2
    assert "is a folder" in err


def test_debug_shows_the_traceback(folder, plot):
    code, _, err = plot("plane.h5", "--levels", 0, "--debug")
    assert code == 2
    assert "Traceback" in err
    assert "landscape: --levels 0" in err.splitlines()[-1]


def test_an_incomplete_surface_is_drawn(folder, plot):
    half = drawn(bowl)
    status = half.status.copy()
    status[3:] = 0
    write_surface("half.h5", replace(half, status=status))
    assert plot("half.h5") == (0, f"wrote {folder / 'half.png'}\n", "")


def test_the_package_runs_as_a_program(folder):
    done = subprocess.run(
        [sys.executable, "-m", "landscape_cli", "plot", "line.h5", "--vmax", "20"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"wrote {folder / 'line.png'}\n"
    assert "lie above --vmax 20 and are cut off" in done.stderr


def test_help_is_complete_and_imports_nothing_heavy():
    code = """
import sys
import termios
from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run
run(cli, ["plot", "--help"])
assert not {"numpy", "matplotlib", "torch", "h5py"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name, kind in {**KINDS, **SPECTRUM_KINDS}.items():
        assert f"{name:11} {kind.help}" in done.stdout
    assert "landscape plot surface.h5" in done.stdout


def test_a_picture_in_the_terminal_writes_no_file(folder, plot):
    before = set(os.listdir())
    code, out, err = plot("plane.h5", "--terminal")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert "O centre" in out
    assert "min 1 at (0, 0), max 21, centre 1" in out
    assert set(os.listdir()) == before


@pytest.mark.parametrize(
    ("file", "size"), [("plane.h5", (24, 80)), ("line.h5", (20, 100)), ("plane.h5", (50, 60))]
)
def test_a_terminal_shows_the_whole_picture_above_the_next_prompt(folder, file, size):
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    script = f"{sys.executable} -m landscape_cli plot {file} --terminal --vmax 9; echo -n '$ '"
    code, text = run_in_terminal(["sh", "-c", script], folder, environment, size=size)
    assert code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    rows = sum(max(1, -(-len(line) // size[1])) for line in lines)
    assert 0.5 * size[0] < rows <= size[0] - 2
    assert lines[0] == file.removesuffix(".h5")
    assert lines[-1] == "$ "


def test_a_real_terminal_gets_colours_and_its_width(folder):
    environment = {**os.environ, "COLORTERM": "truecolor"}
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "landscape_cli", "plot", "plane.h5", "--terminal"]
    code, text = run_in_terminal(command, folder, environment, size=(30, 50))
    assert code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert "\x1b[38;2;" in text
    assert 30 < max(map(len, lines)) <= 50
    assert 20 < len(lines) < 30


def test_style_size_twin_and_caption(folder, plot):
    code, out, err = plot(
        *("line.h5", "--split", "test", "--twin", "accuracy", "--style", "dark", "--dpi", 100),
        *("--size", "column", "--caption", "-o", "a.png"),
    )
    assert code == 2
    assert "--quantity 'accuracy': line.h5 has loss for test" in err
    write_surface("both.h5", drawn(bowl, y=None, loss=bowl, accuracy=lambda x: np.exp(-(x**2))))
    code, out, err = plot(
        *("both.h5", "--split", "test", "--twin", "accuracy", "--style", "dark", "--dpi", 100),
        *("--size", "column", "--caption", "-o", "a.png"),
    )
    assert (code, err) == (0, "")
    caption, wrote, _ = out.split("\n")
    assert caption.startswith("Test loss (left) and test accuracy in percent (right) of both.h5:")
    assert wrote == f"wrote {folder / 'a.png'}"
    picture = imread("a.png")[..., :3]
    assert picture.shape[1] == 350
    assert picture[0, 0].max() < 0.2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plane.h5", "--size", "wide"], "--size 'wide': expected column, double or WxH"),
        (["plane.h5", "--style", "pink"], "'pink' is not one of 'paper', 'talk', 'dark'"),
        (["plane.h5", "--twin", "loss"], "--twin loss: plane.h5 is not a line"),
    ],
)
def test_bad_looks_are_refused(folder, plot, arguments, words):
    code, out, err = plot(*arguments)
    assert (code, out) == (2, "")
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plane.h5", "-o", "a.png"], "--terminal writes no file"),
        (["plane.h5", "--kind", "surface"], "--terminal draws flat pictures"),
        (["plane.h5", "--kind", "field"], "--kind field: --terminal draws no lines; use contourf"),
        (["line.h5", "--twin", "accuracy"], "--terminal draws one quantity"),
    ],
)
def test_options_that_exclude_terminal_are_refused(folder, plot, arguments, words):
    code, out, err = plot(*arguments, "--terminal")
    assert (code, out) == (2, "")
    assert words in err

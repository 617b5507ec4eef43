"""``landscape plot`` of maps of curvature, from files with every derivative of a polynomial."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.image import imread

from builders import bowl, curved, surface
from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run
from landscape_cli.plotting import LAYERED
from landscape_cli.store import read_surface, write_surface


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder, with a plane and a line with curvature, and a plane without."""
    write_surface(tmp_path / "plane.h5", curved("-1:1:7", "-1:1:7"))
    write_surface(tmp_path / "other.h5", curved("-1:1:7", "-1:1:7", shift=3.0))
    write_surface(tmp_path / "line.h5", curved("-1:1:7"))
    write_surface(tmp_path / "loss.h5", surface(bowl))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_loss_and_the_ratio_of_several_files_are_one_command(folder, plot):
    code, out, err = plot(
        "plane.h5",
        "other.h5",
        "--quantity",
        "loss",
        "--quantity",
        "hessian_ratio",
        "--quiver",
        "--caption",
        "-o",
        "both.png",
    )
    assert (code, err) == (0, "")
    assert imread("both.png")[..., :3].std() > 0.1
    assert "Train loss and ratio |λmin/λmax| of the Hessian of the train loss of plane.h5" in out
    assert "Contour lines: train loss" in out
    assert "Arrows point downhill" in out
    assert "none where λmax ≤ 0" in out
    stored = read_surface("plane.h5").quantities("train")
    assert "hessian_ratio" not in stored


@pytest.mark.parametrize(
    ("kind", "style", "ending"),
    [
        ("heatmap", "paper", "pdf"),
        ("heatmap", "dark", "png"),
        ("contourf", "talk", "svg"),
        ("contour", "dark", "png"),
        ("relief", "paper", "png"),
    ],
)
def test_the_ratio_is_drawn_in_every_style_and_format(folder, plot, kind, style, ending):
    more = ["--quiver"] if kind in LAYERED else []
    code, _, err = plot(
        "plane.h5",
        "--quantity",
        "hessian_ratio",
        "--kind",
        kind,
        "--style",
        style,
        *more,
        "--size",
        "column",
        "--dpi",
        60,
        "-o",
        f"a.{ending}",
    )
    assert (code, err) == (0, "")
    assert Path(f"a.{ending}").stat().st_size > 1000


def test_a_line_and_a_terminal_show_it(folder, plot):
    assert plot("line.h5", "--quantity", "hessian_ratio")[0] == 0
    code, out, err = plot("plane.h5", "--quantity", "hessian_ratio", "--terminal")
    assert (code, err) == (0, "")
    assert "train |λmin/λmax| (log scale)" in out
    code, out, err = plot("other.h5", "--quantity", "hessian_ratio", "--terminal")
    assert "λmax ≤ 0" in out


def test_a_terminal_without_greek_letters_gets_a_picture(folder):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    command = [sys.executable, "-m", "landscape_cli", "plot", "plane.h5", "--terminal"]
    done = subprocess.run(
        [*command, "--quantity", "hessian_min"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_it_can_be_a_twin_and_be_stated_at_the_centre(folder, plot):
    assert plot("line.h5", "--twin", "hessian_ratio", "--at-centre", "hessian_ratio")[0] == 0


def test_frames_of_an_animation_show_it(folder, capsys):
    code = run(
        cli,
        [
            "animate",
            "plane.h5",
            "other.h5",
            "--quantity",
            "hessian_ratio",
            "--dpi",
            "40",
            "-o",
            "a.gif",
            "--quiet",
        ],
    )
    assert (code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["loss.h5", "--quantity", "hessian_ratio"],
            "--quantity 'hessian_ratio': loss.h5 has loss for train; compute it: landscape "
            "compute CFG --curvature extremes",
        ),
        (
            ["loss.h5", "--quiver"],
            "--quiver: loss.h5 has loss for train; compute it: landscape compute CFG --measure "
            "gradient",
        ),
        (["loss.h5", "--contours-of", "margin"], "--contours-of margin: loss.h5 has loss"),
        (["line.h5", "--contours-of", "loss"], "--contours-of loss: does not apply to --kind line"),
        (["line.h5", "--quiver"], "--quiver: does not apply to --kind line; use contourf or"),
        (["plane.h5", "--quiver", "--terminal"], "--quiver: --terminal draws no arrows"),
        (
            ["plane.h5", "--contours-of", "loss", "--terminal"],
            "--contours-of loss: --terminal draws one quantity",
        ),
        (
            ["plane.h5", "--quantity", "loss", "--quantity", "hessian_min", "--terminal"],
            "--quantity is given 2 times: --terminal draws one",
        ),
        (
            ["plane.h5", "--quantity", "loss", "--quantity", "hessian_min", "--vmax", "3"],
            "--vmax 3: --quantity is given 2 times",
        ),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(folder, plot, arguments, words):
    before = sorted(folder.iterdir())
    code, out, err = plot(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"landscape: {words}")
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before

"""``landscape describe`` on a computed surface, as a black box."""

import json

import pytest

from landscape_cli.analysis import NUMBERS
from landscape_cli.config.loading import load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.store import read_surface, write_surface


@pytest.fixture(scope="module")
def place(new_workplace):
    here = new_workplace("describe")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(here.folder))
        patch.chdir(here.folder)
        config = load_config(here.config(grid={"x": [-1, 1, 9], "y": [-1, 1, 9]}))
        return compute(config, SerialExecutor(), quiet=True).surface


def test_numbers_of_a_regression(landscape, place):
    """Check against the Hessian of its quadratic loss, which second differences give exactly."""
    code, out, err = landscape("describe", place, "--json", "--split", "train", "--radius", 0.5)
    assert (code, err) == (0, "")
    (entry,) = json.loads(out)["numbers"]
    values = read_surface(place).values["train", "loss"]
    second_derivative = (values[4, 0] - 2 * values[4, 4] + values[4, 8]) / 1.0
    assert entry["curvature"]["hessian"][0][0] == pytest.approx(second_derivative)
    assert entry["convexity"]["fraction"] == 1
    assert entry["roughness"]["residual"] < 1e-9
    (radius,) = entry["sharpness"]["radii"]
    trace = entry["curvature"]["hessian"][0][0] + entry["curvature"]["hessian"][1][1]
    assert radius["mean"] == pytest.approx(0.5**2 * trace / 4)
    assert entry["centre"] == pytest.approx(values[4, 4])


def test_the_text_output(landscape, place):
    code, out, _ = landscape("describe", place)
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == [str(place), "9 x 9 points (x, y)"]
    assert [line.split(":")[0] for line in lines if line and line[0] == "t"] == [
        "test loss",
        "train loss",
    ]
    for word in (
        "sharpness",
        "curvature",
        "correlation",
        "convexity",
        "roughness",
        "basin",
        "topology",
    ):
        assert sum(line.startswith(f"  {word} ") for line in lines) == 2
    assert "barrier" not in out


def test_each_number_can_be_explained(landscape, place, monkeypatch):
    _, plain, _ = landscape("describe", place)
    for columns in ("60", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        code, out, err = landscape("describe", place, "--explain")
        assert (code, err) == (0, "")
        assert out.startswith(plain)
        lines = out.removeprefix(plain).splitlines()
        assert lines[:2] == ["", "How to read them"]
        assert max(map(len, lines)) <= min(100, int(columns))
        words = " ".join(" ".join(lines).split())
        for name, number in NUMBERS.items():
            assert (f"{name} {number.reading}" in words) is (
                name not in ("barrier", "curve", "path")
            )
    code, _, err = landscape("describe", place, "--explain", "--json")
    assert (code, err) == (2, "landscape: --explain: does not apply to --json; leave one out\n")


def test_a_quadratic_has_one_minimum(landscape, place):
    code, out, _ = landscape("describe", place, "--json", "--persistence", 0.25)
    assert code == 0
    for entry in json.loads(out)["numbers"]:
        found = entry["topology"]
        assert found["fraction"] == 0.25
        assert [each["minima"]["count"] for each in found["neighbours"].values()] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--radius", "2"], "--radius 2: reaches beyond the grid; choose 1 or less"),
        (["--radius", "-1"], "-1.0 is not in the range"),
        (["--persistence", "1.5"], "1.5 is not in the range 0<=x<=1"),
        (["--split", "val"], "--split val: the surface has test, train"),
        (["--quantity", "error"], "--quantity error: the surface has loss"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(landscape, place, arguments, words):
    code, out, err = landscape("describe", place, *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_missing_files_are_refused(landscape, place, tmp_path):
    code, _, err = landscape("describe", tmp_path / "nothing.h5")
    assert (code, err) == (2, f"landscape: {tmp_path}/nothing.h5: no such file\n")


def test_an_incomplete_surface_is_described_and_labelled(landscape, place, tmp_path):
    surface = read_surface(place)
    surface.status[0, 1] = 0
    write_surface(tmp_path / "part.h5", surface)
    code, out, _ = landscape("describe", tmp_path / "part.h5")
    assert code == 0
    assert "5 x 5 points (x, y), the finest level that is complete" in out
    assert "(1 left to do)" in out

"""``landscape report`` on a computed line, and what it refuses."""

import json

import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute


@pytest.fixture
def config(workplace):
    path = workplace.config(grid={"x": [-1, 1, 9]}, output="net.h5")
    compute(load_config(path), SerialExecutor(), quiet=True)
    return path


def test_a_page_is_written_beside_the_output(landscape, workplace, config):
    code, out, err = landscape("report", config, "--title", "My network & I")
    page = workplace.folder / "net.report.html"
    assert (code, out) == (0, f"wrote {page}\n")
    assert "net.report.html: 1/1 figures" in err
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "<h1>My network &amp; I</h1>" in text
    assert f"landscape compute {config}" in text  # makes the plane that is missing
    _, shown, _ = landscape("describe", "net.h5", "--json")
    entry = json.loads(shown)["numbers"][0]
    assert f"mean rise {entry['sharpness']['radii'][0]['mean']:.3g}" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.yaml"], "CONFIG: can't read 'missing.yaml'"),
        (["missing.h5"], "FILE: missing.h5 is not there"),
        (["net.h5", "-o", "net.h5"], "--output net.h5: the name must end in one of .html"),
        (["net.h5", "-o", "no/where.html"], "--output no/where.html: the folder no does not exist"),
        (["net.h5", "--interactive"], "--interactive: there is no plane to show"),
    ],
)
def test_what_is_refused_in_one_line(landscape, config, arguments, message):
    code, out, err = landscape("report", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"landscape: {message}")
    assert err.count("\n") == 1

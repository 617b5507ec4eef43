"""The page as a file; tests/browser tests its behaviour in a browser."""

import base64
import gzip
import json
import re
import sys

import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options, Source
from landscape_cli.exports.export_files import export

pytestmark = pytest.mark.extras("plotly")

SQUARE = ("-1:1:5", "-1:1:5")


def bowl(x, y):
    return 1 + x**2 + y**2


def data_of(text):
    packed = re.search(r'<script id="data"[^>]*>([^<]*)<', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_page_contains_the_library_and_loads_nothing(write, make_surface):
    path, notes = write(make_surface(bowl, *SQUARE), "html")
    text = path.read_text(encoding="utf-8")
    packed = re.search(r'<script id="library"[^>]*>([^<]*)<', text)[1]
    assert b"plotly.js" in gzip.decompress(base64.b64decode(packed))[:200]
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"""(src|href)=(?!["']data:,)""", text)
    assert "{{" not in re.sub(r"<script.*</script>", "", text, flags=re.DOTALL)
    assert notes == []


def test_the_same_surface_gives_the_same_bytes(write, make_surface):
    surface = make_surface(bowl, *SQUARE)
    first = write(surface, "html")[0].read_bytes()
    assert write(surface, "html")[0].read_bytes() == first


def test_a_large_plane_of_four_quantities_is_below_six_megabytes(write, make_surface):
    random = np.random.default_rng(0)
    keys = [(split, name) for split in ("train", "test") for name in ("loss", "accuracy")]
    values = {key: random.normal(size=(251, 251)) for key in keys}
    path, _ = write(make_surface(values, "-1:1:251", "-1:1:251"), "html")
    assert path.stat().st_size < 6_000_000
    assert len(data_of(path.read_text())["surfaces"][0]["layers"][0]["views"]) == 4


def test_names_are_escaped(tmp_path, make_surface):
    surface = make_surface(bowl, *SQUARE, provenance={"network": {"name": "</script><b>"}})
    path = tmp_path / "page.html"
    export("html", [Source(surface, "x.h5", "<i>&{{data}}")], path, Options())
    text = path.read_text()
    assert "<title>&lt;i&gt;&amp;{{data}}</title>" in text
    assert "<b>" not in text
    assert data_of(text)["surfaces"][0]["title"] == "</script><b>"


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({}, ("train", "loss")),
        ({"split": "test"}, ("test", "loss")),
        ({"quantity": "accuracy"}, ("train", "accuracy")),
        ({"split": "test", "quantity": "accuracy", "log": True}, ("test", "accuracy")),
    ],
)
def test_the_initial_view(write, make_surface, options, first):
    keys = [("test", "accuracy"), ("test", "loss"), ("train", "accuracy"), ("train", "loss")]
    path, _ = write(make_surface(dict.fromkeys(keys, bowl), *SQUARE), "html", **options)
    data = data_of(path.read_text())
    assert (data["split"], data["quantity"]) == first
    assert data["log"] == options.get("log")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "val"}, "--split 'val': run.h5 has train, test; choose one of these"),
        ({"quantity": "err"}, "--quantity 'err': run.h5 has loss, accuracy; choose one"),
        (
            {"quantity": "accuracy", "split": "train"},
            "--quantity 'accuracy': split 'train' has none; choose one of train loss, test acc",
        ),
        ({"log": True}, "--log: no train loss is positive; use --linear"),
        ({"vmin": 3.0}, "--vmin 3.0: applies only to vtp, stl, not to html; leave it out"),
        ({"vmax": -9.0}, "--vmax -9: no value is smaller than -3; raise it"),
        ({"vmax": 2.0, "log": True, "split": "test"}, "--vmax 2: no value is smaller than 100"),
        ({"vmax": float("inf")}, "--vmax inf: must be a finite number"),
    ],
)
def test_what_is_not_there_is_one_line(write, make_surface, options, words):
    values = {("train", "loss"): lambda x, y: -bowl(x, y), ("test", "accuracy"): bowl}
    with pytest.raises(UsageError) as error:
        write(make_surface(values, *SQUARE), "html", **options)
    assert words in str(error.value)


def test_a_limit_is_there_at_first(write, make_surface):
    path, _ = write(make_surface(bowl, *SQUARE), "html", vmax=2.5)
    data = data_of(path.read_text())
    assert (data["clip"], data["log"]) == (2.5, False)


def test_a_missing_library_is_refused_with_the_command(write, make_surface, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(UsageError, match=r"needs plotly .*; pip install 'landscape-cli\[html\]'"):
        write(make_surface(bowl, *SQUARE), "html")

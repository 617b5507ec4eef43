"""``landscape plot`` of ensemble files."""

from pathlib import Path

import pytest
from matplotlib.image import imread

from builders import bowl, surface
from landscape_cli.records.ensemble import Ensemble, Scores, ScoreTable
from landscape_cli.store import write_surface
from landscape_cli.store.reports.ensemble_file import write_ensemble

NUMBERS = (0.5, 0.1, 0.9, 0.01, 0.2, 0.02, 0.05)
BINS = tuple((10.0, 10 * (k + 0.5) / 15, float(k)) for k in range(15))


def table(place=None):
    rows = (
        Scores("a", "member", *NUMBERS, bins=BINS),
        Scores("e", "ensemble", *NUMBERS, bins=BINS),
    )
    return ScoreTable("test", place, 150, 150, rows)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with two ensemble files and a surface."""
    write_ensemble(tmp_path / "all.ensemble.json", Ensemble(("a", "b"), 15, True, (table(),)))
    places = tuple(map(table, (0.0, 0.5, 1.0)))
    write_ensemble(
        tmp_path / "ab.ensemble.json", Ensemble(("a", "b"), 15, True, places, curve="ab.curve.h5")
    )
    write_surface(tmp_path / "plane.h5", surface(bowl))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "kind"), [("all", "reliability"), ("ab", "along")])
@pytest.mark.parametrize("named", [True, False])
def test_an_ensemble_file_is_drawn(folder, landscape, name, kind, named):
    chosen = ["--kind", kind] if named else []
    code, out, err = landscape("plot", f"{name}.ensemble.json", *chosen, "--caption", "--dpi", 60)
    assert (code, err) == (0, "")
    assert out.endswith(f"wrote {Path(f'{name}.ensemble.png').resolve()}\n")
    assert imread(f"{name}.ensemble.png")[..., :3].std() > 0.02


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ab.ensemble.json", "plane.h5"], "ab.ensemble.json: ensemble files are drawn one at a"),
        (
            ["ab.ensemble.json", "--kind", "contour"],
            "is an ensemble file; use reliability or along",
        ),
        (["ab.ensemble.json", "--kind", "reliability"], "use along"),
        (["plane.h5", "--kind", "along"], "--kind along: plane.h5 is no file of landscape ensem"),
        (["ab.ensemble.json", "--split", "val"], "--split val: ab.ensemble.json has test"),
        (["ab.ensemble.json", "--linear"], "--log/--linear: does not apply to ensemble files"),
        (["ab.ensemble.json", "--terminal"], "--terminal: does not apply to ensemble files"),
        (["ab.ensemble.json", "--watch"], "--watch: does not apply to ensemble files"),
        (["ab.ensemble.json", "-o", "ab.ensemble.json"], "--output"),
        (["cut.ensemble.json"], "FILE: 'cut.ensemble.json' is no ensemble file"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(folder, landscape, arguments, words):
    text = Path("ab.ensemble.json").read_text()
    Path("cut.ensemble.json").write_text(text[: len(text) // 2])
    before = sorted(path.name for path in folder.iterdir())
    code, out, errors = landscape("plot", *arguments)
    assert (code, out) == (2, "")
    assert words in errors.splitlines()[-1]
    assert len(errors.splitlines()) == 1
    assert sorted(path.name for path in folder.iterdir()) == before

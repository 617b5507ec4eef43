"""The atlas: verdicts, costs, and pages that hold what their scripts wrote."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time

import jinja2
import numpy as np
import pytest
import yaml

from builders import surface
from landscape_cli.cli.error_report import run_script
from landscape_cli.records.tiles import Status
from landscape_cli.store import write_surface
from support.scripts import STUDIES, load

atlas, costs, rendering = load("atlas"), load("costs"), load("rendering")
results, steps = load("results"), load("steps")
Mean, verdict, ordered = results.Mean, results.verdict, results.ordered

PUBLISHED = sorted(path.stem for path in rendering.ATLAS.glob("*.json"))
PAGES = sorted(rendering.TEMPLATES.glob("*.md"))

NAMES = re.compile(
    r"(ResNet|VGG|DenseNet|MLP)s?-\d+(-\d+)*|arXiv \d+\.\d+|\b(19|20)\d\d\b|8 x 8|3 x 3"
    r"|(section|figure|table|theorem|equation)s? \d+(\.\d+)?|[12]-D|float32"
    r"|2 / (learning )?rate"
)
"""Numbers that are part of a name."""


def test_every_study_that_was_published_is_listed():
    assert set(PUBLISHED) <= set(atlas.STUDIES)
    for name in atlas.STUDIES:
        assert (STUDIES / f"{name}.py").exists()
        assert (rendering.TEMPLATES / f"{name}.md").exists()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_page_is_its_template_filled_with_the_study_s_results(name):
    page = (rendering.ATLAS / f"{name}.md").read_text(encoding="utf-8")
    assert page == rendering.study_page(name, rendering.read(name))
    for figure in re.findall(r"\]\(([^)]+\.png)\)", page):
        assert (rendering.ATLAS / figure).exists()
    shown = {f"{name}_{figure}.png" for figure in rendering.read(name)["figures"]}
    assert shown <= set(re.findall(r"\]\(([^)]+\.png)\)", page))


@pytest.mark.parametrize("name", ["README", "costs"])
def test_the_overviews_hold_what_all_studies_found(name):
    page = (rendering.ATLAS / f"{name}.md").read_text(encoding="utf-8")
    assert page == atlas.overview(name)


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_no_number_is_typed_by_hand(path):
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\{[{%].*?[%}]\}|^```.*?^```|<!--.*?-->|`[^`]*`", "", text, flags=re.M | re.S)
    text = re.sub(r"\]\([^)]*\)", "", text)
    assert re.findall(r"[^\n]*\d[^\n]*", NAMES.sub("", text)) == []


def test_a_template_without_its_number_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "TEMPLATES", tmp_path)
    (tmp_path / "a.md").write_text("It is {{ numbers.missing }}.\n")
    with pytest.raises(jinja2.UndefinedError, match="missing"):
        rendering.render("a.md", {"numbers": {}})


def test_means_have_standard_errors():
    mean = Mean.of([1, 2, 3, math.nan])
    assert mean == Mean(2, pytest.approx(1 / math.sqrt(3)))
    assert str(mean) == "2.0 ± 0.6"
    assert Mean.of([0.5]).text() == "0.5"
    assert Mean.of([]).text() == "none"
    assert Mean(0.123, 0.01).percent(3) == "12 ± 1 %"
    for value, error, text in (
        (4.1163, 0.0971, "4.1 ± 0.1"),
        (123.4, 23.0, "120 ± 20"),
        (-0.01117, 0.00123, "-0.011 ± 0.001"),
        (1.00123, 0.00009, "1.00 ± 9e-05"),
        (0.0, 0.25, "0.0 ± 0.2"),
        (-0.004, 0.2, "0.0 ± 0.2"),
        (3.2e6, 1e5, "3.2e+06 ± 1e+05"),
        (2.5e-7, 1e-8, "2.5e-07 ± 1e-08"),
        (99.9, 0.96, "100 ± 1"),
    ):
        assert Mean(value, error).text() == text
    assert (Mean(3, 3) - Mean(1, 4)) == Mean(2, 5)


@pytest.mark.parametrize(
    ("value", "error", "word"),
    [
        (3, 1, "agrees"),
        (2, 1, "undecided"),
        (-2, 1, "undecided"),
        (-3, 1, "disagrees"),
        (1, math.nan, "undecided"),
        (1, 0, "agrees"),
    ],
)
def test_verdicts(value, error, word):
    assert verdict(Mean(value, error)) == word


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([1, 2, 9], "agrees"),
        ([1, 9, 2], "disagrees"),
        ([1, 2, 1.5], "undecided"),
        ([9, 5, 1], "disagrees"),
    ],
)
def test_orders(values, word):
    rising = [Mean(value, 0.5) for value in values]
    assert ordered(rising) == word
    assert ordered([-mean for mean in rising], falling=True) == word


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "10 seconds on one core"),
        (89, "90 seconds on one core"),
        (200, "4 minutes on one core"),
        (3000, "50 minutes on one core"),
        (6000, "2 hours on one core"),
        (32000, "9 hours on one core"),
    ],
)
def test_times_are_rounded_up(seconds, words):
    assert rendering.duration(seconds) == words


def test_paragraphs_are_broken_and_tables_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "TEMPLATES", tmp_path)
    long = "word " * 60
    row = "| " + "cell " * 40 + "|"
    (tmp_path / "a.md").write_text(f"# {long}\n\n{long}\n\n{row}\n\n```\n\n{long}\n\n```\n")
    lines = rendering.render("a.md", {}).splitlines()
    assert row in lines
    assert f"# {long}".rstrip() in [line.rstrip() for line in lines]
    assert (
        max(len(line) for line in lines if line.startswith("word word") and line[-1] != " ") <= 113
    )
    assert long in lines  # in the fence


def test_recipes_are_said_in_words():
    text = "--optimizer sgd --lr 0.1 --nesterov --batch-size 128 --weight-decay 5e-4 --epochs 9"
    words = "SGD (learning rate 0.1, Nesterov momentum 0.9, batches of 128, weight decay 5e-4)"
    assert steps.recipe(text) == words
    assert steps.recipe("--optimizer adam --lr 0.005") == "Adam (learning rate 0.005)"
    words = "SGD (learning rate 0.1, momentum 0.9, gradients clipped to a norm of 0.5)"
    assert steps.recipe("--lr 0.1 --clip 0.5") == words


def test_costs_count_commands_points_and_samples(tmp_path):
    costs.note(tmp_path, 10, "training")
    costs.note(tmp_path, 10, "surfaces")
    costs.note(tmp_path, 2.5, "training")
    (tmp_path / "curve.h5").write_bytes(b"something else")
    part = surface(lambda x, y: x + y, "0:1:3", "0:1:2")
    part.status[0, 1] = Status.INTERPOLATED
    part.status[1, 1] = Status.TODO
    part.provenance["splits"] = {split: {"samples": 7} for split in part.splits}
    write_surface(tmp_path / "a.h5", part)
    found = costs.cost(tmp_path)
    assert found["core_seconds"] == {"training": 12.5, "surfaces": 10.0}
    assert (found["points"], found["evaluated"]) == (6, 4)
    assert found["samples"] == 4 * 7 * len(part.splits)
    assert costs.hours(found) == pytest.approx(22.5 / 3600)


def test_results_are_published_with_their_page(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "TEMPLATES", tmp_path / "pages")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "depth.md").write_text(
        "# D\n\n{{ tables.t }}\n\n{{ claims }}\n{{ time }}\n"
    )
    folder = tmp_path / "runs" / "depth"
    folder.mkdir(parents=True)
    claim = results.Claim("A, section 1", "x rises", "x = 2", "undecided")
    found = results.Results({}, {}, {"t": results.Table(["a"], [["1"]])}, [claim], ["f"])
    steps.Workshop(folder, {}).publish(found)
    (folder / "f.png").write_bytes(b"png")
    atlas.publish("depth", tmp_path / "runs", tmp_path / "atlas")
    page = (tmp_path / "atlas" / "depth.md").read_text()
    assert "| a |\n| --- |\n| 1 |" in page
    assert "| x rises | A, section 1 | x = 2 | *undecided* |" in page
    assert (tmp_path / "atlas" / "depth_f.png").read_bytes() == b"png"
    assert json.loads((tmp_path / "atlas" / "depth.json").read_text())["figures"] == ["f"]
    (folder / "f.png").write_bytes(np.zeros(400_000, np.uint8).tobytes())
    with pytest.raises(atlas.UsageError, match="draw it smaller"):
        atlas.publish("depth", tmp_path / "runs", tmp_path / "atlas")


def test_surfaces_are_compared_with_the_usual_way(tmp_path):
    config = {
        "problem": costs.ZOO,
        "problem_args": {"model": "mlp", "data": "digits", "samples": {"train": 64, "test": 32}},
        "checkpoint": "net.pt",
        "grid": {"x": [0, 1, 3], "y": [0, 1, 2]},
        "splits": ["train"],
    }
    curved = {"curvature": {"measures": ["trace"]}}
    others = {"fresh": {"batch_norm": "recalibrate"}, "curved": curved}
    for name, changes in {"a": {}, **others}.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({**config, **changes}))
        part = surface(lambda x, y: x + y, "0:1:3", "0:1:2")
        part.provenance["splits"] = {split: {"samples": 64} for split in part.splits}
        write_surface(tmp_path / f"{name}.h5", part)
        costs.note(tmp_path, 5, "surfaces", f"{name}.h5")
    found = costs.cost(tmp_path)["like"]
    (each,) = json.loads((tmp_path / costs.USUAL).read_text()).values()
    assert found == {"ours": 5.0, "usual": pytest.approx(6 * each)}
    assert 0 < each < 1


def test_the_processor_time_of_a_command_and_its_children_is_noted():
    busy = "import time; e = time.process_time() + 0.3\nwhile time.process_time() < e: pass"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    assert steps.run([sys.executable, "-c", nested]) >= 0.3
    assert steps.run([sys.executable, "-c", "import time; time.sleep(0.5)"]) < 0.4


QUEUE = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import steps


class Shop(steps.Workshop):
    def _train(self, name):
        steps.run([sys.executable, "-c", f"open({name!r}, 'w'); import time; time.sleep(60)"])


steps.end_with_script()
Shop(Path("."), {}, jobs=2).train(["a", "b", "c"])
"""


def test_commands_end_with_their_script(tmp_path):
    """Two commands at once, one more in the queue, and SIGTERM to the script alone."""
    (tmp_path / "study.py").write_text(QUEUE)
    command = [sys.executable, "study.py", str(STUDIES)]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment())
    deadline = time.monotonic() + 60
    while not all((tmp_path / name).exists() for name in "ab"):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGTERM
    assert not (tmp_path / "c").exists()


def environment():
    return {**os.environ, "PYTHONPATH": str(STUDIES.parents[1])}


def test_a_study_that_fails_does_not_stop_the_others(tmp_path, monkeypatch, capfd):
    for name, code in {"first": "sys.exit(3)", "second": "print(sys.argv[1:])"}.items():
        (tmp_path / f"{name}.py").write_text(f"import sys; {code}")
    published = []
    monkeypatch.setattr(atlas, "FOLDER", tmp_path)
    monkeypatch.setattr(atlas, "STUDIES", {"first": "?", "second": "?"})
    monkeypatch.setattr(atlas, "publish", published.append)
    monkeypatch.setattr(atlas, "write_overviews", lambda: published.append("overviews"))
    monkeypatch.setattr(sys, "argv", ["atlas", "--jobs", "3"])
    assert run_script(atlas.command, "atlas") == 2
    output = capfd.readouterr()
    assert output.out == "['--jobs', '3']\n"
    assert published == ["second", "overviews"]
    assert "first: ended with 3: " in output.err
    assert output.err.endswith("atlas: not made: first; the same command tries them again\n")


def test_an_unknown_study_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["atlas", "nothing"])
    assert run_script(atlas.command, "atlas") == 2
    assert "nothing: no such study; there are " in capsys.readouterr().err

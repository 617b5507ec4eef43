"""Pictures of ensemble files show the record's numbers."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text

from landscape_cli.errors import UsageError
from landscape_cli.plotting.ensembles.figure import describe_ensemble, draw_ensemble
from landscape_cli.plotting.ensembles.reliability import points
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.style import STYLES
from landscape_cli.records.ensemble import Ensemble, Scores, ScoreTable
from support.measuring import SIZES, assert_fits

BINS = tuple((10.0, 10 * (k + 0.5) / 15, float(k > 7) * 10) for k in range(14)) + ((4, 3.9, 4),)


def scores(name, role, accuracy, bins=BINS):
    numbers = {"loss": 0.5, "loss_stderr": 0.1, "brier": 0.2, "brier_stderr": 0.05}
    return Scores(
        name,
        role,
        **numbers,
        accuracy=accuracy,
        accuracy_stderr=0.01,
        calibration_error=0.25,
        bins=bins,
    )


def checkpoints():
    rows = [scores(name, "member", 0.8) for name in ("one_a", "$b$")]
    rows += [scores("mean of the members", "mean", 0.8, ())]
    rows += [scores("averaged weights", "average", 0.7)]
    rows += [scores("averaged predictions", "ensemble", 0.9)]
    tables = [ScoreTable(split, None, 144, 144, tuple(rows)) for split in ("train", "test")]
    facts = {"network": {"name": "small network"}}
    return Ensemble(("one_a", "$b$"), 15, True, tuple(tables), provenance=facts)


def along(*errors):
    """A record with these errors in percent, alone and as an ensemble, at equal distances."""
    tables = [
        ScoreTable(
            "test",
            number / (len(errors) - 1),
            144,
            144,
            (
                scores("phi(t)", "member", 1 - own / 100),
                scores("phi(0) and phi(t)", "ensemble", 1 - joint / 100),
            ),
        )
        for number, (own, joint) in enumerate(errors)
    ]
    return Ensemble(("a.pt", "b.pt"), 15, True, tuple(tables[::-1]), curve="ab.curve.h5")


CURVE = ((5, 5), (7, 4.5), (6, 3), (4, 3.5))


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_errors_along_a_curve():
    figure = draw_ensemble(along(*CURVE), "ab.ensemble.json")
    (axes,) = figure.axes
    own, joint = axes.get_lines()
    np.testing.assert_allclose(own.get_xdata(), [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(own.get_ydata(), [5, 7, 6, 4])
    np.testing.assert_allclose(joint.get_ydata(), [5, 4.5, 3, 3.5])
    assert axes.get_ylabel() == "test error, %"
    band = axes.collections[1].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(3 - 1)
    assert band[:, 1].max() == pytest.approx(5 + 1)
    text = describe_ensemble(along(*CURVE), "ab.ensemble.json")
    assert "5 % at t = 0 and 4 % at t = 1" in text
    assert "at t = 0 and at t = 0.667, averaged, have the smallest one, 3 ± 1 %" in text


def test_reliability_of_members_and_averages():
    record = checkpoints()
    figure = draw_ensemble(record, "all.ensemble.json")
    assert len(figure.axes) == 2
    axes = figure.axes[0]
    confidence, accuracy = points(record.tables[0].rows[0])
    assert len(confidence) == 14  # the last bin has too few
    np.testing.assert_allclose(confidence, (np.arange(14) + 0.5) / 15)
    diagonal, *lines = axes.get_lines()
    assert diagonal.get_xdata()[1] == 1
    assert len(lines) == 4
    for line in lines:
        np.testing.assert_allclose(line.get_ydata(), accuracy)
    labels = axes.get_legend_handles_labels()[1]
    assert labels == ["members", "averaged weights", "averaged predictions"]
    assert axes.get_title() == "small network"
    text = describe_ensemble(record, "all.ensemble.json", split="test")
    assert text.startswith("small network. Reliability on 144 predictions of test")
    assert "averaged predictions 0.25" in text
    assert "train" not in text


@pytest.mark.parametrize("look", STYLES)
@pytest.mark.parametrize("record", [checkpoints(), along(*CURVE), along((np.nan,) * 2, (1, 2))])
def test_every_style_and_errors_that_are_no_numbers(look, record, tmp_path):
    figure = draw_ensemble(record, "a.ensemble.json", page=Page(1, look, caption=True))
    figure.savefig(tmp_path / "a.png", dpi=40)


@pytest.mark.parametrize("record", [checkpoints(), along(*CURVE)])
def test_names_from_foreign_files_are_drawn_plain(record, tmp_path):
    evil = "$x^2 \\bad{$ a\x1b]0;b\r\n\u202ec"
    tables = [
        replace(table, split=evil, rows=tuple(replace(row, name=evil) for row in table.rows))
        for table in record.tables
    ]
    facts = {"network": {"name": evil}}
    foreign = replace(record, tables=tuple(tables), provenance=facts)
    figure = draw_ensemble(foreign, f"{evil}.json", page=Page(caption=True))
    figure.savefig(tmp_path / "a.png", dpi=40)
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert not any(char in text for text in texts for char in "\x1b\r\u202e")


@pytest.mark.parametrize(
    ("record", "options", "words"),
    [
        (checkpoints(), {"kind": "along"}, "--kind along: e.json has checkpoints; use reliability"),
        (along(*CURVE), {"kind": "reliability"}, "has networks along a curve; use along"),
        (checkpoints(), {"split": "val"}, "--split val: e.json has train, test"),
        (Ensemble(("a", "b"), 15), {}, "e.json: it has no scores yet; run landscape ensemble"),
    ],
)
def test_what_a_record_lacks_is_refused(record, options, words):
    with pytest.raises(UsageError, match=words):
        draw_ensemble(record, "e.json", **options)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(size):
    for record in (checkpoints(), along(*CURVE)):
        assert_fits(
            draw_ensemble(record, "a.ensemble.json", page=Page(size=size and size_of(size)))
        )

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.container import BarContainer
from matplotlib.text import Text

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure_files import save
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.spectra import SPECTRUM_KINDS
from landscape_cli.plotting.spectra.figure import describe_spectra, draw_spectra
from landscape_cli.plotting.spectra.painter import default_kind
from landscape_cli.plotting.spectra.training import edge_of_stability
from landscape_cli.records.tiles import Status
from support.measuring import SIZES, assert_fits


def axes_of(made, kind, **options):
    return draw_spectra([made], ["a.curvature.h5"], kind, Page(**options)).axes[0]


def texts(axes):
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPECTRUM_KINDS)
@pytest.mark.parametrize(("look", "size"), [("paper", None), ("talk", "double"), ("dark", "6x3")])
def test_every_kind_is_drawn(record, blocks, kind, look, size, tmp_path):
    made = record(3, blocks=blocks(3))
    if kind == "blocks" and size == "6x3":
        size = "6.4x3.3"  # each block has three lines
    size = size and size_of(size)
    figure = draw_spectra(
        [made, made], ["a.h5", "b.h5"], kind, Page(style=look, size=size, caption=True)
    )
    save(figure, tmp_path / "a.png", 50, size)
    assert [axes.get_title() for axes in figure.axes] == ["MLP", "MLP"]
    assert (tmp_path / "a.png").stat().st_size > 3000


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPECTRUM_KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(record, blocks, kind, size):
    made = record(3, blocks=blocks(3))
    for records in ([made], [made, replace(made, provenance={})]):
        names = ["mlp_first.curvature.h5", "second.curvature.h5"][: len(records)]
        assert_fits(draw_spectra(records, names, kind, Page(size=size and size_of(size))))


def test_the_default_kind_depends_on_what_there_is(record):
    assert default_kind(record(3)) == "training"
    assert default_kind(record()) == "density"
    assert default_kind(record(density=None)) == "eigenvalues"


def test_bars_have_the_eigenvalues_and_residuals(record):
    made = record(2)
    axes = axes_of(made, "eigenvalues")
    (bars,) = [each for each in axes.containers if isinstance(each, BarContainer)]
    np.testing.assert_allclose([bar.get_height() for bar in bars], made.eigenvalues[-1])
    (segments,) = [each.get_segments() for each in bars.errorbar.lines[2]]
    assert [np.ptp(each[:, 1]) for each in segments] == pytest.approx([0.02] * 10)
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels == ["1", "2", "3", "4", "5", "6", "-4", "-3", "-2", "-1"]
    left = [bar.get_x() for bar in bars]
    assert left[6] - left[5] == pytest.approx(2)


def test_second_differences_are_marked_at_both_ends(record):
    made = record(second_differences=np.array([[12.0, -0.5]]), difference_step=0.01)
    axes = axes_of(made, "eigenvalues")
    marks = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert list(marks[0].get_ydata()) == [12.0, -0.5]
    assert "with a step of 0.01" in describe_spectra([made], ["a"], "eigenvalues")


def test_curves_are_the_eigenvalues_over_epochs(record):
    made = record(4, epochs=(0, 2, 4, 8))
    axes = axes_of(made, "training")
    found = {line.get_label(): line.get_data() for line in axes.get_lines()}
    assert found["largest eigenvalue"][0].tolist() == [0, 2, 4, 8]
    assert found["largest eigenvalue"][1].tolist() == made.eigenvalues[:, 0].tolist()
    assert found["smallest eigenvalue"][1].tolist() == made.eigenvalues[:, -1].tolist()
    assert axes.get_xlabel() == "epoch"


def test_the_edge_of_stability_is_drawn_where_learning_rates_are_known(record):
    made = record(4, learning_rates=(np.nan, 0.1, 0.1, 0.05))
    assert edge_of_stability(made)[1:].tolist() == [20, 20, 40]
    axes = axes_of(made, "training")
    (edge,) = [line for line in axes.get_lines() if line.get_label() == "2 / learning rate"]
    np.testing.assert_array_equal(edge.get_ydata(), edge_of_stability(made))
    assert edge.get_drawstyle() == "steps-pre"  # a rate led to its checkpoint
    text = describe_spectra([made], ["a"], "training")
    assert "It exceeds 2 / learning rate at 1 of 3 checkpoints." in text
    assert "2 / learning rate" not in texts(axes_of(record(4), "training"))


def test_a_distant_edge_does_not_flatten_the_eigenvalues(record):
    made = record(4, learning_rates=(0.1, 0.1, 1e-4, 0))
    axes = axes_of(made, "training")
    assert 40 < axes.get_ylim()[1] < 80
    assert "2 / learning rate is above the picture at 1." in describe_spectra(
        [made], ["a"], "training"
    )
    assert np.isnan(edge_of_stability(made)[3])


def test_unfinished_checkpoints_are_left_out_and_counted(record):
    made = record(3)
    values = made.eigenvalues.copy()
    values[1] = np.nan
    status = np.array([Status.OK, Status.TODO, Status.OK], np.uint8)
    made = replace(made, eigenvalues=values, status=status)
    axes = axes_of(made, "training")
    (line,) = [line for line in axes.get_lines() if line.get_label() == "largest eigenvalue"]
    assert line.get_xdata().tolist() == [1, 3]
    words = [child.get_text() for child in axes.texts]
    assert "Hessian, 2 of 3 checkpoints computed" in words


@pytest.mark.parametrize("matrices", [("hessian", "hessian"), ("hessian", "ggn")])
def test_the_matrix_is_named_once_if_it_is_that_of_all_files(record, matrices):
    made = [record(matrix=matrix) for matrix in matrices]
    figure = draw_spectra(made, ["a.h5", "b.h5"], "eigenvalues")
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert ("eigenvalues of the Hessian" in texts) is (len({*matrices}) == 1)
    assert any("Gauss-Newton matrix" in text for text in texts) is ("ggn" in matrices)
    assert "Hessian" not in texts


def test_blocks_have_a_bar_each_from_top_to_bottom(record, blocks):
    axes = axes_of(record(blocks=blocks()), "blocks")
    (bars,) = [each for each in axes.containers if isinstance(each, BarContainer)]
    assert [bar.get_width() for bar in bars] == [1, 2, 3]
    places = [bar.get_y() for bar in bars]
    assert places == sorted(places, reverse=True)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels[0] == "layer1.*\n100 parameters\ntrace 3"
    text = describe_spectra([record(blocks=blocks())], ["a"], "blocks")
    assert "layer1.* 1, trace 3 ± 0.1; layer2.* 2" in text


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"density": None}, "density", "a.curvature.h5 has no density; compute one with --density"),
        ({}, "blocks", "a.curvature.h5 has no blocks; compute some with --blocks"),
        ({}, "training", "has one checkpoint; compute several with --checkpoints"),
        ({"top": 0, "bottom": 0}, "eigenvalues", "has no eigenvalues; compute some with --top"),
        ({"top": 0, "bottom": 0, "checkpoints": 2}, "training", "has no eigenvalues"),
    ],
)
def test_what_a_record_lacks_is_said(record, changes, kind, message):
    with pytest.raises(UsageError, match=f"--kind {kind}: .*{message}"):
        axes_of(record(**changes), kind)


@pytest.mark.parametrize(("top", "bottom"), [(0, 3), (1, 0), (2, 0), (40, 1), (0, 0)])
@pytest.mark.parametrize("kind", ["density", "eigenvalues", "training"])
def test_any_number_of_eigenvalues_is_drawn(record, kind, top, bottom):
    if top + bottom or kind == "density":
        axes_of(record(2, top=top, bottom=bottom), kind, caption=True)


def test_a_file_without_a_finished_checkpoint_is_refused(record):
    made = replace(record(), status=np.zeros(1, np.uint8))
    with pytest.raises(UsageError, match="no checkpoint is computed yet"):
        axes_of(made, None)

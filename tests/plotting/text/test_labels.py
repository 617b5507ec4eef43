from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.text import labels
from landscape_cli.records.tiles import Status

PROVENANCE = {
    "network": {"name": "ResNet-56, width 0.5", "parameters": 213000},
    "directions": {
        "x": {"kind": "random", "seed": 1, "normalize": "filter", "ignore": "biasbn"},
        "y": {"kind": "other", "label": "towards the end of training"},
    },
}


def test_titles_and_axis_labels_come_from_the_provenance(make_panel):
    panel = make_panel(np.ones((5, 5)), provenance=PROVENANCE, source="dir/run.v2.h5")
    assert labels.title(panel) == "ResNet-56, width 0.5"
    assert labels.subtitle(panel) == "dir/run.v2"
    assert labels.axis(panel, "x") == "x: random direction, filter-normalized (seed 1)"
    assert labels.axis(panel, "y") == "y: towards the end of training"


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("frozen", "run, batch norm frozen"),
        ("perturb", "run, batch norm perturbed"),
        ("recalibrate", "run, batch norm recalibrated"),
        ("unheard of", "run"),
    ],
)
def test_the_subtitle_states_the_batch_norm_mode(make_panel, mode, words):
    panel = make_panel(np.ones((5, 5)), provenance={**PROVENANCE, "batch_norm": mode})
    assert labels.subtitle(panel) == words


@pytest.mark.parametrize(
    ("quantize", "words"),
    [
        ({"bits": 3, "per": "filter"}, "run, weights at 3 bits per filter"),
        ({"bits": 1, "per": "tensor"}, "run, weights at 1 bit per tensor"),
        (
            {"bits": 2, "per": "filter", "exclude": ["conv1.*", "linear.*"]},
            "run, weights at 2 bits per filter, without conv1.*, linear.*",
        ),
        ({"bits": "?"}, "run"),
    ],
)
def test_the_subtitle_states_the_bits_of_rounded_weights(make_panel, quantize, words):
    panel = make_panel(np.ones((5, 5)), provenance={**PROVENANCE, "quantize": quantize})
    assert labels.subtitle(panel) == words


@pytest.mark.parametrize(
    "provenance", [{}, {"network": None, "directions": None}, {"network": "?", "directions": []}]
)
def test_labels_fall_back_to_the_file_name_without_provenance(make_panel, provenance):
    panel = make_panel(np.ones((5, 5)), provenance=provenance)
    assert labels.title(panel) == "run"
    assert labels.subtitle(panel) == ""
    assert labels.axis(panel, "x") == "x"


def test_directions_come_from_the_configuration_without_provenance(make_panel):
    panel = make_panel(np.ones((5, 5)))
    config = {"directions": {"x": {"kind": "random", "seed": 4, "normalize": "none"}}}
    panel = replace(panel, surface=replace(panel.surface, config=config))
    assert labels.axis(panel, "x") == "x: random direction (seed 4)"


def test_the_percentage_computed_is_rounded_down(make_panel):
    status = np.full((5, 5), Status.OK)
    status[4, 2:] = Status.TODO
    status[0, 0] = Status.NOT_FINITE
    panel = make_panel(np.ones((5, 5)), status=status, provenance=PROVENANCE)
    assert labels.subtitle(panel) == "run (88 % computed)"
    status = np.full((40, 40), Status.OK)
    status[3, 3] = Status.FAILED
    panel = make_panel(np.ones((40, 40)), x="0:1:40", y="0:1:40", status=status)
    assert labels.subtitle(panel) == "(99 % computed)"


def test_long_progress_is_on_a_separate_line(make_panel):
    status = np.zeros((51, 51))
    status[::2, ::2] = status[np.ix_([13, 25, 37], [0, 13, 25, 37, 50])] = Status.OK
    status[np.ix_([0, 50], [13, 25, 37])] = Status.OK
    plane = {"x": "0:1:51", "y": "0:1:51", "status": status}
    progress = "(5 x 5 of 51 x 51 points, 26 % computed)"
    panel = make_panel(np.ones((51, 51)), provenance=PROVENANCE, source="a.h5", **plane)
    assert labels.subtitle(panel) == f"a {progress}"
    assert labels.subtitle(panel, longest=38) == f"a\n{progress}"
    panel = make_panel(np.ones((51, 51)), source="a.h5", **plane)
    assert labels.subtitle(panel, longest=38) == progress


def test_a_small_percentage_is_not_rounded_to_zero(make_panel):
    status = np.zeros((40, 40))
    status[3, 3] = Status.OK
    panel = make_panel(np.ones((40, 40)), x="0:1:40", y="0:1:40", status=status)
    assert labels.subtitle(panel) == "(less than 1 % computed)"


def test_long_names_keep_both_ends(make_panel):
    name = "digits_" + "x" * 80 + "_seed7.h5"
    title = labels.title(make_panel(np.ones((5, 5)), source=name))
    assert len(title) <= labels.MAX_LENGTH
    assert title.startswith("digits_")
    assert title.endswith("_seed7")


def test_quantities_name_the_split_if_it_is_shared(make_surface):
    ones = np.ones((5, 5))
    surface = make_surface(
        {("train", "loss"): ones, ("test", "loss"): ones, ("test", "accuracy"): ones}
    )
    train, test = (select_panels(surface, split, "loss")[0] for split in ("train", "test"))
    assert labels.quantity([train]) == "train loss"
    assert labels.quantity([train, test]) == "loss"
    assert labels.quantity(select_panels(surface, None, "accuracy")) == "test accuracy (%)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (1234.0, "1234"),
        (1e6, r"$10^{6}$"),
        (-1e6, r"$-10^{6}$"),
        (2.5e-7, r"$2.5\times10^{-7}$"),
    ],
)
def test_extreme_numbers_have_powers_of_ten(value, text):
    assert labels.number(value) == text


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.123, "12.3 %"), (1e-6, "less than 0.1 %"), (0.99999, "more than 99.9 %"), (1.0, "100.0 %")],
)
def test_shares_are_never_rounded_to_zero_or_one(fraction, text):
    assert labels.share(fraction) == text


def stating(panel, accuracy, status=Status.OK):
    """Return the panel with this accuracy at every point, which its subtitle states."""
    surface = panel.surface
    values = {**surface.values, ("train", "accuracy"): np.full((5, 5), accuracy)}
    found = replace(surface, values=values, status=np.full((5, 5), status, np.uint8))
    return replace(panel, surface=found, at_centre="accuracy")


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [(1.0, "100.0 %"), (0.9995, "more than 99.9 %"), (0.59, "59.0 %"), (0.0, "0")],
)
def test_the_subtitle_states_a_value_at_the_centre(make_panel, accuracy, words):
    panel = make_panel(np.ones((5, 5)), provenance=PROVENANCE)
    subtitle = labels.subtitle(stating(panel, accuracy))
    assert subtitle == f"run\ntrain accuracy at the centre: {words}"


def test_the_value_at_the_centre_is_the_file_s_own_at_the_origin(make_panel):
    panel = make_panel(np.arange(25.0).reshape(5, 5), provenance=PROVENANCE)
    stated = labels.subtitle(replace(panel, at_centre="loss"))
    assert stated == "run\ntrain loss at the centre: 12"


def test_a_centre_without_a_value_is_not_stated(make_panel):
    panel = stating(make_panel(np.ones((5, 5))), 0.5, Status.TODO)
    assert "centre" not in labels.subtitle(panel)


@pytest.mark.parametrize("text", ["two\nlines", "$x^2$\nsquared", "plain"])
def test_lines_of_a_text_are_read_one_by_one(text, caplog):
    assert isinstance(labels.mathtext(text), labels.MathText)
    assert caplog.messages == []  # matplotlib warns of a line break within a line
    assert not isinstance(labels.mathtext(f"{text}\n$\\nothing$"), labels.MathText)

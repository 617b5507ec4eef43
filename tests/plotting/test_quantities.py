import numpy as np
import pytest
from matplotlib.colors import to_rgba

from builders import curved
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.kinds.line import BAND_ALPHA
from landscape_cli.plotting.kinds.suitability import choose_kind
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.style import style
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.text.description import describe
from landscape_cli.plotting.value_range import fit
from landscape_cli.records.presentation import NAMINGS, naming


def panel_of(quantity, found=None):
    (panel,) = select_panels(found or curved(), None, quantity, "run.h5")
    return panel


@pytest.mark.parametrize(
    ("quantity", "label", "sentence"),
    [
        ("loss", "train loss", "Train loss of run.h5"),
        ("gradient_norm", "train gradient norm", "Gradient norm of the train loss of run.h5"),
        ("gradient_x", "train slope ∂L/∂x", "Slope along x of the train loss of run.h5"),
        (
            "hessian_max",
            "train Hessian λmax",
            "Largest eigenvalue of the Hessian of the train loss of run.h5",
        ),
        (
            "hessian_ratio",
            "train |λmin/λmax|",
            "Ratio |λmin/λmax| of the Hessian of the train loss of run.h5",
        ),
        (
            "hessian_xx",
            "train curvature ∂²L/∂x²",
            "Second derivative along x of the train loss of run.h5",
        ),
        (
            "hessian_xy",
            "train curvature ∂²L/∂x∂y",
            "Second derivative along x and y of the train loss of run.h5",
        ),
    ],
)
def test_quantities_have_names_on_axes_and_in_sentences(quantity, label, sentence):
    panel = panel_of(quantity)
    assert labels.quantity([panel]) == label
    assert describe([panel], fit([panel])).startswith(f"{sentence}: 11 x 11 points")


def test_the_differentiated_quantity_is_named():
    found = curved(config={"measures": {"gradient": {"quantity": "margin"}}})
    panel = panel_of("gradient_norm", found)
    assert describe([panel], fit([panel])).startswith("Gradient norm of the train margin of")


def test_every_measure_is_drawn_with_its_label(make_surface):
    ones = np.arange(25.0).reshape(5, 5) - 12
    for quantity in NAMINGS:
        panel = panel_of(quantity, make_surface({("train", quantity): ones}))
        figure = draw([panel])
        assert figure.axes[-1].get_ylabel().startswith(f"train {naming(quantity).label}")


@pytest.mark.parametrize("quantity", ["hessian_ratio", "hessian_min", "hessian_xy"])
def test_curvature_is_drawn_as_cells_unless_asked_otherwise(quantity):
    assert choose_kind([panel_of(quantity)], None) == "heatmap"
    assert choose_kind([panel_of(quantity)], "contourf") == "contourf"


def test_the_ratio_is_on_a_logarithmic_scale_however_narrow_its_range():
    panel = panel_of("hessian_ratio")
    assert fit([panel]).log
    assert fit([panel], vmin=0.1).log
    assert not fit([panel], vmin=-1).log
    assert not fit([panel], log=False).log
    assert not fit([panel_of("hessian_ratio", curved("-1:1:5"))]).log


def test_colours_of_both_signs_diverge_from_zero():
    found = curved()
    found.values["train", "hessian_min"][...] += 1.0
    panel = panel_of("hessian_min", found)
    scale = fit([panel])
    assert scale.diverging
    assert (scale.low, scale.high) == (panel.z.min(), panel.z.max())
    with style():
        low, zero, high = (np.array(scale.colors(scale.norm(value))) for value in (-1.0, 0.0, 1.0))
    np.testing.assert_allclose(zero, to_rgba("#f7f7f7"), atol=0.02)
    assert low[2] > low[0]
    assert high[0] > high[2]


def test_colours_of_one_sign_do_not_diverge():
    assert not fit([panel_of("hessian_max")]).diverging
    assert not fit([panel_of("loss")]).diverging


def test_a_colour_map_of_the_user_is_used_as_it_is():
    scale = fit([panel_of("hessian_min")])
    with style(cmap="magma"):
        assert scale.colors.name == "magma"


def test_the_band_of_a_measure_is_its_numerical_error(legend):
    panel = panel_of("hessian_max", curved("-1:1:9", error=0.25))
    axes = draw([panel]).axes[0]
    assert legend(axes) == ["± numerical error"]
    (band,) = [each for each in axes.collections if each.get_alpha() == BAND_ALPHA]
    low, high = np.percentile(band.get_paths()[0].vertices[:, 1], [0, 100])
    assert (low, high) == pytest.approx((panel.z.min() - 0.25, panel.z.max() + 0.25))


@pytest.mark.parametrize("quantity", NAMINGS)
def test_a_missing_measure_is_refused_with_the_command_that_computes_it(make_surface, quantity):
    found = make_surface({("train", "loss"): np.ones((5, 5))})
    with pytest.raises(UsageError, match="compute it: landscape compute CFG --"):
        panel_of(quantity, found)


@pytest.mark.parametrize(
    ("most", "measured", "words"),
    [
        (None, [], "derivatives of the mean over 384 train samples"),
        (64, [64, 32], "derivatives of the mean over 64 train samples"),
        (512, [], "derivatives of the mean over 384 train samples"),
        (512, [500], "derivatives of the mean over 500 train samples"),
    ],
)
def test_the_samples_of_a_measure_are_stated(most, measured, words):
    found = curved(
        config={"measures": {"extremes": {"samples": most}}},
        provenance={
            "splits": {"train": {"samples": 384}},
            "measured_samples": [{"split": "train", "samples": count} for count in measured],
        },
    )
    panel = panel_of("hessian_max", found)
    text = describe([panel], fit([panel]))
    assert words in text
    assert "means over" not in text

import numpy as np
import pytest
from scipy.integrate import trapezoid

from landscape_cli.plotting.spectra.figure import describe_spectra, draw_spectra
from landscape_cli.records.curvature import Density


def axes_of(record, kind="density"):
    return draw_spectra([record], ["a.curvature.h5"], kind).axes[0]


def curves(axes):
    return [line for line in axes.get_lines() if line.get_gid() is None and len(line.get_xdata())]


def test_the_density_integrates_to_one_and_has_the_mean_of_the_quadrature(record):
    made = record()
    (line,) = curves(axes_of(made))
    x, y = line.get_data()
    assert trapezoid(y, x) == pytest.approx(1, abs=1e-3)
    weights, nodes = made.density.weights[0], made.density.nodes[0]
    assert trapezoid(x * y, x) == pytest.approx((weights * nodes).sum() / 4, abs=1e-3)


def test_nodes_that_a_draw_lacks_are_left_out(record):
    made = record()
    lacking = Density(made.density.nodes.copy(), made.density.weights.copy())
    lacking.nodes[..., 5], lacking.weights[..., 5] = np.nan, 0.0
    lacking.weights[..., 6] += 0.99 / 38
    x, y = curves(axes_of(record(density=lacking)))[0].get_data()
    assert np.isfinite(y).all()
    assert trapezoid(y, x) == pytest.approx(1, abs=1e-3)


def test_a_zero_matrix_has_one_peak(record):
    nodes, weights = np.zeros((1, 2, 1)), np.ones((1, 2, 1))
    zero = record(eigenvalues=np.zeros((1, 10)), density=Density(nodes, weights))
    x, y = curves(axes_of(zero))[0].get_data()
    assert abs(x[y.argmax()]) < 1e-12
    assert np.isfinite(y).all()


def test_ticks_are_at_the_eigenvalues(record):
    made = record()
    axes = axes_of(made)
    (ticks,) = [line for line in axes.get_lines() if line.get_gid() == "eigenvalues"]
    assert ticks.get_xdata().tolist() == made.eigenvalues[0].tolist()
    assert axes.get_yscale() == "log"


def test_some_of_many_checkpoints_are_drawn_from_first_to_last(record):
    axes = axes_of(record(12))
    names = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert names[0] == "epoch 1"
    assert names[-2:] == ["epoch 12", "extreme eigenvalues"]
    assert len(curves(axes)) == len(names) - 1 == 5


def test_the_caption_states_quadrature_width_ends_and_trace(record):
    text = describe_spectra([record()], ["a.h5"], "density")
    assert text.startswith(
        "Hessian of MLP: 2,000 parameters, 512 train samples. Stochastic Lanczos quadrature with "
        "4 random vectors of 40 steps"
    )
    assert "the largest is 10, the smallest -1; residuals are at most 0.01." in text
    assert text.endswith("The trace is 20 ± 0.5 (standard error).")

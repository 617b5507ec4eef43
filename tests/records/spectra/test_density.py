import numpy as np
import pytest

from landscape_cli.records.spectra.density import smoothed_density, smoothing_width


def test_the_width_falls_to_a_third_between_nodes():
    width = smoothing_width(np.linspace(0, 1, 11)[None])
    assert np.exp(-0.5 * (0.05 / width) ** 2) == pytest.approx(1 / 3, rel=1e-9)
    assert smoothing_width(np.full((2, 5), 3.0)) == 0


def test_the_density_is_a_sum_of_gaussians():
    nodes, weights = np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([[0.25, 0.75], [0.5, 0.5]])
    at = np.linspace(-3, 5, 4001)
    density, error = smoothed_density(nodes, weights, at, 0.2, 100)
    assert np.trapezoid(density, at) == pytest.approx(1, abs=1e-9)
    middle = np.interp(0, at, density) * 0.2 * np.sqrt(2 * np.pi)
    assert middle == pytest.approx(0.375, abs=1e-4)
    assert (error >= 0).all()

from functools import partial

import numpy as np
import pytest
import torch

from landscape_cli.evaluation.spectrum.density import quadrature
from landscape_cli.evaluation.spectrum.eigenpairs import eigenpairs
from landscape_cli.evaluation.spectrum.start_vectors import gaussian, rademacher
from landscape_cli.evaluation.spectrum.trace import half_width, mean_and_error, probes
from landscape_cli.records.spectra.density import smoothed_density, smoothing_width
from support.matrix_operator import MatrixOperator, with_spectrum

SIZE = 2000
SHAPES = {"w": (SIZE,)}


@pytest.fixture(scope="module")
def hessian():
    """A bulk around 0, positive entries above it and ten outliers, like a trained network's."""
    generator = np.random.default_rng(0)
    bulk = np.r_[generator.normal(0, 0.02, 1500), generator.exponential(0.05, 490)]
    values = np.r_[bulk, 1.5, 1.0, 0.9, 0.8, 0.6, 0.5, 0.4, 0.35, 0.3, 0.3]
    return MatrixOperator(with_spectrum(values)), values


def covered(estimates, truth):
    """Return the fraction of estimates whose 98 % confidence interval contains the truth."""
    return np.mean([abs(mean - truth) <= half_width(e, n, 0.98) for mean, e, n in estimates])


@pytest.mark.slow
def test_the_truth_is_within_the_stated_error_of_the_trace(hessian):
    operator, values = hessian
    plain, deflated = [], []
    for seed in range(60):
        signs = partial(rademacher, SHAPES, seed)
        krylov = eigenpairs(operator, partial(gaussian, SHAPES, seed // 20), 5, steps=30).krylov
        for found, known in ((plain, None), (deflated, krylov)):
            values_of_probes = np.array(list(probes(operator, signs, range(20), known)))
            found.append((*mean_and_error(values_of_probes), 20))
    assert covered(plain, values.sum()) >= 0.95
    assert covered(deflated, values.sum()) >= 0.95
    # What was known before makes the error smaller at equal cost, although half of it is spent.
    errors = [np.sqrt(np.mean([error**2 for _, error, _ in each])) for each in (plain, deflated)]
    spread = [np.std([mean for mean, _, _ in each]) for each in (plain, deflated)]
    assert errors == pytest.approx(spread, rel=0.3)
    assert errors[1] < 0.6 * errors[0]


def test_the_trace_is_exact_where_the_basis_is_complete():
    operator = MatrixOperator(with_spectrum(np.arange(12) - 3.0))
    krylov = eigenpairs(operator, partial(gaussian, {"w": (12,)}, 1), 12).krylov
    before = operator.products
    found = list(probes(operator, partial(rademacher, {"w": (12,)}, 1), range(5), krylov))
    assert found == pytest.approx([30.0] * 5, abs=1e-12)
    assert operator.products == before


def test_each_probe_depends_on_its_number_alone(hessian):
    operator, _ = hessian
    signs = partial(rademacher, SHAPES, 3)
    some = list(probes(operator, signs, range(8)))
    assert list(probes(operator, signs, range(4, 8))) == some[4:]


def test_one_probe_has_no_error():
    mean, error = mean_and_error(np.array([3.0]))
    assert mean == 3
    assert np.isnan(error)


class Diagonal(MatrixOperator):
    def __init__(self, values):
        self.values, self.dtype, self.size = torch.from_numpy(values), torch.float64, len(values)

    def __call__(self, vectors):
        return self.values * vectors


AT = np.r_[np.linspace(-0.06, 0.3, 25), 0.35, 0.4, 0.5, 0.6, 0.8, 0.9, 1.0, 1.5]


@pytest.mark.parametrize("draws", [1, 4])
def test_the_truth_is_within_two_standard_errors_of_the_density(hessian, draws):
    _, values = hessian
    operator, hits = Diagonal(values), []
    for seed in range(20):
        pairs = [quadrature(operator, gaussian(SHAPES, seed, n), 80) for n in range(draws)]
        nodes, weights = (np.array(each) for each in zip(*pairs, strict=True))
        assert weights.sum(axis=1) == pytest.approx(1, abs=1e-12)
        width = smoothing_width(nodes)
        density, error = smoothed_density(nodes, weights, AT, width, SIZE)
        kernels = np.exp(-0.5 * ((values - AT[:, None]) / width) ** 2) / np.sqrt(2 * np.pi) / width
        hits.append(np.abs(density - kernels.mean(axis=1)) <= 2 * error)
    assert np.mean(hits) >= 0.95


def test_a_quadrature_is_exact_for_polynomials():
    values = np.linspace(-1, 2, 50)
    start = gaussian({"w": (50,)}, 1)
    nodes, weights = quadrature(Diagonal(values), start, 10)
    for power in range(20):
        exact = float((start.numpy() ** 2 * values**power).sum())
        assert float((weights * nodes**power).sum()) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("keep", [True, False])
def test_weights_sum_to_the_number_of_eigenvalues_in_an_interval(hessian, keep):
    _, values = hessian
    pairs = [quadrature(Diagonal(values), gaussian(SHAPES, 1, n), 80, keep) for n in range(4)]
    nodes, weights = (np.array(each) for each in zip(*pairs, strict=True))
    for bound in (0.05, 0.2):
        expected = np.mean(values > bound)
        assert np.sum(weights[nodes > bound]) / 4 == pytest.approx(expected, rel=0.35)
    assert nodes.max() == pytest.approx(1.5, abs=1e-9)


def test_a_quadrature_of_a_small_space_has_nodes_without_weight():
    nodes, weights = quadrature(Diagonal(np.full(9, 2.0)), gaussian({"w": (9,)}, 1), 5)
    assert nodes == pytest.approx([2.0] * 5)
    assert weights == pytest.approx([1, 0, 0, 0, 0])

from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.refinement.fields import Field
from landscape_cli.refinement.kriging import Kriging
from landscape_cli.refinement.prediction import Predictor, coordinates

SHAPE = (33, 33)
PLACES = coordinates(SHAPE)
USED = np.flatnonzero((np.indices(SHAPE) % 4 == 0).all(axis=0))
OTHERS = np.setdiff1d(np.arange(33 * 33), USED)


def field(values, log=False):
    values = np.log(values) if log else values
    known = values.ravel()[USED]
    return Field(
        ("train", "loss"), True, log, values.reshape(SHAPE), np.ptp(known[np.isfinite(known)])
    )


def errors(of, used=USED):
    (found,) = Predictor(PLACES, 0.01).errors([of], used, OTHERS)
    return 2 * found


def predicted(of):
    (found,) = Predictor(PLACES, 0.01).values([of], USED, OTHERS)
    return found


def test_coordinates_leave_out_axes_of_one_point():
    assert coordinates((3, 1, 2)).tolist() == [[0, 0], [0, 1], [0.5, 0], [0.5, 1], [1, 0], [1, 1]]
    assert coordinates((1, 1)).tolist() == [[0]]


@pytest.mark.parametrize("function", [np.exp, np.square])
def test_what_is_linear_after_a_transform_is_exact(function):
    exact = function(1 + 9 * PLACES[:, 0] + PLACES[:, 1])
    found = predicted(field(exact))
    np.testing.assert_allclose(found, exact[OTHERS], rtol=1e-6)


def test_expected_errors_are_about_as_large_as_errors():
    exact = np.sin(9 * PLACES[:, 0] * PLACES[:, 1]) + PLACES[:, 0]
    found = predicted(field(exact))
    actual = np.abs(found - exact[OTHERS]) / np.ptp(exact[USED])
    expected = errors(field(exact))
    assert 0.2 < np.median(actual) / np.median(expected) * 2 < 5
    assert actual.max() < 2 * expected.max()
    assert (actual < expected).mean() > 0.9


def test_expected_errors_are_local():
    rough = np.random.default_rng(0).normal(size=33 * 33)
    exact = np.where(PLACES[:, 1] > 0.5, rough, PLACES[:, 0])
    expected, across = errors(field(exact)), PLACES[OTHERS, 1]
    assert np.median(expected[across > 0.6]) > 0.1
    assert np.median(expected[across < 0.25]) < 0.01


def test_expected_errors_beside_values_that_are_not_finite_are_infinite():
    exact = PLACES[:, 0].copy()
    exact[USED[0]] = np.nan
    expected = errors(field(exact))
    near = np.abs(PLACES[OTHERS]).max(axis=1) < 0.1
    assert np.isinf(expected[near]).all()
    assert (expected[PLACES[OTHERS].min(axis=1) > 0.5] < 1e-6).all()


def test_without_a_finite_value_there_is_no_prediction():
    nothing = Field(("train", "loss"), True, False, np.full(SHAPE, np.nan), 0.0)
    assert np.isnan(predicted(nothing)).all()
    assert np.isinf(errors(nothing)).all()


def test_a_constant_is_predicted_as_it_is():
    constant = field(np.full(33 * 33, 0.1))
    assert (predicted(constant) == 0.1).all()
    assert (errors(constant) == 0).all()


def test_a_minimum_is_as_smooth_as_it_is_on_a_log_scale_too():
    gaps = ((PLACES - 0.47) ** 2).sum(axis=1)
    of = field(1e-4 + gaps, log=True)
    true = np.abs(predicted(of) - np.log(1e-4 + gaps)[OTHERS])
    alone = Kriging(PLACES[USED]).fit(of.values.ravel()[USED, None], np.zeros((len(USED), 1)))
    logarithm = np.abs(alone.at(PLACES[OTHERS]).values[:, 0] - np.log(1e-4 + gaps)[OTHERS])
    assert true.max() < 0.5 * logarithm.max()


def test_positive_values_stay_positive():
    exact = np.exp(-60 * ((PLACES - 0.5) ** 2).sum(axis=1)) + 1e-6
    assert (predicted(field(exact)) > 0).all()
    assert np.isfinite(predicted(field(exact, log=True))).all()


def test_fields_are_predicted_together_as_alone():
    first, second = PLACES[:, 0] ** 2, np.where(PLACES[:, 1] > 0.9, np.nan, PLACES[:, 1])
    unwatched = replace(field(np.sin(9 * PLACES[:, 0])), watched=False)
    fields = [field(first), unwatched, field(second)]
    predictor = Predictor(PLACES, 0.01)
    for which in (predictor.values, predictor.errors):
        together = which(fields, USED, OTHERS)
        for of, found in zip(fields, together, strict=True):
            (alone,) = getattr(Predictor(PLACES, 0.01), which.__name__)([of], USED, OTHERS)
            np.testing.assert_array_equal(found, alone)


def test_fields_that_are_not_watched_are_followed_exactly():
    steps = np.where(PLACES[:, 0] > 0.6, 1.0, 0.2)
    (found,) = Predictor(PLACES, 0.5).values([replace(field(steps), watched=False)], USED, USED)
    np.testing.assert_allclose(found, steps[USED], atol=1e-9)

import numpy as np
import pytest

from landscape_cli.refinement.fields import Field
from landscape_cli.refinement.transforms import POWERS, transforms_of

VALUES = np.array([1e-6, 0.3, 1.0, 70.0])


def transforms(values, log=False):
    return transforms_of(Field(("train", "loss"), True, log, values, float(np.ptp(values))), values)


@pytest.mark.parametrize("log", [False, True])
def test_powers_of_positive_values_and_back(log):
    values = np.log(VALUES) if log else VALUES
    found = transforms(values, log)
    assert len(found) == len(POWERS)
    for power, transform in zip(POWERS, found, strict=True):
        given = transform.forward(values)
        np.testing.assert_allclose(transform.inverse(given), values, rtol=1e-9)
        if power:
            np.testing.assert_allclose(given / given[-1], (VALUES / 70) ** power)
        else:
            np.testing.assert_allclose(given, np.log(VALUES))


def test_a_field_that_is_not_positive_stays_as_it_is():
    (only,) = transforms(np.array([-1.0, 2.0]))
    np.testing.assert_array_equal(only.forward(VALUES), VALUES)


def test_predictions_of_a_power_that_are_not_positive_have_no_logarithm():
    power = transforms(np.log(VALUES), log=True)[2]
    assert np.isneginf(power.inverse(np.array([-0.1, 0.0]))).all()

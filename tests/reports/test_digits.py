"""Three significant digits in the numbers of a text, and nothing else changed."""

import pytest

from landscape_cli.reports.digits import in_three_digits, rounded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean rise 118.499, maximal 709.339", "mean rise 118, maximal 709"),
        ("from 0.00123456 to -1.23456e-07", "from 0.00123 to -1.23e-07"),
        ("\N{MINUS SIGN}0.123456", "\N{MINUS SIGN}0.123"),
        ("1437 samples, 31 x 31 points, 100.0 %", "1437 samples, 31 x 31 points, 100 %"),
        ("0.012345 ± 0.0012", "0.0123 ± 0.0012"),
        ("12.3456 ± 0.0021", "12.3456 ± 0.0021"),
        ("27.4901 ± 3", "27.5 ± 3"),
        (
            "run_0.123456.pt, v1.23456, 0.1234.5678, 1e5x",
            "run_0.123456.pt, v1.23456, 0.1234.5678, 1e5x",
        ),
        (
            "minimum 0.121583 at (0.566667, -0.0333333), x,y: 12345.6",
            "minimum 0.122 at (0.567, -0.0333), x,y: 12346",
        ),
        ("loss 0.5.", "loss 0.5."),
        ("loss 0.123456.", "loss 0.123."),
    ],
)
def test_numbers_are_rounded_and_names_are_not(text, expected):
    assert in_three_digits(text) == expected


@pytest.mark.parametrize(
    "number", [0.0, 1e-300, 999.6, -0.00049996, 1e6, float("inf"), float("nan")]
)
def test_a_rounded_number_is_within_half_a_unit_of_its_third_digit(number):
    assert float(rounded(number)) == pytest.approx(number, rel=0.005, nan_ok=True)

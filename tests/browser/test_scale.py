"""The page's formatting of numbers and choice of ticks."""

# ruff: noqa: RUF001

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def ask(chromium):
    """Evaluate a JavaScript expression that uses the page's functions."""
    from landscape_cli.exports.formats.html import _part

    page = chromium.new_page()
    for name in ("numbers.js", "scale.js"):
        page.add_script_tag(content=_part(name))
    yield page.evaluate
    page.close()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.25, "−0.25"),
        (1234567, "1.23457×10⁶"),
        (-1e-7, "−10⁻⁷"),
        (1e300, "10³⁰⁰"),
    ],
)
def test_numbers(ask, value, text):
    assert ask(f"numberText({value})") == text


@pytest.mark.parametrize(
    ("low", "high", "log", "texts"),
    [
        (0, 10, False, ["0", "2", "4", "6", "8", "10"]),
        (-1, 1, False, ["−1", "−0.5", "0", "0.5", "1"]),
        (1, 1.000001, False, ["1", "1.0000002", "1.0000004", "1.0000006", "1.0000008", "1.000001"]),
        (0.02, 3e6, True, ["10⁰", "10²", "10⁴", "10⁶"]),
        (0.5, 20, True, ["0.5", "1", "2", "5", "10", "20"]),
        (-1e308, 1e308, False, ["−10³⁰⁸", "−5×10³⁰⁷", "0", "5×10³⁰⁷", "10³⁰⁸"]),
    ],
)
def test_ticks(ask, low, high, log, texts):
    scale = (
        f"makeScale({{low: {low}, high: {high}, least: {low}, most: {high}}}, {str(log).lower()})"
    )
    assert ask(f"ticksOf({scale}).text") == texts
    places = ask(f"ticksOf({scale}).at")
    assert all(-1e-6 <= place <= 1 + 1e-6 for place in places)

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from builders import bowl
from landscape_cli.plotting import KINDS, STYLES
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_files import save
from landscape_cli.plotting.style import SERIES, ink, pt, series, style
from landscape_cli.plotting.style import STYLES as SETTINGS


def luminance(color):
    """Return the relative luminance as defined by WCAG 2."""
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_style_has_its_settings():
    assert set(STYLES) == set(SETTINGS)
    assert next(iter(STYLES)) == "paper"


@pytest.mark.parametrize("name", STYLES)
def test_text_and_curves_have_enough_contrast(name):
    with style(name):
        assert contrast(ink(0), ink(1)) > 12
        assert contrast(ink(0.3), ink(1)) > 4.5
        for color, _ in series():
            assert contrast(color, ink(1)) > 2.9


def test_ink_of_the_default_is_grey():
    with style():
        assert ink(0.3) == (0.3, 0.3, 0.3)
        assert series() == SERIES
        assert pt(7) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_a_dark_picture_is_dark_and_its_text_is_not(make_panel, kind, tmp_path):
    panel = make_panel(bowl, y="-1:1:5" if KINDS[kind].axes == 2 else None)
    figure = draw([panel], kind, look="dark", dpi=60)
    save(figure, tmp_path / "a.png", 50)
    picture = imread(tmp_path / "a.png")[..., :3]
    assert picture[0, 0].max() < 0.2
    assert picture.max() > 0.7
    axes = figure.axes[0]
    texts = [axes.title, axes.xaxis.label, *axes.get_xticklabels(), *axes.texts]
    for text in texts:
        assert contrast(text.get_color(), figure.get_facecolor()) > 4.5, text


@pytest.mark.parametrize("kind", KINDS)
def test_the_talk_style_has_larger_text(make_panel, kind):
    panel = make_panel(bowl, y="-1:1:5" if KINDS[kind].axes == 2 else None)
    small, large = (draw([panel], kind, look=look, dpi=60).axes[0] for look in ("paper", "talk"))
    for one, other in zip(small.texts, large.texts, strict=True):
        assert other.get_fontsize() == pytest.approx(14 / 9 * one.get_fontsize())
    assert large.title.get_fontsize() > 1.4 * small.title.get_fontsize()
    assert large.xaxis.get_ticklabels()[0].get_fontsize() > 12

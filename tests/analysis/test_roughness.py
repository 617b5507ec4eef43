import numpy as np
import pytest

from landscape_cli.analysis import roughness
from landscape_cli.analysis.field import Options, UnknownError


@pytest.mark.parametrize(
    "ranges", [["-1:1:4001"], ["-1:1:61", "-1:1:71"], ["-1:1:15", "-1:1:15", "-1:1:15"]]
)
def test_the_residual_of_noise_is_its_standard_deviation(make_field, quadratic, ranges):
    shape = tuple(int(text.split(":")[2]) for text in ranges)[::-1]
    noise = np.random.default_rng(0).normal(0, 0.05, shape)
    function = quadratic(np.eye(len(ranges)), 1)
    found = roughness.compute(make_field(lambda *a: function(*a) + noise, *ranges), Options())
    assert found["residual"] == pytest.approx(0.05, rel=0.05)
    assert found["points"] == np.prod([points - 4 for points in shape])
    assert found["left_out"] == 0


def test_quadratics_are_not_rough(make_field, quadratic):
    field = make_field(quadratic(np.array([[4.0, 1], [1, 3]]), 1), "-1:1:21", "-1:1:21")
    assert roughness.compute(field, Options())["residual"] < 1e-12


def test_variation_of_lines(make_field):
    def along(values):
        found = roughness.compute(make_field(values, f"-1:1:{len(values)}"), Options())
        return found["total_variation"]["x"]["mean"]

    assert along(np.arange(1.0, 9)) == pytest.approx(1)
    assert along([4, 3, 2, 3, 4.0]) == pytest.approx(2)
    assert along([1, 2, 1, 2, 1, 2.0]) == pytest.approx(5)
    assert along(np.ones(7)) == 0


def test_variation_of_a_plane_is_the_mean_over_its_lines(make_field):
    found = roughness.compute(make_field(lambda x, y: x * x + 3 * y, "-1:1:5", "-1:1:7"), Options())
    extent = 1 + 6
    assert found["total_variation"]["x"]["mean"] == pytest.approx(2 / extent)
    assert found["total_variation"]["y"]["mean"] == pytest.approx(6 / extent)


def test_wide_surfaces_are_judged_on_a_log_scale(make_field):
    field = make_field(lambda x: np.exp(10 * x * x), "-1:1:41")
    found = roughness.compute(field, Options())
    assert found["scale"] == "log"
    assert found["residual"] < 1e-12
    assert found["total_variation"]["x"]["mean"] == pytest.approx(2)
    assert "of ln" in roughness.text(found)[0]


def test_what_is_left_out_is_counted(make_field):
    values = np.add.outer(np.arange(9.0), np.arange(9.0))
    values[0, 0] = np.nan
    found = roughness.compute(make_field(values, "-1:1:9", "-1:1:9"), Options())
    assert (found["points"], found["left_out"]) == (24, 1)
    line = {"mean": pytest.approx(8 / 15), "lines": 8, "left_out": 1}
    assert found["total_variation"] == {"x": line, "y": line}
    assert roughness.text(found)[1].count("1 lines left out") == 2
    with pytest.raises(UnknownError, match="5 points"):
        roughness.compute(make_field(lambda x: x, "-1:1:4"), Options())

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import curvature_of, curved, surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.text.description import describe
from landscape_cli.plotting.value_range import fit, notes
from landscape_cli.records.derived import with_derived
from landscape_cli.records.derived.eigenvalue_ratio import eigenvalue_ratio

RATIO = ("train", "hessian_ratio")


def ratio_panel(found, **options):
    (panel,) = select_panels(found, None, "hessian_ratio", "run.h5", **options)
    return panel


def around(values, error):
    """Return an array of values and an array of errors of the same shape."""
    return np.array(values, dtype=float), np.full(np.shape(values), error)


def test_the_ratio_is_that_of_the_eigenvalues_of_the_hessian():
    panel = ratio_panel(curved())
    x, y = np.meshgrid(panel.x, panel.y)
    found = curvature_of(x, y)
    matrices = np.array(
        [[found["hessian_xx"], found["hessian_xy"]], [found["hessian_xy"], found["hessian_yy"]]]
    )
    eigenvalues = np.linalg.eigvalsh(np.moveaxis(matrices, (0, 1), (-2, -1)))
    np.testing.assert_allclose(panel.z, np.abs(eigenvalues[..., 0] / eigenvalues[..., 1]))


def test_it_is_not_stored():
    found = curved()
    before = set(found.values)
    select_panels(found, None, "hessian_ratio")
    assert set(found.values) == before
    assert RATIO not in before


def test_a_stored_quantity_of_that_name_takes_precedence():
    found = curved("-1:1:5", "-1:1:5")
    stored = replace(found, values={**found.values, RATIO: np.full((5, 5), 7.0)})
    assert with_derived(stored) is stored
    assert set(ratio_panel(stored).z.ravel()) == {7.0}


@pytest.mark.parametrize(
    ("largest", "error", "known"),
    [(2.0, 0.1, True), (0.2, 0.3, False), (0.0, 0.0, False), (-1.0, 0.1, False), (2, np.nan, True)],
)
def test_there_is_none_where_the_largest_eigenvalue_may_not_be_positive(largest, error, known):
    ratio, _ = eigenvalue_ratio(around([-0.5], 0.1), around([largest], error))
    assert np.isfinite(ratio[0]) == known


@given(
    st.floats(-5, 5),
    st.floats(0.01, 9),
    st.floats(0, 2),
    st.floats(0, 0.9),
    st.floats(-1, 1),
    st.floats(-1, 1),
)
def test_the_error_bounds_the_ratio_of_all_eigenvalues_within_theirs(
    low, high, low_error, share, first, second
):
    high_error = share * high
    ratio, error = eigenvalue_ratio(around([low], low_error), around([high], high_error))
    exact = abs((low + first * low_error) / (high + second * high_error))
    assert abs(exact - ratio[0]) <= error[0] * (1 + 1e-12) + 1e-12


def test_points_without_a_ratio_are_counted_apart_from_those_without_eigenvalues():
    found = curved("-1:1:15", "-1:1:15", shift=3.0)
    highest = found.values["train", "hessian_max"]
    undefined = int((highest <= 1e-6).sum())
    highest[0, 0] = np.nan
    panel = ratio_panel(found)
    assert panel.undefined.sum() == undefined
    assert panel.not_finite.sum() == undefined + 1
    text = describe([panel], fit([panel]))
    assert f"none where λmax ≤ 0 ({undefined} points); 1 point not finite." in text


def test_a_line_and_repeats_have_it_too():
    line = ratio_panel(curved("-1:1:9"))
    pair = np.sort([np.full(9, 2.0), 1 - 2 * line.x], axis=0)
    assert line.z.tolist() == pytest.approx(np.abs(pair[0] / pair[1]).tolist())
    low = np.stack([np.full(5, -1.0), np.full(5, -3.0)])
    two = surface(
        {("train", "hessian_min"): low, ("train", "hessian_max"): np.full((2, 5), 4.0)},
        "-1:1:5",
        repeats=2,
    )
    panel = ratio_panel(two)
    assert panel.z.tolist() == [0.5] * 5
    assert [member.z[0] for member in panel.members] == [0.25, 0.75]


def test_a_surface_without_eigenvalues_is_refused_with_the_command_that_computes_them():
    found = surface(np.ones((5, 5)))
    with pytest.raises(UsageError) as error:
        ratio_panel(found)
    assert str(error.value) == (
        "--quantity 'hessian_ratio': run.h5 has loss for train; compute it: "
        "landscape compute CFG --curvature extremes"
    )


def test_the_numerical_error_is_stated():
    panel = ratio_panel(curved("-1:1:15", "-1:1:15", error=0.3))
    doubtful = int((panel.stderr >= panel.z).sum())
    text = describe([panel], fit([panel]))
    assert f"numerical error up to {panel.stderr.max():.2g}, at {doubtful} points" in text


def test_values_within_their_error_do_not_stretch_the_scale():
    panel = ratio_panel(curved("-1:1:15", "-1:1:15", error=0.3))
    scale = fit([panel])
    assert scale.log
    assert scale.low == panel.z[panel.z > panel.stderr].min() > panel.z.min()
    (note,) = notes([panel], scale, "and are drawn at it")
    assert "the lowest that exceeds its numerical error, and are drawn at it" in note
    assert fit([panel], vmin=0.01).low == 0.01


def test_an_error_that_exceeds_every_value_does_not_empty_the_scale():
    panel = ratio_panel(curved("-1:1:5", "-1:1:5", error=1.9))
    assert not (panel.z > panel.stderr).any()
    assert fit([panel]).low == panel.z[panel.z > 0].min()

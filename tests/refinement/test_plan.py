import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_cli.errors import UsageError
from landscape_cli.records.levels import axis_levels, level_of_points
from landscape_cli.records.tiles import Status

LOSS = ("train", "loss")


def bowl(y, x):
    return x**2 + 2 * y**2


def error(run, key=LOSS, scale=lambda v: v):
    """Return the largest true error as a fraction of the range of all true values."""
    found, exact = scale(run.surface.values[key]), scale(run.values[key])
    return np.abs(found - exact).max() / np.ptp(exact)


def test_a_plane_needs_the_coarsest_level_and_the_held_out_points(known):
    run = known(lambda y, x: 3 * x - y)
    facts = run.run()
    assert facts["computed"] == run.computed.sum() == 25 + 26
    assert facts["held_out"] == 26
    assert run.surface.complete
    assert facts["quantities"][0]["error"] < 1e-11
    assert facts["quantities"][0]["range"] == pytest.approx(8)
    assert error(run) < 1e-11
    assert len(run.rounds) == 3, "the base, the held-out points, the end"


def test_a_bowl_is_within_tolerance_with_a_fraction_of_the_points(known):
    for tolerance in (0.03, 0.01, 0.003):
        run = known(bowl, tolerance)
        facts = run.run()
        assert facts["computed"] < 0.05 * run.surface.total
        assert error(run) < tolerance
        np.testing.assert_array_equal(
            run.surface.values[LOSS][run.computed], run.values[LOSS][run.computed]
        )


def test_chaos_is_computed_everywhere(known):
    noise = np.random.default_rng(0).normal(size=(51, 51))
    run = known(noise)
    facts = run.run()
    assert run.computed.all()
    assert facts["held_out"] == 0
    np.testing.assert_array_equal(run.surface.values[LOSS], noise)


def test_a_chaotic_half_is_computed_completely_and_the_smooth_half_is_not(known):
    noise = np.random.default_rng(1).normal(size=(65, 65))
    x = np.broadcast_to(np.linspace(-1, 1, 65), (65, 65))
    run = known(np.where(x > 0.25, 5 * noise, x))
    run.run()
    assert run.computed[:, x[0] > 0.25].all()
    assert run.computed[:, x[0] < -0.25].mean() < 0.2
    assert error(run) < 0.01


def test_a_kink_is_followed(known):
    run = known(lambda y, x: np.abs(x + 0.3 * y), 0.01, (129, 129))
    facts = run.run()
    assert error(run) < 0.03
    assert facts["computed"] < 0.08 * run.surface.total
    y, x = np.meshgrid(np.linspace(-1, 1, 129), np.linspace(-1, 1, 129), indexing="ij")
    near, far = np.abs(x + 0.3 * y) < 0.05, np.abs(x + 0.3 * y) > 0.5
    assert run.computed[near].mean() > 5 * run.computed[far].mean()


def test_nothing_is_interpolated_next_to_what_is_not_finite(known):
    def function(y, x):
        return np.where(x**2 + y**2 > 1.5, np.inf, x + y)

    run = known(function)
    run.run()
    bad = ~np.isfinite(run.values[LOSS])
    assert run.computed[bad].all()
    assert (run.surface.status[bad] == Status.NOT_FINITE).all()
    np.testing.assert_array_equal(run.surface.values[LOSS][bad], np.inf)
    assert np.isfinite(run.surface.values[LOSS][~bad]).all()
    assert not run.computed.all()


def test_nan_alone_is_computed_to_the_end(known):
    run = known(np.full((17, 17), np.nan))
    run.run()
    assert run.computed.all()


def test_a_constant_needs_no_refinement(known):
    run = known(np.full((33, 33), 2.5))
    run.run()
    assert run.computed.sum() == 25 + 16
    assert (run.surface.values[LOSS] == 2.5).all()


def test_wide_values_are_judged_by_their_logarithms(known):
    def function(y, x):
        return np.exp(8 * (x**2 + y**2))

    linear, auto = known(function, scale="linear"), known(function, scale="auto")
    (one,), (other,) = linear.run()["quantities"], auto.run()["quantities"]
    assert one["scale"] == "linear"
    assert other["scale"] == "log"
    assert other["range"] == pytest.approx(16)
    assert error(auto, scale=np.log) < 0.012
    assert error(linear, scale=np.log) > 0.012, "a linear scale sees only the largest values"
    assert known(bowl, scale="auto").run()["quantities"][0]["scale"] == "linear"


def test_only_watched_quantities_decide(known):
    noise = np.random.default_rng(0).random((33, 33))
    plane = np.linspace(0, 1, 33)[:, None] + np.zeros(33)
    values = {LOSS: plane, ("train", "accuracy"): noise, ("test", "loss"): plane}
    by_default = known(values)
    facts = by_default.run()
    assert by_default.computed.sum() == 25 + 16
    watched = {(q["split"], q["quantity"]): q["watched"] for q in facts["quantities"]}
    assert watched == {LOSS: True, ("test", "loss"): True, ("train", "accuracy"): False}
    unwatched = next(q for q in facts["quantities"] if not q["watched"])
    assert unwatched["error"] > 0.1, "the error of unwatched quantities is stated"
    other = known(values, quantities=["accuracy"])
    other.run()
    assert other.computed.all()
    without_loss = known({("train", "accuracy"): noise})
    without_loss.run()
    assert without_loss.computed.all()


def test_an_unknown_quantity_is_refused(known):
    run = known(bowl, quantities=["perplexity"])
    with pytest.raises(UsageError, match=r"no 'perplexity'; it has loss"):
        run.run()


def test_the_stated_error_comes_from_unused_points(known):
    run = known(bowl, 0.03)
    facts = run.run()
    held = run.rounds[-2]
    assert len(held) == facts["held_out"] == 26
    assert 0 < facts["quantities"][0]["error"] <= 0.03
    share = facts["beyond"]
    assert (1 - share) ** 26 == pytest.approx(0.025), "half of 5 % for the first draw"


def test_a_held_out_point_that_errs_too_much_is_refined_around(known):
    spike = np.zeros((65, 65))
    spike[:33, 40:49] = 1.0  # missed by the points of the coarsest level, 16 apart
    base = level_of_points((65, 65)) == 0
    spike[base] = np.linspace(0, 2, 65)[None, :].repeat(65, 0)[base]
    run = known(spike, 0.05)
    facts = run.run()
    draws = [len(todo) for todo in run.rounds]
    assert facts["held_out"] == 0 or facts["quantities"][0]["error"] <= 0.05
    assert len(draws) > 4
    assert error(run) < 0.5


def test_caution_grows_by_the_excess_of_the_worst_held_out_point(known, monkeypatch):
    run, cautions, worst = known(lambda y, x: np.sin(5 * x * y) + x, 0.003, (65, 65)), [], []
    choose, compare = run.refinement._next, run.refinement._errors

    def spying(watched, used, caution):
        cautions.append(caution)
        return choose(watched, used, caution)

    def wrong_twice(fields, used, checked):
        worst.append((0.004, 0.9, 0.0)[len(worst)])
        found = compare(fields, used, checked)
        return {key: np.full(len(errors), worst[-1]) for key, errors in found.items()}

    monkeypatch.setattr(run.refinement, "_next", spying)
    monkeypatch.setattr(run.refinement, "_errors", wrong_twice)
    facts = None
    while facts is None:
        worst.clear()  # each step starts over
        facts = run.advance().facts
    assert sorted(set(cautions)) == pytest.approx([1.5, 1.5 * 4 / 3, 1.5 * 4 / 3 * 1.5])


def test_standard_errors_are_interpolated_too(known):
    run = known(lambda y, x: 3 + x - y)
    run.run()
    np.testing.assert_allclose(run.surface.stderr[LOSS], 0.1 * run.values[LOSS], rtol=1e-11)


@pytest.mark.parametrize("shape", [(51,), (7,), (1,), (7, 51), (1, 33), (9, 9, 9), (2, 2)])
def test_lines_small_grids_and_boxes(known, shape):
    run = known(lambda *axes: sum((2 * a + 1) ** 2 for a in axes), 0.02, shape)
    facts = run.run()
    assert run.surface.complete
    assert facts["computed"] == run.computed.sum()
    assert np.abs(run.surface.values[LOSS] - run.values[LOSS]).max() <= 0.03 * max(
        1e-12, np.ptp(run.values[LOSS])
    )
    if max(len(axis_levels(points)) for points in shape) == 1:
        assert run.computed.all()


def test_levels_are_finished_one_after_the_other(known):
    run = known(bowl, 0.001, (65, 65))
    levels = level_of_points((65, 65))
    seen = []
    while (step := run.advance()).facts is None:
        assert not (step.interpolated.ravel()[step.todo]).any()
        assert not run.surface.complete, "incomplete until the held-out points are computed"
        seen.append(int(levels.ravel()[step.todo].max()))
        if len(seen) > 1 and seen[-1] > seen[-2]:
            finest = levels[step.interpolated].max(initial=-1)
            assert finest < seen[-1]
    assert run.surface.complete
    assert seen[:4] == sorted(seen[:4])


@settings(max_examples=25)
@given(data=st.data())
def test_a_run_that_is_killed_anywhere_computes_the_same_points(known, data):
    frequency = data.draw(st.floats(0.5, 9))
    shape = data.draw(st.sampled_from([(33, 21), (40,), (18, 25)]))
    tolerance = data.draw(st.sampled_from([0.003, 0.02, 0.1]))

    def function(*axes):
        return np.sin(frequency * sum((k + 1) * axis for k, axis in enumerate(axes)))

    whole, killed = known(function, tolerance, shape), known(function, tolerance, shape)
    facts = whole.run()
    for _ in range(data.draw(st.integers(1, 4))):
        step = killed.advance(part=data.draw(st.floats(0, 1)))
        if step.facts is not None:
            break
        killed.reopen()
    assert killed.run() == facts
    for ours, theirs in zip(_arrays(whole), _arrays(killed), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _arrays(run):
    return [run.surface.status, *run.surface.values.values(), *run.surface.stderr.values()]

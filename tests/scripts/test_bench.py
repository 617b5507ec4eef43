"""Tests of the benchmarks' arithmetic, not of their measurements."""

import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.config.run_config import RunConfig
from landscape_cli.problems.zoo import build
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import Status
from landscape_cli.store import empty_surface, read_surface
from support.scripts import SCRIPTS
from support.scripts import load as load_module

load = partial(load_module, folder=SCRIPTS / "bench")


ranks, table, reporting = load("ranks"), load("table"), load("reporting")
roofline, picture, predictors = load("roofline"), load("picture"), load("predictors")
COSTS = ranks.Costs(message=0.0003, waiting=0.0002, latency=0.0003, add=1e-5, publish=0.01)


@given(
    st.integers(1, 2000),
    st.floats(0.001, 1),
    st.lists(st.sampled_from([0.25, 1.0]), min_size=2, max_size=30),
    st.booleans(),
    st.sampled_from([0.0, 0.2]),
)
def test_the_simulation_conserves_work(points, point, speeds, computes, noise):
    done = ranks.simulate(points, point, speeds, COSTS, computes=computes, noise=noise)
    assert done.points == points
    assert done.makespan * len(speeds) >= done.busy
    assert max(done.ends) <= done.makespan
    assert 0 <= done.share <= 1
    if not noise:
        assert done.busy >= 0.999 * points * point
    if not computes:
        assert done.ends[0] == 0


def test_without_overheads_no_time_is_lost():
    done = ranks.simulate(40_000, 0.01, [1.0] * 4, ranks.Costs(0.0))
    assert done.makespan == pytest.approx(100, rel=0.001)
    assert done.handling == 0


def test_rank_0_saturates_if_tiles_are_too_short():
    """With messages of 1 ms and 100 ranks, rank 0 is saturated by tiles of 0.1 s."""
    costs = ranks.Costs(message=0.001)
    short = ranks.simulate(99 * 200, 0.05, [1.0] * 100, costs, tile=0.05, computes=False)
    assert short.share > 0.95
    assert short.makespan == pytest.approx(99 * 200 * 0.001, rel=0.1)
    longer = ranks.simulate(99 * 2000, 0.05, [1.0] * 100, costs, tile=1.0, computes=False)
    assert longer.share < 0.2
    assert longer.makespan == pytest.approx(100, rel=0.05)


def test_json_lines_of_figures_become_a_table(capsys):
    reporting.emit("some_ratio", 0.98765432, "ratio", target=">= 0.9", one_seconds=1.5)
    line = json.loads(capsys.readouterr().out)
    assert line["value"] == 0.9877
    assert {"cpu", "instruction_set", "cores", "torch", "mpi"} <= line["machine"].keys()
    text = table.markdown([line])
    assert "| `some_ratio` | 0.988 | ratio | >= 0.9 | one seconds 1.5 |" in text
    marks = "<!-- gpu -->\n<!-- end of gpu -->\n<!-- figures -->\n{}<!-- end of figures -->\nEnd.\n"
    assert table.insert(marks.format("old\n"), text) == marks.format(f"\n{text}\n")
    other = table.insert(marks.format("old\n"), text, "gpu")
    assert other == marks.format("old\n").replace("<!-- gpu -->\n", f"<!-- gpu -->\n\n{text}\n")
    with pytest.raises(SystemExit):
        table.insert("no marks", text)


def test_numbers_are_rounded_to_significant_digits():
    assert [reporting.significant(x) for x in (1.23456, 7, "text")] == [1.235, 7, "text"]
    assert np.isclose(reporting.significant(123456.0), 123500)


def test_the_work_of_layers_is_counted():
    """A convolution with 2 x 3 x 3 weights on 4 x 4 pixels, and a linear layer with 8 inputs."""
    layers = [torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8, 5)]
    work = roofline.count(torch.nn.Sequential(*layers), torch.ones(1, 1, 4, 4), 10, 4, size=2)
    assert work.flops == 10 * 2 * (8 * 9 + 5 * 8)
    assert work.moved == 2 * (10 * (16 + 8 + 8 + 5) + 3 * (18 + 40))


def test_seconds_per_point_is_one_line(capsys):
    roofline.main(["--device", "cpu", "--images", "8", "--depth", "8", "--repeats", "1"])
    line = json.loads(capsys.readouterr().out)
    assert line["figure"] == "seconds_per_point"
    assert line["value"] > 0
    for bound, work, rate in (
        ("over_memory", "gigabytes", "gigabytes_per_second"),
        ("over_arithmetic", "teraflops", "teraflops_per_second"),
    ):
        assert line[bound] == pytest.approx(line["value"] * line[rate] / line[work], rel=0.01)


def test_errors_of_a_picture_are_taken_on_the_scale_of_its_own():
    """Losses from 1 to 100: 11 in place of 10 is 2 % of the log range, and 1 % of the linear."""
    losses = np.array([1.0, 10.0, 100.0])
    entry = {"split": "train", "quantity": "loss", "watched": True, "scale": "log", "error": 0.01}
    adaptive = {"tolerance": 0.01, "computed": 2, "beyond": 0.3, "quantities": [entry]}
    sampled = {"tolerance": 0.001, "beyond": 0.1, "error": {"train/loss": 0.003}}
    surface = SimpleNamespace(
        values={("train", "loss"): losses},
        samples={"train": np.array([0, 50, 100])},
        provenance={"adaptive": adaptive, "sampled": sampled},
        total=3,
    )
    truth = {"train": np.array([1.0, 11.0, 100.0])}
    found = picture.errors(surface, truth, range(3))
    assert found["true_error"] == pytest.approx(np.log(1.1) / np.log(100))
    assert found["true_error_of_linear_range"] == pytest.approx(1 / 99)
    assert found["beyond_tolerance"] == pytest.approx(1 / 3)
    assert (found["stated_error"], found["stated_sampling_error"]) == (0.01, 0.003)
    assert found["stated_beyond"] == pytest.approx(0.4)
    assert (found["computed_share"], found["samples_share"]) == pytest.approx((2 / 3, 0.75))
    assert picture.errors(surface, {"train": truth["train"][[2]]}, [2])["true_error"] == 0


def test_the_usual_way_computes_what_ours_does(tmp_path):
    recipe = {"model": "mlp", "model_args": {"hidden": [4]}, "samples": {"train": 130, "test": 9}}
    model = build(**recipe).model
    torch.save(model.state_dict(), tmp_path / "mlp.pt")
    config = RunConfig.model_validate(
        {
            "problem": "landscape_cli.problems.zoo:build",
            "problem_args": recipe,
            "checkpoint": str(tmp_path / "mlp.pt"),
            "grid": {"x": [-1, 1, 3], "y": [-1, 0.5, 2]},
            "output": str(tmp_path / "plane.h5"),
        }
    )
    usual = picture.Usual(config)
    usual.compute(6)
    picture.run(config)
    surface = read_surface(config.output)
    assert sorted(usual.at) == list(range(6))
    for split, losses in usual.losses.items():
        found = surface.values[split, "loss"].ravel()[usual.at]
        np.testing.assert_allclose(found, losses, rtol=1e-5)


def test_refinement_gets_its_values_from_a_complete_surface():
    axes = np.meshgrid(np.linspace(-1, 1, 33), np.linspace(-1, 1, 33))
    exact = empty_surface(Grid({name: Axis(-1, 1, 33) for name in "xy"}), {}, {})
    exact = replace(exact, values={("train", "loss"): axes[0] ** 2 + axes[1]})
    exact.status[:] = Status.OK
    *_, (surface, rounds) = predictors.refined(exact, ("train", "loss"), 0.01, "linear")
    facts = surface.provenance["adaptive"]
    assert facts["computed"] == (surface.status == Status.OK).sum() < 150
    found = predictors.true_error(surface.values["train", "loss"], exact.values["train", "loss"])
    assert 0 < found < 0.01
    assert rounds > 2

"""Curvature at the points of a grid: any ranks, resumed, in shards, estimated, refused."""

import numpy as np
import pytest

from landscape_cli.store import read_surface

GRID = {"x": [-1, 1, 3], "y": [-1, 1, 3]}
CURVATURE = {"measures": ["extremes", "plane", "gradient"], "samples": 100, "steps": 6}
QUANTITIES = {
    *("accuracy", "loss", "hessian_max", "hessian_min", "hessian_xx", "hessian_xy", "hessian_yy"),
    *("gradient_norm", "gradient_x", "gradient_y"),
}


def configured(workplace, **keys):
    values = {"grid": GRID, "curvature": CURVATURE, "splits": ["train"], **keys}
    return workplace.config("example:digits_network", **values)


def same(one, other):
    assert one.values.keys() == other.values.keys()
    for key, values in one.values.items():
        assert values.tobytes() == other.values[key].tobytes(), key
        assert one.stderr[key].tobytes() == other.stderr[key].tobytes(), key


@pytest.fixture(scope="module")
def whole(new_workplace):
    place = new_workplace("whole")
    return place.surface(configured(place))


def test_a_file_has_values_and_errors_and_says_how(whole):
    assert {name for _, name in whole.values} == QUANTITIES
    assert whole.complete
    assert (whole.values["train", "hessian_max"] > whole.values["train", "hessian_min"]).all()
    assert np.isfinite(whole.stderr["train", "hessian_min"]).all()
    facts = whole.provenance["measures"]
    assert facts["products"] == 8
    assert facts["basis"] == "kept"
    (samples,) = whole.provenance["measured_samples"]
    assert (samples["split"], samples["samples"]) == ("train", 100)
    assert whole.config["measures"]["extremes"] == {
        "samples": 100,
        "steps": 6,
        "seed": 1,
        "parameters": "all",
    }


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_bits_are_the_same_on_any_number_of_ranks(workplace, whole, ranks):
    same(whole, workplace.surface(configured(workplace), ranks=ranks))


def test_a_stopped_run_is_continued_to_the_same_bits(workplace, whole, landscape):
    config = configured(workplace)
    code, *_ = landscape("compute", config, "--time-limit", "1s", "--quiet")
    assert code in (0, 75)
    assert landscape("compute", config, "--quiet")[0] == 0
    same(whole, read_surface(workplace.folder / "surface.h5"))
    code, _, err = landscape("compute", config, "--set", "curvature.steps=7", "--quiet")
    assert code == 2
    assert "measures.extremes.steps: 6 in the file, 7 now" in err


def test_shards_are_merged_to_the_same_bits(workplace, whole, landscape):
    config = configured(workplace)
    for shard in ("1/2", "2/2"):
        assert landscape("compute", config, "--shard", shard, "--quiet")[0] == 0
    parts = [f"surface.shard-{number}-of-2.h5" for number in (1, 2)]
    assert landscape("merge", "merged.h5", *parts)[0] == 0
    same(whole, read_surface(workplace.folder / "merged.h5"))


def test_the_option_and_the_estimate(workplace, landscape):
    config = configured(workplace, curvature=None)
    chosen = ("--curvature", "extremes,plane")
    code, out, err = landscape("compute", config, *chosen, "--dry-run")
    assert code == 0, err
    assert "products:   42 with the Hessian a point, 378 in all\n" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--curvature", "hesse"], "curvature.measures: got 'hesse', expected gradient, extremes"),
        (["--set", "curvature.samples=0"], "curvature.samples"),
        (["--precision", "bf16"], "off by percents in bf16"),
        (["--set", "curvature.split=test"], "'test' is not evaluated"),
        (["--set", "curvature.quantity=perplexity"], "returns no 'perplexity' to differentiate"),
        (["--measure", "plane"], "plane is listed under measures too"),
    ],
)
def test_bad_input_is_one_line(workplace, landscape, arguments, words):
    code, _, err = landscape("compute", configured(workplace), *arguments, "--quiet")
    assert code == 2
    assert words in err
    assert err.count("\n") == 1, err
    assert not (workplace.folder / "surface.h5").exists()

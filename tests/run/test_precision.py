"""Runs in a reduced precision where it is slower than fp32, or faster."""

import re

import numpy as np
import pytest

from landscape_cli.evaluation.forward.benchmark import Benchmark
from landscape_cli.store import read_surface
from landscape_cli.util.processor import computes_bf16

SETTINGS = {"calibrate": False, "grid": {"x": [-1, 1, 3], "y": [-1, 1, 3]}}
WIDE = {"calibrate": False, "grid": {"x": [-4, 4, 3], "y": [-4, 4, 3]}}


@pytest.fixture
def config(workplace):
    return workplace.config("example:digits_network", **SETTINGS)


@pytest.fixture
def slow_bf16(monkeypatch):
    """Let passes in bf16 take longer than they do."""
    measure = Benchmark.time_settings

    def time_settings(self, settings):
        return measure(self, settings) + 10 * (settings.precision == "bf16")

    monkeypatch.setattr(Benchmark, "time_settings", time_settings)


@pytest.fixture
def fast_bf16(monkeypatch):
    measure = Benchmark.time_settings
    monkeypatch.setattr(
        Benchmark,
        "time_settings",
        lambda self, settings: measure(self, settings) + 10 * (settings.precision == "fp32"),
    )


def losses(name):
    return read_surface(f"{name}.h5").values["train", "loss"]


@pytest.mark.usefixtures("slow_bf16")
def test_the_slower_precision_gives_the_bits_of_fp32_with_a_warning(landscape, config):
    assert landscape("compute", config, "-o", "fp32.h5")[0] == 0
    code, _, err = landscape("compute", config, "-o", "bf16.h5", "--precision", "bf16", "--quiet")
    assert code == 0
    (line,) = [line for line in err.splitlines() if line.startswith("warning: precision: ")]
    surface = read_surface("bf16.h5")
    timing = surface.provenance["precision_timing"]
    assert (timing["asked"], timing["used"]) == ("bf16", "fp32")
    assert re.search(r"bf16 takes 10(\.\d+)? s for a batch on this machine, fp32 \S+ s, so", line)
    assert f"fp32 {timing['seconds']['fp32']:.3g} s" in line
    assert surface.provenance["precision"] == "fp32"
    assert surface.config["precision"] == "bf16"
    assert "precision_errors" not in surface.provenance
    np.testing.assert_array_equal(losses("bf16"), losses("fp32"))


@pytest.mark.usefixtures("slow_bf16")
def test_who_insists_gets_it_with_a_warning(landscape, config):
    assert landscape("compute", config, "-o", "fp32.h5")[0] == 0
    code, _, err = landscape(
        *("compute", config, "-o", "bf16.h5", "--precision", "bf16", "--even-if-slower")
    )
    assert code == 0
    assert "warning: precision: bf16 takes 10" in err
    assert "it is used all the same" in err
    assert read_surface("bf16.h5").provenance["precision"] == "bf16"
    assert (losses("bf16") != losses("fp32")).any()


@pytest.mark.usefixtures("fast_bf16")
def test_the_faster_precision_is_used_without_a_word(landscape, config):
    code, _, err = landscape("compute", config, "-o", "bf16.h5", "--precision", "bf16")
    assert code == 0
    assert "warning: precision" not in err
    assert read_surface("bf16.h5").provenance["precision_timing"]["used"] == "bf16"


ASKED, INSISTED = ("--precision", "bf16"), ("--precision", "bf16", "--even-if-slower")


@pytest.mark.usefixtures("slow_bf16")
@pytest.mark.parametrize(
    ("first", "then", "continues"),
    [
        (ASKED, ASKED, True),
        (ASKED, (), True),  # it was computed in fp32
        (ASKED, INSISTED, False),
        (INSISTED, INSISTED, True),
        (INSISTED, ASKED, True),  # a file keeps its precision
        (INSISTED, (), False),
        ((), ASKED, False),
    ],
)
def test_a_file_keeps_the_precision_it_was_begun_in(landscape, config, first, then, continues):
    assert landscape("compute", config, *first)[0] == 0
    code, out, err = landscape("compute", config, *then)
    if continues:
        assert (code, "nothing to do" in out) == (0, True)
    else:
        assert code == 2
        assert re.search(r"precision: '(fp32|bf16)' in the file, '(fp32|bf16)' now", err)


@pytest.mark.usefixtures("slow_bf16")
def test_shards_keep_the_precision_since_they_know_nothing_of_each_other(landscape, config):
    code, _, err = landscape("compute", config, *ASKED, "--shard", "1/2")
    assert code == 0
    assert "it is used all the same" in err
    assert read_surface("surface.shard-1-of-2.h5").provenance["precision"] == "bf16"


@pytest.mark.usefixtures("slow_bf16")
def test_a_probed_range_says_it_once(landscape, config):
    code, _, err = landscape("compute", config, *ASKED, "--x", "auto:3", "--y", "none")
    assert code == 0
    assert err.count("warning: precision: ") == 1


@pytest.mark.mpi
@pytest.mark.slow
def test_two_ranks_without_instructions_for_bf16_agree_on_what_is_faster(workplace, monkeypatch):
    """Whatever the machine: the choice is that of the stated times, the same on both ranks."""
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    config = workplace.config("example:digits_network", **SETTINGS)
    done = workplace.run("compute", config, *ASKED, ranks=2)
    assert done.returncode == 0, done.stderr
    surface = read_surface(workplace.folder / "surface.h5")
    timing = surface.provenance["precision_timing"]
    slower = timing["seconds"]["bf16"] > timing["seconds"]["fp32"]
    assert timing["used"] == surface.provenance["precision"] == ("fp32" if slower else "bf16")
    assert ("warning: precision: bf16 takes" in done.stderr) == slower
    again = workplace.run(
        *("compute", config, "-o", "again.h5", "--precision", timing["used"]), "--even-if-slower"
    )
    assert again.returncode == 0, again.stderr
    alone = read_surface(workplace.folder / "again.h5")
    for quantity, values in surface.values.items():
        np.testing.assert_array_equal(values, alone.values[quantity])


@pytest.mark.parametrize(("which", "used"), [("slow_bf16", "fp32"), ("fast_bf16", "bf16")])
def test_auto_is_bf16_where_that_is_faster(landscape, workplace, request, which, used):
    if computes_bf16() is False:
        pytest.skip("this processor does not compute in bf16, so auto does not try it")
    request.getfixturevalue(which)
    config = workplace.config("example:digits_network", **WIDE)
    code, _, err = landscape("compute", config, "-o", "auto.h5", "--precision", "auto")
    assert code == 0
    assert "warning" not in err
    surface = read_surface("auto.h5")
    assert surface.config["precision"] == "auto"
    assert surface.provenance["settings"]["precision"] == used
    timing = surface.provenance["precision_timing"]
    assert timing["asked"] == "bf16"
    assert timing["used"] == used
    assert ("difference" in timing) == (used == "bf16")
    code, out, _ = landscape("compute", config, "-o", "auto.h5", "--precision", "auto")
    assert code == 0
    assert "nothing to do" in out


def test_auto_is_fp32_where_bf16_is_emulated(landscape, workplace, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    config = workplace.config("example:digits_network", **WIDE)
    assert landscape("compute", config, "-o", "auto.h5", "--precision", "auto")[0] == 0
    provenance = read_surface("auto.h5").provenance
    assert provenance["settings"]["precision"] == "fp32"
    assert not provenance.get("precision_timing")

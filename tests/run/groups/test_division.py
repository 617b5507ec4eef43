"""Models that groups of ranks hold together, beside the same models on one rank each."""

import importlib.util
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.distributed import checkpoint

from landscape_cli.store import read_surface
from support.processes import kill_group, wait_until
from support.surfaces import assert_same_bits

DATA = Path(__file__).parents[2] / "data"
GRID = {"x": [-1, 1, 5], "y": [-1, 1, 3]}
SET_UP = {"grid": GRID, "batch_size": 16, "calibrate": False, "compile": "off", "threads": 1}


@pytest.fixture
def divided(workplace):
    """Write a configuration of one of the problems, and return its path."""
    shutil.copy(DATA / "divided.py", workplace.folder)

    def configure(name, file="divided.yaml", **settings):
        return workplace.config(f"divided:{name}", file, **{**SET_UP, **settings})

    return configure


def groups(workplace, config, *options, ranks=2, size=2):
    """Compute a surface on groups of ranks."""
    output = workplace.folder / "groups.h5"
    done = workplace.run(
        *("compute", config, "--ranks-per-model", str(size), "-o", output.name, *options),
        ranks=ranks,
    )
    assert done.returncode == 0, done.stderr
    return read_surface(output), done.stderr


@pytest.mark.mpi
@pytest.mark.bits
@pytest.mark.parametrize(
    ("ranks", "storage"), [(4, "resident"), pytest.param(2, "streamed", marks=pytest.mark.slow)]
)
def test_groups_give_the_bits_of_one_rank(workplace, divided, ranks, storage):
    config = divided("build", orthogonal=True)
    serial = workplace.surface(config)
    surface, said = groups(workplace, config, "--directions", storage, ranks=ranks)
    assert_same_bits(surface, serial)
    assert surface.provenance["directions"] == serial.provenance["directions"]
    assert surface.provenance["norms"] == serial.provenance["norms"]
    assert surface.provenance["network"] == serial.provenance["network"]
    assert surface.provenance["runs"][0]["mpi"]["ranks_per_model"] == 2
    named = "(0-1, 2-3)" if ranks == 4 else "(0-1)"
    assert f"each divided among 2 ranks {named}, each of which evaluates its own batches" in said


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.bits
def test_a_reduced_precision_gives_the_same_bits(workplace, divided):
    config = divided("build", precision="bf16", even_if_slower=True)
    serial = workplace.surface(config)
    assert_same_bits(groups(workplace, config)[0], serial)


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.parametrize("storage", ["resident", "streamed"])
def test_a_plan_of_the_problem_differs_by_rounding(workplace, divided, storage):
    config = divided("parallel")
    serial = workplace.surface(config)
    surface, said = groups(workplace, config, "--directions", storage)
    for key, values in serial.values.items():
        assert surface.values[key] == pytest.approx(values, rel=1e-6), key
    assert "each of which evaluates the same batches" in said


@pytest.fixture
def saved(workplace):
    """Save weights in several formats, and return their paths by format."""
    spec = importlib.util.spec_from_file_location("divided_for_saving", DATA / "divided.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    state = module.build(seed=5).model.state_dict()
    parts = {name: one.clone() for name, one in state.items() if name != "head.weight"}
    folder = workplace.folder
    torch.save(state, folder / "whole.pt")
    save_file(parts, folder / "parts.safetensors")
    checkpoint.save({"model": state, "step": 3}, checkpoint_id=folder / "parts", no_dist=True)
    return {"whole": "whole.pt", "safetensors": "parts.safetensors", "distributed": "parts"}


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.parametrize("kind", ["distributed", "safetensors"])
def test_each_rank_reads_its_part_of_a_checkpoint(workplace, divided, saved, kind):
    serial = workplace.surface(divided("build", checkpoint=saved["whole"]))
    surface, _ = groups(workplace, divided("empty", checkpoint=saved[kind]))
    assert_same_bits(surface, serial)
    assert surface.provenance["network"] == serial.provenance["network"]


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
def test_points_that_fail_are_skipped_on_all_ranks_of_a_group(workplace, divided):
    config = divided("failing", keep_going=True)
    alone = workplace.run("compute", config, "-o", "alone.h5")
    output = workplace.folder / "groups.h5"
    done = workplace.run(*("compute", config, "--ranks-per-model", "2", "-o", output.name), ranks=4)
    assert done.returncode == alone.returncode == 1
    serial, surface = read_surface(workplace.folder / "alone.h5"), read_surface(output)
    assert 0 < serial.failed < serial.total
    assert_same_bits(surface, serial)
    assert "evaluates the same batches" in done.stderr
    assert "ValueError: the loss is too large" in done.stdout


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
def test_a_failure_of_one_rank_ends_the_run(workplace, divided):
    config = divided("leaving", keep_going=True)
    done = workplace.run("compute", config, "--ranks-per-model", "2", ranks=2)
    assert done.returncode not in (0, 75)
    assert "rank 1 on " in done.stderr
    assert "RuntimeError: a rank of its own" in done.stderr


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
def test_a_killed_member_ends_the_run_and_it_is_continued_without_groups(
    workplace, divided, monkeypatch
):
    grid = {"x": [-1, 1, 12], "y": [-1, 1, 10]}
    serial = workplace.surface(divided("build", grid=grid))
    config = divided("slow", "slow.yaml", grid=grid, output="slow.h5")
    process = workplace.start("compute", config, "--ranks-per-model", "2", ranks=4)
    path = workplace.folder / "slow.h5"
    try:
        wait_until(process, lambda: path.exists() and read_surface(path).done >= 10)
        workplace.ranks(process.pid)[3].kill()
        process.wait(timeout=60)
    finally:
        if process.poll() is None:
            kill_group(process)
    before = read_surface(path)
    assert 10 <= before.done < before.total
    assert process.returncode not in (0, 75)
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    ended = workplace.run("compute", config, "--resume")
    assert ended.returncode == 0, ended.stderr
    assert_same_bits(read_surface(path), serial)


REFUSED = {
    "ranks": ("build", {}, 3, "2 does not divide the 3 ranks of this run; choose one of 1, 3"),
    "reading": ("reading", {}, 2, "does not run when FSDP has divided it among ranks"),
    "wrong": (
        *("parallel", {"problem_args": {"wrong": True}}, 2),
        "when Problem.parallelize has divided it among ranks, 'loss' of the first samples changes",
    ),
    "nothing": ("nothing", {}, 2, "it leaves every parameter whole on each rank"),
    "untied": ("untied", {}, 2, "by memory, not as one Parameter"),
    "merging": ("merging", {}, 2, "changes weights in train() or eval()"),
    "empty": ("empty", {}, 2, "on the meta device, without values"),
    "whole": ("empty", {"checkpoint": "whole.pt"}, 2, "can only be read as a whole"),
    "norms": ("normed", {"batch_norm": "recalibrate"}, 2, "excludes batch_norm: recalibrate"),
    "measures": ("build", {"measures": ["gradient"]}, 2, "excludes measures, for which each rank"),
    "kind": (
        *("build", {"directions": {"x": {"kind": "gradient"}, "y": {"kind": "random"}}}, 2),
        "excludes directions.x of kind gradient",
    ),
    "compile": ("build", {"compile": "on"}, 2, "excludes compile: on"),
    "quantize": ("build", {"quantize": 4}, 2, "excludes quantize"),
}


@pytest.mark.mpi
@pytest.mark.parametrize(
    "case",
    [one if one == "reading" else pytest.param(one, marks=pytest.mark.slow) for one in REFUSED],
)
def test_what_can_not_be_divided_is_refused_in_one_line(workplace, divided, saved, case):
    name, settings, ranks, message = REFUSED[case]
    config = divided(name, **settings)
    done = workplace.run("compute", config, "--ranks-per-model", "2", ranks=ranks)
    assert done.returncode == 2
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("landscape: ")]
    assert message in line


def test_one_rank_makes_no_group_of_two(workplace, divided, landscape):
    code, _, errors = landscape("compute", divided("build"), "--ranks-per-model", "2")
    assert code == 2
    assert "ranks_per_model: 2 does not divide the 1 rank of this run" in errors


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
def test_a_range_is_found_and_a_dry_run_counts_the_ranks_of_a_group(workplace, divided):
    config = divided("build", grid={"x": "auto:5"})
    serial = workplace.surface(config)
    surface, _ = groups(workplace, config)
    assert_same_bits(surface, serial)
    tried = workplace.run("compute", config, "--ranks-per-model", "2", "--dry-run", ranks=2)
    assert tried.returncode == 0, tried.stderr
    assert "by groups of 2 ranks like this one" in tried.stdout

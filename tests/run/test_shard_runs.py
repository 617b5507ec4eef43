"""Runs that compute a part of the grid, and the merging of their files."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from landscape_cli.cli import cli
from landscape_cli.config.loading import load_config
from landscape_cli.errors import StoreError
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.records.shards import Shard
from landscape_cli.run import compute, estimate
from landscape_cli.store import read_surface, write_surface
from support.surfaces import assert_same_bits

SHAPE = (4, 5)


def run(config, **changes):
    return compute(load_config(config, changes), SerialExecutor(), quiet=True)


def test_a_shard_writes_its_points_to_its_own_file(workplace):
    outcome = run(workplace.config(), shard="2/3")
    assert outcome.surface == workplace.folder / "surface.shard-2-of-3.h5"
    assert outcome.directions == workplace.folder / "surface.shard-2-of-3.directions.h5"
    assert outcome.directions.exists()
    assert not Path("surface.h5").exists()
    assert (outcome.computed, outcome.left, outcome.stopped) == (7, 0, None)
    surface = read_surface(outcome.surface)
    np.testing.assert_array_equal(surface.status == 1, Shard(2, 3).points(SHAPE))
    assert surface.provenance["shard"] == {"index": 2, "of": 3}
    assert not surface.complete
    assert not surface.config["calibrate"]


@pytest.mark.bits
def test_a_finished_shard_is_complete_and_an_unfinished_one_continued(workplace):
    config = workplace.config()
    first = run(config, shard="1/3")
    assert run(config, shard="1/3").computed == 0
    surface = read_surface(first.surface)
    kept = np.flatnonzero(surface.status)[:4]
    surface.status.ravel()[np.setdiff1d(np.arange(20), kept)] = 0
    write_surface(first.surface, surface)
    again = run(config, shard="1/3")
    assert (again.computed, again.left) == (3, 0)
    after = read_surface(first.surface)
    np.testing.assert_array_equal(after.status == 1, Shard(1, 3).points(SHAPE))
    assert len(after.provenance["runs"]) == 2


def test_the_file_of_another_shard_is_refused(workplace):
    config = workplace.config()
    run(config, shard="1/3").surface.rename("surface.shard-2-of-3.h5")
    with pytest.raises(StoreError, match=r"shard: 1/3 in the file, 2/3 now"):
        run(config, shard="2/3")
    run(config).surface.rename("surface.shard-3-of-3.h5")
    with pytest.raises(StoreError, match=r"shard: the whole grid in the file, 3/3 now"):
        run(config, shard="3/3")


def test_a_shard_s_estimate_counts_its_own_points(workplace):
    config = load_config(workplace.config(), {"shard": "3/3"})
    expected = estimate(config, SerialExecutor())
    assert expected.points == 6
    assert not list(workplace.folder.glob("*.h5"))


@pytest.mark.bits
def test_three_shards_merge_to_the_whole(landscape, workplace):
    config = workplace.config("example:digits_network")
    for shard in ("1/3", "2/3", "3/3"):
        assert landscape("compute", config, "--shard", shard, "-q")[0] == 0
    assert landscape("compute", config, "--no-calibrate", "-o", "whole.h5", "-q")[0] == 0
    files = [f"surface.shard-{index}-of-3.h5" for index in (1, 2, 3)]
    folder = workplace.folder
    beside = sorted(path.name for path in folder.glob("surface.shard-*.directions.h5"))
    assert len(beside) == 3
    code, out, err = landscape("merge", "surface.h5", *files, *beside)
    assert (code, err) == (0, "")
    assert out == f"wrote {folder}/surface.h5\nwrote {folder}/surface.directions.h5\n"
    merged, whole = read_surface("surface.h5"), read_surface("whole.h5")
    assert_same_bits(merged, whole)
    assert merged.config == {**whole.config, "output": "surface.h5"}
    assert set(merged.provenance) == set(whole.provenance)
    assert len(merged.provenance["runs"]) == 3
    one, other = (Path(f"{stem}.directions.h5").read_bytes() for stem in ("surface", files[0][:-3]))
    assert one == other
    code, out, _ = landscape("compute", config)
    assert (code, out.count("nothing to do")) == (0, 1)


@pytest.mark.bits
def test_missing_shards_are_named_with_a_remedy(landscape, workplace):
    config = workplace.config()
    for shard in ("1/4", "3/4"):
        landscape("compute", config, "--shard", shard, "-q")
    code, out, _ = landscape("merge", "out.h5", *sorted(workplace.folder.glob("*-of-4.h5")))
    assert code == 75
    assert out.splitlines()[2:] == [
        "10 of 20 points are missing: (-0.5, -1), (0.5, -1), (-1, -0.333333), ...",
        "shard 2/4 is not among the files",
        "shard 4/4 is not among the files",
        "to continue: landscape compute CONFIG --shard 2/4 and so on, then merge again with "
        f"--overwrite; or landscape compute CONFIG --output {workplace.folder}/out.h5 computes all "
        "that is missing",
    ]
    assert landscape("compute", config, "--output", "out.h5", "-q")[0] == 0
    landscape("compute", config, "--no-calibrate", "-o", "whole.h5", "-q")
    assert_same_bits(read_surface("out.h5"), read_surface("whole.h5"))
    code, out, err = landscape("merge", "out.h5", "whole.h5")
    assert (code, out) == (2, "")
    assert err == (
        f"landscape: OUT: {workplace.folder}/out.h5 is there already; name another file, or add "
        "--overwrite\n"
    )
    assert landscape("merge", "out.h5", "out.h5", "whole.h5", "--overwrite")[0] == 0


def test_other_files_are_refused_by_name(landscape, workplace):
    config = workplace.config()
    landscape("compute", config, "--shard", "1/2", "-q")
    landscape("compute", config, "--shard", "2/2", "--seed", 5, "-q")
    files = ("surface.shard-1-of-2.h5", "surface.shard-2-of-2.h5")
    code, out, err = landscape("merge", "out.h5", *files)
    assert (code, out) == (2, "")
    assert err.startswith(
        f"landscape: {files[1]}: made with a different configuration from {files[0]} "
        f"(directions.x.seed: 1 in {files[0]}, 5 in {files[1]}; "
    )
    assert not Path("out.h5").exists()
    code, _, err = landscape("merge", "out.h5", files[0], "nowhere.h5")
    assert (code, err) == (2, "landscape: nowhere.h5: no such file\n")


def test_info_of_a_shard(landscape, workplace):
    landscape("compute", workplace.config(), "--shard", "1/3", "-q")
    _, out, _ = landscape("info", "surface.shard-1-of-3.h5")
    assert "progress:   7 of 20 points, incomplete\nshard:      1 of 3, 7 of 7 points\n" in out


@pytest.mark.parametrize("shard", ["0/4", "5/4", "a/b"])
def test_malformed_shards_are_reported_in_one_line(landscape, workplace, shard):
    code, out, err = landscape("compute", workplace.config(), "--shard", shard)
    assert (code, out) == (2, "")
    assert err == (
        f"landscape: run.yaml: shard: got '{shard}', expected I/N with I from 1 to N, such as 1/4\n"
    )


def test_the_help_says_that_shards_are_not_calibrated():
    shown = CliRunner().invoke(cli, ["compute", "--help"]).output
    assert "Shards are not calibrated" in " ".join(shown.split())


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.bits
@pytest.mark.mpi
def test_a_shard_on_two_ranks_has_the_same_bits(workplace):
    config = workplace.config(splits=["train"])
    alone = read_surface(run(config, shard="2/2", threads=1).surface)
    done = workplace.run("compute", config, "--shard", "2/2", "-o", "two.h5", ranks=2)
    assert done.returncode == 0, done.stderr
    assert "two.shard-2-of-2.h5: 10/10 points" in done.stderr
    assert_same_bits(read_surface("two.shard-2-of-2.h5"), alone)

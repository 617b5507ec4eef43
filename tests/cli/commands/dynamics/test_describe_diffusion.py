"""``landscape describe`` and ``landscape info`` of diffusion files."""

import json
from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.store.diffusion_file import write_diffusion
from support.diffusion_maps import made_map

FILE = "a.diffusion.h5"
RECORD = made_map(12, 2, draws=3, onto=4)


@pytest.fixture
def folder(workplace):
    write_diffusion(workplace.folder / FILE, RECORD)
    return workplace.folder


def begun(known):
    """Return a map of 4 checkpoints of which some distances are known."""
    distances2 = np.full((4, 4), np.nan)
    rows, columns = (places[:known] for places in np.triu_indices(4, 1))
    distances2[rows, columns] = distances2[columns, rows] = 1.0
    return Diffusion(("a",) * 4, np.zeros(4, int), ("one",), 7, distances2, np.full(4, np.nan))


def test_a_map_s_numbers_stand_beside_those_of_the_walks(folder, landscape):
    code, out, err = landscape("describe", FILE)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:3] == [
        str(folder / FILE),
        "network:     MLP",
        "checkpoints: 24 of 40 parameters; 2 trainings: seed 0 12, seed 1 12",
    ]
    walk = next(null for null in RECORD.nulls if null.kind == "walk")
    first = next(line for line in lines if line.startswith("     1"))
    low, high = walk.eigenvalues[:, 1].min(), walk.eigenvalues[:, 1].max()
    assert f"{RECORD.eigenvalues[1]:.6g}" in first
    assert f"{low:.4g} to {high:.4g}" in first
    heading = (
        "beside 3 random walks with the same step lengths; one more would be outside with 50 % each"
    )
    place = lines.index(heading)
    low, high = walk.statistics["time_correlation"].min(), walk.statistics["time_correlation"].max()
    assert lines[place + 1].startswith("  |corr(ψ₁, step)|")
    assert lines[place + 1].endswith(f"{low:.4g} to {high:.4g}")
    assert any(line.startswith("  differs in ") for line in lines[place:])


def test_json_has_every_number(folder, landscape):
    code, out, _ = landscape("describe", FILE, "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["file"] == str(folder / FILE)
    assert facts["eigenvalues"] == RECORD.eigenvalues.tolist()
    assert facts["spectra"]["0.5"] == RECORD.spectra[0].eigenvalues.tolist()
    (walk,) = [null for null in RECORD.nulls if null.kind == "walk"]
    assert facts["null_ranges"]["walk"]["low"] == walk.eigenvalues.min(axis=0).tolist()
    (time,) = [
        one
        for one in facts["comparisons"]
        if (one["statistic"], one["null"]) == ("time_correlation", "permuted")
    ]
    assert time["value"] == RECORD.statistics["time_correlation"]
    assert time["draws"] == 3
    assert time["verdict"] in ("above", "below", "within")


def test_what_a_file_holds(folder, landscape):
    code, out, err = landscape("info", FILE)
    assert (code, err) == (0, "")
    assert "distances:   276 of 276 pairs (complete)" in out
    assert "map:         4 coordinates, exp(-d²/ε), ε = " in out
    assert "null:        3 random walks with the same step lengths, seed 0" in out
    assert "onto:        4 further checkpoints of large batch, 1 out of the kernel's reach" in out
    assert "also known:  epochs, steps, losses, learning rates" in out
    facts = json.loads(landscape("info", FILE, "--json")[1])
    assert facts["distances"] == {"done": 276, "total": 276}
    assert facts["complete"]
    assert facts["trainings"][1] == {"name": "seed 1", "checkpoints": 12}


@pytest.mark.parametrize(("known", "state"), [(0, "0 %"), (5, "83 %"), (6, "complete")])
def test_how_far_a_map_is(workplace, landscape, known, state):
    write_diffusion(workplace.folder / "b.h5", begun(known))
    code, out, _ = landscape("info", "b.h5")
    assert code == 0
    assert f"distances:   {known} of 6 pairs ({state})" in out
    assert "map:         not computed yet; run landscape diffusion" in out
    facts = json.loads(landscape("info", "b.h5", "--json")[1])
    assert (facts["complete"], facts["epsilon"]) == (False, "nan")
    code, _, err = landscape("describe", "b.h5")
    assert code == 2
    assert "b.h5: its map is not computed yet; run landscape diffusion" in err


def test_options_of_surfaces_are_refused(folder, landscape):
    for option in (("--split", "train"), ("--radius", "1"), ("--level", "2")):
        code, _, err = landscape("describe", FILE, *option)
        assert code == 2
        assert f"{option[0]}: does not apply to diffusion files" in err


def test_a_map_without_nulls_is_described(workplace, landscape):
    bare = replace(RECORD, nulls=(), spectra=(), pca=None, explained=None, onto=None)
    write_diffusion(workplace.folder / "b.h5", bare)
    code, out, err = landscape("describe", "b.h5")
    assert (code, err) == (0, "")
    assert "beside" not in out


def test_names_from_foreign_files_are_escaped(workplace, landscape):
    evil = replace(RECORD, names=("a\x1b[2J", "b"), onto=None)
    write_diffusion(workplace.folder / "b.h5", evil)
    for command in ("describe", "info"):
        assert "\x1b" not in landscape(command, "b.h5")[1]

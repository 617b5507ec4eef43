"""Recordings wherever several checkpoints are taken, or one."""

import hashlib
import math
import shutil

import pytest
import torch
from torch import nn

import landscape_cli as landscape
from landscape_cli.api import recording
from landscape_cli.errors import CheckpointError, UsageError
from landscape_cli.problems.checkpoint_files import expand, labels, single
from landscape_cli.problems.checkpoints import file_hash, load_weights, read_state_dict
from landscape_cli.problems.recordings import recorded, recorded_rates
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.store.recordings import writer


@pytest.fixture
def walk(tmp_path, monkeypatch):
    """Record twelve steps, 0, 5, ..., 55, of which some files are joined; the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(writer, "MOST_FILES", 5)
    model = nn.Linear(3, 2)
    for step in range(0, 60, 5):
        nn.init.constant_(model.weight, step)
        landscape.record(model, "walk", step, lr=None if step == 0 else 1 / step, epoch=step / 20)
    recording.close()
    return tmp_path / "walk"


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("walk", range(0, 60, 5)),
        ("walk::", None),
        ("walk::10", [10]),
        ("walk::0010", [10]),
        ("walk::10:20", [10, 15]),
        ("walk::11:", range(15, 60, 5)),
        ("walk:::11", [0, 5, 10]),
        ("walk::::15", [0, 15, 30, 45]),
        ("walk::5::20", [5, 25, 45]),
        ("walk::0:60:10", range(0, 60, 10)),
        ("walk:::", range(0, 60, 5)),
        ("wal[k]::30:", range(30, 60, 5)),
    ],
)
def test_ranges_are_half_open_over_step_numbers(walk, pattern, steps):
    if steps is None:
        with pytest.raises(UsageError, match="expected PATH"):
            expand([pattern])
        return
    found = expand([pattern])
    assert [one.key for one in found] == [str(step) for step in steps]
    assert {one.path for one in found} == {"walk"}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("walk::7", "'walk::7' is none of the 12 steps from 0 to 55; name a step, or a range such"),
        ("walk::60:", "is none of the 12 steps"),
        ("walk::last", "is none of the 12 steps"),
        ("walk::1:2:0", "expected START:STOP:STEP behind the folder"),
        ("walk::-5:", "expected START:STOP:STEP behind the folder"),
        ("walk::1:2:3:4", "walk::1:2:3:4"),
        ("walks", "no file matches 'walks'"),
    ],
)
def test_other_ranges_are_refused(walk, pattern, words):
    with pytest.raises(UsageError) as caught:
        expand([pattern], "--checkpoints")
    assert words in str(caught.value)
    assert str(caught.value).startswith("--checkpoints: ")


def test_a_step_counts_once_and_order_is_kept(walk):
    found = expand(["walk::50:", "walk::5", "walk::50", str(walk) + "::5"])
    assert [one.key for one in found] == ["50", "55", "5"]
    assert labels(found) == ("walk::50", "walk::55", "walk::5")


def test_one_checkpoint(walk):
    assert single("walk::5", "--from") == CheckpointPath("walk", "5")
    with pytest.raises(UsageError, match="--from: 'walk' matches 12 checkpoints; name one"):
        single("walk", "--from")
    assert bool((read_state_dict("walk::15")["weight"] == 15).all())


@pytest.mark.parametrize("key", ["", "::7", "::0:10", "::x", "::5.5", "::²"])
def test_what_is_not_one_step_is_refused_with_the_steps_there_are(walk, key):
    with pytest.raises(CheckpointError, match=r"12 steps from 0 to 55; name one .*walk::55"):
        load_weights(nn.Linear(3, 2), f"walk{key}")
    with pytest.raises(CheckpointError, match=r"12 steps from 0 to 55; name one .*walk::55"):
        file_hash(CheckpointPath.parse(f"walk{key}"))


def test_facts_come_from_the_recording(walk):
    (walk.parent / "net.pt").touch()
    paths = expand(["walk::0:15", "net.pt"])
    assert [one and (one.step, one.epoch) for one in recorded(paths)] == [
        *((0, 0.0), (5, 0.25), (10, 0.5), None)
    ]
    rates = recorded_rates(paths)
    assert rates[1:3] == (0.2, 0.1)
    assert math.isnan(rates[0])
    assert math.isnan(rates[3])
    assert recorded_rates(paths[3:]) is None
    assert recorded_rates(paths[:1]) is None


def test_the_hash_is_that_of_the_step_whatever_file_it_is_in(walk):
    first = file_hash(CheckpointPath("walk", "0"))
    assert file_hash("walk::0") == first
    assert file_hash(CheckpointPath("walk", "5")) != first
    (last,) = walk.glob("*55.safetensors")
    assert file_hash("walk::55") == hashlib.sha256(last.read_bytes()).hexdigest()
    shutil.copytree(walk, "copy")
    assert file_hash("copy::0") == first


def test_a_single_file_is_a_checkpoint_and_a_joined_one_is_not(walk):
    model = nn.Linear(3, 2)
    load_weights(model, "walk/recorded-0000000055.safetensors")
    assert bool((model.weight == 55).all())
    with pytest.raises(CheckpointError, match=r"several steps of a recording; .*, walk::20"):
        load_weights(model, "walk/recorded-0000000000-0000000020.safetensors")


def test_other_networks_and_damage_are_named(walk):
    with pytest.raises(CheckpointError, match=r"'walk' \(entry '5'\) does not fit the model"):
        load_weights(nn.Linear(4, 2), "walk::5")
    (walk / "recorded-0000000055.safetensors").write_bytes(b"")
    for look in (lambda: expand(["walk"]), lambda: load_weights(nn.Linear(3, 2), "walk::55")):
        with pytest.raises((CheckpointError, UsageError), match="recorded-0000000055.* is damaged"):
            look()
    load_weights(nn.Linear(3, 2), "walk::50")


def test_an_empty_folder_is_none(walk):
    (walk.parent / "empty").mkdir()
    with pytest.raises(UsageError, match="no file matches 'empty'"):
        expand(["empty"])


def test_it_stays_what_it_was_while_it_grows(walk):
    paths = expand(["walk"])
    model = nn.Linear(3, 2)
    for step in range(60, 90, 5):
        landscape.record(model, "walk", step)
    recording.close()
    for path in paths:
        load_weights(model, path)
        assert bool((model.weight == int(path.key)).all())
    assert len(expand(["walk"])) == len(paths) + 6


def test_prefixes_hold_for_steps(tmp_path):
    model = nn.ModuleDict({"net": nn.Linear(3, 2), "loss": nn.Linear(1, 1)})
    landscape.record(model, tmp_path / "walk", 1)
    recording.close()
    (found,) = expand([CheckpointPath(str(tmp_path / "walk"), None, "net.")])
    other = nn.Linear(3, 2)
    load_weights(other, found, lambda note: None)
    assert torch.equal(other.weight, model["net"].weight)

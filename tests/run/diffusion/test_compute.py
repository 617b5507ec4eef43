"""Diffusion runs that are interrupted, on one rank and on several."""

import os
import signal

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.diffusion.study import NullWalks
from landscape_cli.run.diffusion import worker
from landscape_cli.store.diffusion_file import read_diffusion
from support.diffusion_files import same_record

COUNT = 40
COMMAND = ("diffusion", "run.yaml", "--checkpoints", "c*.pt", "--onto", "d*.pt", "--draws", "3")


@pytest.fixture
def folder(workplace):
    """Save checkpoints of a random walk, `c`, and others beside it, `d`."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1, dtype=torch.float64)
    with torch.no_grad():
        for number in range(COUNT):
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
            torch.save(model.state_dict(), workplace.folder / f"c{number}.pt")
            if number % 5 == 0:
                torch.save(model.state_dict(), workplace.folder / f"d{number}.pt")
    workplace.config(threads=1)
    return workplace.folder


@pytest.fixture
def interrupt(monkeypatch):
    """Return a function that lets a method send SIGTERM when it is called for the k-th time."""

    def interrupt(owner, name, at):
        calls, real = [], getattr(owner, name)

        def counted(*arguments):
            calls.append(arguments)
            if len(calls) == at:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(*arguments)

        monkeypatch.setattr(owner, name, counted)
        return calls

    return interrupt


@pytest.mark.parametrize(
    "at", [11, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 30, 44))]
)
def test_a_run_that_is_stopped_among_distances_goes_on_there(folder, landscape, interrupt, at):
    assert landscape(*COMMAND, "-o", "whole.h5")[0] == 0
    whole = read_diffusion("whole.h5")
    calls = interrupt(worker, "block_distances2", at)
    code, out, err = landscape(*COMMAND, "-o", "parts.h5")
    pairs = 8 * 9 // 2 + 8 * 8
    assert code == 75
    assert "stopped by SIGTERM; the same command continues: landscape" in out
    parts = read_diffusion("parts.h5")
    assert not parts.complete
    known = np.isfinite(parts.distances2)
    assert parts.distances2[known].tobytes() == whole.distances2[known].tobytes()
    assert np.isnan(parts.distances2).any() or np.isnan(parts.onto.distances2).any()
    assert len(calls) == at
    code, _, err = landscape(*COMMAND, "-o", "parts.h5", "--resume")
    assert code == 0, err
    assert len(calls) == pairs
    same_record(read_diffusion("parts.h5"), whole)
    runs = read_diffusion("parts.h5").provenance["runs"]
    assert [set(run) >= {"command", "started", "finished", "seconds"} for run in runs] == [True] * 2


def test_a_run_that_is_stopped_among_walks_keeps_those_that_it_has(folder, landscape, interrupt):
    assert landscape(*COMMAND, "-o", "whole.h5")[0] == 0
    calls = interrupt(NullWalks, "draw", 4)
    code, out, _ = landscape(*COMMAND, "-o", "parts.h5")
    assert code == 75
    assert "stopped by SIGTERM" in out
    parts = read_diffusion("parts.h5")
    assert [(null.kind, len(null.epsilons)) for null in parts.nulls] == [
        ("permuted", 1),
        ("walk", 3),
    ]
    code, _, err = landscape(*COMMAND, "-o", "parts.h5")
    assert code == 0
    assert "distances" not in err
    assert len(calls) == 6
    same_record(read_diffusion("parts.h5"), read_diffusion("whole.h5"))


def test_no_time_leaves_everything_to_do(folder, landscape):
    code, out, _ = landscape(*COMMAND, "--time-limit", "1s", "-o", "parts.h5")
    assert code == 75
    assert "stopped by the time limit" in out
    assert np.isnan(read_diffusion("parts.h5").squares).all()
    assert landscape(*COMMAND, "-o", "parts.h5")[0] == 0


@pytest.mark.slow
def test_a_file_that_is_locked_is_left_alone(folder, landscape):
    from landscape_cli.store import Lock

    with Lock(folder / "parts.h5") as lock:
        lock.take()
        code, _, err = landscape(*COMMAND, "-o", "parts.h5")
    assert code == 2
    assert "parts.h5" in err
    assert not (folder / "parts.h5").exists()


def test_blocks_and_memory_do_not_change_a_bit(folder, landscape, monkeypatch):
    assert landscape(*COMMAND, "-o", "whole.h5")[0] == 0
    from landscape_cli.run.diffusion import distances

    monkeypatch.setattr(distances, "free_memory", lambda device, ranks: 0)
    assert landscape(*COMMAND, "-o", "little.h5")[0] == 0
    same_record(read_diffusion("little.h5"), read_diffusion("whole.h5"))


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_share_a_map_that_has_the_bits_of_one(folder, workplace, landscape, ranks):
    both = ("--training", "a=c*.pt", "--training", "b=d*.pt", "--draws", "3", "--losses", "--quiet")
    command = ("diffusion", "run.yaml", *both)
    assert landscape(*command, "-o", "one.h5")[0] == 0
    done = workplace.run(*command, "-o", "several.h5", ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    same_record(read_diffusion("several.h5"), read_diffusion("one.h5"))


@pytest.mark.mpi
@pytest.mark.slow
def test_what_holds_for_all_checkpoints_is_said_once_for_all_ranks(folder, workplace):
    for number in range(COUNT):
        state = torch.load(folder / f"c{number}.pt")
        torch.save({"state_dict": state, "model_ema": state}, folder / f"c{number}.pt")
    done = workplace.run(*COMMAND, "-o", "both.h5", ranks=2)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("took the entry 'state_dict'") == 1


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 7, 39])
def test_a_bad_checkpoint_is_one_line_whichever_rank_reads_it(folder, workplace, number):
    state = torch.load(folder / f"c{number}.pt")
    state["weight"][0, 1] = float("nan")
    torch.save(state, folder / f"c{number}.pt")
    done = workplace.run(*COMMAND, "--quiet", "-o", "bad.h5", ranks=2)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"c{number}.pt" in done.stderr
    assert "not finite" in done.stderr
    assert not (folder / "bad.h5").exists()
    assert not (folder / "bad.h5.lock").exists()

"""Surfaces of sequence models against plain loops, text by text, at every point of a grid."""

import shutil
import sys
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn import functional

DATA = Path(__file__).parents[1] / "data"
GRID = {"x": [-1, 1, 5], "y": [-0.5, 1, 3]}


@pytest.fixture
def problems(workplace):
    """The module of the problems, as a run imports it."""
    shutil.copy(DATA / "sequences.py", workplace.folder)
    import sequences

    yield sequences
    sys.modules.pop("sequences", None)


def gpt_logits(problems, model, parameters):
    """Yield logits and labels of each text alone, without padding."""
    for text in problems.texts():
        inputs = {"input_ids": text[None], "attention_mask": torch.ones(1, len(text))}
        logits = functional_call(model, parameters, (), inputs)[0]
        yield logits[:-1], problems.ignored(text)[1:]


def lstm_logits(problems, model, parameters):
    """Yield the same of an LSTM whose gates are written out."""
    p = parameters
    for text in problems.texts(shortest=2):
        state, cell, rows = torch.zeros(6).double(), torch.zeros(6).double(), []
        for token in text[:-1]:
            gates = p["lstm.weight_ih_l0"] @ p["tokens.weight"][token] + p["lstm.bias_ih_l0"]
            gates = gates + p["lstm.weight_hh_l0"] @ state + p["lstm.bias_hh_l0"]
            let_in, forget, new, out = gates.split(6)
            cell = forget.sigmoid() * cell + let_in.sigmoid() * new.tanh()
            state = out.sigmoid() * cell.tanh()
            rows.append(p["out.weight"] @ state + p["out.bias"])
        yield torch.stack(rows), text[1:]


def translator_logits(problems, model, parameters):
    """Yield the same of each pair alone."""
    for source, target in zip(problems.texts(), problems.texts(1)[::-1], strict=True):
        arguments = source[None], problems.started(target)[None]
        yield functional_call(model, parameters, arguments)[0], target


LOGITS = {"gpt": gpt_logits, "lstm": lstm_logits, "translator": translator_logits}


@torch.no_grad()
def by_hand(problems, name, parameters):
    """Return every quantity's mean and standard error from lists of numbers."""
    model = getattr(problems, name)().model.eval()
    losses, hits = [], []
    for logits, labels in LOGITS[name](problems, model, parameters):
        counted = [t for t, label in enumerate(labels.tolist()) if label != -100]
        each = [functional.cross_entropy(logits[t], labels[t]).item() for t in counted]
        losses.append(each)
        hits.append([float(logits[t].argmax() == labels[t]) for t in counted])
    some = [np.mean(each) for each in losses if each]
    return {
        "loss": (np.mean(list(chain(*losses))), error(losses)),
        "accuracy": (np.mean(list(chain(*hits))), error(hits)),
        "sequence_loss": (np.mean(some), error([[one] for one in some] + [[]] * losses.count([]))),
    }


def error(rows):
    """Return the standard error of a ratio of sums over texts (Cochran 1977, section 6.4)."""
    n, total = len(rows), sum(map(len, rows))
    ratio = sum(map(sum, rows)) / total
    return np.sqrt(n / (n - 1) * sum((sum(r) - ratio * len(r)) ** 2 for r in rows)) / total


def directions(path):
    """Return the directions of a run by axis and parameter."""
    with h5py.File(path) as file:
        return {
            axis: {
                str(data.attrs["name"]): torch.from_numpy(data[()]).double()
                for data in file[f"{axis}direction"].values()
            }
            for axis in "xy"
        }


@pytest.mark.parametrize("name", LOGITS)
def test_every_point_is_that_of_a_plain_loop(workplace, problems, name):
    run = workplace.config(f"sequences:{name}", grid=GRID)
    more = {"batch_size": 3} if name != "lstm" else {"problem_args": {"size": 2}}
    other = workplace.config(f"sequences:{name}", "other.yaml", grid=GRID, **more)
    first = workplace.surface(other)
    surface = workplace.surface(run, "--overwrite")
    along = directions(workplace.folder / "surface.directions.h5")
    centre = getattr(problems, name)().model.state_dict()
    for row, y in enumerate(surface.grid.axes["y"].coordinates):
        for column, x in enumerate(surface.grid.axes["x"].coordinates):
            point = {
                key: one + x * along["x"][key].view(one.shape) + y * along["y"][key].view(one.shape)
                for key, one in centre.items()
            }
            for quantity, pair in by_hand(problems, name, point).items():
                for found in (surface, first):
                    values = (found.values, found.stderr)
                    got = [one["train", quantity][row, column] for one in values]
                    assert got == pytest.approx(pair, rel=1e-9, abs=1e-12), (quantity, x, y)
    assert np.ptp(surface.values["train", "loss"]) > 0.1
    assert np.ptp(surface.values["train", "accuracy"]) > 0


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.parametrize(
    "name", ["lstm", *(pytest.param(one, marks=pytest.mark.slow) for one in ("gpt", "translator"))]
)
def test_two_ranks_give_the_same_bits(workplace, problems, name):
    run = workplace.config(f"sequences:{name}", grid=GRID)
    alone = workplace.surface(run)
    shared = workplace.surface(run, "--overwrite", ranks=2)
    assert shared.provenance["runs"][0]["mpi"]["size"] == 2
    for key, values in alone.values.items():
        assert values.tobytes() == shared.values[key].tobytes()
        assert alone.stderr[key].tobytes() == shared.stderr[key].tobytes()


def test_packed_sequences_are_not_cut_into_samples(workplace, problems, landscape):
    run = workplace.config("sequences:lstm", grid=GRID)
    code, _, errors = landscape("compute", run, "--samples", "2")
    assert code == 2
    assert "samples can't be chosen" in errors
    whole = workplace.surface(run)
    smaller = workplace.surface(run, "--overwrite", "--set", "batch_size=1")
    assert whole.provenance["splits"]["train"]["samples"] == 7
    for key, values in whole.values.items():
        assert values.tobytes() == smaller.values[key].tobytes()

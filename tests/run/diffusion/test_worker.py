"""The work of a rank on a pair of blocks."""

import numpy as np
import torch
from torch import nn

from landscape_cli.problems.weights import Reader
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.tiles import Tile
from landscape_cli.run.diffusion.blocks import Blocks
from landscape_cli.run.diffusion.worker import PairWorker

COUNT = 20


def checkpoints(folder):
    """Save checkpoints; return their paths, a network and their distances."""
    torch.manual_seed(0)
    model, paths, rows = nn.Linear(5, 3), [], []
    for number in range(COUNT):
        with torch.no_grad():
            model.weight += torch.randn_like(model.weight)
        path = folder / f"{number}.pt"
        torch.save({"state_dict": model.state_dict(), "epoch": number}, path)
        paths.append(CheckpointPath(str(path)))
        rows.append(torch.cat([one.detach().reshape(-1) for one in model.parameters()]).numpy())
    points = np.array(rows, np.float64)
    return paths, model, ((points[:, None] - points) ** 2).sum(axis=2)


def reader(paths, model, kind=Reader):
    return kind(paths, model, dict(model.named_parameters()))


def work(worker, pair):
    return worker(Tile(pair, (tuple(map(float, pair)),)))


def test_every_pair_has_its_distances_and_epochs_and_blocks_stay_in_memory(tmp_path):
    paths, model, expected = checkpoints(tmp_path)
    read = reader(paths, model)
    counts = [0]
    read.after = lambda: counts.__setitem__(0, counts[0] + 1)
    blocks = Blocks.of([12, 5], [3], 4)
    worker = PairWorker(read, blocks, room=len(blocks.spans), rank=3)
    for pair in blocks.pairs:
        found = work(worker, pair)
        one, other = (blocks.spans[number] for number in pair)
        np.testing.assert_allclose(
            found.distances2, expected[one.start : one.stop, other.start : other.stop], rtol=1e-12
        )
        assert found.stored == {number: number for number in {*one, *other}}
        assert (found.rank, found.failures) == (3, {})
    assert counts == [COUNT]


def test_what_does_not_fit_into_memory_is_said_in_a_line(tmp_path):
    class Full(Reader):
        """A reader that finds no memory."""

        def __call__(self, number):
            raise MemoryError

    paths, model, _ = checkpoints(tmp_path)
    worker = PairWorker(reader(paths, model, Full), Blocks.of([COUNT], [], 4), room=2, rank=1)
    (text,) = work(worker, (0, 1)).failures.values()
    assert text.startswith("--checkpoints: rank 1 ran out of memory with 6 checkpoints, ")
    assert text.endswith("use fewer ranks on a host")


def test_a_checkpoint_of_another_network_is_a_failure_that_names_it(tmp_path):
    paths, model, _ = checkpoints(tmp_path)
    torch.save(nn.Linear(4, 3).state_dict(), paths[4])
    worker = PairWorker(reader(paths, model), Blocks.of([COUNT], [], 4), room=2)
    assert not work(worker, (0, 0)).failures
    (text,) = work(worker, (0, 1)).failures.values()
    assert "4.pt" in text

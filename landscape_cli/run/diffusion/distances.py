"""Squared distances of checkpoints, with pairs of blocks farmed out to the ranks."""

from __future__ import annotations

from collections.abc import Sequence

from landscape_cli.errors import CheckpointError, UsageError
from landscape_cli.evaluation.devices import CPU, free_memory
from landscape_cli.geometry.pca.block_distances import row_dtype
from landscape_cli.parallel.executor import Executor, ignore
from landscape_cli.problems.weights import Reader
from landscape_cli.records.tiles import TileResult
from landscape_cli.run.curvature.shared_sums import TIME_LIMIT, StoppedError
from landscape_cli.run.diffusion.blocks import Blocks, Pair, PairSource
from landscape_cli.run.diffusion.opening import Network
from landscape_cli.run.diffusion.recording import DiffusionRecorder
from landscape_cli.run.diffusion.request import Request
from landscape_cli.run.diffusion.worker import PairWorker
from landscape_cli.util.progress import Progress


def blocks_of(request: Request, network: Network) -> Blocks:
    """Return the blocks of a request's checkpoints, the same on every rank."""
    counts = [len(path.checkpoints) for path in request.paths]
    further = [len(path.checkpoints) for path in request.onto]
    return Blocks.of(counts, further, _row_bytes(network))


def compute_distances(
    executor: Executor,
    request: Request,
    network: Network,
    todo: Sequence[Pair],
    recorder: DiffusionRecorder | None,
    bar: Progress,
) -> None:
    """Compute the distances of pairs of blocks; called by every rank.

    Half of a rank's free memory holds blocks, but at least two of them.

    Args:
        executor: the ranks.
        request: names the checkpoints.
        network: of the checkpoints.
        todo: the pairs.
        recorder: on rank 0, what receives the distances; None elsewhere.
        bar: counts distances.

    Raises:
        StoppedError: if the ranks were asked to stop.
        LandscapeError: if a checkpoint is invalid, or all are the same; the file is removed.
    """
    blocks = blocks_of(request, network)
    rooms = executor.gather(_room(executor, network, blocks))
    source = PairSource(todo, rooms, executor.stop)
    reader = Reader([*request.checkpoints, *request.further], network.model, network.tensors)
    work = PairWorker(reader, blocks, rooms[executor.rank], executor.rank)

    def arrived(result: TileResult) -> None:
        assert recorder is not None
        recorder.add(blocks, result)

    for result in executor.run(source, work, ignore if recorder is None else arrived):
        bar.update(blocks.size((result.indices[0], result.indices[1])))
        if recorder is not None:
            recorder.publish_if_due()

    def check() -> str | None:
        assert recorder is not None
        _check(recorder)
        if source.left:
            return executor.stop.reason or TIME_LIMIT
        recorder.set(squares=recorder.record.distances2[len(request.checkpoints) // 2].copy())
        recorder.publish_if_due(due=True)
        return None

    if (reason := executor.lead(check)) is not None:
        raise StoppedError(reason)


def _check(recorder: DiffusionRecorder) -> None:
    """Remove the file of checkpoints that have no map."""
    if recorder.failure is not None:
        recorder.discard()
        raise CheckpointError(recorder.failure)
    if (recorder.record.distances2 == 0).all():
        recorder.discard()
        raise UsageError(
            f"--checkpoints: all {len(recorder.record.labels)} hold the same weights up to "
            "rounding; there is no path"
        )


def _row_bytes(network: Network) -> int:
    return network.parameters * row_dtype(network.tensors.values()).itemsize


def _room(executor: Executor, network: Network, blocks: Blocks) -> int:
    """Return the number of blocks that fit into half of this rank's share of the free memory."""
    beside = executor.hosts.count(executor.hosts[executor.rank])
    largest = max(map(len, blocks.spans)) * _row_bytes(network)
    return free_memory(CPU, max(1, beside)) // 2 // max(1, largest)

"""The opening of a curvature run, on rank 0: output checked, record made, progress bar begun."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError
from landscape_cli.evaluation.spectrum.operator import vectors_that_fit
from landscape_cli.parallel.launcher import on_terminal
from landscape_cli.problems.checkpoint_files import labels
from landscape_cli.problems.checkpoints import read_weights
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.curvature import Curvature
from landscape_cli.run.curvature.network import PreparedNetwork
from landscape_cli.run.curvature.recording import CurvatureRecorder, empty_record, parts_of
from landscape_cli.run.curvature.request import Request
from landscape_cli.run.curvature.stages import difference_step
from landscape_cli.run.output_check import refuse_read
from landscape_cli.store import check_writable
from landscape_cli.store.locks.lock_file import lock_path
from landscape_cli.store.product_log import is_product_log, products_path
from landscape_cli.util.logs import tell
from landscape_cli.util.progress import Progress

Dates = tuple["tuple[int, ...] | None", "tuple[float, ...] | None"]
"""Epochs and learning rates of the checkpoints, each None if unknown."""

Dating = Callable[[Sequence[CheckpointPath], Sequence[object]], Dates]
"""``(paths, stored epochs) -> dates``."""


def check_output(output: Path, config: RunConfig, read: Sequence[str]) -> None:
    """Refuse an output that can't be written, or that the run reads.

    Args:
        output: the file.
        config: the configuration, whose files are among those that the run reads.
        read: further files that it reads.

    Raises:
        LandscapeError: naming ``--output``.
    """
    log = products_path(output)
    for path in (output, lock_path(output), log):
        check_writable(path)
        refuse_read(path, config, "--output", read)
    if log.exists() and not is_product_log(log):
        raise StoreError(
            f"--output: {str(log)!r} is there already, another file and no log of products; "
            "name another output, or remove it"
        )


def new_record(
    config: RunConfig,
    request: Request,
    network: PreparedNetwork,
    checkpoints: Sequence[CheckpointPath | None],
    dating: Dating | None,
    blocks: Sequence[int],
    weights: Sequence[Mapping[str, str]],
) -> Curvature:
    """Return a record with nothing computed.

    Args:
        config: the configuration.
        request: what to compute.
        network: the network at the first checkpoint.
        checkpoints: paths; None for the weights that the model is built with.
        dating: finds epochs and learning rates; None if the checkpoints are not those of a training
            run.
        blocks: the number of parameters of each block.
        weights: facts about the checkpoints' files, by which they are recognized.
    """
    variables = network.variables()
    known = [path for path in checkpoints if path is not None]
    epochs, rates = None, None
    if dating is not None:
        stored = [read_weights(path, network.evaluator.model, {}, _silent)[1] for path in known]
        epochs, rates = dating(known, stored)
    fit = vectors_that_fit(variables)
    wanted = max(request.krylov_steps(variables.size), request.density_steps)
    return empty_record(
        request,
        variables.size,
        blocks,
        labels(known) if known else ("as built",),
        difference_step(variables.dtype),
        epochs=epochs,
        learning_rates=rates,
        config=config.model_dump(mode="json"),
        provenance={
            **network.provenance(),
            "request": request.as_mapping(),
            "weights": list(weights),
            "memory": {"vectors": 0 if fit is None or fit >= wanted else fit},
        },
    )


def progress_of(
    recorder: CurvatureRecorder, request: Request, size: int, blocks: Sequence[int], quiet: bool
) -> Progress:
    """Return a progress bar that counts products, those in the record among them.

    Args:
        recorder: holds the record.
        request: what to compute.
        size: the number of parameters.
        blocks: the number of parameters of each block.
        quiet: show nothing.
    """
    stages, parts = request.stage_products(size), parts_of(request)
    done, total = 0, 0
    for place in range(len(recorder.record.labels)):
        for stage, products in stages.items():
            total += products
            share = recorder.done(stage, place) / parts[stage] if parts[stage] else 0
            done += round(products * share)
        each = [request.block_products(one) for one in blocks]
        total += sum(each)
        done += sum(each[: recorder.done("blocks", place)])
    name, terminal = recorder.path.name, on_terminal()
    return Progress(total, name, unit="product", done=done, quiet=quiet, terminal=terminal)


def introduce(network: PreparedNetwork, record: Curvature) -> None:
    """Say what is computed of what, and whether memory is short."""
    count = len(record.labels)
    places = f"{count} checkpoints" if count > 1 else record.labels[0]
    tell(
        f"{network.facts.name}: {record.parameters:,} parameters, {network.data.samples} "
        f"samples of {network.split}; {record.matrix} at {places}"
    )
    if (vectors := record.provenance["memory"]["vectors"]) > 0:
        tell(f"memory holds {vectors} vectors: the Lanczos basis is restarted")


def _silent(text: str) -> None:
    """Drop what reading a checkpoint's file may warn of; the run says it when it loads it."""

"""The file of a run: created, or opened to continue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import StoreError
from landscape_cli.evaluation import Evaluator
from landscape_cli.evaluation.data.fingerprint import comparable, same_tensors
from landscape_cli.geometry.blocks import Index
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.base import StoredTensors
from landscape_cli.records.grid import Grid
from landscape_cli.refinement.sampling import SAMPLED
from landscape_cli.run.resume import Start, refuse_other
from landscape_cli.run.session import Session
from landscape_cli.run.setup.records import Json, RunFacts
from landscape_cli.store import (
    Lock,
    Recorder,
    check_directions,
    directions_path,
    empty_surface,
    read_surface,
    write_directions,
)
from landscape_cli.store.directions_file import read_hashes
from landscape_cli.store.file_kind import file_kind
from landscape_cli.util.logs import warn
from landscape_cli.util.tensors import as_complex

CHOICES = ("calibration", "compilation", "precision_timing", "probe", SAMPLED)
"""Provenance keys on the choices of a file's earlier sessions, which later sessions keep."""


def open_file(
    start: Start, evaluator: Evaluator, facts: RunFacts, session: Session, lock: Lock
) -> Recorder:
    """Create the file or open the existing one, and publish it."""
    output, config = lock.output, start.config
    checkpoint = None if start.checkpoint is None else start.checkpoint.as_mapping()
    provenance = {"checkpoint": checkpoint, **facts.as_mapping()}
    if config.part is not None:
        provenance["shard"] = config.part.as_dict()
    if start.fresh:
        config = config.model_copy(update={"splits": list(evaluator.splits)})
        grid = Grid(config.grid, config.repeats)
        surface = empty_surface(grid, config.model_dump(mode="json"), provenance)
    else:
        surface = read_surface(output)
        compared = facts.compared(config.allow_random)
        refuse_other(output, _changed_facts(surface.provenance, compared))
        kept = {key: surface.provenance[key] for key in CHOICES if key in surface.provenance}
        provenance = {**kept, **provenance}
    runs = [*surface.provenance.get("runs", []), session.as_mapping()]
    surface = replace(surface, provenance={**provenance, "runs": runs})
    recorder = Recorder(output, surface, warn, lock.check, config.part)
    stored = facts.slice_.stored
    if stored and (start.fresh or not directions_path(output).exists()):
        if start.fresh and not start.overwrite:
            _refuse_other_directions(output, stored)
        store_tensors(stored, evaluator.parameters, output, lock.check)
    elif stored:
        _check_stored(stored, output)
    recorder.publish()
    return recorder


def _check_stored(stored: Mapping[str, StoredTensors], output: Path) -> None:
    """Refuse to continue beside directions that are damaged, or those of another surface."""
    hashes = {name: str(tensors.attributes.get("sha256", "")) for name, tensors in stored.items()}
    try:
        check_directions(directions_path(output), hashes)
    except StoreError as error:
        raise StoreError(
            f"{error}; move that file away, and the same command writes it again"
        ) from None


def _refuse_other_directions(output: Path, stored: Mapping[str, StoredTensors]) -> None:
    """Refuse to replace directions that a file of another run may need.

    Directions without a surface are left by a run that ended before it wrote one.

    Raises:
        StoreError: if there are directions, not the same ones, beside the output.
    """
    path = directions_path(output)
    found = read_hashes(path) if file_kind(path) is not None else None
    if found not in (None, {name: one.attributes.get("sha256") for name, one in stored.items()}):
        raise StoreError(
            f"output: {str(path)!r} has other directions, but no surface {output.name} beside it; "
            "choose another --output, or --overwrite to replace them"
        )


def _changed_facts(stored: Mapping[str, Any], compared: Json) -> list[str]:
    """List value-determining facts that changed since the file was created."""
    now = json.loads(json.dumps(compared))
    if "splits" in now:
        now["splits"] = comparable(stored.get("splits") or {}, now["splits"])
    changed = [key for key in now if _without_labels(stored.get(key)) != _without_labels(now[key])]
    return [
        f"{key}: changed since the file was created{_remark(key, stored, now)}" for key in changed
    ]


def _remark(key: str, stored: Mapping[str, Any], now: Json) -> str:
    """Say if data differ only beside their tensors, where paths may lie that a run needn't keep."""
    if key == "splits" and same_tensors(stored.get(key) or {}, now[key]):
        return " beside the tensors, such as in words or paths; --allow-random accepts that"
    return ""


def _without_labels(facts: Any) -> Any:
    """Return facts without the words in which pictures describe an axis."""
    if not isinstance(facts, Mapping):
        return facts
    return {key: _without_labels(value) for key, value in facts.items() if key != "label"}


def _complex_block(index: Index, real: Tensor, dimensions: int) -> tuple[Index, Tensor]:
    """Return a block of a tensor's real and imaginary parts as one of a complex tensor.

    Args:
        index: of the block.
        real: its entries.
        dimensions: number of dimensions of the complex tensor.
    """
    if dimensions > 1:
        return index, torch.view_as_complex(real)
    (span,) = index
    assert isinstance(span, slice)
    whole = (slice(span.start // 2, span.stop // 2),) if dimensions else ()
    return whole, as_complex(real, dimensions)


def store_tensors(
    stored: Mapping[str, StoredTensors],
    parameters: FlatParameters,
    output: Path,
    check: Callable[[], None],
) -> None:
    """Write the directions of a slice beside its surface, in dtypes that HDF5 supports.

    Args:
        stored: the directions by name.
        parameters: the model's parameters, for the shapes.
        output: the surface's file.
        check: called before the file is replaced; raises to prevent it.
    """
    shapes = {name: parameters.shape(name) for name in parameters.views}

    def pieces(tensors: StoredTensors) -> Iterator[tuple[str, Index, NDArray[Any]]]:
        for name, index, entries in tensors.pieces():
            supported = entries.dtype in (torch.float16, torch.float32, torch.float64)
            real = (entries if supported else entries.float()).cpu()
            if name in parameters.complex:
                index, real = _complex_block(index, real, parameters.complex[name])
            yield name, index, real.numpy()

    entries = {name: partial(pieces, tensors) for name, tensors in stored.items()}
    attributes = {name: tensors.attributes for name, tensors in stored.items()}
    write_directions(output, shapes, entries, attributes, check)

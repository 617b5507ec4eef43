"""The files of `landscape align`: aligned checkpoints, and what was done to each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from landscape_cli.alignment.permutations import Orders, families_of
from landscape_cli.alignment.symmetries import Symmetries
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.run.alignment.compute import AlignedCheckpoint, Alignment
from landscape_cli.run.output_check import is_marked, refuse_read
from landscape_cli.run.resume import CheckpointFacts
from landscape_cli.store import check_writable
from landscape_cli.store.atomic_write import publish_text, publish_with

MARK = "aligned_to"
"""Entry of a checkpoint that says which network it was aligned to."""

ENDINGS = (".pt", ".pth", ".ckpt", ".bin")
"""Extensions of PyTorch's checkpoints; others are replaced by the first."""


def output_paths(
    folder: Path,
    paths: Sequence[CheckpointPath],
    config: RunConfig,
    inputs: Sequence[str],
    overwrite: bool,
) -> list[Path]:
    """Return the file to write for each checkpoint, under its own name.

    Args:
        folder: where they go.
        paths: the checkpoints.
        config: names files that are read.
        inputs: other files that are read.
        overwrite: whether earlier aligned checkpoints may be replaced.

    Raises:
        LandscapeError: if two would be one file, or one can't be written or is there already.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--output {folder}: is there already, and no folder; name a folder")
    written: dict[Path, CheckpointPath] = {}
    for path in paths:
        name = Path(path.path).name
        if path.key is not None and Path(path.path).is_dir():  # a step of a recording
            name = f"{name}_{path.key}"
        target = folder / (name if name.endswith(ENDINGS) else f"{Path(name).stem}{ENDINGS[0]}")
        if target in written:
            raise UsageError(
                f"CHECKPOINT: {written[target]} and {path} would both become {target}; align "
                "them into folders of their own"
            )
        written[target] = path
    for target in written:
        for one in (target, facts_path(target)):
            check_writable(one)
            refuse_read(one, config, "--output", inputs)
            if one.exists() and one.stat().st_size and not overwrite:
                raise UsageError(
                    f"--output: {str(one)!r} is there already; name another folder, or add "
                    "--overwrite"
                )
        if target.exists() and target.stat().st_size and not is_marked(target, MARK):
            raise StoreError(
                f"--output: {str(target)!r} is there already, and no checkpoint that this command "
                "wrote; name another folder"
            )
    return list(written)


def facts_path(checkpoint: Path) -> Path:
    """Return the file beside an aligned checkpoint that says what was done."""
    return checkpoint.with_name(f"{checkpoint.stem}.alignment.json")


@dataclass(frozen=True)
class Sources:
    """The origin of an aligned checkpoint.

    Args:
        checkpoint: the one that was aligned.
        reference: the one that it was aligned to.
        seed: of the order in which groups were visited.
    """

    checkpoint: CheckpointPath
    reference: CheckpointPath
    seed: int


def write_aligned(
    path: Path, alignment: Alignment, sources: Sources, found: AlignedCheckpoint
) -> None:
    """Write an aligned checkpoint, and beside it the permutations.

    Raises:
        StoreError: if a file can't be written.
    """
    reference = CheckpointFacts.of(sources.reference).as_mapping()
    content: dict[str, Any] = {"state_dict": found.state, MARK: reference}
    if isinstance(found.epoch, int | float):
        content["epoch"] = found.epoch
    text = _as_text(_facts(alignment, sources, found, reference))
    publish_with(path, lambda temporary: torch.save(content, temporary))
    publish_text(facts_path(path), text)


def _as_text(facts: dict[str, Any]) -> str:
    """Return facts as JSON, one entry a line, and one line for each group."""
    lines = []
    for key, value in facts.items():
        text = json.dumps(value)
        if key == "groups":
            text = "[\n" + ",\n".join(f"  {json.dumps(one)}" for one in value) + "\n ]"
        lines.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _facts(
    alignment: Alignment,
    sources: Sources,
    found: AlignedCheckpoint,
    reference: Mapping[str, str],
) -> dict[str, Any]:
    """Return what was done, as plain values."""
    aligned, symmetries = found.aligned, alignment.aligner.symmetries
    return {
        "network": alignment.network,
        "checkpoint": CheckpointFacts.of(sources.checkpoint).as_mapping(),
        "reference": reference,
        "seed": sources.seed,
        "squared_distance": {"before": aligned.match.before, "after": aligned.match.after},
        "deviation": found.deviation,
        "groups": _groups(symmetries, aligned.match.orders),
        "not_aligned": alignment.aligner.unaligned(),
    }


def _groups(symmetries: Symmetries, orders: Orders) -> list[dict[str, Any]]:
    """Return the permutations: entry i of ``order`` is the channel that came to place i."""
    groups = []
    for bundle in symmetries.bundles:
        for family in families_of(bundle):
            axes = [
                [name, dim]
                for name, layouts in symmetries.axes.items()
                for dim, layout in enumerate(layouts)
                if any(segment.family is family for segment in layout)
            ]
            if axes:
                order = orders[family].tolist()
                groups.append(
                    {"blocks": bundle.size, "width": family.width, "axes": axes, "order": order}
                )
    return groups

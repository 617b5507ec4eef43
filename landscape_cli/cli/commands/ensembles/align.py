"""``landscape align``: networks with their channels in the order of a reference's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.options import NUMBERS, OUTPUT, SPEED, debug_option, set_option
from landscape_cli.cli.output import say
from landscape_cli.parallel.launcher import launched_rank

if TYPE_CHECKING:
    from pathlib import Path

    from landscape_cli.run.alignment.compute import AlignedCheckpoint, Alignment

CHANNELS = Section("Channels")

EXAMPLES = """\b
Examples:
  landscape align run.yaml --reference a.pt b.pt -o aligned
  landscape align run.yaml --reference runs/seed0.pt 'runs/seed[1-9].pt' -o runs/aligned
  landscape align run.yaml --reference a.pt b.pt -o aligned --groups groups.yaml
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1, required=True)
@CHANNELS.option(
    "--reference",
    metavar="PATH[::KEY]",
    required=True,
    help="The checkpoint whose order of channels the others take.",
)
@CHANNELS.option(
    "--groups",
    metavar="FILE.yaml",
    help="The groups of channels, {group: [[parameter, axis], ...]}, for networks that can't be "
    "traced; by default they are found from the network's operations.",
)
@OUTPUT.option(
    "--output",
    "-o",
    metavar="DIR",
    required=True,
    help="The folder for the aligned checkpoints, which keep their names.",
)
@OUTPUT.option("--overwrite", is_flag=True, help="Replace aligned checkpoints of this command.")
@NUMBERS.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the order in which groups are visited.",
)
@set_option
@SPEED.option("--threads", type=click.IntRange(min=1), metavar="N", help="CPU threads.")
@debug_option
def command(
    config: str,
    checkpoints: tuple[str, ...],
    reference: str,
    groups: str | None,
    output: str,
    overwrite: bool,
    seed: int,
    changes: tuple[str, ...],
    threads: int | None,
) -> None:
    """Permute channels of networks to match those of a reference.

    Networks that differ only in the order of their channels are one function. CHECKPOINT, a file or
    folder or a quoted pattern, gets the order in which its weights are closest to the reference's
    (Git Re-Basin, Ainsworth et al. 2023), so that paths between them show no barrier that a
    permutation removes. That the function is the same is checked on a batch.
    """
    from pathlib import Path

    if launched_rank():
        return  # the first rank does everything

    from landscape_cli.config.loading import load_config
    from landscape_cli.config.overrides import parse_changes
    from landscape_cli.problems.checkpoint_files import expand, single
    from landscape_cli.run.alignment.compute import Alignment
    from landscape_cli.run.alignment.files import Sources, output_paths, write_aligned
    from landscape_cli.run.alignment.groups import read_groups

    given = {} if threads is None else {"threads": threads}
    run = load_config(config, parse_changes(changes) | given)
    first = single(reference, "--reference")
    paths = expand(checkpoints, "CHECKPOINT")
    inputs = [config, *([groups] if groups else []), *(one.path for one in (first, *paths))]
    targets = output_paths(Path(output).absolute(), paths, run, inputs, overwrite)
    alignment = Alignment(run, first, read_groups(groups) if groups else None)
    say(*_introduction(alignment))
    for path, target in zip(paths, targets, strict=True):
        found = alignment.align(path, seed)
        write_aligned(target, alignment, Sources(path, first, seed), found)
        say(*_lines(str(path), found, target))


def _introduction(alignment: Alignment) -> list[str]:
    """Say which channels are permuted, and which are not."""
    from landscape_cli.errors import some
    from landscape_cli.run.alignment.compute import patterns_of

    aligner = alignment.aligner
    bundles = aligner.symmetries.bundles
    channels = sum(bundle.size for bundle in bundles)
    groups = f"{len(bundles)} group{'s' * (len(bundles) != 1)}"
    lines = [f"{alignment.network}: {groups} of {channels:,} channels or blocks to permute"]
    left = aligner.unaligned()
    if left:
        aligned = [name for name in aligner.weights if name not in left]
        lines.append(f"not aligned: {some(patterns_of(left, aligned))}")
    unknown = aligner.symmetries.unknown
    if unknown:
        lines.append(f"pinned by operations of which nothing is known: {some(sorted(unknown))}")
    return lines


def _lines(source: str, found: AlignedCheckpoint, path: Path) -> list[str]:
    """Describe an aligned checkpoint."""
    aligned = found.aligned
    match = aligned.match
    moved = sum(group.moved for group in aligned.groups)
    share = f", {1 - match.after / match.before:.1%} less" if match.before else ""
    return [
        f"{source}: squared distance {match.before:.6g}, then {match.after:.6g}{share}; "
        f"{moved:,} moved",
        f"wrote {path}",
    ]

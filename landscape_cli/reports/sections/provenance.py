"""Provenance: checkpoint, data, directions, software, commands, and the configuration."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from landscape_cli.config.yaml_io import dump_yaml
from landscape_cli.records.presentation import fact, quantized_words
from landscape_cli.reports.blocks import Block, Section, Table, code, heading, paragraph
from landscape_cli.reports.html import Html, lines, tag
from landscape_cli.reports.material import Material, Source, provenance_of

ORDER = ("landscape-cli", "python", "torch", "numpy", "h5py", "mpi4py")
"""Software whose versions are listed, in this order."""

Row = tuple[str, str]

SHOWN = 6
"""Largest number of runs or checkpoints that are listed."""


def blocks(material: Material) -> list[Block]:
    """Return a table for each file, and the configuration of the first that has one."""
    rows = [list(_rows(source)) for source in material.sources]
    shared = _shared(
        [own for source, own in zip(material.sources, rows, strict=True) if provenance_of(source)]
    )
    words = "Common to all files that record it."
    found: list[Block] = [Table(words, (), shared)] if shared else []
    for source, own in zip(material.sources, rows, strict=True):
        if left := [row for row in own if row not in shared]:
            found.append(Table(f"Origin of {source.name}.", (), left))
    for source in material.sources:
        if config := getattr(source.record, "config", None):
            found += [
                heading("Configuration"),
                paragraph(f"As {source.name} has it, with every default filled in:"),
                tag("pre", dump_yaml(dict(config)).strip(), class_="config", tabindex="0"),
            ]
            break
    return found


def _shared(tables: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows that all of several tables have."""
    if len(tables) < 2:
        return []
    return [row for row in tables[0] if all(row in other for other in tables[1:])]


def _rows(source: Source) -> Iterator[Row]:
    facts = provenance_of(source)
    if network := facts.get("network"):
        parameters = fact(network, "parameters")
        count = f", {parameters:,} parameters" if isinstance(parameters, int) else ""
        yield "network", f"{fact(network, 'name') or 'unnamed'}{count}"
    yield from _weights(source, facts)
    for split, data in (facts.get("splits") or {}).items():
        mark = f", fingerprint {data['fingerprint']}" if "fingerprint" in data else ""
        yield f"data: {split}", f"{data.get('samples', 'unknown')} samples{mark}"
    yield from _slice(source, facts)
    if mode := facts.get("batch_norm"):
        yield "batch norm", str(mode)
    if rounded := quantized_words(facts.get("quantize")):
        yield "quantized", rounded
    if precision := facts.get("precision"):
        yield "precision", str(precision)
    yield from _runs(facts)


def _weights(source: Source, facts: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the checkpoints, with their hashes."""
    if imported := facts.get("imported"):
        yield "imported from", _file(imported)
    if checkpoint := facts.get("checkpoint"):
        yield "checkpoint", _file(checkpoint)
    listed = [one for one in facts.get("weights") or () if isinstance(one, Mapping)]
    if listed:
        more = [f"and {len(listed) - SHOWN} more"] if len(listed) > SHOWN else []
        yield "checkpoints", lines(*map(_file, listed[:SHOWN]), *more)
    if source.kind == "trajectory":
        plane = source.record.plane
        if plane["checkpoint"] is not None:
            yield "centre", _file({"path": plane["checkpoint"], "sha256": source.record.centre})
        for axis, one in plane["directions"].items():
            number = "" if one["component"] is None else f" {one['component']}"
            yield f"direction {axis}", f"{one['kind']}{number}"


def _slice(source: Source, facts: Mapping[str, Any]) -> Iterator[Row]:
    """Yield a surface's grid and directions."""
    if source.kind != "surface":
        return
    grid = source.record.grid
    for name, axis in grid.axes.items():
        yield f"axis {name}", f"{axis.points} points from {axis.low:g} to {axis.high:g}"
        words = [fact(facts, "directions", name, key) for key in ("label", "sha256")]
        label = words[0] or fact(facts, "slice", "axes", name, "label")
        if label:
            mark = [tag("span", f"SHA-256 {words[1]}", class_="hash")] if words[1] else []
            yield f"direction {name}", lines(label, *mark)
    if grid.repeats > 1:
        yield "repeats", f"{grid.repeats}"
    for pair, cosine in (facts.get("cosines") or {}).items():
        yield f"cosine {pair}", f"{cosine:.4g}"


def _runs(facts: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the versions of the software, and the command, date and ranks of each run."""
    runs = [one for one in facts.get("runs") or () if isinstance(one, Mapping)]
    if software := dict.fromkeys(filter(None, map(_versions, runs))):
        yield "software", lines(*software)
    for run in runs[:SHOWN]:
        rows: list[object] = []
        if isinstance(command := run.get("command"), list):
            rows.append(code(_command(command)))
        took = f", took {run['seconds']:g} s" if "seconds" in run else ""
        rows.append(f"{_time(run)}{took}")
        rows.append(_machine(run))
        yield "run", lines(*filter(None, rows))
    if len(runs) > SHOWN:
        yield "run", f"and {len(runs) - SHOWN} more"


def _versions(run: Mapping[str, Any]) -> str:
    versions = run.get("versions")
    known = versions if isinstance(versions, Mapping) else {}
    return ", ".join(f"{name} {known[name]}" for name in ORDER if name in known)


def _command(words: Sequence[object]) -> str:
    """Return a command line, without the folder of the program."""
    program, *others = map(str, words or ["unknown"])
    return shlex.join([PurePath(program).name, *others])


def _time(run: Mapping[str, Any]) -> str:
    """Return when a run began, such as "2026-11-26 22:28:10 UTC"."""
    started = str(run.get("started", "at an unknown time"))
    return started.replace("T", " ").replace("+00:00", " UTC")


def _machine(run: Mapping[str, Any]) -> str:
    """Say how many ranks a run had, on which devices, and under which MPI; not on which hosts."""
    size = fact(run, "mpi", "size")
    count = f"{size} rank{'s' * (size != 1)}" if size is not None else ""
    ranks = [one for one in run.get("ranks") or () if isinstance(one, Mapping)]
    devices = dict.fromkeys(
        " ".join(str(one[key]) for key in ("device", "instruction_set") if one.get(key))
        for one in ranks
    )
    library = str(fact(run, "mpi", "library") or "").split("\n")[0]
    return ", ".join(filter(None, [count, *list(devices)[:SHOWN], library]))


def _file(facts: Mapping[str, Any]) -> Html:
    """Return a file's path, which entry of it was used, and its hash."""
    chosen = [f", {part} {facts[part]}" for part in ("key", "prefix") if facts.get(part)]
    mark = facts.get("sha256")
    rows: list[object] = [f"{facts.get('path', 'unknown')}{''.join(chosen)}"]
    if mark:
        rows.append(tag("span", f"SHA-256 {mark}", class_="hash"))
    return lines(*rows)


SECTION = Section("Provenance", blocks, appendix=True)

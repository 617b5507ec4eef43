"""The files of a report: those of a configuration's network, or those that the user names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from landscape_cli.config.comparison import differences
from landscape_cli.config.loading import load_config
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import CheckpointError, LandscapeError, UsageError, some
from landscape_cli.plotting.annotations.overlay import overlay, overlay_more
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.records.presentation import fact
from landscape_cli.records.surface import Surface
from landscape_cli.reports.file_kinds import FILE_KINDS, kind_of
from landscape_cli.reports.material import Material, Source, provenance_of
from landscape_cli.store.directions_file import directions_path, same_plane
from landscape_cli.util.output_files import same_file

CONFIGS = (".yaml", ".yml")
"""File name extensions of configurations."""

SEPARATORS = "._-"
"""Characters that may follow the output's stem in the name of a file beside it."""

ENDINGS = (".h5", ".json")
"""File name extensions of the files that are looked at beside the output."""

MOST_KEYS = 3
"""Largest number of changed keys that a note lists."""


def find_material(names: Sequence[str | Surface]) -> Material:
    """Read the files of a report.

    Args:
        names: a configuration, whose output file and the files beside it are taken; or files; or
            both; or surfaces in memory.

    Raises:
        UsageError: if a file is of another kind or another network, there are several
            configurations, or nothing is found.
    """
    texts = [name for name in names if isinstance(name, str)]
    configs = [name for name in texts if Path(name).suffix.lower() in CONFIGS]
    if len(configs) > 1:
        raise UsageError(
            f"FILE: got {len(configs)} configurations, {some(configs)}; a report is about one "
            "network, so name one"
        )
    given = _given([name for name in names if name not in configs])
    if not configs:
        if not given:
            raise UsageError("FILE: name a configuration, or at least one file")
        return _checked(Material(given, stem=_stem(given[0])))
    found = _of_config(configs[0])
    files = [source for source in given if not _is_among(source, found.sources)]
    material = replace(found, sources=[*found.sources, *files])
    if not material.sources:
        raise UsageError(
            f"CONFIG: {configs[0]}: its output {material.stem}.h5 is not there, nor any other file "
            f"of it; make one with landscape compute {configs[0]}"
        )
    return _checked(material)


def _given(names: Sequence[str | Surface]) -> list[Source]:
    """Read the files that the user names, in their order."""
    sources: list[Source] = []
    for name in names:
        if isinstance(name, Surface):
            number = sum(isinstance(one, Surface) for one in names[: len(sources)]) + 1
            sources.append(Source("surface", f"surface {number}", name))
        elif not _is_among(source := _read(name), sources):
            sources.append(source)
    return sources


def _stem(source: Source) -> str | None:
    """Return a file's path without the endings that commands give it; None for none."""
    path = Path(source.path)
    if not path.exists():
        return None
    known = sorted((one.ending for one in FILE_KINDS.values()), key=len, reverse=True)
    ending = next((one for one in known if path.name.endswith(one)), path.suffix)
    return str(path.with_name(path.name.removesuffix(ending)))


def _read(name: str) -> Source:
    """Read a file that the user names.

    Raises:
        UsageError: if it is missing, or of a kind that reports do not show.
    """
    path = Path(name)
    if path.is_dir() or not path.exists():
        what = "is a folder" if path.is_dir() else "is not there"
        raise UsageError(f"FILE: {name} {what}; name a configuration (.yaml) or a file")
    if (kind := kind_of(path)) is None:
        known = ", ".join(f"a {one.name}" for one in FILE_KINDS.values())
        raise UsageError(
            f"FILE: {name} is no file that reports show; name a configuration (.yaml), {known}"
        )
    return Source(kind, name, FILE_KINDS[kind].read(name))


def _is_among(source: Source, others: Sequence[Source]) -> bool:
    return any(os.path.exists(one.path) and same_file(one.path, source.path) for one in others)


def _of_config(name: str) -> Material:
    """Read the output of a configuration and the files beside it that are of the same network."""
    config = load_config(name)
    output = Path(os.path.relpath(config.file))
    sources, notes = [], []
    if output.exists():
        sources.append(_read(str(output)))
        notes = _changes(name, config, sources[0])
    known = _weights_now(config) if not sources else _weights(sources[0])
    for path in _beside(output):
        kind = kind_of(path)
        if kind is None:
            continue
        try:
            source = Source(kind, str(path), FILE_KINDS[kind].read(str(path)))
        except LandscapeError as error:
            notes.append(f"{path.name} was left out, since it can't be read: {error}.")
            continue
        weights = _weights(source)
        if not known or not weights or weights & known or _is_training(source, sources):
            sources.append(source)
        elif _same_name(source, sources) or path.name == output.stem + FILE_KINDS[kind].ending:
            notes.append(
                f"{path.name} was left out: it is of another checkpoint than {output.name}."
            )
    stem = str(output.with_suffix(""))
    return Material(sources, name, stem, notes)


def _beside(output: Path) -> list[Path]:
    """Return the files beside the output whose names begin with its stem, in order."""
    folder = output.parent
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    return [
        folder / name
        for name in names
        if name.startswith(output.stem)
        and name[len(output.stem) :][:1] in SEPARATORS
        and name != output.name
        and name.endswith(ENDINGS)
        and not name.endswith(".directions.h5")
    ]


def _changes(name: str, config: RunConfig, source: Source) -> list[str]:
    """Say in what the configuration, and its checkpoint, differ from those of the output."""
    surface = source.record
    if not isinstance(surface, Surface):
        raise UsageError(
            f"output: {source.path} is no surface but a {FILE_KINDS[source.kind].name}; name the "
            f"file itself in place of {name}"
        )
    notes = []
    if lines := _changed_keys(name, config, source):
        notes.append(
            f"{source.name} was computed with other settings than those of {Path(name).name}: "
            f"{'; '.join(lines[:MOST_KEYS])}{' and more' * (len(lines) > MOST_KEYS)}. The report "
            "is about the file."
        )
    before, current = _weights(source), _weights_now(config)
    if before and current and not before & current:
        notes.append(
            f"The checkpoint {config.checkpoint} is not the one that {source.name} was computed "
            "for. The report is about the file's."
        )
    return notes


def _changed_keys(name: str, config: RunConfig, source: Source) -> list[str]:
    """List the keys that decide the values and differ from those of the file."""
    from landscape_cli.run.resume import resolve

    surface: Surface = source.record
    if not surface.config or surface.provenance.get("imported"):
        return []
    try:
        now = resolve(config)
    except LandscapeError:  # a checkpoint of a pattern may be on another machine
        return []
    if set(now.auto) <= set(surface.grid.axes):
        axes = surface.grid.axes.items()
        now = now.with_ranges({axis: (one.low, one.high) for axis, one in axes})
    places = (f"in {source.name}", f"in {Path(name).name}")
    return differences(surface.config, now, places)


def _weights_now(config: RunConfig) -> frozenset[str]:
    """Return the identity of the configuration's checkpoint as it is now; nothing if unknown."""
    from landscape_cli.problems.checkpoints.identity import file_hash

    if config.checkpoint is None:
        return frozenset()
    path = CheckpointPath.parse(config.checkpoint)
    try:
        found = identity({**vars(path), "sha256": file_hash(path)})
    except (CheckpointError, OSError):  # it may be on another machine
        return frozenset()
    return frozenset([found] if found else [])


def _weights(source: Source) -> frozenset[str]:
    return FILE_KINDS[source.kind].weights(source.record)


def _is_training(source: Source, others: Sequence[Source]) -> bool:
    """Tell whether a file is about a training of a network with the name and size of another's.

    The last checkpoint of a training may be saved in a file of its own, whose hash is another.
    """
    names = [fact(provenance_of(one), "network", "name") for one in [source, *others[:1]]]
    sizes = [fact(provenance_of(one), "network", "parameters") for one in [source, *others[:1]]]
    same = len(names) == 2 and None not in (*names, *sizes)
    return FILE_KINDS[source.kind].trainings and same and len({*names}) == len({*sizes}) == 1


def _same_name(source: Source, others: Sequence[Source]) -> bool:
    """Tell whether a file is of a network with the name of those of others."""
    names = {fact(provenance_of(one), "network", "name") for one in [source, *others]}
    return len(names) == 1 and None not in names


def _checked(material: Material) -> Material:
    """Refuse files of another network than the first one, and note those that do not say."""
    first, *others = material.sources
    known, notes = _weights(first), list(material.notes)
    for source in others:
        weights = _weights(source)
        if _is_training(source, [first]) and not weights & known:
            notes.append(
                f"{source.name} is about checkpoints of which none is this network's file; it was "
                "taken since they are of a network with the same name and number of parameters."
            )
        elif known and weights and not weights & known:
            raise UsageError(
                f"FILE: {source.path} is of another checkpoint than {first.path}; a report is "
                "about one network, so make another one for it"
            )
        elif not known or not weights:
            notes.append(
                f"{source.name} was taken unchecked, since it or {first.name} does not say of "
                "which checkpoint it is."
            )
    sources = [_with_paths(source, material.of("trajectory")) for source in material.sources]
    order = list(FILE_KINDS)
    rest = sorted(sources[1:], key=lambda source: order.index(source.kind))
    return replace(material, sources=[*sources[:1], *rest], notes=notes)


def _with_paths(source: Source, trajectories: Sequence[Source]) -> Source:
    """Return a plane with the paths of trajectory files in it, if it has none of its own."""
    surface = source.record
    if not isinstance(surface, Surface) or len(surface.grid.axes) != 2:
        return source
    if "trajectory" in surface.provenance:
        return source
    lay = overlay
    for one in trajectories:
        if same_plane(one.path, directions_path(Path(source.path))):
            for path in one.record.paths:
                surface, lay = lay(surface, path, one.path, source.path), overlay_more
    return replace(source, record=surface)

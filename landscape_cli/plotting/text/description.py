"""Captions: quantity, range, directions, normalization, samples and values in one paragraph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landscape_cli.plotting.annotations.overlay import words_on_curve
from landscape_cli.plotting.annotations.own_values import residual_words
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.text import labels
from landscape_cli.records.presentation import fact, naming, quantized_words


def describe(
    panels: Sequence[Panel],
    scale: Scale,
    twins: Sequence[Panel] = (),
    right: Scale | None = None,
    beside: Sequence[tuple[Sequence[Panel], Scale]] = (),
) -> str:
    """Describe a figure in one paragraph without mathtext.

    Facts that all panels share are stated once.

    Args:
        panels: the figure's panels.
        scale: the scale shared by all panels.
        twins: the panels of a second axis.
        right: the scale of ``twins``.
        beside: panels of other quantities of the same surfaces, with their scales.
    """
    own = {(panel.source, panel.repeat): panel for panel in panels}
    everything = [*panels, *(other for others, _ in beside for other in others)]
    facts = [_facts(panel, everything) for panel in own.values()]
    common = [fact for fact in facts[0] if all(fact in each for each in facts)]
    names = [_name(panel) for panel in own.values()]
    specific = ["; ".join(fact for fact in each if fact not in common) for each in facts]
    parts = [
        f"{name} ({text})" if text else name for name, text in zip(names, specific, strict=True)
    ]
    text = labels.listed([_quantity(each) for each in (panels, *(other for other, _ in beside))])
    if twins:
        text = f"{text} (left) and {_quantity(twins)} (right)"
    text = f"{text[0].upper()}{text[1:]} of {labels.listed(parts)}"
    text += f": {'; '.join(common)}." if common else "."
    pairs = [(panels, scale), *([(twins, right)] if twins and right else []), *beside]
    layers = [layer.describe(each) for each, _ in pairs for layer in each[0].layers]
    own_losses = residual_words([panel for each, _ in pairs for panel in each])
    return " ".join([text, *(_scale(*p) for p in pairs), *dict.fromkeys(layers), *own_losses])


def _quantity(panels: Sequence[Panel]) -> str:
    first = panels[0]
    names = naming(first.quantity)
    if not names.measured:
        return labels.quantity(panels).replace(" (%)", " in percent")
    split = [first.split] if all(panel.split == first.split for panel in panels) else []
    return f"{names.noun} of the {names.of}{' '.join([*split, differentiated(first)])}"


def differentiated(panel: Panel) -> str:
    """Return the name of the objective's quantity whose derivatives a panel shows."""
    named = _setting(panel, "quantity")
    own = [name for name in panel.surface.quantities(panel.split) if not naming(name).measured]
    return str(named) if named else "loss" if "loss" in own or not own else own[0]


def _setting(panel: Panel, key: str) -> Any:
    """Return a setting of the measure that a panel shows, or None."""
    return fact(panel.surface.config, "measures", naming(panel.quantity).measure, key)


def _facts(panel: Panel, panels: Sequence[Panel]) -> list[str]:
    facts = [_points(panel), *directions(panel), words_on_curve(panel)]
    if mode := labels.BATCH_NORM.get(str(panel.surface.provenance.get("batch_norm"))):
        facts.append(mode)
    facts.append(quantized_words(panel.surface.provenance.get("quantize")))
    own = [each for each in panels if each.source == panel.source]
    means = dict.fromkeys(each.split for each in own if not naming(each.quantity).measured)
    facts.append(_samples(panel.surface.provenance, list(means)))
    measured = {_measured_samples(each) for each in own if naming(each.quantity).measured}
    return [*filter(None, [*facts, *sorted(measured)])]


def _measured_samples(panel: Panel) -> str:
    """State the samples whose mean a measure differentiates, which may be fewer than the split's.

    The configuration has their number at most, and the provenance the actual one.
    """
    provenance, most = panel.surface.provenance, _setting(panel, "samples")
    counts = [fact(provenance, "splits", panel.split, "samples")]
    entries = provenance.get("measured_samples")
    for entry in entries if isinstance(entries, list) else ():
        counts += [fact(entry, "samples")] if fact(entry, "split") == panel.split else []
    known = [count for count in counts if isinstance(count, int)]
    allowed = [count for count in known if not isinstance(most, int) or count <= most]
    if not allowed:
        return ""
    number = max(allowed)
    return f"derivatives of the mean over {number:,} {panel.split} samples"


def _name(panel: Panel) -> str:
    network = panel.surface.provenance.get("network")
    name = str(network["name"]) if isinstance(network, Mapping) and "name" in network else ""
    name = name or panel.source
    return name if panel.repeat is None else f"{name}, repeat {panel.repeat}"


def _points(panel: Panel) -> str:
    axes = panel.surface.grid.axes
    points = " x ".join(str(axis.points) for axis in axes.values())
    by_range: dict[str, list[str]] = {}
    for name, axis in axes.items():
        by_range.setdefault(f"from {axis.low:g} to {axis.high:g}", []).append(name)
    ranges = [f"{labels.listed(names)} {extent}" for extent, names in by_range.items()]
    text = f"{points} points, {', '.join(ranges)}"
    if panel.members:
        text += f", mean of {len(panel.members)} repeats"
    if panel.whole.missing.any():
        text += f", {int(panel.whole.missing.sum())} of them not computed"
    return text


def directions(panel: Panel) -> list[str]:
    """Describe the axes; in one phrase if they differ only in the seed."""
    words = [labels.axis(panel, name) for name in panel.surface.grid.names]
    known = [word for word in words if len(word) > 1]
    plain = {word.split(": ", 1)[-1].split(" (seed ")[0] for word in known}
    if len(known) > 1 and len(plain) == 1 and all(" (seed " in word for word in known):
        seeds = [word.split(" (seed ")[1].rstrip(")").partition(", ") for word in known]
        numbers = labels.listed([number for number, _, _ in seeds])
        repeats = dict.fromkeys(repeat for _, _, repeat in seeds if repeat)
        inside = ", ".join([f"seeds {numbers}", *repeats])
        return [f"{plain.pop().replace('direction', 'directions', 1)} ({inside})"]
    return known


def _samples(provenance: Mapping[str, Any], splits: Sequence[str]) -> str:
    counts = {
        split: count
        for split in splits
        if isinstance(count := fact(provenance, "splits", split, "samples"), int)
    }
    if not counts:
        return ""
    parts = [f"{count:,} {split}" for split, count in counts.items()]
    return f"means over {labels.listed(parts)} samples"


def _scale(panels: Sequence[Panel], scale: Scale) -> str:
    values = np.concatenate([panel.z[panel.finite] for panel in panels])
    name = naming(panels[0].quantity).noun
    text = f"The {name} ranges from {values.min() + 0.0:.4g} to {values.max() + 0.0:.4g}"
    text += ", on a logarithmic scale" if scale.log else ""
    below, above = np.mean(values < scale.low), np.mean(values > scale.high)
    for part, word, limit in ((below, "below", scale.low), (above, "above", scale.high)):
        if part:
            text += f"; {labels.share(float(part))} lie {word} {limit:.4g}"
    text += _errors(panels)
    undefined = sum(int(panel.whole.undefined.sum()) for panel in panels)
    text += f"; none where {panels[0].why_undefined} ({labels.count(undefined)})" * bool(undefined)
    not_finite = sum(int(panel.whole.not_finite.sum()) for panel in panels) - undefined
    return text + (f"; {labels.count(not_finite)} not finite." if not_finite else ".")


def _errors(panels: Sequence[Panel]) -> str:
    """State the largest numerical error, and how many values it exceeds; empty if unknown."""
    if not naming(panels[0].quantity).measured:
        return ""
    errors = np.concatenate([panel.stderr[panel.finite] for panel in panels])
    if not np.isfinite(errors).any():
        return ""
    values = np.concatenate([panel.z[panel.finite] for panel in panels])
    doubtful = int(np.count_nonzero(errors >= np.abs(values)))
    text = f"; numerical error up to {np.nanmax(errors):.2g}"
    if not (doubtful and naming(panels[0].quantity).outlined):
        return text
    return f"{text}, at {labels.count(doubtful)} as large as the value"

"""The spectrum of the Hessian or a relative: pictures, and its main numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from landscape_cli.plotting.spectra.painter import MATRICES, load
from landscape_cli.records.curvature import Curvature
from landscape_cli.records.presentation import with_error
from landscape_cli.reports.blocks import (
    Block,
    Drawing,
    Figure,
    Section,
    Table,
    explained,
    incomplete,
    shown,
)
from landscape_cli.reports.digits import rounded
from landscape_cli.reports.material import Material, Source

KINDS = ("density", "eigenvalues", "training", "blocks")
"""Kinds of picture, of which those that suit a file are drawn."""

SHOWN = 12
"""Largest number of checkpoints that a table lists."""

READING = (
    "Unlike a picture of a slice, the spectrum knows every direction: it is that of the matrix of "
    "second derivatives, with its largest and smallest eigenvalues found by iteration. Where the "
    "network is piecewise linear (ReLU, max-pooling), it lacks the kinks between the pieces, so "
    "the loss a step away may rise faster than the eigenvalues say."
)

LARGEST = (
    "The curvature along the steepest direction of all: gradient descent with a step above 2 / λ "
    "is unstable there, and momentum and small batches move that bound. It changes if layers are "
    "rescaled although the network computes the same, so it does not rank networks by how well "
    "they generalize."
)
SMALLEST = (
    "Below 0 by more than its error, the network is at no minimum of this loss: there is a "
    "direction in which it falls. Networks that are still trained nearly always have some, small "
    "beside the largest."
)
TRACE = (
    "The sum of all eigenvalues: the mean curvature over random directions is the trace divided by "
    "the number of parameters. It is estimated from random vectors; ± is the standard error."
)
SLOPE = (
    "Near 0, the network is close to a stationary point of the loss on these samples. It does not "
    "tell a minimum from a saddle."
)
CRITICAL = (
    "2 / η for the smallest step η along the negative gradient after which the loss is not lower: "
    "large means that only small steps go down. It concerns one direction and this loss as a whole."
)


def blocks(material: Material) -> list[Block]:
    """Return the pictures and numbers of each curvature file."""
    return shown(READING, material.of("curvature"), _shown)


def _shown(source: Source) -> Iterator[Block]:
    record: Curvature = source.record
    done, count = int(record.done.sum()), len(record.labels)
    if done < count:
        yield incomplete(source, f"{done} of {count} checkpoints are computed")
    if done:
        yield from _figures(source)
        yield _table(source)


def _figures(source: Source) -> Iterator[Figure]:
    for kind in KINDS:
        fits = (kind == "training") == (len(source.record.labels) > 1) or kind == "blocks"
        if fits and not load(kind).lacks(source.record):
            yield Figure(f"{kind} of {source.name}", partial(draw, source, kind))


def draw(source: Source, kind: str, look: str) -> Drawing:
    """Draw a kind of picture of a curvature file."""
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.spectra.figure import describe_spectra, draw_spectra

    records, names = [source.record], [source.name]
    figure = draw_spectra(records, names, kind, page=Page(style=look))
    return Drawing([figure], describe_spectra(records, names, kind))


def _table(source: Source) -> Block:
    record: Curvature = source.record
    title = MATRICES.get(record.matrix, record.matrix)
    if len(record.labels) > 1:
        return Table(
            f"{title} at {len(record.labels)} checkpoints, from {source.name}.",
            ("checkpoint", "largest eigenvalue", "smallest", "loss"),
            list(_checkpoints(record)),
        )
    caption = f"Numbers of the {title}, from {source.name}. ± is the residual of an eigenvalue."
    return Table(caption, (), list(_numbers(record)))


def _numbers(record: Curvature) -> Iterator[tuple[str, object]]:
    """Yield the numbers of the only checkpoint, with how to read each."""
    values, errors = record.eigenvalues[0], record.residuals[0]
    if record.top:
        pairs = [*zip(values, errors, strict=True)][: record.top]
        texts = [f"{rounded(a)} ± {b:.1e}" for a, b in pairs[:5]]
        yield "largest eigenvalues", explained([", ".join(texts)], LARGEST)
    if record.top < len(values):
        yield (
            "smallest eigenvalue",
            explained([f"{rounded(values[-1])} ± {errors[-1]:.1e}"], SMALLEST),
        )
    if record.trace is not None:
        text = with_error(float(record.trace.mean[0]), float(record.trace.stderr[0]))
        yield "trace", explained([f"{text} ({record.trace.probes} vectors)"], TRACE)
    if record.gradient_norm is not None:
        yield "norm of the gradient", explained([rounded(record.gradient_norm[0])], SLOPE)
    critical = record.critical_sharpness
    if critical is not None and math.isfinite(critical[0]):
        yield "critical sharpness", explained([rounded(critical[0])], CRITICAL)
    if record.loss is not None:
        yield "loss", explained([rounded(record.loss[0])], "")


def _checkpoints(record: Curvature) -> Iterator[tuple[str, ...]]:
    places = np.flatnonzero(record.done).tolist()
    some = places if len(places) <= SHOWN else [*places[: SHOWN // 2], *places[-SHOWN // 2 :]]
    for place in some:
        values = record.eigenvalues[place]
        yield (
            record.labels[place],
            rounded(values[0]) if record.top else "",
            rounded(values[-1]) if record.top < len(values) else "",
            "" if record.loss is None else rounded(record.loss[place]),
        )


SECTION = Section("Spectrum", blocks, "spectrum", "landscape curvature {config} --density 4x80")

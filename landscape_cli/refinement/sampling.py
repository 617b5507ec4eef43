"""Points evaluated on as many samples as they need: targets, and checks of what this cost.

The points of the grid's coarsest level, the anchors, are evaluated on all samples. Their values fix
each quantity's range, and so the standard error that all other points must reach. Some points are
checked, that is evaluated on all samples as well as on as many as they need: the differences are
true errors. With adaptive refinement these are the points held out of the interpolation, if enough
of them could stop early; otherwise some sampled points are drawn at random at the end. If an error
is too large, the target is halved, all sampled points are evaluated again, and others are drawn;
where this does not help, all points take all samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.levels import Indices, level_of_points
from landscape_cli.records.stop_rule import StopRule, Target
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.refinement import held_out
from landscape_cli.refinement.fields import Field, ScaleName, fields_of

SAMPLED = "sampled"
"""The key of the facts in a file's provenance."""

SEED = 1
"""Seed of the draws of points to check."""

LARGEST = 4
"""Largest accepted error of a checked point, in units of the tolerance, which is a standard
error."""

MOST_HALVINGS = 4
"""Number of times that the target is halved before all points take all samples instead."""

LOWEST_PART = 0.1
"""Fraction of a log range above its lowest value in which points take all samples."""

Mask = NDArray[np.bool_]


class Sampling:
    """The stop rule of sampled points, and the points that check it.

    Args:
        shape: the grid's shape.
        repeated: whether its first dimension counts repeats.
        tolerance: the standard error to reach, as a fraction of a quantity's range.
        first: samples after which a point may stop first, unless a file has another number.
        scale: the scale of ranges and errors, as in ``Refinement``.
        quantities: names of the quantities that decide; ``loss`` if there is one, else all.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        repeated: bool,
        tolerance: float,
        first: int,
        scale: ScaleName = "auto",
        quantities: Sequence[str] | None = None,
    ) -> None:
        self._tolerance, self._first = tolerance, first
        self._scale: ScaleName = scale
        self._quantities = quantities
        self.anchors: Mask = level_of_points(shape, repeated) == 0

    def missing(self, surface: Surface) -> Indices:
        """Return flat indices of the anchors that are to do."""
        return np.flatnonzero(self.anchors & (surface.status == Status.TODO))

    def everything(self, facts: Mapping[str, Any]) -> StopRule:
        """Return the rule for anchors and checked points, which take all samples."""
        return StopRule({}, facts.get("first", self._first))

    def rule(self, surface: Surface, facts: Mapping[str, Any]) -> StopRule:
        """Return the rule for points that are neither anchors nor checked.

        Args:
            surface: with its anchors.
            facts: what ``check`` returned last; empty before.
        """
        if facts.get("halvings", 0) > MOST_HALVINGS:
            return self.everything(facts)
        error = self._tolerance / 2 ** facts.get("halvings", 0)
        targets = {
            field.quantity: Target(error * field.range, field.log, self._lowest(field))
            for field in self._watched(surface)
        }
        return StopRule(targets, facts.get("first", self._first))

    def checking(
        self, surface: Surface, facts: Mapping[str, Any]
    ) -> tuple[StopRule, dict[str, Any]]:
        """Return the rule for held-out points, which are checked, and the facts until they are."""
        rule = replace(self.rule(surface, facts), to_end=True)
        return rule, self._described(facts, facts.get("halvings", 0)) | dict(facts)

    def _lowest(self, field: Field) -> float:
        """Return the end of the lowest part of a log range, in which points take all samples."""
        known = field.values[self.anchors]
        known = known[np.isfinite(known)]
        if not (field.log and len(known)):
            return 0.0
        return float(np.exp(known.min() + LOWEST_PART * field.range))

    def before(self, surface: Surface, facts: Mapping[str, Any]) -> Surface:
        """Return a surface as it was before points were checked, for choices made from it.

        Args:
            surface: the surface.
            facts: what ``check`` returned last; empty before.
        """
        checked = facts.get("checked")
        if not checked or checked.get("held_out"):
            return surface
        groups = []
        for group in ("values", "stderr"):
            arrays = {key: array.copy() for key, array in getattr(surface, group).items()}
            for key, array in arrays.items():
                array.ravel()[checked["points"]] = checked[group]["/".join(key)]
            groups.append(arrays)
        return replace(surface, values=groups[0], stderr=groups[1])

    def check(self, surface: Surface, facts: Mapping[str, Any]) -> tuple[dict[str, Any], Mask]:
        """Look at the checked points, of a surface without points to do.

        Args:
            surface: the surface.
            facts: what this returned last; empty before.

        Returns:
            Facts for the file, and the points to do anew: those to check next, which are evaluated
            on ``everything``, or all sampled ones. None are left at the end, when the facts have an
            ``error`` for each quantity that decides, as a fraction of its range.
        """
        halvings = facts.get("halvings", 0)
        if not self._enough(surface, facts, halvings):
            return self._draw(surface, facts, halvings)
        errors = {
            "/".join(field.quantity): self._errors(surface, field, facts["checked"])
            for field in self._watched(surface)
        }
        worst = max((float(one.max(initial=0.0)) for one in errors.values()), default=0.0)
        if worst > LARGEST * self._tolerance and self._sampled(surface).any():
            return self._described(facts, halvings + 1), self._sampled(surface)
        found = {name: float(one.max(initial=0.0)) for name, one in errors.items()}
        beyond = held_out.bound_beyond(len(facts["checked"]["points"]), halvings)
        return {**facts, "error": found, "beyond": beyond}, np.zeros_like(self.anchors)

    def _enough(self, surface: Surface, facts: Mapping[str, Any], halvings: int) -> bool:
        """Tell whether enough points are checked already."""
        checked = facts.get("checked", {})
        if not checked.get("held_out"):
            return bool(checked)
        return len(checked["points"]) >= len(self._drawn(surface, halvings))

    def _drawn(self, surface: Surface, halvings: int) -> Indices:
        """Draw some of the sampled points."""
        sampled = np.flatnonzero(self._sampled(surface))
        return held_out.draw(sampled, len(sampled), (SEED, halvings), halvings)

    def _draw(
        self, surface: Surface, facts: Mapping[str, Any], halvings: int
    ) -> tuple[dict[str, Any], Mask]:
        """Draw the points to check, and note their values."""
        drawn = self._drawn(surface, halvings)
        described = self._described(facts, halvings)
        if not len(drawn):
            return described | {"error": {}}, np.zeros_like(self.anchors)
        before = {
            group: {"/".join(key): array.ravel()[drawn].tolist() for key, array in arrays.items()}
            for group, arrays in (("values", surface.values), ("stderr", surface.stderr))
        }
        points = np.zeros(surface.total, dtype=bool)
        points[drawn] = True
        checked = {"points": drawn.tolist(), **before}
        mask = points.reshape(self.anchors.shape)
        beyond = held_out.bound_beyond(len(drawn), halvings)
        return described | {"checked": checked, "beyond": beyond}, mask

    def _described(self, facts: Mapping[str, Any], halvings: int) -> dict[str, Any]:
        first = facts.get("first", self._first)
        return {"tolerance": self._tolerance, "first": first, "halvings": halvings}

    def _errors(
        self, surface: Surface, field: Field, checked: Mapping[str, Any]
    ) -> NDArray[np.float64]:
        """Return the errors of the checked points, as fractions of a field's range."""
        failed = surface.status.ravel()[checked["points"]] == Status.FAILED
        before = np.array(checked["values"]["/".join(field.quantity)])
        if field.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                before = np.log(before)
        now = field.values.ravel()[checked["points"]]
        same = (before == now) | ~(np.isfinite(before) | np.isfinite(now)) | failed
        return np.where(same, 0.0, field.errors(before, now))

    def _sampled(self, surface: Surface) -> Mask:
        """Return the computed points that did not take all samples."""
        fewer = np.zeros_like(self.anchors)
        for numbers in surface.samples.values():
            fewer |= numbers < numbers.max(initial=0)
        return fewer & np.isin(surface.status, (Status.OK, Status.NOT_FINITE))

    def _watched(self, surface: Surface) -> list[Field]:
        fields = fields_of(surface, self.anchors, self._scale, self._quantities)
        return [field for field in fields if field.watched]

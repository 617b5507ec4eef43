"""The facts that are recorded with a step."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from landscape_cli.store.recordings.layout import Layout

LARGEST = 10**15
"""Upper bound on a step's number."""

NUMBERS = ("epoch", "lr", "loss")


@dataclass(frozen=True)
class Facts:
    """Facts known of a step.

    Args:
        step: its number.
        epoch: number of epochs that were done; with a fraction, perhaps.
        lr: the learning rate that led to it.
        loss: the loss that the training saw.
        data: CRC-32 of its bytes.
    """

    step: int
    epoch: float | None = None
    lr: float | None = None
    loss: float | None = None
    data: int = 0

    def as_metadata(self, layout: Layout) -> dict[str, str]:
        """Return the facts as text, with a checksum of them and of the layout."""
        known = {name: getattr(self, name) for name in NUMBERS}
        plain = {
            "step": str(self.step),
            **{name: repr(float(value)) for name, value in known.items() if value is not None},
            "data_crc32": f"{self.data:08x}",
        }
        return {**plain, "crc32": f"{_checksum(plain, layout):08x}"}

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any], layout: Layout) -> Facts:
        """Read the output of ``as_metadata``.

        Raises:
            ValueError, KeyError, TypeError: if it is malformed, or does not have its checksum.
        """
        numbers = {name: float(metadata[name]) for name in NUMBERS if name in metadata}
        facts = cls(int(metadata["step"]), data=int(metadata["data_crc32"], 16), **numbers)
        if facts.as_metadata(layout) != metadata or not 0 <= facts.step <= LARGEST:
            raise ValueError(f"the facts of step {facts.step} do not have their checksum")
        return facts

    @property
    def whole_epochs(self) -> int | None:
        """Number of whole epochs that were done."""
        known = self.epoch is not None and math.isfinite(self.epoch)
        return math.floor(self.epoch) if known and self.epoch is not None else None


def _checksum(plain: Mapping[str, str], layout: Layout) -> int:
    return zlib.crc32(json.dumps([plain, layout.plain()]).encode())

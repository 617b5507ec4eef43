"""A Gaussian random direction with the scale of the network's filters."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np
import torch
from pydantic import Field, PrivateAttr
from torch import Tensor

from landscape_cli.geometry.blocks import CHUNK, Blocks
from landscape_cli.geometry.directions.base import Fill, zeros
from landscape_cli.geometry.directions.normalized import NormalizedDirection
from landscape_cli.geometry.normalization import Ignore, Scaling, measure


class RandomDirection(NormalizedDirection):
    """Independent standard normal entries, normalized as in Li et al. 2018, section 4.

    Each parameter has a generator of its own, keyed by the seed and the parameter's name: the
    direction is the same on every rank, device, dtype and platform, and does not change when
    another layer is added to the network. In another repeat than the first the key holds the
    repeat's number as well, in a form that no seed and name give: see ``_key``.

    Attributes:
        seed: any whole number.
        normalize: a rule of ``geometry.normalization``, or the import path of a function of two
            tensors, ``(direction, weights) -> direction``.
        ignore: ``biasbn`` leaves tensors of at most one dimension as they are, ``none`` scales
            them with the coordinate (under ``model`` and ``dmodel`` they are random as the rest).
    """

    kind: Literal["random"] = "random"
    seed: int = 1
    normalize: str = "filter"
    ignore: Ignore = Field(default=Ignore.BIASBN, strict=False)
    _repeat: int = PrivateAttr(default=0)

    def draw(self, name: str, out: Tensor) -> None:
        """Standard normal float32 entries; zero where they would be ignored anyway."""
        fill = self.entries(name, tuple(out.shape), out.dtype)
        for part in torch.split(out.view(-1), CHUNK):
            fill(part)

    def entries(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Fill:
        """The same entries, a part after the other."""
        if self.ignores(len(shape)):
            return zeros
        key = hashlib.sha256(self._key(name).encode()).digest()
        generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))

        def fill(out: Tensor) -> None:
            array = out.numpy()
            if array.dtype == np.float32:
                generator.standard_normal(out=array, dtype=np.float32)
            else:
                array[:] = generator.standard_normal(len(array), dtype=np.float32)

        return fill

    def repeated(self, number: int) -> RandomDirection:
        """An independent direction with the same settings; this one for 0."""
        if number == self._repeat:
            return self
        other = self.model_copy()
        other._repeat = number
        return other

    def measure(self, drawn: Blocks, weights: Tensor) -> Scaling:
        """Measured once, then each block by itself."""
        return measure(drawn, weights, self.normalize, self.ignore)

    def label(self) -> str:
        """Kind, rule and seed."""
        rule = "not " if self.normalize == "none" else f"{self.normalize}-"
        repeat = f", repeat {self._repeat}" if self._repeat else ""
        return f"random direction, {rule}normalized (seed {self.seed}{repeat})"

    def _key(self, name: str) -> str:
        """What one parameter's generator is keyed by.

        That of the first repeat begins with the seed, a number, and all others with a letter; so no
        direction of any seed and repeat is that of another seed and repeat.
        """
        plain = f"{self.seed}/{name}"
        return f"repeat {self._repeat} of {plain}" if self._repeat else plain

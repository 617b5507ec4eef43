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
from landscape_cli.geometry.directions.low_rank import product_of_factors
from landscape_cli.geometry.directions.normalized import NormalizedDirection
from landscape_cli.geometry.normalization import Ignore, Scaling, measure


class RandomDirection(NormalizedDirection):
    """Independent standard normal entries, normalized as in Li et al. 2018, section 4.

    Each parameter has its own generator, keyed by the seed and the parameter's name: the direction
    is the same on every rank, device, dtype and platform, and does not change when a layer is added
    to the network. In repeats after the first, the key also contains the repeat's number, in a form
    that no seed and name produce: see ``_key``.

    With a ``rank``, each tensor of weights, as a matrix of its slices along dimension 0, is the
    product of two such factors instead, as adapters are; rules that scale rows or columns keep the
    rank. The loss may be flat there and sharp in the full space: Li et al. 2024, *Flat-LoRA:
    Low-Rank Adaptation over a Flat Loss Landscape* (arXiv 2409.14396).

    Attributes:
        seed: any integer.
        rank: the number of columns of the left factor; full rank if left out.
        normalize: a rule of ``geometry.normalization``, or the import path of a function of two
            tensors, ``(direction, weights) -> direction``.
        ignore: ``biasbn`` does not move tensors of at most one dimension; ``none`` scales them with
            the coordinate (under ``model`` and ``dmodel`` they are random like all others).
    """

    kind: Literal["random"] = "random"
    seed: int = 1
    rank: int | None = Field(default=None, ge=1)
    normalize: str = "filter"
    ignore: Ignore = Field(default=Ignore.BIASBN, strict=False)
    _repeat: int = PrivateAttr(default=0)

    def draw(self, name: str, out: Tensor) -> None:
        """Fill with float32 values, or with zeros for an ignored tensor."""
        fill = self.entries(name, tuple(out.shape), out.dtype)
        for part in torch.split(out.view(-1), CHUNK):
            fill(part)

    def entries(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Fill:
        """Return a ``Fill`` that draws the same entries block by block."""
        if self.ignores(len(shape)):
            return zeros
        key = hashlib.sha256(self._key(name).encode()).digest()
        generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))
        if self.rank is not None and len(shape) > 1:
            return product_of_factors(generator, shape, self.rank)

        def fill(out: Tensor) -> None:
            array = out.numpy()
            if array.dtype == np.float32:
                generator.standard_normal(out=array, dtype=np.float32)
            else:
                array[:] = generator.standard_normal(len(array), dtype=np.float32)

        return fill

    def repeated(self, number: int) -> RandomDirection:
        """Return an independent direction with the same settings; this one for its own number."""
        if number == self._repeat:
            return self
        copy = self.model_copy()
        copy._repeat = number
        return copy

    def measure(self, drawn: Blocks, weights: Tensor) -> Scaling:
        """Return the scaling of one parameter by the rule."""
        return measure(drawn, weights, self.normalize, self.ignore)

    def label(self) -> str:
        """Return a label with rule and seed."""
        rule = "not " if self.normalize == "none" else f"{self.normalize}-"
        repeat = f", repeat {self._repeat}" if self._repeat else ""
        rank = "" if self.rank is None else f" of rank {self.rank}"
        return f"random direction{rank}, {rule}normalized (seed {self.seed}{repeat})"

    def _key(self, name: str) -> str:
        """Return the text that keys the generator of one parameter.

        In the first repeat it begins with the seed, a number, and in all others, and for factors,
        with a letter, so that different seeds and repeats never share a direction.
        """
        plain = f"{self.seed}/{name}"
        plain = f"repeat {self._repeat} of {plain}" if self._repeat else plain
        return plain if self.rank is None else f"factors of {plain}"

"""Curve files, every place of which is a network: ``ab.curve.h5::0.5``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape_cli.errors import CheckpointError, StoreError
from landscape_cli.problems.checkpoints.formats.base import Format
from landscape_cli.records.curves import curve_of
from landscape_cli.store.curve_file import read_curve, read_curve_points
from landscape_cli.store.file_kind import CURVE, file_kind
from landscape_cli.store.hdf5.damage import SIGNATURE


class Places(Mapping[str, Mapping[str, Tensor]]):
    """The networks on a curve, by t as text; none is listed, since there is no end of them.

    Args:
        path: the curve file.
    """

    remedy = "it holds a curve; name a place on it from 0 to 1, as in FILE.curve.h5::0.5"

    def __init__(self, path: str) -> None:
        self._curve = read_curve(path)
        self._points = read_curve_points(path, self._curve).points

    def __getitem__(self, key: str) -> Mapping[str, Tensor]:
        """Return phi(t), summed in float64 and rounded once; an end as it is in the file."""
        if (t := _place(key)) is None:
            raise KeyError(key)
        coefficients = curve_of(self._curve.shape, self._curve.points).coefficients(t).tolist()
        parts = [(c, one) for c, one in zip(coefficients, self._points, strict=True) if c != 0]
        found = {}
        for name, like in self._points[0].items():
            if len(parts) == 1:
                found[name] = torch.from_numpy(parts[0][1][name])
            else:
                total = sum(c * torch.from_numpy(one[name]).double() for c, one in parts)
                assert isinstance(total, Tensor)
                found[name] = total.to(torch.from_numpy(like).dtype)
        return found

    def __contains__(self, key: object) -> bool:
        """Return True for a place on the curve."""
        return _place(key) is not None

    def __iter__(self) -> Iterator[str]:
        """Iterate over nothing."""
        return iter(())

    def __len__(self) -> int:
        """Return 0."""
        return 0


class CurveFile(Format):
    """One file of ``landscape connect``."""

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True by the file's own statement; only an HDF5 file is opened for that."""
        try:
            with open(path, "rb") as file:
                begins = file.read(len(SIGNATURE)) == SIGNATURE
            return begins and file_kind(Path(path)) == CURVE
        except (OSError, ValueError):
            return False

    def read(self, path: str) -> Any:
        """Read the curve's points."""
        try:
            return Places(path)
        except StoreError as error:
            raise CheckpointError(f"checkpoint: {error}") from None


def _place(key: object) -> float | None:
    try:
        t = float(str(key))
    except ValueError:
        return None
    return t if 0 <= t <= 1 else None

"""Files of ``torch.save``: zip archives, and the pickles of older versions."""

from __future__ import annotations

import os
import warnings
from typing import Any

import torch

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints.formats.base import Format, refuse_pointer
from landscape_cli.problems.checkpoints.refusals import refusal
from landscape_cli.problems.checkpoints.zip_records import check_records, is_zip

PARTS = (".distcp", ".metadata")
"""Endings of files that are only parts of a distributed checkpoint's folder."""


class TorchFile(Format):
    """One file, loaded with ``weights_only`` so that nothing in it is run."""

    @staticmethod
    def recognizes(path: str) -> bool:
        """Return True: any other file is read as one of PyTorch's, or refused."""
        return True

    def read(self, path: str) -> Any:
        """Check a zip archive's checksums, and load the file."""
        if path.endswith(PARTS):
            raise CheckpointError(
                f"checkpoint: {path!r} is one file of a distributed checkpoint; name its folder, "
                f"{os.path.dirname(path) or '.'!r}"
            )
        try:
            refuse_pointer(path)
            if is_zip(path):
                check_records(path)
        except OSError as error:
            raise CheckpointError(f"checkpoint: can't read {path!r}: {error.strerror}") from None
        except ValueError as error:
            raise CheckpointError(f"checkpoint: can't read {path!r}: {error}") from None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            raise refusal(path, error) from None

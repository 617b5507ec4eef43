"""Checksums of the records in a zip archive, which torch.load does not compare."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import IO

from landscape_cli.errors import CheckpointError

BLOCK = 1 << 22
"""Bytes read at once."""

FOLDER = 0x10
"""Attribute of a folder, of whose record PyTorch reads nothing and leaves memory as it is."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions that PyTorch reads; torch.save uses none."""

MAGIC = b"PK\x03\x04"

DAMAGED = (ValueError, EOFError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error)
"""Exceptions of Python's zipfile for archives that are damaged, encrypted or of another version."""


def is_zip(path: str) -> bool:
    """Return True for a file that begins as torch.save's archives do.

    Raises:
        OSError: if it can't be read.
    """
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def check_records(path: str, content: bytes | None = None) -> None:
    """Compare the CRC-32 of every record with the archive's.

    Archives without checksums, which ``torch.serialization.set_crc32_options(False)`` writes, have
    0 for all of them, and pass.

    Args:
        path: the archive, for messages, and to read it if no content is given.
        content: the archive's bytes.

    Raises:
        CheckpointError: naming the first damaged record.
    """
    file: str | IO[bytes] = path if content is None else io.BytesIO(content)
    try:
        with zipfile.ZipFile(file) as archive:
            records = archive.infolist()
            summed = any(record.CRC for record in records)
            for record in records:
                _refuse_folder(record, path)
                _refuse_method(record, path)
                if summed:
                    _check(archive, record, path)
    except DAMAGED as error:
        raise CheckpointError(
            f"checkpoint: {path!r} is a damaged or cut-off zip archive ({error}); copy it again"
        ) from None


def _refuse_folder(record: zipfile.ZipInfo, path: str) -> None:
    if record.external_attr & FOLDER and record.file_size:
        raise CheckpointError(
            f"checkpoint: {path!r} is damaged: the record {record.filename!r} is marked as a "
            "folder; copy the file again"
        )


def _refuse_method(record: zipfile.ZipInfo, path: str) -> None:
    if record.compress_type not in METHODS:
        raise CheckpointError(
            f"checkpoint: {path!r} is damaged: the record {record.filename!r} is compressed by "
            f"method {record.compress_type}, which PyTorch does not read; copy the file again"
        )


def _check(archive: zipfile.ZipFile, record: zipfile.ZipInfo, path: str) -> None:
    try:
        with archive.open(record) as content:
            while content.read(BLOCK):
                pass
    except DAMAGED:
        raise CheckpointError(
            f"checkpoint: {path!r} is damaged: the record {record.filename!r} does not have its "
            "checksum; copy the file again"
        ) from None

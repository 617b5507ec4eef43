"""Limits for files from elsewhere: what HDF5 may be asked to read on their behalf.

A file of a few kilobytes can claim terabytes, let HDF5 open other files, or have it load code for
an unknown compression.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import h5py

LARGEST_RATIO = 1100
"""Upper bound on an array's size relative to its stored bytes; deflate reaches 1032."""

SURE_BYTES, SURE_RATIO = 1 << 28, 32
"""Bytes that may be read of any file; upper bound on all bytes beyond, relative to its length."""

MOST_CHUNKS = 1 << 17
"""Upper bound on the number of chunks of an array."""

DEFLATE, LZF = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_LZF
SHUFFLE, FLETCHER32 = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32
FILTERS = (DEFLATE, LZF, SHUFFLE, FLETCHER32)
"""Filters that are read; their output is bounded by their input."""

CHECKSUM_BYTES = 4
"""Size of the checksum that FLETCHER32 adds to a chunk. As of version 2.0, HDF5 crashes on a chunk
that is smaller."""

MOST_TEXT_BYTES = 1 << 26
"""Upper bound on the size of an attribute, and of the text in an array."""

ATTRIBUTE_CLASSES = (h5py.h5t.STRING, h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM)
"""Types of attributes that are read; HDF5 crashes on damaged values of some others."""


def check_dataset(dataset: h5py.Dataset, name: str) -> int:
    """Refuse a dataset that lies in other files, or is larger than what is stored can explain.

    Returns:
        The bytes that reading it takes.

    Raises:
        ValueError: naming the dataset.
    """
    creation = dataset.id.get_create_plist()
    layout = creation.get_layout()
    if layout == h5py.h5d.VIRTUAL or creation.get_external_count():
        raise ValueError(f"{name} lies in another file; copy its values into this one")
    if dataset.shape is None:
        raise ValueError(f"{name} is empty")
    claimed: int = dataset.dtype.itemsize * math.prod(dataset.shape)
    stored = min(dataset.id.get_storage_size(), dataset.file.id.get_filesize())
    if claimed > LARGEST_RATIO * stored:
        raise ValueError(f"{name} has shape {dataset.shape}, more than the file holds")
    if layout == h5py.h5d.CHUNKED:
        _check_chunks(dataset, creation, claimed, name)
    return claimed


def check_attribute(owner: Any, attribute: str) -> None:
    """Refuse an attribute that is large, or neither text nor numbers.

    Raises:
        KeyError: if there is no such attribute.
        ValueError: naming the attribute.
    """
    stored = owner.attrs.get_id(attribute)
    kind = stored.get_type()
    if kind.get_class() not in ATTRIBUTE_CLASSES:
        raise ValueError(f"attribute {attribute} is neither text nor a number")
    if kind.get_size() * math.prod(stored.shape or ()) > MOST_TEXT_BYTES:
        raise ValueError(f"attribute {attribute} is larger than {MOST_TEXT_BYTES} bytes")


def _check_chunks(dataset: h5py.Dataset, creation: Any, claimed: int, name: str) -> None:
    """Refuse chunks that are too many, too large, or of an unknown compression."""
    shape, chunk = dataset.shape, dataset.chunks
    if math.prod(-(-n // c) for n, c in zip(shape, chunk, strict=True)) > MOST_CHUNKS:
        raise ValueError(f"{name} has more than {MOST_CHUNKS} chunks; repack it with h5repack")
    size = dataset.dtype.itemsize * math.prod(chunk)
    if size > max(2 * claimed, 1 << 20):
        raise ValueError(f"{name} has chunks of shape {chunk}, more than its own {shape}")
    filters = [creation.get_filter(number)[0] for number in range(creation.get_nfilters())]
    if unknown := [number for number in filters if number not in FILTERS]:
        raise ValueError(
            f"{name} is stored with filter {unknown[0]}, which is not read; repack it with "
            "h5repack -f GZIP=6"
        )
    compressions = sum(number in (DEFLATE, LZF) for number in filters)
    if compressions > 1:
        raise ValueError(f"{name} is compressed twice; repack it with h5repack -f GZIP=6")
    stored: list[Any] = []
    if filters:
        dataset.id.chunk_iter(stored.append)
    if FLETCHER32 in filters and any(chunk.size < CHECKSUM_BYTES for chunk in stored):
        raise ValueError(f"{name} has a chunk that is smaller than its checksum")
    if compressions:
        _check_compressed(dataset, stored, size, DEFLATE in filters, name)


def _check_compressed(
    dataset: h5py.Dataset, stored: list[Any], size: int, deflated: bool, name: str
) -> None:
    """Refuse chunks that unpack to more than ``size`` bytes, which HDF5 would do."""
    for chunk in stored:
        if chunk.size > size + size // 100 + 1024:
            raise ValueError(f"{name} has a chunk that is larger than its shape")
        if deflated and not chunk.filter_mask:
            _, content = dataset.id.read_direct_chunk(chunk.chunk_offset)
            unpacked = zlib.decompressobj().decompress(content, size + 5)
            if len(unpacked) > size + 4:
                raise ValueError(f"{name} has a chunk that unpacks to more than its shape")

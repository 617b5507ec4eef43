"""Contents of an HDF5 file that may be foreign or damaged: within limits, and with checksums."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from landscape_cli.store.atomic_write import reason
from landscape_cli.store.hdf5.checksums import ATTRIBUTE, Table, crc, digest, entry
from landscape_cli.store.hdf5.json_text import load_json
from landscape_cli.store.hdf5.limits import (
    MOST_TEXT_BYTES,
    SURE_BYTES,
    SURE_RATIO,
    check_attribute,
    check_dataset,
)


class StoredFile:
    """An open file, of which only what lies in it, and as much as it can hold, is read.

    Whatever is read is compared with the file's checksums, if it has any. Paths are relative to the
    root, which is "".

    Args:
        file: the file.

    Raises:
        ValueError: if an attribute of the root is damaged.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._room = max(SURE_BYTES, SURE_RATIO * file.id.get_filesize())
        self._groups: dict[str, h5py.Group] = {}
        self.checksums: Table | None = None
        if ATTRIBUTE in file.attrs:
            self.checksums = Table.parse(load_json(self.text("", ATTRIBUTE)))
            for name in self.checksums.attributes.get("", {}):
                self.attribute("", name)

    def names(self, group: str = "") -> list[str]:
        """Return the names in a group, sorted; empty if there is no such group.

        Raises:
            ValueError: if it is no group, or lacks what the checksums list.
        """
        listed = set() if self.checksums is None else self.checksums.below(group)
        names = sorted(self._open(group, h5py.Group)) if group in self else []
        if missing := sorted(listed - set(names)):
            raise ValueError(f"{group}/{missing[0]} is missing".lstrip("/"))
        return names

    def __contains__(self, path: str) -> bool:
        """Return whether there is a group or array of that path."""
        group: Any = self._file
        for part in filter(None, path.split("/")):
            if not isinstance(group, h5py.Group) or not group.id.links.exists(_name(part)):
                return False
            group = _member(group, part, path)
        return True

    def has(self, owner: str, attribute: str) -> bool:
        """Return whether a group or array has an attribute, or should have."""
        return attribute in self._listed(owner) or attribute in self._open(owner).attrs

    def attribute(self, owner: str, name: str) -> Any:
        """Read an attribute of a group or array.

        Raises:
            KeyError: if there is no such attribute.
            ValueError: if it is damaged, large, or neither text nor numbers.
        """
        stored = self._open(owner)
        if name not in stored.attrs:
            raise KeyError(f"attribute {name} of {owner or 'the file'} is missing")
        check_attribute(stored, name)
        value = stored.attrs[name]
        listed = self._listed(owner)
        if name in listed and digest(value) != listed[name]:
            place = f" of {owner}" if owner else ""
            raise ValueError(f"attribute {name}{place} does not match its checksum")
        return value

    def text(self, owner: str, name: str) -> str:
        """Read an attribute that is a string.

        Raises:
            KeyError: if there is no such attribute.
            ValueError: if it is damaged or not a string.
        """
        value = self.attribute(owner, name)
        if not isinstance(value, (str, bytes)):
            raise ValueError(f"attribute {name} is not text")
        return value.decode(errors="replace") if isinstance(value, bytes) else value

    def integer(self, owner: str, name: str) -> int:
        """Read an attribute that is a whole number.

        Raises:
            KeyError: if there is no such attribute.
            ValueError: if it is damaged or not a whole number.
        """
        value = np.asarray(self.attribute(owner, name))
        if value.shape or value.dtype.kind not in "iu":
            raise ValueError(f"attribute {name} is not a whole number")
        return int(value)

    def numbers(self, path: str, kinds: str = "fiub") -> NDArray[Any]:
        """Read an array of numbers, in this machine's byte order.

        Args:
            path: the array.
            kinds: NumPy's letters for the kinds of number that are expected.

        Raises:
            ValueError: if it is damaged, not an array of such numbers, or larger than the file can
                hold.
        """
        dataset = self._open(path, h5py.Dataset)
        if dataset.dtype.kind not in kinds:
            expected = "whole numbers" if "f" not in kinds else "numbers"
            raise ValueError(f"{path} holds no {expected} (its type is {dataset.dtype})")
        array = np.asarray(self._content(dataset, path))
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def lines(self, path: str) -> list[str]:
        """Read an array of text.

        Raises:
            ValueError: if it is damaged, not an array of text, or larger than the file can hold.
        """
        dataset = self._open(path, h5py.Dataset)
        if h5py.check_string_dtype(dataset.dtype) is None:
            raise ValueError(f"{path} is not text")
        array = np.asarray(self._content(dataset, path)).reshape(-1)
        return [one.decode(errors="replace") for one in array.tolist()]

    def check(self) -> tuple[int, int]:
        """Compare everything that has a checksum with it.

        Returns:
            The number of arrays and of attributes.

        Raises:
            ValueError: naming what is damaged or missing.
        """
        table = self.checksums or Table()
        for path in table.arrays:
            self._content(self._open(path, h5py.Dataset), path)
        for owner, attributes in table.attributes.items():
            for name in attributes:
                self.attribute(owner, name)
        return len(table.arrays), sum(map(len, table.attributes.values()))

    def _listed(self, owner: str) -> dict[str, str]:
        """Return the checksums of an owner's attributes."""
        return {} if self.checksums is None else self.checksums.attributes.get(owner, {})

    def _open(self, path: str, kind: type[Any] = h5py.HLObject) -> Any:
        """Open a group or array, never following a link to another place."""
        above, _, name = path.rpartition("/")
        if not path:
            found: Any = self._file
        elif path in self._groups:
            found = self._groups[path]
        else:
            found = _member(self._open(above), name, path)
            if isinstance(found, h5py.Group):
                self._groups[path] = found
        if not isinstance(found, kind):
            raise ValueError(f"{path} is not {'an array' if kind is h5py.Dataset else 'a group'}")
        return found

    def _content(self, dataset: h5py.Dataset, path: str) -> Any:
        """Read an array, within the limits, and compare it with its checksum."""
        self._room -= check_dataset(dataset, path)
        if self._room < 0:
            raise ValueError(f"{path} and the arrays before it are more than the file can hold")
        try:
            content = self._whole(dataset)
        except (OSError, RuntimeError) as error:
            if dataset.fletcher32:
                raise ValueError(f"{path} does not match its checksum") from None
            raise ValueError(f"{path} can't be read: {reason(error)}") from None
        expected = None if self.checksums is None else self.checksums.arrays.get(path)
        if expected and entry(dataset.dtype, dataset.shape, crc(np.asarray(content))) != expected:
            raise ValueError(f"{path} does not match its checksum")
        return content

    def _whole(self, dataset: h5py.Dataset) -> Any:
        """Read a dataset; text of variable length entry by entry, since each could be huge."""
        if dataset.dtype.kind != "O":
            return dataset[()]
        flat, length = np.empty(dataset.size, object), 0
        for number, index in enumerate(np.ndindex(dataset.shape)):
            flat[number] = dataset[index]
            length += len(flat[number])
            if length > MOST_TEXT_BYTES:
                raise ValueError(f"{dataset.name} holds more than {MOST_TEXT_BYTES} bytes of text")
        return flat.reshape(dataset.shape)


def _member(group: Any, name: str, path: str) -> Any:
    """Open a member of a group that lies in it."""
    if not isinstance(group, h5py.Group):
        raise ValueError(f"{path} is missing")
    try:
        link = group.id.links.get_info(_name(name))
    except (KeyError, RuntimeError):
        raise ValueError(f"{path} is missing") from None
    if link.type != h5py.h5l.TYPE_HARD:
        raise ValueError(f"{path} is a link to another place; copy what it names into the file")
    return group[name]


def _name(part: str) -> bytes:
    """Encode a name as HDF5 stores it."""
    return part.encode(errors="surrogateescape")

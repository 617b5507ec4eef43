"""Tests of what foreign files may not do: each is refused in one line, soon, in little memory."""

import os
import time
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest

import builders
from landscape_cli.errors import StoreError
from landscape_cli.store import read_direction, read_surface, read_trajectory, write_surface
from support.hdf5 import unsealed

LOSS = "values/train/loss"
ARRAYS = ("status", "seconds", "rank", LOSS, "stderr/train/loss")
SHAPE = (4, 5)
SECONDS, BYTES = 1.0, 20e6


@pytest.fixture
def surface(tmp_path):
    path = tmp_path / "s.h5"
    facts = {"config": {"problem": "a:b"}, "provenance": {}}
    write_surface(path, builders.surface(builders.bowl, "-1:1:5", "-2:2:4", **facts))
    return path


def replaced(path, **how):
    """Replace an array by one that is created differently."""

    def change(file):
        shape = how.pop("shape", file[path].shape)
        del file[path]
        return file.create_dataset(path, shape, **how)

    return change


def huge(points):
    """Make all arrays as large as two lines of a grid, with nothing stored."""

    def change(file):
        arrays = {"axes/x": (points,), "axes/y": (2,)}
        arrays |= dict.fromkeys(
            ("status", "seconds", "rank", LOSS, "stderr/train/loss"), (2, points)
        )
        for path, shape in arrays.items():
            kind = file[path].dtype
            del file[path]
            chunks = tuple(min(n, 1024) for n in shape)
            file.create_dataset(path, shape, kind, chunks=chunks, compression="gzip")

    return change


def zeros(points):
    """Store a plane of zeros, which deflate to a thousandth."""

    def change(file):
        axis = np.linspace(-1, 1, points)
        for path in ("axes/x", "axes/y"):
            del file[path]
            file[path] = axis
        for path in ARRAYS:
            kind = file[path].dtype
            del file[path]
            shape, chunks = (points, points), (500, points)
            array = file.create_dataset(path, shape, kind, chunks=chunks, compression="gzip")
            packed = zlib.compress(bytes(500 * points * kind.itemsize), 9)
            for row in range(0, points, 500):
                array.id.write_direct_chunk((row, 0), packed)

    return change


def inflating(file):
    """Store a chunk of 160 bytes that unpacks to 100 MB."""
    replaced(LOSS, dtype="f8", chunks=SHAPE, compression="gzip")(file)
    file[LOSS].id.write_direct_chunk((0, 0), zlib.compress(bytes(10**8), 9))


def inflating_little(file):
    """Store a chunk that is as short as it should be, and unpacks to 60 times its shape."""
    replaced(LOSS, dtype="f8", chunks=SHAPE, compression="gzip")(file)
    file[LOSS].id.write_direct_chunk((0, 0), zlib.compress(bytes(10**4), 9))


def shorter_than_its_checksum(file):
    replaced(LOSS, dtype="f8", chunks=SHAPE, fletcher32=True)(file)
    file[LOSS].id.write_direct_chunk((0, 0), bytes(3))


def filtered(number):
    def change(file):
        del file[LOSS]
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk(SHAPE)
        creation.set_filter(number, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple(SHAPE)
        kind = h5py.h5t.NATIVE_DOUBLE
        h5py.h5d.create(file.id, LOSS.encode(), kind, space, creation).write_direct_chunk(
            (0, 0), bytes(160)
        )

    return change


def external(file):
    del file[LOSS]
    file.create_dataset(LOSS, SHAPE, "f8", external=[("secret.bin", 0, 160)])


def virtual(file):
    del file[LOSS]
    layout = h5py.VirtualLayout(SHAPE, "f8")
    layout[:] = h5py.VirtualSource("other.h5", LOSS, SHAPE)
    file.create_virtual_dataset(LOSS, layout)


def link(path, to):
    def change(file):
        del file[path]
        file[path] = to

    return change


def deep(file):
    group = file["values"]
    for _ in range(200):
        group = group.create_group("a")


def null(file):
    del file[LOSS]
    file[LOSS] = h5py.Empty("f8")


BOMBS = {
    "a thousand billion points": (huge(10**12), "axes/x has shape .*more than the file holds"),
    "a billion points": (huge(10**9), "axes/x has shape .*more than the file holds"),
    "an axis": (
        replaced("axes/x", shape=(10**12,), dtype="f8", chunks=(9,), maxshape=(None,)),
        "axes/x has shape",
    ),
    "zeros": (zeros(3500), "and the arrays before it are more than the file can hold"),
    "a chunk that inflates": (inflating, "a chunk that is larger than its shape"),
    "a short chunk that inflates": (inflating_little, "unpacks to more than its shape"),
    "a chunk of 3 bytes": (shorter_than_its_checksum, "a chunk that is smaller than its checksum"),
    "many chunks": (
        replaced(LOSS, shape=(10**6,), dtype="f8", chunks=(1,), fillvalue=1),
        "more than the file holds",
    ),
    "large chunks": (
        lambda file: replaced(LOSS, dtype="f8", maxshape=(None, None), chunks=(9, 9**6))(
            file
        ).__setitem__(..., 1),
        f"{LOSS} has chunks of shape",
    ),
    "twice compressed": (
        replaced("stderr/train/loss", dtype="f8", chunks=SHAPE, scaleoffset=2, data=np.ones(SHAPE)),
        "stored with filter 6",
    ),
    "an unknown filter": (filtered(260), "stored with filter 260"),
    "external storage": (external, f"{LOSS} lies in another file"),
    "a virtual dataset": (virtual, f"{LOSS} lies in another file"),
    "an external link": (link(LOSS, h5py.ExternalLink("other.h5", LOSS)), f"{LOSS} is a link"),
    "a link to a pipe": (link(LOSS, h5py.ExternalLink("fifo", "/x")), f"{LOSS} is a link"),
    "axes in a pipe": (link("axes", h5py.ExternalLink("fifo", "/x")), "axes is a link"),
    "a soft link": (link("status", h5py.SoftLink("/rank")), "status is a link"),
    "a link to itself": (link("status", h5py.SoftLink("/status")), "status is a link"),
    "a link to nothing": (link("status", h5py.SoftLink("/nowhere")), "status is a link"),
    "a group in itself": (
        lambda file: file.__setitem__("values/self", file["values"]),
        "values/self/self is not an array",
    ),
    "deep groups": (deep, "values/a/a is not an array"),
    "a group for an array": (link(LOSS, None), LOSS),
    "an array for a group": (lambda f: link("values", np.zeros(3))(f), "values is not a group"),
    "nothing": (null, f"{LOSS} is empty"),
    "a number": (link(LOSS, 1.0), f"{LOSS} has shape"),
}
TYPES = {
    "references": h5py.ref_dtype,
    "text": h5py.string_dtype(),
    "lists": h5py.vlen_dtype(np.float64),
    "records": np.dtype([("a", "f8"), ("b", "i4")]),
    "bytes": np.dtype("V8"),
    "gigabytes": np.dtype("V1000000000"),
    "vectors": np.dtype(("f8", (4,))),
    "complex": np.dtype("c16"),
}
BOMBS |= {
    f"{name} for numbers": (replaced(LOSS, dtype=kind), f"{LOSS} holds no numbers")
    for name, kind in TYPES.items()
}
for path, kind in (("status", "f8"), ("rank", "f4")):
    BOMBS[f"fractions in {path}"] = (replaced(path, dtype=kind), f"{path} holds no whole numbers")
for path, kind, value in (
    ("status", "i8", 300),
    ("status", "i8", -1),
    ("status", "u1", 9),
    ("rank", "i8", 2**40),
    ("rank", "i4", -2),
    ("rank", "i4", 2**31 - 1),
):
    data = np.full(SHAPE, value)
    BOMBS[f"{value} in {path}"] = (replaced(path, dtype=kind, data=data), "beyond|there is no")
for name, axis in {
    "empty": np.zeros(0),
    "descending": np.linspace(1, -1, 5),
    "unsorted": np.array([-1, 0.5, 0, -0.5, 1.0]),
    "logarithmic": np.logspace(-1, 1, 5),
    "infinite": np.array([-np.inf, -0.5, 0, 0.5, 1]),
    "NaN": np.array([np.nan, -0.5, 0, 0.5, 1]),
    "NaN inside": np.array([-1, -0.5, np.nan, 0.5, 1]),
    "short": np.linspace(-1, 1, 4),
    "two-dimensional": np.zeros((5, 5)),
    "text": np.array([b"a"] * 5),
}.items():
    BOMBS[f"{name} axis"] = (link("axes/x", axis), "axes/x|range|has shape")


@pytest.mark.parametrize("name", BOMBS)
def test_a_foreign_file_is_refused_at_once(surface, monkeypatch, name):
    monkeypatch.chdir(surface.parent)
    change, words = BOMBS[name]
    write_surface("other.h5", read_surface(surface))
    (surface.parent / "secret.bin").write_bytes(np.arange(20.0).tobytes())
    os.mkfifo("fifo")
    with unsealed(surface) as file:
        if name == "a group for an array":
            del file[LOSS]
            file.create_group(LOSS)
        else:
            change(file)
    tracemalloc.start()
    begin = time.perf_counter()
    with pytest.raises(StoreError, match=rf"s\.h5: a damaged surface file \(.*({words})") as error:
        read_surface(surface)
    took, (_, peak) = time.perf_counter() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "\n" not in str(error.value)
    if name != "zeros":
        assert took < 5 * SECONDS
        assert peak < BYTES


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "lzf"},
        {"compression": "gzip", "compression_opts": 9, "chunks": (1, 5)},
        {"dtype": "f4"},
        {"dtype": "i8"},
        {"dtype": ">f8"},
    ],
)
def test_other_ways_to_store_numbers_are_read(surface, how):
    values = np.round(read_surface(surface).values["train", "loss"])
    with unsealed(surface) as file:
        replaced(LOSS, data=values, **{"dtype": "f8", **how})(file)
    read = read_surface(surface).values["train", "loss"]
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, values)


def test_a_large_plane_that_has_barely_begun_is_read_from_little(tmp_path):
    """A legitimate file that a user has repacked: 3 million points, a thousandth of their size."""
    axes = ("-1:1:2000", "-1:1:1500")
    unknown = np.full((1500, 2000), np.nan)
    write_surface(tmp_path / "s.h5", builders.surface(unknown, *axes, status=0, provenance={}))
    with h5py.File(tmp_path / "s.h5") as source, h5py.File(tmp_path / "packed.h5", "w") as packed:
        packed.attrs.update(source.attrs)

        def copy(path, member):
            if isinstance(member, h5py.Dataset):
                packed.create_dataset(path, data=member[()], compression="gzip")

        source.visititems(copy)
        packed.attrs.pop("checksums")
    assert (tmp_path / "packed.h5").stat().st_size < 1e6
    assert read_surface(tmp_path / "packed.h5").done == 0


@pytest.mark.parametrize("name", ["config", "provenance", "format"])
@pytest.mark.parametrize(
    "value", [5, 1.5, ["a", "b"], np.zeros(5), h5py.Empty("f4"), np.array([b"x" * 10**5] * 700)]
)
def test_attributes_of_other_types_are_refused(surface, name, value):
    with unsealed(surface) as file:
        file.attrs[name] = value
    with pytest.raises(StoreError, match=f"attribute {name}"):
        read_surface(surface)


def test_labels_that_share_a_long_text_are_refused(tmp_path):
    """Each label refers to text stored once: a million of them would be terabytes."""
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        file["trajectory/coordinates"] = np.zeros((9, 2))
        labels = file.create_dataset("trajectory/labels", 9, h5py.string_dtype())
        labels[0] = "x" * 8_000_000
        at = labels.id.get_offset()
        size = labels.id.get_storage_size() // 9
    content = bytearray(path.read_bytes())
    content[at : at + 9 * size] = content[at : at + size] * 9
    path.write_bytes(content)
    with h5py.File(path) as file:
        assert len(file["trajectory/labels"][8]) == 8_000_000
    with pytest.raises(StoreError, match="labels holds more than .* bytes of text"):
        read_trajectory(path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_a_path_that_is_no_file_is_refused(tmp_path, kind):
    path = {"folder": tmp_path, "pipe": tmp_path / "fifo", "device": "/dev/zero"}[kind]
    os.mkfifo(tmp_path / "fifo")
    for read in (read_surface, read_trajectory, lambda path: read_direction(path, "x")):
        with pytest.raises(StoreError, match="a folder, pipe or device; name a file"):
            read(path)


def test_a_user_block_before_a_file_is_skipped(surface, tmp_path):
    block = tmp_path / "block.h5"
    with h5py.File(surface) as source, h5py.File(block, "w", userblock_size=512) as target:
        for name in source:
            source.copy(name, target)
        target.attrs.update(source.attrs)
    assert read_surface(block).done == 20

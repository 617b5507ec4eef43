"""Tests of the checksums in our files."""

import json
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from landscape_cli.errors import StoreError
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store import (
    read_direction,
    read_surface,
    read_trajectory,
    write_directions,
    write_surface,
)
from landscape_cli.store.hdf5.checksums import ATTRIBUTE
from landscape_cli.store.hdf5.writing import LARGEST_CHUNK, SMALLEST_CHUNK, chunk_shape
from landscape_cli.store.trajectory_file import Plane, write_trajectory
from support.hdf5 import unsealed

LOSS = "values/train/loss"
TENSORS = {
    "w": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.float64(2),
    "e": np.zeros(0),
    "c": np.array([1 + 2j, 3 - 4j], np.complex64),
}


@pytest.fixture
def surface(tmp_path):
    path = tmp_path / "s.h5"
    values = {("train", "loss"): builders.bowl, ("train", "accuracy"): lambda x, y: x * y}
    facts = {"config": {"problem": "a:b"}, "provenance": {"network": {"name": "net"}}}
    write_surface(path, builders.surface(values, "-1:1:5", "-2:2:4", repeats=1, **facts))
    return path


@pytest.fixture
def trajectory(tmp_path):
    plane = Plane(
        {"x": TENSORS, "y": TENSORS},
        {"x": {"kind": "pca"}, "y": {}},
        {"x": (0.0, 1.0)},
        "a",
        "b",
        {},
    )
    write_trajectory(
        tmp_path / "t.h5", plane, Trajectory(np.ones((2, 2)), np.ones(2), ("start", "ünd"), (0, 1))
    )
    return tmp_path / "t.h5"


@pytest.fixture
def directions(tmp_path):
    def pieces():
        yield from ((name, ..., np.asarray(array)) for name, array in TENSORS.items())

    shapes = {name: np.shape(array) for name, array in TENSORS.items()}
    facts = {"x": {"kind": "random", "seed": 1, "include": ["w", "b"]}}
    return write_directions(tmp_path / "s.h5", shapes, {"x": pieces}, facts)


def arrays_of(path):
    """Return the paths of all datasets, under each of their names."""
    found = []

    def visit(group, start):
        for name, member in group.items():
            if isinstance(member, h5py.Group):
                visit(member, f"{start}{name}/")
            else:
                found.append(f"{start}{name}")

    with h5py.File(path) as file:
        visit(file, "")
    return found


def edit(path, change):
    """Change a file as a flipped byte would, whose own checksums HDF5 then mends."""
    with h5py.File(path, "r+") as file:
        change(file)


@pytest.mark.parametrize("kind", ["surface", "directions", "trajectory"])
def test_every_array_and_attribute_has_a_checksum(request, kind):
    path = request.getfixturevalue(kind)
    with h5py.File(path) as file:
        table = json.loads(file.attrs[ATTRIBUTE])
        assert sorted(table["arrays"]) == sorted(arrays_of(path))
        for name in table["arrays"]:
            array = file[name]
            assert array.fletcher32 or array.size == 0 or array.shape == (), name
        owners = {"": file, **{name: file[name] for name in arrays_of(path)}}
        owners |= {name: member for name, member in file.items() if name.endswith("direction")}
        stored = {(owner, name) for owner, member in owners.items() for name in member.attrs} - {
            ("", ATTRIBUTE)
        }
        listed = {(owner, n) for owner, names in table["attributes"].items() for n in names}
        assert listed == stored


def change_type(file):
    values = file[LOSS][()].astype(np.float32)
    del file[LOSS]
    file[LOSS] = values


def swap(file):
    file.move("values/train/loss", "values/train/was")
    file.move("values/train/accuracy", "values/train/loss")
    file.move("values/train/was", "values/train/accuracy")


def set_attribute(name, value):
    return lambda file: file.attrs.__setitem__(name, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file[LOSS].__setitem__((0, 0), 5), f"{LOSS} does not match its checksum"),
        (lambda file: file["status"].__setitem__((0, 0), 2), "status does not match its checksum"),
        (lambda file: file["axes/x"].__setitem__(..., np.linspace(-1, 2, 5)), "axes/x does not"),
        (change_type, f"{LOSS} does not match"),
        (swap, "values/train/accuracy does not match"),
        (lambda file: file.move(LOSS, "values/train/lost"), f"{LOSS} is missing"),
        (lambda file: file.move("values/train", "values/test"), "values/train is missing"),
        (lambda file: file.move("stderr", "stdout"), "stderr/train is missing"),
        (set_attribute("config", "problem: a:c\n"), "attribute config does not match"),
        (set_attribute("provenance", "{}"), "attribute provenance does not match"),
        (set_attribute("complete", False), "attribute complete does not match"),
        (set_attribute("format_version", np.int32(1)), "attribute format_version does not match"),
        (lambda file: file.attrs.__delitem__("provenance"), "provenance"),
        (set_attribute(ATTRIBUTE, "{}"), "attribute checksums does not match its own"),
        (set_attribute(ATTRIBUTE, "[" * 9), "Expecting value"),
        (set_attribute(ATTRIBUTE, 3), "attribute checksums is not text"),
    ],
)
def test_a_change_is_refused_by_its_name(surface, change, words):
    edit(surface, change)
    with pytest.raises(StoreError, match=f"s.h5: a damaged surface file .*{words}"):
        read_surface(surface)


def test_a_stored_byte_is_refused_by_the_name_of_its_array(surface):
    with h5py.File(surface) as file:
        place = file[LOSS].id.get_chunk_info(0).byte_offset
    content = bytearray(surface.read_bytes())
    content[place + 7] ^= 0x40
    surface.write_bytes(content)
    with pytest.raises(StoreError, match=f"{LOSS} does not match its checksum"):
        read_surface(surface)
    with h5py.File(surface) as file, pytest.raises(OSError, match="read"):
        file[LOSS][()]


def test_an_index_that_hides_a_chunk_is_refused(surface):
    """HDF5 reads an array as zeros if the table of its chunks says that there are none."""
    with h5py.File(surface) as file:
        at = file[LOSS].id.get_chunk_info(0).byte_offset
    content = bytearray(surface.read_bytes())
    table = content.index(b"TREE", content.index(at.to_bytes(8, "little")) - 200)
    content[table + 6 : table + 8] = bytes(2)
    surface.write_bytes(content)
    with h5py.File(surface) as file:
        assert not file[LOSS][()].any()
    with pytest.raises(StoreError, match=rf"{LOSS}.*(more than the file holds|checksum)"):
        read_surface(surface)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file["xdirection/0"].__setitem__((0, 0), 9), "xdirection/0 does not match"),
        (lambda file: file["xdirection/1"].__setitem__((), 9), "xdirection/1 does not match"),
        (lambda file: file["xdirection/0"].attrs.__setitem__("name", "v"), "name of xdirection/0"),
        (lambda file: file["xdirection/1"].attrs.__delitem__("name"), "name of xdirection/1"),
        (lambda file: file.__delitem__("xdirection/2"), "xdirection/2 is missing"),
    ],
)
def test_changed_directions_are_refused(directions, trajectory, change, words):
    for path in (directions, trajectory):
        edit(path, change)
        with pytest.raises(StoreError, match=words):
            read_direction(path, "x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f["trajectory/coordinates"].__setitem__((0, 0), 9), "trajectory/coordinates"),
        (lambda f: f["trajectory/labels"].__setitem__(0, b"first"), "trajectory/labels does not"),
        (lambda f: f["trajectory/epochs"].__setitem__(0, 1), "trajectory/epochs does not match"),
        (lambda f: f.__delitem__("trajectory/epochs"), "trajectory/epochs is missing"),
        (set_attribute("checkpoint_sha256", "c"), "attribute checkpoint_sha256 does not match"),
    ],
)
def test_a_changed_trajectory_is_refused(trajectory, change, words):
    assert read_trajectory(trajectory).labels == ("start", "ünd")
    edit(trajectory, change)
    with pytest.raises(StoreError, match=words):
        read_trajectory(trajectory)


def test_complex_tensors_are_read_as_written(directions):
    name, entries = read_direction(directions, "x")[3]
    assert (name, entries.dtype) == ("c", np.complex64)
    np.testing.assert_array_equal(entries, TENSORS["c"])


def test_files_without_checksums_and_what_users_add_are_read(surface):
    edit(surface, lambda file: file.__setitem__("values/train/mine", np.ones((4, 5))))
    edit(surface, set_attribute("note", "after the talk"))
    assert read_surface(surface).values["train", "mine"].all()
    with unsealed(surface) as file:
        file[LOSS][0, 0] = 5
    assert read_surface(surface).values["train", "loss"][0, 0] == 5


def test_a_stored_sha256_of_a_direction_is_compared_without_checksums_too(tmp_path):
    """In files of earlier versions, which hashed bfloat16 and stored float32."""
    torch = pytest.importorskip("torch")
    from landscape_cli.geometry.parameters import digest

    wide = {"w": torch.arange(6.0).reshape(2, 3) / 7, "b": torch.zeros(2, dtype=torch.float64)}
    short = {"w": wide["w"].bfloat16(), "b": torch.zeros(3, dtype=torch.bfloat16)}
    for number, tensors in enumerate((wide, short)):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w") as file:
            for key, (name, tensor) in enumerate(tensors.items()):
                exact = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
                file[f"xdirection/{key}"] = exact.numpy()
                file[f"xdirection/{key}"].attrs["name"] = name
            file["xdirection"].attrs["sha256"] = digest(tensors)
        assert len(read_direction(path, "x")) == 2
        shutil.copy(path, tmp_path / "changed.h5")
        edit(tmp_path / "changed.h5", lambda f: f["xdirection/0"].__setitem__((1, 1), 1 / 3))
        with pytest.raises(StoreError, match="xdirection does not match its SHA-256"):
            read_direction(tmp_path / "changed.h5", "x")


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4), st.sampled_from([1, 4, 8, 16]))
def test_chunks_cover_an_array_in_few_equal_parts(shape, itemsize):
    chunk = chunk_shape(tuple(shape), itemsize)
    assert len(chunk) == len(shape)
    assert all(1 <= part <= whole for part, whole in zip(chunk, shape, strict=True))
    size = itemsize * np.prod(chunk, dtype=float)
    assert size <= LARGEST_CHUNK
    whole = itemsize * np.prod(shape, dtype=float)
    assert size == whole or 4 * size > min(SMALLEST_CHUNK, whole) / 4
    count = np.prod([-(-n // c) for n, c in zip(shape, chunk, strict=True)], dtype=float)
    assert count * size < 2 ** len(shape) * whole
    assert chunk_shape((), 8) is chunk_shape((0, 3), 8) is None

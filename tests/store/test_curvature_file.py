from dataclasses import fields, replace

import h5py
import numpy as np
import pytest

from landscape_cli.errors import StoreError
from landscape_cli.records.curvature import Block, Curvature, Density, Trace
from landscape_cli.records.tiles import Status
from landscape_cli.store.curvature_file import (
    Eigenvectors,
    proposed_end,
    read_curvature,
    read_eigenvectors,
    write_curvature,
)
from landscape_cli.store.directions_file import read_direction, read_range
from landscape_cli.store.file_kind import CURVATURE, check_replaceable, file_kind
from landscape_cli.store.verification import verify

NAN = np.nan
TRACE = Trace(np.array([5.0, NAN]), np.array([0.5, NAN]), 3, np.array([[4, 5, 6], [NAN] * 3]))
RECORD = Curvature(
    "ggn",
    parameters=100,
    labels=("a", "bé"),
    status=np.array([Status.OK, Status.TODO], np.uint8),
    eigenvalues=np.array([[3.0, 2.0, -1.0], [NAN] * 3]),
    residuals=np.array([[0.1, 0.2, 0.3], [NAN] * 3]),
    top=2,
    epochs=(0, 10),
    learning_rates=(0.1, NAN),
    gradient_norm=np.array([1.0, NAN]),
    gradient_share=np.array([0.5, NAN]),
    density=Density(np.arange(40.0).reshape(2, 4, 5), np.full((2, 4, 5), 0.2)),
    trace=TRACE,
    blocks=(Block("fc.*", 10, np.ones((2, 1)), np.zeros((2, 1)), TRACE),),
    loss=np.array([0.25, NAN]),
    rounding=np.array([1e-6, NAN]),
    second_differences=np.array([[3.1, -0.9], [NAN, NAN]]),
    difference_step=0.01,
    critical_sharpness=np.array([1.5, NAN]),
    progress={"trace": np.array([3, 0])},
    config={"problem": "a:b"},
    provenance={"network": {"name": "net"}, "split": "train"},
)
VECTORS = Eigenvectors(
    0,
    {
        number: {"w": np.full((2, 3), number, np.float32), "b": np.array(0.5, np.float32)}
        for number in (1, 2, -1)
    },
)


@pytest.fixture
def path(tmp_path):
    write_curvature(tmp_path / "net.curvature.h5", RECORD, VECTORS)
    return tmp_path / "net.curvature.h5"


def same(one, other):
    """Compare two values, and what they consist of."""
    if isinstance(one, Curvature | Density | Trace | Block):
        assert type(one) is type(other)
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, tuple) and one and isinstance(one[0], Block):
        for block, another in zip(one, other, strict=True):
            same(block, another)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key, value in one.items():
            same(value, other[key])
    else:
        np.testing.assert_array_equal(one, other)


def test_everything_comes_back(path):
    same(RECORD, read_curvature(path))
    found = read_eigenvectors(path, RECORD)
    assert found.checkpoint == 0
    assert list(found.tensors) == [1, 2, -1]
    same(found.tensors[-1], VECTORS.tensors[-1])


def test_what_was_not_asked_for_is_missing(tmp_path):
    bare = {"density": None, "trace": None, "blocks": (), "epochs": None, "learning_rates": None}
    record = replace(RECORD, **bare, gradient_share=None)
    write_curvature(tmp_path / "bare.h5", record)
    same(record, read_curvature(tmp_path / "bare.h5"))
    assert read_eigenvectors(tmp_path / "bare.h5", record) is None
    with h5py.File(tmp_path / "bare.h5") as file:
        assert not {"density", "trace", "blocks", "epochs", "gradient_share"} & set(file)


def test_eigenvectors_are_directions(path):
    entries = read_direction(path, "eigenvector-1")
    assert [name for name, _ in entries] == ["w", "b"]
    np.testing.assert_array_equal(entries[0][1], VECTORS.tensors[-1]["w"])
    for axis, number in (("x", 1), ("y", 2)):
        np.testing.assert_array_equal(read_direction(path, axis)[0][1][0, 0], number)
    with pytest.raises(StoreError, match=r"eigenvectors -1, 1, 2: choose one with the key index"):
        read_direction(path, "eigenvector7")


def test_ranges_end_where_the_loss_has_changed_by_its_value(path):
    low, high = read_range(path, "eigenvector-1")
    assert (low, high) == (-0.71, 0.71)  # sqrt(2 * 0.25 / 1)
    assert read_range(path, "x") == read_range(path, "eigenvector1") == (-0.41, 0.41)
    assert read_range(path, "z") is None


@pytest.mark.parametrize(
    ("eigenvalue", "loss", "end"),
    [(2.0, 1e-9, 0.32), (0.0, 1.0, None), (1.0, np.nan, None), (-8.0, -1.0, 0.5), (0, 1, None)],
)
def test_the_end_of_a_range(eigenvalue, loss, end):
    assert proposed_end(eigenvalue, loss) == end


def test_an_eigenvalue_lost_in_rounding_proposes_no_range():
    assert proposed_end(1e-9, 1.0, 1e-8) is None
    assert proposed_end(-1e-7, 1.0, 1e-8) == 4500


def test_the_kind_is_known_and_another_is_not_replaced(path):
    assert file_kind(path) == CURVATURE
    check_replaceable(path, CURVATURE)
    with pytest.raises(StoreError, match="a file with curvature and not one with a surface"):
        check_replaceable(path, "surface")
    (line,) = verify(path)
    assert "match their checksums; directions: eigenvector-1, eigenvector1, eigenvector2" in line


@pytest.mark.parametrize("name", ["eigenvalues", "trace/probes", "eigenvector1direction/0"])
def test_damage_is_found(path, name):
    with h5py.File(path, "r+") as file:
        file[name][0] = 17
    with pytest.raises(StoreError, match="does not match its checksum"):
        verify(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.attrs.modify("format_version", 7), "format_version"),
        (lambda file: file.__delitem__("eigenvalues"), "eigenvalues is missing"),
        (lambda file: file.attrs.modify("format", "loss-landscape"), "not one made by"),
    ],
)
def test_other_files_are_refused(path, change, message):
    with h5py.File(path, "r+") as file:
        del file.attrs["checksums"]
        change(file)
    with pytest.raises(StoreError, match=message):
        read_curvature(path)


def test_arrays_that_do_not_fit_each_other_are_damage(path):
    with h5py.File(path, "r+") as file:
        del file.attrs["checksums"]
        del file["residuals"]
        file["residuals"] = np.zeros((2, 2))
    with pytest.raises(StoreError, match="damaged curvature file .*residuals has shape"):
        read_curvature(path)


def test_a_file_of_one_checkpoint_has_no_dimension_for_it(tmp_path):
    def first(value):
        if isinstance(value, Density | Trace | Block):
            parts = {field.name: first(getattr(value, field.name)) for field in fields(value)}
            return type(value)(**parts)
        if isinstance(value, tuple):
            blocks = bool(value) and isinstance(value[0], Block)
            return tuple(first(block) for block in value) if blocks else value[:1]
        return value[:1] if isinstance(value, np.ndarray) else value

    parts = {field.name: first(getattr(RECORD, field.name)) for field in fields(RECORD)}
    parts["progress"] = {"trace": np.array([3])}
    record, path = Curvature(**parts), tmp_path / "one.curvature.h5"
    write_curvature(path, record)
    with h5py.File(path) as file:
        assert file["eigenvalues"].shape == file["residuals"].shape == (3,)
        assert file["trace/mean"].shape == file["gradient_norm"].shape == ()
        assert file["trace/probes"].shape == (3,)
        assert file["density/nodes"].shape == (4, 5)
        assert file["blocks/0/eigenvalues"].shape == (1,)
    same(record, read_curvature(path))
    verify(path)

"""Diffusion files: everything comes back, and what is none is refused."""

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import StoreError
from landscape_cli.records.dynamics.diffusion import Diffusion, KernelSums, Null, Onto, Spectrum
from landscape_cli.store.curve_file import read_curve
from landscape_cli.store.diffusion_file import read_diffusion, write_diffusion
from landscape_cli.store.file_kind import DIFFUSION, SURFACE, check_replaceable, file_kind
from landscape_cli.store.verification import verify


def unfinished(count=4):
    """A map of which one distance is known."""
    distances2 = np.full((count, count), np.nan)
    distances2[0, 0] = 0.0
    return Diffusion(
        labels=tuple(f"é{number}" for number in range(count)),
        training=np.arange(count) % 2,
        names=("small batch", "large"),
        parameters=7,
        distances2=distances2,
        squares=np.full(count, np.nan),
        config={"problem": "a:b"},
        provenance={"network": {"name": "net"}, "request": {"components": 2}},
    )


def complete(count=4, components=2):
    """A map with everything that a file can hold."""
    numbers = np.random.default_rng(0)

    def some(*shape):
        return numbers.normal(size=shape)

    def spectrum():
        return some(components + 1)

    return replace(
        unfinished(count),
        distances2=some(count, count),
        squares=some(count),
        alpha=0.5,
        epsilon=0.25,
        chosen="median",
        eigenvalues=spectrum(),
        coordinates=some(count, components),
        time=0.0,
        spectra=(Spectrum(0.5, spectrum()), Spectrum(2.0, spectrum())),
        kernel=KernelSums(some(9), some(9)),
        dimension=1.8,
        statistics={"gap": 3.0, "time": 0.9},
        nulls=tuple(
            Null(
                kind, 3, some(5), some(5, components + 1), some(count, components), {"gap": some(5)}
            )
            for kind in ("permuted", "walk")
        ),
        pca=some(count, 2),
        explained=np.array([0.9, 0.05]),
        epochs=np.arange(count) / 2,
        steps=np.arange(count) * 10.0,
        losses=np.full(count, np.inf),
        learning_rates=np.full(count, np.nan),
        onto=Onto(
            ("a",), some(1, components), some(1), np.array([2]), np.array([2]), ("other",), some(1)
        ),
    )


def same(found, expected):
    """Compare records, and all that they consist of."""
    if is_dataclass(expected):
        for field in fields(expected):
            same(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(expected, tuple) and expected and is_dataclass(expected[0]):
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for name in expected:
            same(found[name], expected[name])
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("record", [unfinished(), complete()], ids=["unfinished", "complete"])
def test_everything_comes_back(record, tmp_path):
    path = tmp_path / "a.diffusion.h5"
    write_diffusion(path, record)
    found = read_diffusion(path)
    same(found, record)
    assert found.complete == record.complete
    assert file_kind(path) == DIFFUSION
    assert str(path) in verify(path)[0]


@given(st.integers(1, 6), st.integers(1, 3))
def test_any_size_comes_back(tmp_path_factory, count, components):
    path = tmp_path_factory.getbasetemp() / "any.diffusion.h5"
    record = complete(count, components)
    write_diffusion(path, record)
    same(read_diffusion(path), record)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"squares": np.zeros(3)}, "squares has shape"),
        ({"training": np.full(4, 2)}, "belongs to no training"),
        ({"eigenvalues": None}, "or these without those"),
        ({"eigenvalues": np.zeros(2)}, "eigenvalues has shape"),
        ({"pca": np.zeros((4, 3))}, "pca has shape"),
        ({"epochs": np.zeros(2)}, "epochs has shape"),
        ({"kernel": KernelSums(np.zeros(2), np.zeros(3))}, "kernel.sums has shape"),
        ({"nulls": (replace(complete().nulls[0], epsilons=np.zeros(2)),)}, "null permuted has"),
        ({"nulls": (replace(complete().nulls[0], statistics={"a": np.zeros(2)}),)}, "2 of a"),
        ({"onto": replace(complete().onto, reach=np.zeros(2))}, "onto.reach has shape"),
        ({"onto": replace(complete().onto, training=np.zeros(1, int))}, "belongs to no training"),
    ],
)
def test_arrays_that_do_not_match_are_refused(changes, words):
    with pytest.raises(StoreError, match=words):
        replace(complete(), **changes)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.diffusion.h5"
    write_diffusion(path, complete())
    with pytest.raises(StoreError, match="landscape connect"):
        read_curve(path)
    with pytest.raises(StoreError, match="a diffusion map"):
        check_replaceable(path, SURFACE)
    check_replaceable(path, DIFFUSION)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StoreError, match="a.diffusion.h5"):
        read_diffusion(path)
    assert file_kind(path) == DIFFUSION

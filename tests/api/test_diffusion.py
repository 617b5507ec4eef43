"""Diffusion maps from a notebook: read, drawn, described and exported like surfaces."""

import numpy as np
import pytest

import landscape_cli as landscape
from landscape_cli.store.diffusion_file import write_diffusion
from support.diffusion_maps import made_map


@pytest.fixture
def record(tmp_path):
    write_diffusion(tmp_path / "a.diffusion.h5", made_map(10, draws=2))
    return landscape.read_diffusion(tmp_path / "a.diffusion.h5")


def test_a_map_is_drawn(record):
    figure = landscape.plot(record, "map", quantity="loss", size="column", cmap="magma")
    assert figure.get_figwidth() == 3.5
    assert figure.axes[0].get_xlabel() == r"$\lambda_{1}\,\psi_{1}$"


def test_a_map_is_described(record):
    numbers = landscape.describe(record)
    assert numbers["eigenvalues"] == record.eigenvalues.tolist()
    assert {one["null"] for one in numbers["comparisons"]} == {"walk", "permuted"}


def test_a_map_is_exported(record, tmp_path):
    path = landscape.export(record, tmp_path / "a.npz")
    with np.load(path) as file:
        assert file["distances"].shape == (10, 10)
    assert landscape.export(record, tmp_path / "b.csv", quantity="distances").exists()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda record: landscape.plot(record, "contour"), "kind: got 'contour', expected one of"),
        (lambda record: landscape.plot(record, levels=3), "levels: does not apply to diffusion"),
        (lambda record: landscape.plot(record, labels=["a"]), "labels: does not apply"),
        (lambda record: landscape.plot(record, style="neon"), "style: got 'neon'"),
        (lambda record: landscape.plot(record, quantity="accuracy"), "the map has epoch, step"),
        (lambda record: landscape.export(record, "a.stl"), "has the extension of no format"),
        (lambda record: landscape.export(record, "a.npz", size=3.0), "--size: does not apply"),
        (lambda record: landscape.export(record, "a.npz", colour=3.0), "no option 'colour'"),
    ],
)
def test_what_does_not_apply_is_refused(record, call, words):
    with pytest.raises(landscape.LandscapeError, match=words):
        call(record)

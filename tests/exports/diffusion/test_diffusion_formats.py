"""Exports of diffusion maps hold the record's numbers; tests/browser tries the page."""

import base64
import csv
import gzip
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options
from landscape_cli.exports.diffusion import DIFFUSION_FORMATS
from landscape_cli.exports.diffusion.files import export_diffusion
from support.diffusion_maps import made_map

FILE = "a.diffusion.h5"
RECORD = made_map(12, 2, draws=3, onto=4)


@pytest.fixture
def write(tmp_path):
    def write(name, record=RECORD, **options):
        path = tmp_path / f"out{DIFFUSION_FORMATS[name].ending}"
        export_diffusion(name, record, FILE, path, Options(**options))
        return path

    return write


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_archive_has_distances_and_coordinates(write):
    with np.load(write("npz")) as file:
        np.testing.assert_array_equal(file["distances"] ** 2, np.sqrt(RECORD.distances2) ** 2)
        assert np.diag(file["distances"]).max() == 0
        for name in ("coordinates", "eigenvalues", "pca", "losses", "training", "distances2"):
            np.testing.assert_array_equal(file[name], getattr(RECORD, name))
        np.testing.assert_array_equal(file["onto/coordinates"], RECORD.onto.coordinates)
        assert file["labels"].tolist() == list(RECORD.labels)
        assert json.loads(str(file["provenance"])) == {"network": {"name": "MLP"}}
        walk = next(null for null in RECORD.nulls if null.kind == "walk")
        np.testing.assert_array_equal(file["nulls/walk/coordinates"], walk.coordinates)


def test_the_distances_give_the_principal_components_back(write):
    with np.load(write("npz")) as file:
        squares = file["distances"] ** 2
        centred = squares - squares.mean(0) - squares.mean(1)[:, None] + squares.mean()
        values, vectors = np.linalg.eigh(-centred / 2)
        found = vectors[:, :-3:-1] * np.sqrt(values[:-3:-1])
    np.testing.assert_allclose(np.abs(found), np.abs(RECORD.pca), atol=1e-8)


def test_the_table_has_a_row_for_each_checkpoint(write):
    found = rows(write("csv"))
    assert list(found[0]) == [
        "checkpoint", "training", "onto", "epoch", "step", "loss", "learning_rate",
        "psi_1", "psi_2", "psi_3", "psi_4", "pca_1", "pca_2",
    ]  # fmt: skip
    own, further = found[:24], found[24:]
    assert [float(row["psi_2"]) for row in own] == RECORD.coordinates[:, 1].tolist()
    assert [float(row["loss"]) for row in own] == RECORD.losses.tolist()
    assert [row["training"] for row in own] == ["seed 0"] * 12 + ["seed 1"] * 12
    assert [row["onto"] for row in found] == ["0"] * 24 + ["1"] * 4
    assert further[0]["psi_1"] == ""  # out of the kernel's reach
    assert further[1]["loss"] == ""
    assert [float(row["epoch"]) for row in further] == [0.5, 1.5, 2.5, 3.5]


def test_infinite_losses_are_kept_and_unknown_ones_empty(write):
    losses = np.where(np.arange(24) == 0, np.inf, np.nan)
    found = rows(write("csv", replace(RECORD, losses=losses, onto=None)))
    assert [row["loss"] for row in found[:2]] == ["inf", ""]


def test_the_matrix_of_distances(write):
    path = write("csv", quantity="distances")
    lines = list(csv.reader(path.open(encoding="utf-8")))
    assert lines[0] == ["checkpoint", *RECORD.labels]
    matrix = np.array([[float(cell) for cell in line[1:]] for line in lines[1:]])
    np.testing.assert_array_equal(matrix, np.sqrt(RECORD.distances2))


def test_a_table_is_replaced_by_another_and_a_foreign_one_is_not(write):
    write("csv")
    path = write("csv", quantity="distances")
    path.write_text("label,mine\n")
    with pytest.raises(UsageError, match="no csv file"):
        write("csv")


@pytest.mark.parametrize("name", ["csv", "npz"])
@pytest.mark.parametrize(
    "changes",
    [
        {"onto": None, "nulls": (), "pca": None, "explained": None},
        {"epochs": None, "steps": None, "losses": None, "learning_rates": None},
    ],
)
def test_what_is_unknown_is_left_out(write, name, changes):
    path = write(name, replace(RECORD, **changes))
    if name == "npz":
        with np.load(path) as file:
            assert "distances" in file
            assert not set(changes) & set(file)
    else:
        assert len(rows(path)) == 24 + 4 * ("onto" not in changes)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("npz", {"quantity": "distances"}, "--quantity: does not apply to diffusion files as npz"),
        ("csv", {"quantity": "loss"}, "--quantity 'loss': expected coordinates or distances"),
        ("csv", {"log": False}, "--log/--linear: does not apply"),
        ("html", {"split": "train"}, "--split: does not apply to diffusion files as html"),
    ],
)
def test_what_does_not_apply_is_refused(write, tmp_path, name, options, words):
    with pytest.raises(UsageError, match=words):
        write(name, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", DIFFUSION_FORMATS)
def test_an_unfinished_map_is_refused(write, name):
    with pytest.raises(UsageError, match="its map is not computed yet"):
        write(name, replace(RECORD, coordinates=None, eigenvalues=None, onto=None))


def test_surfaces_formats_are_refused(tmp_path):
    with pytest.raises(UsageError, match="--to stl: a.diffusion.h5 is a diffusion file; use one"):
        export_diffusion("stl", RECORD, FILE, tmp_path / "a.stl", Options())


def data_of(text):
    packed = re.search(r'<script id="data"[^>]*>([^<]*)<', text)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


@pytest.mark.extras("plotly")
def test_the_page_is_self_contained(write):
    text = write("html").read_text(encoding="utf-8")
    assert "default-src &#x27;none&#x27;" in text
    assert not re.search(r"""(src|href)=(?!["']data:,)""", text)
    data = data_of(text)
    assert [view["name"] for view in data["views"]] == [
        "diffusion map", "random walk's map", "map of permuted steps", "principal components",
    ]  # fmt: skip
    assert data["views"][0]["axes"] == ["λ₁ψ₁", "λ₂ψ₂", "λ₃ψ₃", "λ₄ψ₄"]
    assert data["eigenvalues"]["own"] == RECORD.eigenvalues.tolist()
    assert any("3 random walks with the same step lengths" in text for text in data["sentences"])


@pytest.mark.extras("plotly")
def test_a_page_takes_numbers_that_are_none(write):
    null = replace(RECORD.nulls[0], eigenvalues=np.full((3, 5), np.nan))
    record = replace(RECORD, nulls=(null,), losses=np.full(24, np.inf))
    data = data_of(write("html", record).read_text(encoding="utf-8"))
    assert data["eigenvalues"]["nulls"][0]["low"] == [None] * 5
    assert "loss" not in data["quantities"]


def test_a_page_needs_two_coordinates(write):
    with pytest.raises(UsageError, match="has 1 coordinate; compute more with --components"):
        write("html", made_map(8, components=1, kinds=()))

"""Which files a report takes, which it leaves out with a note, and which it refuses."""

from dataclasses import replace
from pathlib import Path

import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.errors import UsageError
from landscape_cli.reports.finding import find_material
from landscape_cli.run.resume import resolve
from landscape_cli.store import write_surface
from landscape_cli.store.curvature_file import write_curvature

from .conftest import OTHER, SHA, facts, net, spectrum


def names(material):
    return [source.name for source in material.sources]


def test_a_configuration_finds_its_output_and_the_files_beside_it(folder):
    write_surface(folder / "net_line.h5", net(lambda x: x**2, "-1:1:5"))
    write_surface(folder / "netless.h5", net(sha256=OTHER))
    write_surface(folder / "network.h5", net())
    material = find_material(["net.yaml"])
    assert names(material) == ["net.h5", "net_line.h5", "net.curvature.h5"]
    assert material.stem == "net"
    assert material.notes == []


def test_files_of_another_checkpoint_are_left_out_with_a_note(folder):
    write_curvature(folder / "net.curvature.h5", spectrum(OTHER))
    write_surface(folder / "net-zoom.h5", net(sha256=OTHER))
    write_surface(folder / "net_other.h5", net(sha256=OTHER, name="Another net"))
    material = find_material(["net.yaml"])
    assert names(material) == ["net.h5"]
    assert material.notes == [
        "net-zoom.h5 was left out: it is of another checkpoint than net.h5.",
        "net.curvature.h5 was left out: it is of another checkpoint than net.h5.",
    ]


def test_a_file_of_another_checkpoint_is_refused_if_it_is_named(folder):
    write_surface(folder / "other.h5", net(sha256=OTHER))
    for given in (["net.yaml", "other.h5"], ["net.h5", "other.h5"]):
        with pytest.raises(UsageError, match=r"other\.h5 is of another checkpoint than net\.h5"):
            find_material(given)


def test_the_same_tensors_from_another_file_are_the_same_network(folder):
    copied = facts()
    copied["checkpoint"] = {"path": "runs/copy.pt", "sha256": OTHER}
    write_surface(folder / "copy.h5", replace(net(), provenance=copied))
    assert names(find_material(["net.h5", "copy.h5"])) == ["net.h5", "copy.h5"]


def test_a_file_that_names_no_checkpoint_is_taken_with_a_note(folder):
    write_surface(folder / "old.h5", replace(net(), provenance={}))
    material = find_material(["net.h5", "old.h5"])
    assert names(material) == ["net.h5", "old.h5"]
    (note,) = material.notes
    assert note.startswith("old.h5 was taken unchecked")


def test_a_file_is_taken_once(folder):
    assert names(find_material(["net.yaml", "net.h5", "./net.h5"])) == [
        "net.h5",
        "net.curvature.h5",
    ]


def test_a_changed_configuration_is_noted(folder):
    config = facts()
    stored = resolve(load_config("net.yaml", {"directions.y.seed": 9})).model_dump(mode="json")
    write_surface(folder / "net.h5", replace(net(), config=stored, provenance=config))
    assert find_material(["net.yaml"]).notes == [
        "net.h5 was computed with other settings than those of net.yaml: directions.y.seed: 9 in "
        "net.h5, 2 in net.yaml. The report is about the file."
    ]
    stored = resolve(load_config("net.yaml")).model_dump(mode="json")
    write_surface(folder / "net.h5", replace(net(), config=stored, provenance=config))
    assert find_material(["net.yaml"]).notes == []


def test_a_changed_checkpoint_is_noted(folder):
    (folder / "now.pt").write_bytes(b"other weights")
    with (folder / "net.yaml").open("a") as file:
        file.write("checkpoint: now.pt\n")
    assert find_material(["net.yaml"]).notes == [
        "The checkpoint now.pt is not the one that net.h5 was computed for. The report is about "
        "the file's."
    ]


def test_a_damaged_file_beside_the_output_is_left_out_with_a_note(folder):
    whole = (folder / "net.curvature.h5").read_bytes()
    (folder / "net.curvature.h5").write_bytes(whole[: len(whole) // 2])
    material = find_material(["net.yaml"])
    assert names(material) == ["net.h5"]
    assert material.notes[0].startswith("net.curvature.h5 was left out, since it can't be read")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["net.yaml", "net.yml"], "got 2 configurations, net.yaml, net.yml"),
        (["missing.h5"], "missing.h5 is not there"),
        (["text.h5"], "text.h5 is no file that reports show"),
        (["empty.yaml"], "its output empty.h5 is not there.*landscape compute empty.yaml"),
        (["."], ". is a folder"),
        ([], "name a configuration, or at least one file"),
    ],
)
def test_what_is_refused(folder, given, message):
    (folder / "text.h5").write_text("no data")
    (folder / "empty.yaml").write_text("problem: a:b\ngrid: {x: [-1, 1, 5]}\noutput: empty.h5\n")
    with pytest.raises(UsageError, match=message):
        find_material(given)


def test_an_output_that_is_no_surface_is_refused(folder):
    Path("net.h5").unlink()
    Path("net.curvature.h5").rename("net.h5")
    with pytest.raises(UsageError, match="net.h5 is no surface but a curvature file"):
        find_material(["net.yaml"])


def test_a_spectrum_alone_is_reported(folder):
    Path("net.h5").unlink()
    assert names(find_material(["net.yaml"])) == ["net.curvature.h5"]
    assert SHA in str(find_material(["net.curvature.h5"]).sources[0].record.provenance)

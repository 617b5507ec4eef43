"""Files of a recording against the safetensors library, which knows nothing of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load, load_file

from landscape_cli.store.recordings.facts import Facts
from landscape_cli.store.recordings.layout import SIZES, Layout, Spec
from landscape_cli.store.recordings.writing import write_joined, write_single

DTYPES = {"F64": "f8", "F32": "f4", "F16": "f2", "I64": "i8", "U8": "u1", "BOOL": "?", "I16": "i2"}
names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8).filter(
    lambda name: name != "__metadata__"
)
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
specs = st.dictionaries(names, st.tuples(st.sampled_from(sorted(DTYPES)), shapes), max_size=6)


def filled(layout, number):
    """Return the arrays of a step by name, and their bytes."""
    chance = np.random.default_rng(number)
    arrays = {
        spec.name: chance.integers(0, 2, spec.shape).astype(DTYPES[spec.dtype])
        for spec in layout.specs
    }
    return arrays, b"".join(arrays[spec.name].tobytes() for spec in layout.specs)


@given(specs=specs, steps=st.lists(st.integers(0, 10**9), min_size=1, max_size=4, unique=True))
def test_the_library_reads_single_and_joined_files(tmp_path_factory, specs, steps):
    folder, steps = tmp_path_factory.mktemp("recording"), sorted(steps)
    layout = Layout(Spec(name, *one) for name, one in specs.items())
    each = [filled(layout, step) for step in steps]
    facts = [Facts(step) for step in steps]
    single = write_single(folder, facts[0], layout, memoryview(each[0][1]))
    for name, array in load_file(single.path).items():
        np.testing.assert_array_equal(array, each[0][0][name], strict=True)
    joined = write_joined(folder, facts, layout, [memoryview(data) for _, data in each])
    found = load_file(joined.path)
    assert len(found) == len(steps) * len(specs)
    for step, (arrays, _) in zip(steps, each, strict=True):
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[f"{step}/{name}"], array, strict=True)
    with safe_open(joined.path, "np") as file:
        assert file.metadata()["recording"] == "1"


def test_every_tensor_is_aligned(tmp_path):
    layout = Layout([Spec("flag", "BOOL", (3,)), Spec("w", "F32", (5,)), Spec("n", "I64", ())])
    entries = layout.header(["1/", "2/", "3/"])
    for name, entry in entries.items():
        assert entry["data_offsets"][0] % SIZES[entry["dtype"]] == 0, name
    assert [spec.name for spec in layout.specs] == ["n", "w", "flag"]


def test_a_single_file_is_a_plain_one(tmp_path):
    layout = Layout([Spec("w", "F32", (2,))])
    data = np.array([1, 2], "f4").tobytes()
    path = write_single(tmp_path, Facts(7, epoch=0.5, lr=0.1), layout, memoryview(data)).path
    assert path.name == "recorded-0000000007.safetensors"
    np.testing.assert_array_equal(load(path.read_bytes())["w"], [1, 2])
    with safe_open(path, "np") as file:
        found = file.metadata()
    assert (found["step"], found["epoch"], found["lr"]) == ("7", "0.5", "0.1")


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F4", "shape": [1]},
        {"dtype": "F32", "shape": [-1]},
        {"dtype": "F32", "shape": [True]},
        {"dtype": "F32", "shape": [1.0]},
        {"shape": [1]},
    ],
)
def test_malformed_headers_are_refused(entry):
    with pytest.raises((ValueError, KeyError)):
        Layout.of_header({"w": entry})

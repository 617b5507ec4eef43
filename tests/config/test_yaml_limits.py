"""Tests of limits for YAML, and of keys that are there twice."""

import itertools
import os
import time

import pytest
import yaml

from landscape_cli.config.loading import load_config, parse_config
from landscape_cli.config.overrides import parse_changes
from landscape_cli.config.run_config import RunConfig
from landscape_cli.config.yaml_io import load_stored_yaml, load_yaml
from landscape_cli.config.yaml_limits import DEEPEST, MOST_CHARACTERS, MOST_VALUES
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis

NAMES = "abcdefghi"


def aliases(lists=True):
    """Each of nine lists or mappings repeats the one before nine times."""
    lines = ["a: &a [x, x]" if lists else "a: &a {k: 1, l: 2}"]
    for before, name in itertools.pairwise(NAMES):
        repeated = ", ".join([f"*{before}"] * 9)
        content = f"[{repeated}]" if lists else f"{{<<: [{repeated}]}}"
        lines.append(f"{name}: &{name} {content}")
    return "\n".join(lines)


BOMBS = {
    "aliases": (aliases(), "its aliases repeat more than 100000 values"),
    "merges": (aliases(lists=False), "its aliases repeat more than 100000 values"),
    "a cycle": ("a: &a [*a]", r"the alias \*a is part of what it repeats"),
    "a cycle of mappings": ("a: &a {b: {c: *a}}", r"the alias \*a is part of what it repeats"),
    "lists": ("[" * 20_000, f"nested more than {DEEPEST} times"),
    "mappings": ("{a: " * 20_000, f"nested more than {DEEPEST} times"),
    "blocks": ("\n".join("  " * n + "a:" for n in range(400)), "nested more than"),
    "values": ("[" + "x," * (MOST_VALUES + 1) + "]", "more than 100000 values"),
    "length": ("a: " + "x" * MOST_CHARACTERS, f"more than {MOST_CHARACTERS}"),
    "a key twice": ("a: 1\nb: 2\na: 3", "the key 'a' is there twice, first at line 1"),
    "a nested key twice": ("a: {b: 1, c: 2,\n b: 3}", "the key 'b' is there twice"),
    "a quoted key twice": ('a: 1\n"a": 3', "the key 'a' is there twice"),
    "a number in base 60": ("a: 1" + ":59" * 300_000, "more than 400 digits"),
    "a hexadecimal number": ("a: [0x" + "f" * 10_000 + "]", "more than 400 digits"),
    "a fraction": ("a: 0." + "1" * 10_000, "more than 400 digits"),
    "a tag": ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_long_or_is_lost_is_refused(name):
    text, words = BOMBS[name]
    begin = time.perf_counter()
    with pytest.raises((ValueError, yaml.YAMLError), match=words):
        load_stored_yaml(text)
    if name != "values":  # PyYAML takes seconds to refuse so many
        with pytest.raises(UsageError, match=words) as error:
            load_yaml(text, "run.yaml")
        assert "\n" not in str(error.value)
    assert time.perf_counter() - begin < 10


def test_a_key_that_is_there_twice_is_refused_with_its_line():
    text = "problem: a:b\ngrid:\n  x: [-1, 1, 5]\n  y: [-1, 1, 5]\n  x: [-2, 2, 5]\n"
    words = "run.yaml: not valid YAML at line 5, column 3: the key 'x' is there twice, first at"
    with pytest.raises(UsageError, match=f"{words} line 3"):
        parse_config(text, "run.yaml")
    with pytest.raises(UsageError, match="--set grid: .*the key 'x' is there twice"):
        parse_changes(["grid={x: [0, 1, 2], x: [0, 1, 3]}"])


def test_a_bomb_in_the_arguments_of_a_problem_is_refused():
    text = "problem: a:b\ngrid: {x: [0, 1, 2]}\nproblem_args:\n"
    text += "\n".join(f"  {line}" for line in aliases().splitlines())
    with pytest.raises(UsageError, match="run.yaml: .*aliases repeat more than"):
        parse_config(text, "run.yaml")


def test_aliases_and_merges_in_moderation_are_read():
    text = (
        "a: &a {k: 1, l: 2}\nb: [*a, *a]\nc: {<<: *a, k: 3}\nd: {e: {<<: *a, k: 4}, f: &f 5, g: *f}"
    )
    expected = {
        "a": {"k": 1, "l": 2},
        "b": [{"k": 1, "l": 2}] * 2,
        "c": {"k": 3, "l": 2},
        "d": {"e": {"k": 4, "l": 2}, "f": 5, "g": 5},
    }
    assert load_yaml(text, "run.yaml") == load_stored_yaml(text) == expected
    # The inner mapping is merged before it is read itself.
    text = "a:\n  b:\n    c: &c {<<: &d {k: 1}, k: 2}\ne: {<<: *c}"
    assert load_yaml(text, "run.yaml")["e"] == {"k": 2}


def test_keys_that_json_lacks_are_refused_in_stored_configurations():
    assert load_stored_yaml("{1: a, 1.5: b, true: c, null: d, e: [f]}")[1.5] == "b"
    for key in ("2020-01-01", "!!binary aGk="):
        with pytest.raises(ValueError, match="is not a key"):
            load_stored_yaml(f"a: [{{{key}: 1}}]")


def test_a_configuration_that_could_not_be_read_back_is_refused():
    config = RunConfig(
        problem="a:b", problem_args={"a": "x" * MOST_CHARACTERS}, grid={"x": Axis(0, 1, 2)}
    )
    with pytest.raises(UsageError, match="problem_args: .* characters are more than"):
        config.as_yaml()


def test_pipes_and_devices_are_refused_except_those_of_a_shell(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/zero"):
        with pytest.raises(UsageError, match="is a pipe or device; name a file"):
            load_config(str(path))
    reader, writer = os.pipe()
    os.write(writer, b"problem: a:b\ngrid: {x: [0, 1, 2]}\n")
    os.close(writer)
    assert load_config(f"/dev/fd/{reader}").problem == "a:b"
    os.close(reader)
